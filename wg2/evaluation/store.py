"""What is measured, kept utterance by utterance, so that a run can go on.

settings.json              what all values depend on
recordings.jsonl           values of the recordings, one line each
NAME/combination.json      one combination
NAME/utterances.jsonl      its values, one line for each utterance
NAME/0001.wav ...          the sound of the first utterances, for the report
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from wg2 import files
from wg2.audio import wav
from wg2.evaluation.combinations import Combination

_SETTINGS, _COMBINATION = "settings.json", "combination.json"
_RECORDINGS, _UTTERANCES = "recordings.jsonl", "utterances.jsonl"

Values = dict[str, Any]


class Store:
    """A folder of results.

    Args:
        directory: Made if there is none.
        settings: JSON values that all results depend on.

    Raises:
        ValueError: If the folder has results of other settings, or other things.
        OSError: Not writable.
    """

    def __init__(self, directory: Path, settings: Values):
        self.directory = directory
        path = directory / _SETTINGS
        if path.is_file():
            _check_same(path, settings)
        elif directory.exists() and not _is_empty(directory):
            raise ValueError(
                f"{directory} exists and holds no evaluation; it is left as it is. "
                "Choose another --output"
            )
        else:
            _write_json(path, settings)

    def recordings(self) -> dict[str, Values]:
        """Values of the recordings so far, by id."""
        return read_lines(self.directory / _RECORDINGS)

    def add_recording(self, values: Values) -> None:
        append_line(self.directory / _RECORDINGS, values)

    def start(self, combination: Combination) -> dict[str, Values]:
        """Values of a combination so far, by id.

        Raises:
            ValueError: If the one of that name had another schedule.
        """
        path = self.directory / combination.name / _COMBINATION
        if not path.is_file():
            _write_json(path, dataclasses.asdict(combination))
        elif (stored := _read_combination(path)) != combination:
            raise ValueError(
                f"{path.parent} was measured with other betas of the schedule "
                f"{stored.schedule}: choose another --output, or remove that folder"
            )
        return read_lines(path.parent / _UTTERANCES)

    def add(
        self,
        combination: Combination,
        values: Values,
        audio: np.ndarray | None,
        number: int,
        sample_rate_hz: int,
    ) -> None:
        """Keeps an utterance's values, and its sound if `audio` is given."""
        folder = self.directory / combination.name
        if audio is not None:  # first: values say that an utterance is done
            wav.write(_sound(folder, number), audio, sample_rate_hz)
        append_line(folder / _UTTERANCES, values)

    def sound(self, combination: Combination, number: int) -> np.ndarray:
        """The int16 samples of a kept sound."""
        audio, _ = wav.read(_sound(self.directory / combination.name, number))
        return wav.to_int16(audio)[0]

    def combinations(self) -> dict[Combination, dict[str, Values]]:
        """Everything there is, with the values by id."""
        return {
            _read_combination(path): read_lines(path.parent / _UTTERANCES)
            for path in sorted(self.directory.glob(f"*/{_COMBINATION}"))
        }


def _is_empty(directory: Path) -> bool:
    """Whether a folder has nothing but what a run that was killed at once left."""
    return directory.is_dir() and all(
        path.name.startswith(f".{_SETTINGS}.") for path in directory.iterdir()
    )


def _sound(folder: Path, number: int) -> Path:
    return folder / f"{number:04d}.wav"


def _check_same(path: Path, settings: Values) -> None:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    for name in {**settings, **stored}:
        if stored.get(name) != settings.get(name):
            raise ValueError(
                f"{path.parent} was measured with {name} = {stored.get(name)!r}, now "
                f"it is {settings.get(name)!r}: choose another --output"
            )


def _read_combination(path: Path) -> Combination:
    try:
        return Combination(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error}; remove its folder") from None


def read_lines(path: Path) -> dict[str, Values]:
    """The JSON objects of a file of lines, by their "id"; none if there is no file.

    A killed run leaves half a line, and a crash of the system lines of zeros: what is
    no such object is as if it had not been measured.
    """
    if not path.is_file():
        return {}
    found = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            values = json.loads(line)
            found[values["id"]] = values
        except (ValueError, TypeError, KeyError):
            continue
    return found


def append_line(path: Path, values: Values) -> None:
    """Adds a JSON object to a file of lines, of which a killed run left half a line."""
    whole = not path.is_file() or path.read_bytes().endswith(b"\n")
    with open(path, "a", encoding="utf-8") as file:
        file.write(("" if whole else "\n") + json.dumps(values) + "\n")


def _write_json(path: Path, values: Values) -> None:
    with files.atomic_write(path, "w") as file:
        json.dump(values, file, indent=2, ensure_ascii=False)
        file.write("\n")
