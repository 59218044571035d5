"""Reader of VCTK: `wav48_silence_trimmed/p225/p225_001_mic1.flac` (version 0.92) or
`wav48/p225/p225_001.wav` (0.80), with the texts in `txt/p225/p225_001.txt`."""

from __future__ import annotations

from pathlib import Path

from tfrecords_tools.corpora.listing import Listing, read_transcript
from tfrecords_tools.utterance import Skipped, Utterance

TRIMMED, UNTRIMMED, TEXTS = "wav48_silence_trimmed", "wav48", "txt"


def recognises(directory: Path) -> bool:
    sounds = any((directory / name).is_dir() for name in (TRIMMED, UNTRIMMED))
    return sounds and (directory / TEXTS).is_dir()


def read(directory: str | Path, mic: int = 1) -> tuple[list[Utterance], list[Skipped]]:
    """Lists the utterances of a corpus without reading its audio.

    Args:
        directory: The folder with `txt/` and the sounds.
        mic: 1 or 2, the microphone; version 0.80 has but one.

    Returns:
        Utterances sorted by id (`p225_001`), and those left out, with the reason:
        recordings without a text, and texts without a recording by this microphone.

    Raises:
        FileNotFoundError: If a folder is missing.
        ValueError: If there are no utterances, or a text is not UTF-8.
    """
    directory = Path(directory)
    if not recognises(directory):
        raise FileNotFoundError(
            f"{directory} is not VCTK: it lacks {TEXTS}/, or {TRIMMED}/ or {UNTRIMMED}/"
        )
    trimmed = (directory / TRIMMED).is_dir()
    root = directory / (TRIMMED if trimmed else UNTRIMMED)
    ending = f"_mic{mic}.flac" if trimmed else ".wav"
    sounds = {
        path.name.removesuffix(ending): path for path in root.glob(f"*/*{ending}")
    }
    texts = {path.stem: path for path in (directory / TEXTS).glob("*/*.txt")}
    if not sounds or not texts:
        lacking = f"*/*{ending} in {root}" if not sounds else f"*/*.txt in {TEXTS}/"
        raise ValueError(f"{directory} has no {lacking}: the corpus is empty")
    listing = Listing()
    for id in sorted(sounds.keys() | texts.keys()):
        if id not in texts:
            # Speaker p315's texts were lost by its makers.
            listing.skip(id, f"missing transcript: {TEXTS}/{sounds[id].parent.name}/")
        elif id not in sounds:
            listing.skip(id, f"missing audio: no {id}{ending}")
        else:
            speaker = sounds[id].parent.name
            text = read_transcript(texts[id])
            listing.add(Utterance(id, sounds[id], text, speaker), str(sounds[id]))
    return listing.result()
