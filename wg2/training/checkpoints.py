"""Checkpoints: everything a run needs to go on exactly, in one directory per step."""

from __future__ import annotations

import json
import logging
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from wg2 import files

logger = logging.getLogger(__name__)

_NAME = re.compile(r"step-(\d+)")


def save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes named arrays as an .npz (a zip with checksums)."""
    # As `np.savez` does, which leaves an open archive behind when the disk is full.
    with files.atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, value in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(value))


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Reads an .npz.

    Raises:
        FileNotFoundError: Missing.
        ValueError: Truncated or damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f"No weights file at {path}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:  # zipfile and NumPy raise all kinds, by the byte
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"{path} is damaged: {reason}") from None


class CheckpointStore:
    """The checkpoints of a run, `<run>/checkpoints/step-00001000/`.

    Args:
        run_dir: The run's folder.
        kept: int, how many of the newest stay.
    """

    def __init__(self, run_dir: str | Path, kept: int = 3):
        self.directory = Path(run_dir) / "checkpoints"
        self.kept = kept

    def steps(self) -> list[int]:
        """Steps of all complete checkpoints, ascending."""
        if not self.directory.is_dir():
            return []
        matches = (_NAME.fullmatch(path.name) for path in self.directory.iterdir())
        return sorted(int(match.group(1)) for match in matches if match)

    def path(self, step: int) -> Path:
        return self.directory / f"step-{step:08d}"

    def save(
        self, step: int, arrays: dict[str, np.ndarray], state: dict[str, Any]
    ) -> Path:
        """Writes a checkpoint whole or not at all, then removes the oldest.

        Raises:
            OSError: Disk full or not writable, naming the path.
        """
        target = self.path(step)
        try:
            with files.atomic_directory(target) as directory:
                save_arrays(directory / "arrays.npz", arrays)
                text = json.dumps(state, indent=2, ensure_ascii=False) + "\n"
                (directory / "state.json").write_text(text, encoding="utf-8")
        except OSError as error:
            raise OSError(
                f"could not save the checkpoint of step {step} to {target}: "
                f"{error.strerror or error}. Free some space and resume with --resume"
            ) from None
        for old in self.steps()[: -self.kept]:
            shutil.rmtree(self.path(old))
        return target

    def load(
        self, step: int | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and state of a checkpoint (None: the newest).

        Raises:
            FileNotFoundError: No such checkpoint.
            ValueError: Damaged.
        """
        steps = self.steps()
        if not steps:
            raise FileNotFoundError(f"No checkpoint in {self.directory}")
        step = steps[-1] if step is None else step
        if step not in steps:
            raise FileNotFoundError(
                f"No checkpoint of step {step} in {self.directory}. There are: "
                f"{', '.join(map(str, steps))}"
            )
        path = self.path(step)
        try:
            state = json.loads((path / "state.json").read_text(encoding="utf-8"))
            if not isinstance(state, dict) or not {"step", "config"} <= set(state):
                raise ValueError("it lacks the step or the config")
        except (OSError, ValueError) as error:
            raise ValueError(f"{path / 'state.json'} is damaged: {error}") from None
        return load_arrays(path / "arrays.npz"), state
