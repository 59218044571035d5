"""Reader of pipe-separated metadata: LJSpeech's, and everybody's own.

A line is `id|text`, `id|raw|text` (LJSpeech: the last one is what is said) or
`id|speaker|text`, without header and without quoting: quote marks are text. The id may
be a file name with its extension, and may name a folder. Sounds lie in `wavs/`, in
`wav/` or beside the metadata.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from tfrecords_tools.corpora.listing import (
    AUDIO_EXTENSIONS,
    AudioFolder,
    Listing,
    flaw,
    read_lines,
)
from tfrecords_tools.utterance import Skipped, Utterance

METADATA = ("metadata.csv", "metadata.txt")
WAV_FOLDERS = ("wavs", "wav")
COLUMNS = ("id", "speaker", "text", "raw", "ignored")

_LINES_LOOKED_AT = 500


def find_metadata(path: Path) -> Path | None:
    """The metadata file of a folder, or `path` itself if it is a file."""
    if path.is_file():
        return path
    found = (path / name for name in METADATA)
    return next((file for file in found if file.is_file()), None)


def read(
    path: str | Path, columns: Sequence[str] | None = None
) -> tuple[list[Utterance], list[Skipped]]:
    """Lists the utterances of a corpus without reading its audio.

    Args:
        path: The folder with `metadata.csv` (or `.txt`), or such a file itself.
        columns: What the fields are: "id", "speaker", "text", and "raw" or "ignored"
            for those without use. If the text comes last, it may contain pipes. None:
            as the module says; whether the second of three fields is a speaker is
            told from the lines.

    Returns:
        Utterances sorted by id, and the lines that are none, with the reason.

    Raises:
        FileNotFoundError: If the folder or the metadata are missing.
        ValueError: If the metadata are not UTF-8 or have no lines, or if it cannot be
            told what the fields are.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"No corpus folder at {path}")
    metadata = find_metadata(path)
    if metadata is None:
        raise FileNotFoundError(f"{path} has no {METADATA[0]}")
    lines = read_lines(metadata)
    if columns is None:
        by_count = {2: ("id", "text"), 3: _three_columns(metadata, lines)}
        return read_columns(metadata, by_count)
    check_columns(columns)
    # Told the columns, we know that surplus pipes belong to a text at the end.
    splits = len(columns) - 1 if columns[-1] == "text" else -1
    return read_columns(metadata, {len(columns): tuple(columns)}, splits)


def check_columns(columns: Sequence[str]) -> None:
    """Raises ValueError unless there is an id, a text, and nothing unknown."""
    unknown = [name for name in columns if name not in COLUMNS]
    for name in ("id", "text", "speaker"):
        if columns.count(name) != 1 and (name != "speaker" or name in columns):
            unknown.append(name)
    if unknown:
        raise ValueError(
            f"--columns wants id and text once, and may have speaker once, raw and "
            f"ignored, e.g. id,speaker,text. Received: {','.join(columns)}"
        )


def read_columns(
    metadata: Path, by_count: dict[int, tuple[str, ...]], splits: int = -1
) -> tuple[list[Utterance], list[Skipped]]:
    """The utterances of a metadata file.

    Args:
        metadata: The file.
        by_count: Names of the columns, by their number; other lines are left out.
        splits: How many pipes of a line separate fields; -1: all.
    """
    lines = read_lines(metadata)
    if not lines:
        raise ValueError(f"{metadata} has no lines: the corpus is empty")
    folder = metadata.parent
    present = [name for name in WAV_FOLDERS if (folder / name).is_dir()]
    audio = AudioFolder(folder, (*present, ""))
    listing = Listing()
    expected = " or ".join(f"`{'|'.join(names)}`" for names in by_count.values())
    for number, line in lines:
        fields = [field.strip() for field in line.split("|", splits)]
        names = by_count.get(len(fields))
        values = dict(zip(names or ("id",), fields, strict=False))
        reference, id = _reference(values["id"])
        if names is None or not id or values.get("speaker") == "":
            reason = f"{metadata.name} line {number} is not {expected}"
            if len(fields) > max(by_count):
                reason += (
                    f" but has {len(fields)} fields; --columns tells which is what"
                )
            listing.skip(id or f"{metadata.name} line {number}", _malformed(reason))
            continue
        text = values["text"] or values.get("raw", "")
        if reason := flaw(id, text):
            where = f"{metadata.name} line {number}"
            listing.skip(f"{id[:40]} ({where})", _malformed(f"{where}: {reason}"))
            continue
        utterance = Utterance(id, audio.find(reference), text, values.get("speaker"))
        listing.add(utterance, f"line {number}")
    return listing.result()


def _malformed(reason: str) -> str:
    return f"malformed line: {reason}"


def _reference(field: str) -> tuple[str, str]:
    """The file that a first field means, and the id of the utterance."""
    reference = field.replace("\\", "/").removeprefix("./")
    folder, _, rest = reference.partition("/")
    if folder in WAV_FOLDERS and rest:
        reference = rest
    path = Path(reference)
    known = path.suffix.lower() in AUDIO_EXTENSIONS
    stem = reference[: -len(path.suffix)] if known else reference
    return reference, stem.strip("/").replace("/", "_")


def _three_columns(metadata: Path, lines: list[tuple[int, str]]) -> tuple[str, ...]:
    """Whether lines of three fields are `id|raw|text` or `id|speaker|text`.

    A raw text resembles the normalised one beside it, and always has the same. A
    speaker does not, and says different things.
    """
    rows = [fields for _, line in lines if len(fields := line.split("|")) == 3]
    rows = rows[:: max(1, len(rows) // _LINES_LOOKED_AT)]
    if not rows:
        return ("id", "raw", "text")
    alike = sum(_alike(second, third) for _, second, third in rows)
    if alike * 2 >= len(rows):
        return ("id", "raw", "text")
    seconds = {second.strip() for _, second, _ in rows}
    pairs = {(second.strip(), third.strip()) for _, second, third in rows}
    if alike * 10 <= len(rows) and len(pairs) >= 2 * len(seconds):
        return ("id", "speaker", "text")
    raise ValueError(
        f"{metadata}: it cannot be told whether the second of three fields is a "
        f"speaker or the raw text, e.g. {'|'.join(rows[0])[:60]!r}; say --columns "
        "id,speaker,text or --columns id,raw,text"
    )


def _alike(raw: str, text: str) -> bool:
    """Whether two fields may be the same sentence; an empty one always may."""
    raw, text = raw.strip().lower(), text.strip().lower()
    if not raw or not text or raw == text:
        return True
    matcher = difflib.SequenceMatcher(None, raw, text, autojunk=False)
    return matcher.quick_ratio() > 0.6 and matcher.ratio() > 0.6
