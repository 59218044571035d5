"""What every corpus reader needs: text files as they come, and where a sound is."""

from __future__ import annotations

from pathlib import Path

from tfrecords_tools.utterance import Skipped, Utterance

_LONGEST_ID = 200  # bytes; files are named after it, and 255 are the limit

AUDIO_EXTENSIONS = (".wav", ".flac", ".mp3", ".ogg", ".opus")


class Listing:
    """Collects utterances; a second one with the same id is left out and listed."""

    def __init__(self) -> None:
        self._utterances: dict[str, Utterance] = {}
        self._origins: dict[str, str] = {}
        self.skipped: list[Skipped] = []

    def add(self, utterance: Utterance, origin: str) -> None:
        """Takes an utterance in; `origin` ("line 3") says where it was found."""
        id = utterance.id
        if id in self._utterances:
            where = f"{self._origins[id]} and {origin}"
            self.skip(id, f"duplicate id: {where}; the first one counts")
            return
        self._utterances[id] = utterance
        self._origins[id] = origin

    def skip(self, id: str, reason: str) -> None:
        self.skipped.append(Skipped(id, reason))

    def result(self) -> tuple[list[Utterance], list[Skipped]]:
        """Utterances sorted by id, and what was left out."""
        ordered = [self._utterances[id] for id in sorted(self._utterances)]
        return ordered, self.skipped


def flaw(id: str, text: str) -> str:
    """Why no utterance can have this id or this text; "" if it can."""
    if "\0" in id or "\0" in text:
        return "it has a NUL character"
    size = len(id.encode("utf-8"))
    if size > _LONGEST_ID:
        return f"its id has {size} bytes, at most {_LONGEST_ID} make a file name"
    return ""


class AudioFolder:
    """Finds sound files below a folder, listing each of its folders once."""

    def __init__(self, directory: Path, subfolders: tuple[str, ...] = ("",)):
        self._roots = tuple(directory / name for name in subfolders)
        self._names: dict[Path, set[str]] = {}

    def find(self, reference: str) -> Path:
        """The file that `reference`, with or without extension, means.

        Where there is none, the name under which a WAV should have been.
        """
        has_extension = Path(reference).suffix.lower() in AUDIO_EXTENSIONS
        # A name without extension may have a dot: `chapter.1`.
        capitals = tuple(ending.upper() for ending in AUDIO_EXTENSIONS)
        endings = ("",) if has_extension else AUDIO_EXTENSIONS + capitals
        candidates = [
            root / f"{reference}{ending}" for root in self._roots for ending in endings
        ]
        for path in candidates:
            if path.name in self._names_in(path.parent):
                return path
        return candidates[0]

    def _names_in(self, folder: Path) -> set[str]:
        if folder not in self._names:
            exists = folder.is_dir()
            self._names[folder] = (
                {p.name for p in folder.iterdir()} if exists else set()
            )
        return self._names[folder]


def read_text(path: Path) -> str:
    """A UTF-8 file with or without byte order mark.

    Raises:
        ValueError: If it has another encoding, naming the line.
    """
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path} must be UTF-8: line {number} has the byte "
            f"0x{data[error.start]:02x}; convert it, for example with iconv"
        ) from None


def read_lines(path: Path) -> list[tuple[int, str]]:
    """Numbered lines that are not blank; raises as `read_text` does."""
    # Not splitlines(), which also splits at U+2028 and its like inside a text.
    lines = (line.rstrip("\r") for line in read_text(path).split("\n"))
    return [(i, line) for i, line in enumerate(lines, start=1) if line.strip()]


def read_transcript(path: Path) -> str:
    """A file that holds the text of one utterance, as one line."""
    return " ".join(read_text(path).split())
