"""How much a recogniser misunderstands: errors of words and of phones.

The recogniser hears clean recordings far from perfectly, so that error rates say
something only beside those of the recordings themselves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from wg2.text import symbols
from wg2.text.frontend import spoken_words


class Errors(NamedTuple):
    """Substitutions, deletions and insertions, and how much was to be understood."""

    num_errors: int
    num_reference: int


def count_errors(reference: Sequence[str], heard: Sequence[str]) -> Errors:
    """The fewest edits that make one sequence of words or phones the other."""
    import jiwer

    if not reference:
        return Errors(len(heard), 0)
    found = jiwer.process_words(" ".join(reference), " ".join(heard))
    edits = found.substitutions + found.deletions + found.insertions
    return Errors(edits, len(reference))


def reference_words(text: str) -> list[str]:
    """What is to be understood of a text, in the form of `plain_words`."""
    return plain_words(spoken_words(text))


def reference_phones(phonemes: Sequence[str]) -> list[str]:
    """What is to be understood of phonemes, as phones without stress."""
    speech = (symbol for symbol in phonemes if symbol not in symbols.BOUNDARIES)
    return [symbols.without_stress(symbol) for symbol in speech]


def check_phonemes(inventory: Sequence[str]) -> None:
    """Refuses voices whose phonemes the recogniser does not know.

    Raises:
        ValueError: Naming some of them.
    """
    unknown = [p for p in inventory if p not in symbols.BOUNDARIES]
    unknown = [
        p for p in unknown if symbols.without_stress(p) not in symbols.UNSTRESSED
    ]
    if unknown:
        raise ValueError(
            "the recogniser knows English ARPAbet only, the voice also has "
            f"{' '.join(unknown[:8])}; use --no-intelligibility"
        )


def plain_words(words: Sequence[str]) -> list[str]:
    """Letters as in "f." and words as in "don't", written in one way."""
    plain = (re.sub(r"[^a-z']", "", word.lower()).strip("'") for word in words)
    return [word for word in plain if word]
