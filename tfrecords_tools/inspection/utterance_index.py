"""What must be known of all utterances at once, kept on disk.

A temporary SQLite file, which removes itself, answers who occurs twice; memory does
not grow with the corpus.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from wg2.data.schema import Record

_CREATE = """
CREATE TABLE utterances (
    id TEXT, split TEXT, record BLOB, audio BLOB, text BLOB, rate REAL
)
"""
# A silent recording equals every other one and says nothing; its audio is NULL.
_SHARED_AUDIO = """
SELECT min(id), max(id), count(DISTINCT id),
    min(CASE split WHEN 'train' THEN id END),
    min(CASE split WHEN 'validation' THEN id END)
FROM utterances WHERE audio IS NOT NULL
GROUP BY audio HAVING count(DISTINCT id) > 1 ORDER BY min(id)
"""
_SHARED_IDS = """
SELECT id, count(*), count(DISTINCT split) FROM utterances
GROUP BY id HAVING count(*) > 1 ORDER BY id
"""
_SHARED_TEXTS = """
SELECT min(CASE split WHEN 'train' THEN id END),
    min(CASE split WHEN 'validation' THEN id END)
FROM utterances
GROUP BY text
HAVING count(DISTINCT split) > 1 AND count(DISTINCT id) > 1
    AND count(DISTINCT audio) > 1
ORDER BY 2
"""


@dataclass(frozen=True)
class SharedAudio:
    """Ids with one recording.

    Args:
        first, other: Two of them.
        count: int >= 2, how many there are.
        in_train, in_validation: One of each split, or None.
    """

    first: str
    other: str
    count: int
    in_train: str | None
    in_validation: str | None


class UtteranceIndex:
    """Remembers id, split, hashes and speaking rate of every utterance."""

    def __init__(self):
        self._connection = sqlite3.connect("")  # "" is a file of its own, on disk
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute(_CREATE)

    def close(self) -> None:
        self._connection.close()

    def add(
        self, record: Record, split: str, serialized: bytes, rate: float | None
    ) -> None:
        """`rate` is None where it says nothing."""
        speaker_and_text = f"{record.speaker_id}\n{record.text}".encode()
        self._connection.execute(
            "INSERT INTO utterances VALUES (?, ?, ?, ?, ?, ?)",
            (
                record.id,
                split,
                hashlib.sha256(serialized).digest(),
                _hash(record.audio.tobytes()) if record.audio.any() else None,
                _hash(speaker_and_text),
                rate,
            ),
        )

    def record_digests(self) -> Iterator[bytes]:
        """SHA-256 of every serialized record, in the order of the ids."""
        rows = self._connection.execute(
            "SELECT record FROM utterances ORDER BY id, record"
        )
        return (row[0] for row in rows)

    def shared_ids(self) -> Iterator[tuple[str, int, bool]]:
        """Id, number of its records, and whether both splits have it."""
        for id, count, splits in self._connection.execute(_SHARED_IDS):
            yield id, count, splits > 1

    def shared_audio(self) -> Iterator[SharedAudio]:
        """Recordings that several ids have."""
        for row in self._connection.execute(_SHARED_AUDIO):
            yield SharedAudio(*row)

    def shared_texts(self) -> Iterator[tuple[str, str]]:
        """Ids of a training and a validation utterance, other recordings of one text
        by one speaker."""
        return iter(self._connection.execute(_SHARED_TEXTS))

    def median_rate(self) -> float | None:
        """The median speaking rate, None if there is no rate."""
        (count,) = self._connection.execute(
            "SELECT count(rate) FROM utterances"
        ).fetchone()
        if not count:
            return None
        (rate,) = self._connection.execute(
            "SELECT rate FROM utterances WHERE rate IS NOT NULL ORDER BY rate "
            "LIMIT 1 OFFSET ?",
            (count // 2,),
        ).fetchone()
        return rate

    def rates_outside(
        self, lowest: float, highest: float
    ) -> Iterator[tuple[str, str, float]]:
        """Id, split and rate of the utterances outside, the slowest first."""
        return iter(
            self._connection.execute(
                "SELECT id, split, rate FROM utterances "
                "WHERE rate < ? OR rate > ? ORDER BY rate",
                (lowest, highest),
            )
        )


def _hash(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
