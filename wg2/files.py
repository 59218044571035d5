"""Atomic files and directories: the final name appears complete or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO


def _sync_directory(path: Path) -> None:
    """Makes a rename inside `path` durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic_write(path: str | Path, mode: str = "wb") -> Iterator[IO]:
    """Opens a temporary file beside `path` that takes its name on success.

    On any error the temporary file is removed and `path` is left as it was. Text
    modes write UTF-8 with `\\n` line ends.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, mode, **text) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes private files
        os.replace(temporary, path)
        _sync_directory(path.parent)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        unnamed = isinstance(error, OSError) and error.filename in (None, temporary)
        if unnamed and error.errno is not None:
            # A full disk names no file, and nobody knows the temporary one.
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


@contextlib.contextmanager
def atomic_directory(path: str | Path) -> Iterator[Path]:
    """Yields a temporary directory beside `path` that takes its name on success.

    An existing `path` is replaced; until then it stays whole.
    """
    path = Path(os.path.realpath(path))  # a link stays, its target is replaced
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        yield temporary
        publish_directory(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def publish_directory(temporary: Path, path: Path) -> None:
    """Gives a complete directory its name, durably.

    An existing `path` is replaced; on any error both are as they were.

    Args:
        temporary: In the same folder as `path`.
        path: No link.
    """
    for file in temporary.rglob("*"):
        if file.is_file():
            with open(file, "rb") as opened:
                os.fsync(opened.fileno())
    umask = os.umask(0)
    os.umask(umask)
    os.chmod(temporary, 0o777 & ~umask)
    aside = temporary.with_name(f"{temporary.name}.old")
    if path.is_dir():
        # A rename cannot replace a directory with content: the old one steps aside.
        os.replace(path, aside)
        try:
            os.replace(temporary, path)
        except BaseException:
            os.replace(aside, path)
            raise
    else:
        os.replace(temporary, path)
    _sync_directory(path.parent)
    if aside.exists():  # of now, or of a process that was killed between the renames
        shutil.rmtree(aside)
