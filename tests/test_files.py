"""Atomic files and directories: complete under the final name, or not there."""

import errno
import os
import shutil
import stat

import pytest

from wg2 import files


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def no_space(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_file_appears_with_its_content_in_a_new_folder(tmp_path):
    path = tmp_path / "new" / "folder" / "a.bin"
    with files.atomic_write(path) as file:
        file.write(b"\x00\xff")
        assert not path.exists()
    assert path.read_bytes() == b"\x00\xff"
    assert names(path.parent) == ["a.bin"]


def test_text_is_utf8_with_unix_line_ends(tmp_path):
    with files.atomic_write(tmp_path / "a.txt", "w") as file:
        file.write("ʃ\nb\n")
    assert (tmp_path / "a.txt").read_bytes() == "ʃ\nb\n".encode()


def test_file_is_as_readable_as_any_new_file(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    with files.atomic_write(tmp_path / "a.bin") as file:
        file.write(b"x")
    with files.atomic_directory(tmp_path / "voice") as folder:
        (folder / "card").write_text("x")
    (tmp_path / "folder").mkdir()

    def mode(name):
        return stat.S_IMODE((tmp_path / name).stat().st_mode)

    assert mode("a.bin") == mode("plain")
    assert mode("voice") == mode("folder")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("existing", [True, False])
def test_error_while_writing_leaves_the_old_file_and_nothing_else(
    error, existing, tmp_path
):
    path = tmp_path / "a.bin"
    if existing:
        path.write_bytes(b"old")
    with pytest.raises(error), files.atomic_write(path) as file:
        file.write(b"half of the new")
        raise error
    assert names(tmp_path) == (["a.bin"] if existing else [])
    assert not existing or path.read_bytes() == b"old"


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_full_disk_leaves_the_old_file_and_nothing_else(call, tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    monkeypatch.setattr(files.os, call, no_space)
    with pytest.raises(OSError, match="No space") as caught:  # noqa: SIM117
        with files.atomic_write(path) as file:
            file.write(b"new")
    assert caught.value.filename == str(path)
    assert names(tmp_path) == ["a.bin"]
    assert path.read_bytes() == b"old"


def test_error_names_the_file_and_not_the_temporary_one(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory") as caught:  # noqa: SIM117
        with files.atomic_write(tmp_path / "folder") as file:
            file.write(b"x")
    assert str(caught.value).endswith(f": '{tmp_path / 'folder'}'")
    with pytest.raises(FileNotFoundError) as caught:  # noqa: SIM117
        with files.atomic_write(tmp_path / "a.bin"):
            open("another")  # noqa: SIM115
    assert caught.value.filename == "another"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux only")
def test_disk_that_fills_at_the_last_flush_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    full = open("/dev/full", "wb")  # noqa: SIM115
    monkeypatch.setattr(files.os, "fdopen", lambda descriptor, mode: full)
    with pytest.raises(OSError, match="No space"), files.atomic_write(path) as file:
        file.write(b"new")  # buffered: fails on flush
    assert names(tmp_path) == ["a.bin"]
    assert path.read_bytes() == b"old"


@pytest.fixture
def old_voice(tmp_path):
    voice = tmp_path / "voice"
    (voice / "inner").mkdir(parents=True)
    (voice / "inner" / "weights").write_text("old")
    (voice / "gone").write_text("old")
    return voice


def write_voice(folder):
    (folder / "inner").mkdir()
    (folder / "inner" / "weights").write_text("new")


def test_directory_appears_whole(tmp_path):
    target = tmp_path / "models" / "voice"
    with files.atomic_directory(target) as folder:
        write_voice(folder)
        assert not target.exists()
        assert folder.parent == target.parent  # a rename, not a copy
    assert (target / "inner" / "weights").read_text() == "new"
    assert names(target.parent) == ["voice"]


def test_directory_replaces_an_older_one(old_voice):
    with files.atomic_directory(old_voice) as folder:
        write_voice(folder)
        assert (old_voice / "gone").read_text() == "old"
    assert (old_voice / "inner" / "weights").read_text() == "new"
    assert names(old_voice) == ["inner"]
    assert names(old_voice.parent) == ["voice"]


def assert_old(voice):
    assert names(voice) == ["gone", "inner"]
    assert (voice / "inner" / "weights").read_text() == "old"
    assert names(voice.parent) == ["voice"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_error_while_filling_leaves_the_old_directory(error, old_voice):
    with pytest.raises(error), files.atomic_directory(old_voice) as folder:
        write_voice(folder)
        raise error
    assert_old(old_voice)


@pytest.mark.parametrize("call", ["fsync", "chmod"])
def test_full_disk_leaves_the_old_directory(call, old_voice, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(files.os, call, no_space)
        with (
            pytest.raises(OSError, match="No space"),
            files.atomic_directory(old_voice) as folder,
        ):
            write_voice(folder)
    assert_old(old_voice)


@pytest.mark.parametrize("failing", [0, 1])
def test_failed_rename_puts_the_old_directory_back(failing, old_voice, monkeypatch):
    """Replacing takes two renames; the second may fail as well as the first."""
    rename, calls = os.replace, []

    def replace(source, target):
        calls.append(target)
        if len(calls) == failing + 1:
            no_space()
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", replace)
        with (
            pytest.raises(OSError, match="No space"),
            files.atomic_directory(old_voice) as folder,
        ):
            write_voice(folder)
    assert_old(old_voice)


def test_new_directory_stands_even_if_the_old_one_cannot_be_removed(
    old_voice, monkeypatch
):
    def refuse(path, ignore_errors=False):
        if not ignore_errors:
            raise PermissionError(path)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", refuse)
        try:
            with files.atomic_directory(old_voice) as folder:
                write_voice(folder)
        except PermissionError:
            pass
    assert (old_voice / "inner" / "weights").read_text() == "new"


def test_link_to_a_directory_keeps_pointing_at_its_new_content(old_voice):
    """Such as a folder of voices on another disk."""
    link = old_voice.parent / "link"
    link.symlink_to(old_voice)
    with files.atomic_directory(link) as folder:
        write_voice(folder)
    assert link.is_symlink()
    assert (link / "inner" / "weights").read_text() == "new"
    assert names(old_voice) == ["inner"]
    assert names(old_voice.parent) == ["link", "voice"]


def test_file_in_the_place_of_a_directory_is_kept(tmp_path):
    (tmp_path / "voice").write_text("a file")
    with pytest.raises(OSError), files.atomic_directory(tmp_path / "voice") as folder:
        write_voice(folder)
    assert names(tmp_path) == ["voice"]
    assert (tmp_path / "voice").read_text() == "a file"
