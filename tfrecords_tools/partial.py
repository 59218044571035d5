"""`OUTPUT.partial`: what a build has done so far, so that it can be continued.

It holds `build.json` (what is being built), the parts (see `parts`), and in `dataset/`
the shards. A build that finds it goes on with it, if it is the same build.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import IO, Any

from tfrecords_tools.parts import part_paths
from wg2 import files
from wg2.data.dataset import FILE_NAME

_PLAN = "build.json"
_LOCK = "lock"


class PartialBuild:
    """The folder of an unfinished build; one process at a time may have it.

    Args:
        output: Where the dataset will be.
        plan: All that the records depend on, as JSON values.

    Raises:
        ValueError: If there is an unfinished build of something else, or another
            process is at work on it.
    """

    def __init__(self, output: Path, plan: dict[str, Any]):
        self.output = Path(os.path.realpath(output))  # a link's target is replaced
        self.directory = self.output.with_name(f"{self.output.name}.partial")
        self.dataset = self.directory / "dataset"
        self._check(plan)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock = self._lock_folder()
        with files.atomic_write(self.directory / _PLAN, "w") as file:
            json.dump(plan, file, indent=2)
        self.dataset.mkdir(exist_ok=True)

    def _check(self, plan: dict[str, Any]) -> None:
        """Compares the plan with that of the build that was begun here."""
        path = self.directory / _PLAN
        if not path.exists() and not self._strange_names():
            return
        advice = f"to begin anew remove {self.directory}"
        try:
            begun = _flatten(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            raise ValueError(
                f"{self.directory} is in the way and holds no unfinished build; "
                "remove it, or give another --output"
            ) from None
        wanted = _flatten(json.loads(json.dumps(plan)))
        for name in sorted(begun.keys() | wanted.keys()):
            if begun.get(name) == wanted.get(name):
                continue
            if name == "files":
                raise ValueError(
                    f"the corpus or its TextGrids have changed since {self.directory} "
                    f"was begun; {advice}"
                )
            raise ValueError(
                f"{self.directory} holds an unfinished build with {name}="
                f"{_shorten(begun.get(name))}, this one has "
                f"{_shorten(wanted.get(name))}; to continue it give the same options, "
                f"{advice}"
            )

    def _strange_names(self) -> list[str]:
        """What a build that was killed at its very beginning cannot have left."""
        if not self.directory.exists():
            return []
        names = (path.name for path in self.directory.iterdir())
        return [n for n in names if n != _LOCK and not n.startswith(f".{_PLAN}.")]

    def _lock_folder(self) -> IO:
        lock = open(self.directory / _LOCK, "wb")  # noqa: SIM115 (held until the end)
        try:
            # Ends with the process, however it ends.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise ValueError(f"another build is at work on {self.directory}") from None
        return lock

    def has_part(self, index: int) -> bool:
        return part_paths(self.directory, index)[1].is_file()

    @property
    def complete(self) -> bool:
        """Whether only the dataset's name is missing."""
        return (self.dataset / FILE_NAME).is_file()

    def publish(self) -> None:
        """Gives the complete dataset its name, and removes everything else."""
        # Descriptions of parts whose records are gone would mislead a later build.
        for path in self.directory.glob("part-*"):
            path.unlink()
        files.publish_directory(self.dataset, self.output)
        self.remove()

    def remove(self) -> None:
        """Gives up what was done."""
        self._lock.close()
        shutil.rmtree(self.directory)

    def release(self) -> None:
        """Lets another process continue."""
        self._lock.close()


def _flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}}` -> `{"a.b": 1}`."""
    flat = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _shorten(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
