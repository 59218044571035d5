"""Long text to pieces that are requested one by one, and what comes between them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

import numpy as np

from wg2.text.sentences import split_sentences

MAX_TEXT_BYTES = 8192
"""Longest text that a wg2 export takes in one row."""

_LONGEST_BYTES = 2048
_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_LONGEST_CONTROL = 120  # characters; what has no end within them is ordinary text
_SEEDS = 1 << 64


class Gap(Enum):
    """What a piece follows."""

    NOTHING = "the same sentence, or the beginning of the text"
    SENTENCE = "a sentence of the same paragraph"
    PARAGRAPH = "another paragraph"


@dataclass(frozen=True)
class Piece:
    """A sentence, or a part of one that is too long for a request.

    Args:
        text: str.
        sentence: int, number of the sentence in the text, from 1.
        gap: `Gap` before it.
    """

    text: str
    sentence: int
    gap: Gap


def longest_piece_bytes(length_scale: float) -> int:
    """Bytes of UTF-8 in a piece at most.

    Far below the limit of an export: a piece is synthesized and sent as a whole, and
    2048 bytes are two minutes of speech already. Slow speech gets shorter texts, which
    keeps sounds below the limit of their length.
    """
    return int(min(_LONGEST_BYTES, MAX_TEXT_BYTES / length_scale))


def split_text(text: str, max_bytes: int = _LONGEST_BYTES) -> list[Piece]:
    """Pieces of `text`, in order. Nothing but space between them is left out.

    Args:
        text: str; a blank line ends a paragraph.
        max_bytes: int, UTF-8, of a piece at most. A longer sentence is divided behind a
            semicolon, colon, dash or comma if there is one in its later half, else
            between words, else anywhere.
    Raises:
        ValueError: Nothing but space, or not encodable as UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the text is not UTF-8: {error}") from None
    pieces: list[Piece] = []
    sentence = 0
    for paragraph in _PARAGRAPH.split(text.strip()):
        gap = Gap.PARAGRAPH if pieces else Gap.NOTHING
        for whole in split_sentences(paragraph):
            sentence += 1
            for part in _divide(whole, max_bytes):
                pieces.append(Piece(part, sentence, gap))
                gap = Gap.NOTHING
            gap = Gap.SENTENCE
    if not pieces:
        raise ValueError("there is no text to speak")
    return pieces


def _divide(sentence: str, max_bytes: int) -> list[str]:
    parts = []
    while len(sentence.encode()) > max_bytes:
        # As many characters as fit; a character cut in two is left out.
        fitting = len(sentence.encode()[:max_bytes].decode("utf-8", "ignore"))
        end = _place_to_divide(sentence, max(1, fitting))
        parts.append(sentence[:end].strip())
        sentence = sentence[end:].strip()
    return [part for part in [*parts, sentence] if part]


def _place_to_divide(sentence: str, fitting: int) -> int:
    later_half = fitting // 2
    for pattern, earliest in (
        (r"[;:—–][\"'”’)\]]*\s+", later_half),
        (r",[\"'”’)\]]*\s+", later_half),
        (r"\s+", 0),
    ):
        found = [
            match.end()
            for match in re.finditer(pattern, sentence[: fitting + 1])
            if match.start() > earliest and not _in_control(sentence, match.end())
        ]
        if found:
            return found[-1]
    return fitting


def _in_control(sentence: str, place: int) -> bool:
    """Within a pronunciation such as `{HH AH0 L OW1}` or a pause such as `[300 ms]`."""
    before = sentence[max(0, place - _LONGEST_CONTROL) : place]
    return any(before.rfind(o) > before.rfind(c) for o, c in ("{}", "[]"))


def silence(gap: Gap, pause_seconds: float, sample_rate_hz: int) -> np.ndarray:
    """What is put before a piece: float32 `(samples,)`, zeros.

    A sentence ends with a little silence of its own, which this only adds to.
    """
    factor = {Gap.NOTHING: 0.0, Gap.SENTENCE: 1.0, Gap.PARAGRAPH: 2.5}[gap]
    return np.zeros(round(factor * pause_seconds * sample_rate_hz), np.float32)


def piece_seed(seed: int, number: int) -> int:
    """Seed of the piece `number` (from 0), a 64-bit int.

    The first one's is `seed` itself, so that a text of one sentence sounds as it does
    where it is synthesized alone with this seed.
    """
    # The golden ratio's bits: far apart for pieces and for neighbouring seeds alike.
    mixed = (seed + number * 0x9E3779B97F4A7C15) % _SEEDS
    return mixed - _SEEDS if mixed >= _SEEDS // 2 else mixed
