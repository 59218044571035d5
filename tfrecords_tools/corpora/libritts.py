"""Reader of LibriTTS and LibriTTS-R: `speaker/chapter/name.wav` and, beside it,
`name.normalized.txt` (what is said) and `name.original.txt` (as printed).

The folder may be a subset such as `train-clean-100`, or hold several of them.
"""

from __future__ import annotations

from pathlib import Path

from tfrecords_tools.corpora.listing import Listing, read_transcript
from tfrecords_tools.utterance import Skipped, Utterance

NORMALIZED, ORIGINAL = ".normalized.txt", ".original.txt"
_PATTERNS = ("*/*/*", "*/*/*/*")
"""Where the files are below a subset, and below a folder of subsets."""


def recognises(directory: Path) -> bool:
    return any(
        next(directory.glob(pattern + ending), None) is not None
        for pattern in _PATTERNS
        for ending in (NORMALIZED, ORIGINAL)
    )


def read(directory: str | Path) -> tuple[list[Utterance], list[Skipped]]:
    """Lists the utterances of a corpus without reading its audio.

    Args:
        directory: A subset, or the folder of several.

    Returns:
        Utterances sorted by id (the name of the file), and the recordings without a
        text. Where there is no normalised text, the original one counts.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it holds no such recordings, or a text is not UTF-8.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise FileNotFoundError(f"No corpus folder at {directory}")
    paths = sorted(p for pattern in _PATTERNS for p in directory.glob(f"{pattern}.wav"))
    if not paths:
        raise ValueError(
            f"{directory} has no speaker/chapter/*.wav: the corpus is empty"
        )
    listing = Listing()
    for path in paths:
        texts = (path.with_suffix(ending) for ending in (NORMALIZED, ORIGINAL))
        text_path = next((text for text in texts if text.is_file()), None)
        if text_path is None:
            listing.skip(path.stem, f"missing transcript: {path.stem}{NORMALIZED}")
            continue
        speaker = path.parent.parent.name
        text = read_transcript(text_path)
        listing.add(Utterance(path.stem, path, text, speaker), str(path))
    return listing.result()
