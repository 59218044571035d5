"""Reader of the LJSpeech layout: `metadata.csv` beside `wavs/` (or `wav/`).

A line is `id|text` or `id|text|normalised text`, without header and without quoting;
the normalised text, where there is one, is what is said.
"""

from __future__ import annotations

from pathlib import Path

from tfrecords_tools.utterance import Skipped, Utterance

METADATA = "metadata.csv"
WAV_FOLDERS = ("wavs", "wav")


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
    path = directory / METADATA
    if not directory.is_dir():
        raise FileNotFoundError(f"No corpus folder at {directory}")
    if not path.is_file():
        raise FileNotFoundError(f"{directory} has no {METADATA}")
    folders = [directory / name for name in WAV_FOLDERS if (directory / name).is_dir()]
    if not folders:
        raise FileNotFoundError(f"{directory} has no folder wavs/ (or wav/)")

    utterances: dict[str, Utterance] = {}
    first_line: dict[str, int] = {}
    skipped = []
    for number, line in _lines(path):
        fields = [field.strip() for field in line.split("|")]
        id = fields[0].removesuffix(".wav")
        if len(fields) not in (2, 3) or not id:
            name = id or f"{METADATA} line {number}"
            reason = f"{METADATA} line {number} is not `id|text` or `id|text|text`"
            skipped.append(Skipped(name, f"malformed line: {reason}"))
        elif id in utterances:
            reason = f"lines {first_line[id]} and {number}; the first one counts"
            skipped.append(Skipped(id, f"duplicate id: {reason}"))
        else:
            first_line[id] = number
            text = fields[-1] or fields[1]
            utterances[id] = Utterance(id, folders[0] / f"{id}.wav", text)
    if not first_line and not skipped:
        raise ValueError(f"{path} has no lines: the corpus is empty")
    return [utterances[id] for id in sorted(utterances)], skipped


def _lines(path: Path) -> list[tuple[int, str]]:
    """Numbered lines that are not blank."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path} must be UTF-8: line {number} has the byte "
            f"0x{data[error.start]:02x}; convert it, for example with iconv"
        ) from None
    # Not splitlines(), which also splits at U+2028 and its like inside a text.
    lines = (line.rstrip("\r") for line in text.split("\n"))
    return [(i, line) for i, line in enumerate(lines, start=1) if line.strip()]
