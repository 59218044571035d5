"""The words of a text against those of its TextGrid.

Both were made from the same text by different programs: "well-known" may be one word or
two, "Dr." may have been "doctor". What agrees is found by the longest common runs of
words; in between lie the differences.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from tfrecords_tools.alignment.words import AlignedWord
from wg2.text import symbols
from wg2.text.frontend import Word


@dataclass(frozen=True)
class Stretch:
    """Words of the text, words of the TextGrid, and whether they say the same."""

    text: range
    grid: range
    equal: bool


def match(words: Sequence[Word], aligned: Sequence[AlignedWord]) -> list[Stretch]:
    """Divides both sequences into stretches that correspond, in order.

    A word that the aligner did not know equals no other.
    """
    text = [_plain(word.label) for word in words]
    grid = [
        f"unknown {i}" if word.unknown else _plain(word.label)
        for i, word in enumerate(aligned)
    ]
    matcher = difflib.SequenceMatcher(None, text, grid, autojunk=False)
    return [
        Stretch(
            range(i, j),
            range(k, m),
            # "well-known" against "well" and "known"
            operation == "equal" or "".join(text[i:j]) == "".join(grid[k:m]),
        )
        for operation, i, j, k, m in matcher.get_opcodes()
    ]


def count_mismatches(
    stretches: Sequence[Stretch], aligned: Sequence[AlignedWord]
) -> int:
    """How many words say something else, on the side that has more of them.

    Unknown words may stand for whatever the text has in their place.
    """
    count = 0
    for stretch in stretches:
        unknown = stretch.grid and all(aligned[i].unknown for i in stretch.grid)
        if not stretch.equal and not (unknown and stretch.text):
            count += max(len(stretch.text), len(stretch.grid))
    return count


def boundaries_of_aligned(
    stretches: Sequence[Stretch], boundaries: Sequence[str]
) -> list[str]:
    """The text's boundaries, around the words of the TextGrid.

    Where both have the same words, or as many, they have the same boundaries.
    Elsewhere, only the boundary after the last word of a stretch is known; the others
    are silence.
    """
    found = [boundaries[0]]
    for stretch in stretches:
        inner = [symbols.SILENCE] * len(stretch.grid)
        if len(stretch.grid) == len(stretch.text):
            inner = [boundaries[i + 1] for i in stretch.text]
        elif inner and stretch.text:
            inner[-1] = boundaries[stretch.text[-1] + 1]
        elif stretch.text:  # words that were not aligned; their last mark stays
            last = boundaries[stretch.text[-1] + 1]
            found[-1] = found[-1] if last == symbols.SILENCE else last
        found.extend(inner)
    # Whatever the last words are, the text ends where the recording does.
    if stretches and not stretches[-1].text:
        found[-1 - len(stretches[-1].grid)] = symbols.SILENCE
    found[-1] = boundaries[-1]
    found[0] = symbols.SILENCE
    return found


def _plain(label: str) -> str:
    """Letters and digits alone, in lower case, without accents."""
    decomposed = unicodedata.normalize("NFKD", label.casefold())
    return re.sub(r"[\W_]|[\u0300-\u036f]", "", decomposed) or label
