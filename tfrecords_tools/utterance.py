"""What a corpus reader hands over, and how an utterance is left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Utterance:
    """One line of a corpus; its audio has not been looked at.

    Args:
        id: Name, unique in the corpus.
        wav_path: Where its recording should be.
        text: What is said.
        speaker: Name of the speaker, or None in a corpus of one.
    """

    id: str
    wav_path: Path
    text: str
    speaker: str | None = None


@dataclass(frozen=True)
class Skipped:
    """An utterance left out. `reason` is "kind" or "kind: details"."""

    id: str
    reason: str

    @property
    def kind(self) -> str:
        return self.reason.partition(":")[0]


class SkipUtterance(Exception):
    """Raised where an utterance turns out to be unusable.

    Args:
        kind: The same words for every utterance with this defect, for counting.
        details: What was found in this one.
    """

    def __init__(self, kind: str, details: str = ""):
        super().__init__(f"{kind}: {details}" if details else kind)
