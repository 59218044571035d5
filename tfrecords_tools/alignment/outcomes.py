"""What became of every utterance: `alignment.tsv`, beside the TextGrids.

A table with a header, readable by spreadsheets and by this module, which resumes from
it: a TextGrid of a text that has changed since is not kept.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wg2 import files

FILE_NAME = "alignment.tsv"
ALIGNED, REJECTED = "aligned", "rejected"
_COLUMNS = (
    "id",
    "status",
    "confidence",
    "word_confidence",
    "uncovered_seconds",
    "reason",
    "text",
)


@dataclass(frozen=True)
class Outcome:
    """What became of an utterance.

    Args:
        id: Its name.
        text: What was to be aligned.
        reason: Why it has no TextGrid, "kind" or "kind: details"; "" if it has one.
        confidence, word_confidence, uncovered_seconds: See `alignment.confidence`;
            None if not known, as of a TextGrid that another aligner has written.
        kept: Whether the TextGrid was there before.
        seconds: Of the sound that was aligned just now.
    """

    id: str
    text: str
    reason: str = ""
    confidence: float | None = None
    word_confidence: float | None = None
    uncovered_seconds: float | None = None
    kept: bool = False
    seconds: float = 0.0

    @property
    def kind(self) -> str:
        return self.reason.partition(":")[0]


def load(directory: Path) -> dict[str, Outcome]:
    """The outcomes in a folder by id; none if it has no table.

    Raises:
        ValueError: If there is another file of this name.
    """
    path = directory / FILE_NAME
    if not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
        lines = csv.reader(io.StringIO(text, newline=""), delimiter="\t")
        header, *rows = lines
        if tuple(header) != _COLUMNS:
            raise ValueError(f"its columns are {', '.join(header)}")
        outcomes = [_from_row(row) for row in rows]
    except (ValueError, csv.Error) as error:
        raise ValueError(
            f"{path} is not a table of this command ({error}). Choose another "
            "output, or remove this file"
        ) from None
    return {outcome.id: outcome for outcome in outcomes}


def save(directory: Path, outcomes: Iterable[Outcome]) -> None:
    """Writes the table, sorted by id, whole or not at all."""
    with files.atomic_write(directory / FILE_NAME, "w") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(_COLUMNS)
        for outcome in sorted(outcomes, key=lambda outcome: outcome.id):
            writer.writerow(_to_row(outcome))


def _to_row(outcome: Outcome) -> list[str]:
    numbers = (outcome.confidence, outcome.word_confidence, outcome.uncovered_seconds)
    return [
        outcome.id,
        REJECTED if outcome.reason else ALIGNED,
        *("" if number is None else f"{number:.3g}" for number in numbers),
        outcome.reason,
        outcome.text,
    ]


def _from_row(row: list[str]) -> Outcome:
    id, _, *numbers, reason, text = row
    confidence, word, uncovered = (float(n) if n else None for n in numbers)
    return Outcome(id, text, reason, confidence, word, uncovered)
