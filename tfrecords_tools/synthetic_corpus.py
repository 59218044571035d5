"""The folder of a synthetic corpus: LJSpeech's layout, a TextGrid per utterance.

`metadata.csv` holds `id|text as given|text as spoken`, `corpus.json` says where the
corpus came from. Every file is written whole or not at all, so that an utterance which
`metadata.csv` lists is complete.
"""

from __future__ import annotations

import json
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wg2.files import atomic_write

_LICENCE = (
    "BSD-like: free to use, modify and sell with the copyright notice kept"
    " (CMU Flite and its built-in voices; /usr/share/doc/flite/copyright)."
    " The text has a licence of its own."
)


@dataclass(frozen=True)
class Job:
    """A line of the text; `id` names its number in the file."""

    id: str
    text: str


def read_jobs(path: str | Path, limit: int | None = None) -> list[Job]:
    """The lines of a text file that are not blank.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not UTF-8, or blank.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No such text file: {path}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be UTF-8 ({error.reason})") from None
    lines = enumerate(map(str.strip, text.split("\n")), start=1)
    jobs = [Job(f"synth-{number:06d}", line) for number, line in lines if line]
    if not jobs:
        raise ValueError(f"{path} has no text: expected one utterance per line")
    return jobs[:limit]


def write_wav(path: Path, samples: np.ndarray, sample_rate_hz: int) -> None:
    """Writes int16 samples of one channel."""
    with atomic_write(path) as file, wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(sample_rate_hz)
        wav.writeframes(samples.astype("<i2").tobytes())


class Corpus:
    """The folder of a synthetic corpus, and what is already in it.

    Args:
        directory: The folder; made if it does not exist.
        voice: Which voice of flite speaks.

    Raises:
        ValueError: If the folder holds something else than such a corpus.
    """

    def __init__(self, directory: str | Path, voice: str):
        self.directory = Path(directory)
        self.voice = voice
        self._entries: dict[str, tuple[str, str]] = {}
        description = self.directory / "corpus.json"
        if description.is_file():
            try:
                held = json.loads(description.read_text(encoding="utf-8"))["voice"]
            except (ValueError, KeyError, TypeError):
                raise ValueError(
                    f"{description} is damaged: it does not name the voice."
                    f" Choose another output, or remove this folder"
                ) from None
            if held != voice:
                raise ValueError(
                    f"{self.directory} holds a corpus of the voice {held!r}, not"
                    f" {voice!r}. Choose another output"
                )
        elif self.directory.exists() and any(self.directory.iterdir()):
            raise ValueError(
                f"{self.directory} is not empty, and holds no synthetic corpus."
                f" Choose another output"
            )
        else:
            with atomic_write(description, "w") as file:
                json.dump(self._describe(), file, indent=2)
                file.write("\n")
        for folder in ("wavs", "TextGrid"):
            (self.directory / folder).mkdir(exist_ok=True)
        if self._metadata.is_file():
            for line in self._metadata.read_text(encoding="utf-8").split("\n"):
                fields = line.split("|")
                if len(fields) == 3 and all(p.is_file() for p in self.paths(fields[0])):
                    self._entries[fields[0]] = (fields[1], fields[2])

    @property
    def _metadata(self) -> Path:
        return self.directory / "metadata.csv"

    def _describe(self) -> dict[str, str]:
        return {
            "name": f"flite {self.voice}",
            "language": "en-US",
            "licence": _LICENCE,
            "source": f"flite, voice {self.voice}, http://cmuflite.org",
            "voice": self.voice,
        }

    def paths(self, id: str) -> tuple[Path, Path]:
        """Where the sound and the TextGrid of an utterance are."""
        return (
            self.directory / "wavs" / f"{id}.wav",
            self.directory / "TextGrid" / f"{id}.TextGrid",
        )

    def missing(self, jobs: Iterable[Job]) -> list[Job]:
        """The jobs to do; a listed utterance with another text is forgotten."""
        found = [job for job in jobs if self._given(job.id) != job.text]
        for job in found:
            self._entries.pop(job.id, None)
        return found

    def _given(self, id: str) -> str | None:
        entry = self._entries.get(id)
        return entry and entry[0]

    def add(self, job: Job, spoken: str) -> None:
        self._entries[job.id] = (job.text, spoken)

    def save(self) -> None:
        """Writes `metadata.csv`."""
        with atomic_write(self._metadata, "w") as file:
            for id in sorted(self._entries):
                file.write("|".join((id, *self._entries[id])) + "\n")

    def seconds(self) -> float:
        """Length of all the sound."""
        total = 0.0
        for id in self._entries:
            path, _ = self.paths(id)
            try:
                with wave.open(str(path)) as file:
                    total += file.getnframes() / file.getframerate()
            except (wave.Error, EOFError) as error:
                raise ValueError(
                    f"{path} is damaged ({error}). Remove it and run again"
                ) from None
        return total

    def __len__(self) -> int:
        return len(self._entries)
