"""Reader of the LJSpeech layout: `metadata.csv` beside `wavs/` (or `wav/`).

A line is `id|text` or `id|text|normalised text`, without header and without quoting;
the normalised text, where there is one, is what is said.
"""

from __future__ import annotations

from pathlib import Path

from tfrecords_tools.corpora import plain
from tfrecords_tools.utterance import Skipped, Utterance

METADATA = "metadata.csv"


def read(directory: str | Path) -> tuple[list[Utterance], list[Skipped]]:
    """Lists the utterances of a corpus without reading its audio.

    Args:
        directory: The folder with `metadata.csv`.

    Returns:
        Utterances sorted by id, and the lines that are none, with the reason.

    Raises:
        FileNotFoundError: If the folder, `metadata.csv` or the sounds are missing.
        ValueError: If `metadata.csv` is not UTF-8 or has no lines.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise FileNotFoundError(f"No corpus folder at {directory}")
    if not (directory / METADATA).is_file():
        raise FileNotFoundError(f"{directory} has no {METADATA}")
    if not any((directory / name).is_dir() for name in plain.WAV_FOLDERS):
        raise FileNotFoundError(f"{directory} has no folder wavs/ (or wav/)")
    by_count = {2: ("id", "text"), 3: ("id", "raw", "text")}
    return plain.read_columns(directory / METADATA, by_count)
