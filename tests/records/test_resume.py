"""A killed build leaves nothing half done, and the same command completes it."""

from __future__ import annotations

import os
import pkgutil
import signal
import subprocess
import sys
import time

import pytest
import soundfile

from tests import corpus
from tfrecords_tools import build, building
from wg2.data.dataset import DatasetInfo

# As a user runs it, only with small parts, so that a small corpus has many, and slow
# enough to be killed in time.
PROGRAM = """
import sys, time
from tfrecords_tools import build, building
building.UTTERANCES_PER_PART = 4
prepare = building.prepare

def slowly(*args):
    time.sleep(0.05)
    return prepare(*args)

building.prepare = slowly
if __name__ == "__main__":
    sys.exit(build.main(sys.argv[1:]))
"""
OPTIONS = ("--shard-size", "7", "--validation-percent", "20")


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """60 utterances, two of them without use."""
    folder = corpus.make_corpus(tmp_path_factory.mktemp("corpus"), 60)
    (folder / "wavs" / "utt-0001.wav").unlink()
    soundfile.write(folder / "wavs" / "utt-0030.wav", [0.0] * 800, 8000)
    return folder


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(building, "UTTERANCES_PER_PART", 4)


def arguments(directory, output, *options):
    given = ["--config", "tiny", "--input", directory, "--output", output]
    given += ["--alignments", directory / "TextGrid", "--workers", 1]
    given += ["--decoder", "libsndfile"]  # starts sooner, for each of the small parts
    return [str(value) for value in (*given, *OPTIONS, *options)]


@pytest.fixture(scope="module")
def uninterrupted(directory, tmp_path_factory):
    """What the files should be."""
    output = tmp_path_factory.mktemp("records") / "records"
    assert build.main(arguments(directory, output)) == 0
    return contents(output)


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def num_parts(output):
    folder = output.with_name(f"{output.name}.partial")
    return len(list(folder.glob("part-*.json")))


def test_killed_build_goes_on_and_gives_the_same_bytes(
    directory, uninterrupted, tmp_path, small_parts
):
    program, output = tmp_path / "program.py", tmp_path / "records"
    program.write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, str(program), *arguments(directory, output)],
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    try:
        while num_parts(output) < 3 and process.poll() is None:
            time.sleep(0.002)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL, "it was done before it was killed"
    assert 3 <= num_parts(output) < 15
    assert not output.exists()

    assert build.main(arguments(directory, output)) == 0
    assert contents(output) == uninterrupted
    assert not output.with_name("records.partial").exists()
    skipped = {skip["id"] for skip in DatasetInfo.load(output).skipped}
    assert skipped == {"utt-0001", "utt-0030"}


def stop_at(monkeypatch, owner, name, call):
    """Interrupts the build at the given call of a function."""
    original, calls = getattr(owner, name), []

    def stopping(*args, **options):
        calls.append(args)
        if len(calls) == call:
            raise KeyboardInterrupt
        return original(*args, **options)

    monkeypatch.setattr(owner, name, stopping)


@pytest.mark.parametrize(
    ("place", "call"),
    [
        ("tfrecords_tools.parts.PartWriter.add", 23),
        ("tfrecords_tools.parts.PartWriter.finish", 5),
        ("tfrecords_tools.parts.os.replace", 4),
        ("tfrecords_tools.writer._write_shard", 1),
        ("tfrecords_tools.writer._write_shard", 6),
        ("tfrecords_tools.writer.dataset.file_sha256", 7),
        ("wg2.data.dataset.DatasetInfo.save", 1),
        ("tfrecords_tools.partial.files.publish_directory", 1),
    ],
)
def test_interrupted_anywhere_it_goes_on(
    directory, uninterrupted, tmp_path, monkeypatch, small_parts, capsys, place, call
):
    output = tmp_path / "records"
    with monkeypatch.context() as patch:
        owner, _, name = place.rpartition(".")
        stop_at(patch, pkgutil.resolve_name(owner), name, call)
        assert build.main(arguments(directory, output)) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert not output.exists()
    assert build.main(arguments(directory, output)) == 0
    assert contents(output) == uninterrupted
    assert [path.name for path in tmp_path.iterdir()] == ["records"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--loudness", "-30"), "loudness_lufs=null, this one has -30.0"),
        (("--set", "training.max_frames=900"), "config.training.max_frames="),
        (("--shard-size", "8"), "shard_size=7, this one has 8"),
        (("--speakers", "all"), "does not name its speakers"),
    ],
)
def test_other_options_are_refused_naming_them(
    directory, uninterrupted, tmp_path, monkeypatch, small_parts, capsys, options, named
):
    output = tmp_path / "records"
    with monkeypatch.context() as patch:
        stop_at(patch, building, "prepare", 20)
        assert build.main(arguments(directory, output)) == 130
    done = num_parts(output)
    assert done == 4
    capsys.readouterr()
    assert build.main(arguments(directory, output, *options)) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert named in lines[0]
    assert num_parts(output) == done
    # Those that change nothing of the records are free.
    assert build.main(arguments(directory, output, "--overwrite")) == 0
    assert contents(output) == uninterrupted


def test_changed_corpus_is_refused(
    directory, tmp_path, monkeypatch, small_parts, capsys
):
    output = tmp_path / "records"
    with monkeypatch.context() as patch:
        stop_at(patch, building, "prepare", 20)
        assert build.main(arguments(directory, output)) == 130
    path = directory / "wavs" / "utt-0050.wav"
    before = path.stat()
    os.utime(path, (1, 1))
    capsys.readouterr()
    try:
        assert build.main(arguments(directory, output)) == 2
    finally:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "have changed since" in capsys.readouterr().err
    assert build.main(arguments(directory, output)) == 0


def test_two_builds_at_once_are_refused(
    directory, tmp_path, monkeypatch, small_parts, capsys
):
    output = tmp_path / "records"
    codes = []

    def build_again(*args, **options):
        if not codes:
            codes.append(None)
            codes.append(build.main(arguments(directory, output)))
        return original(*args, **options)

    original = building.write_part
    monkeypatch.setattr(building, "write_part", build_again)
    assert build.main(arguments(directory, output)) == 0
    assert codes == [None, 2]
    assert "another build is at work" in capsys.readouterr().err


def test_folder_of_something_else_is_left_alone(directory, tmp_path, capsys):
    folder = tmp_path / "records.partial"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    assert build.main(arguments(directory, tmp_path / "records")) == 2
    assert "is in the way" in capsys.readouterr().err
    assert (folder / "thesis.txt").exists()
