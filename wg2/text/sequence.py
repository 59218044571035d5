"""The phoneme sequence of an utterance, from words and the boundaries around them.

    sil  word 1  boundary 1  word 2  boundary 2 ...  word N  boundary N  <eos>

A boundary is the mark of punctuation that stands there, or `sil`; each mark that ends a
sentence is followed by `<eos>`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from wg2.text import symbols
from wg2.text.lexicon import parse_pronunciation
from wg2.text.rules.punctuation import STRENGTH

SENTENCE_ENDS = (".", "?", "!")
_BOUNDARIES = (symbols.SILENCE, *STRENGTH)
"""From the weakest to the strongest."""


def arrange(words: Sequence[Sequence[str]], boundaries: Sequence[str]) -> list[str]:
    """The phoneme sequence of an utterance; see the module's docstring.

    Args:
        words: Phonemes of each word.
        boundaries: As `split_words` returns them, one more than words.

    Raises:
        ValueError: If there are no words, one is empty, or boundaries do not fit.
    """
    if not words:
        raise ValueError("Expected at least one word. Received none")
    if len(boundaries) != len(words) + 1:
        raise ValueError(
            f"Expected one boundary more than words."
            f" Received: {len(boundaries)} boundaries, {len(words)} words"
        )
    if boundaries[0] != symbols.SILENCE:
        raise ValueError(
            f"Expected {symbols.SILENCE!r} before the first word."
            f" Received: {boundaries[0]!r}"
        )
    sequence = [symbols.SILENCE]
    for i, (word, boundary) in enumerate(zip(words, boundaries[1:], strict=True)):
        if not word:
            raise ValueError(f"Word {i} of {len(words)} has no phonemes")
        if boundary not in _BOUNDARIES:
            raise ValueError(
                f"Unknown boundary {boundary!r} after word {i}."
                f" Expected one of: {' '.join(_BOUNDARIES)}"
            )
        sequence.extend(word)
        sequence.append(boundary)
        if boundary in SENTENCE_ENDS:
            sequence.append(symbols.END)
    if sequence[-1] != symbols.END:
        sequence.append(symbols.END)
    return sequence


def parse_phonemes(text: str) -> list[str]:
    """The sequence of raw phonemes such as `HH AH0 L OW1 sil W ER1 L D .`.

    Boundary symbols part the words; `{W ER1 L D}` is a word of its own, so braces need
    no `sil` between them. The leading `sil`, the last boundary and `<eos>` may be left
    out; what `Frontend.phonemes` returns, joined by spaces, comes back as it is.

    Raises:
        ValueError: If there are no phonemes, one is unknown, or `<eos>` stands where
            no sentence ends.
    """
    if not text.strip():
        raise ValueError("The phonemes are empty. Expected e.g. HH AH0 L OW1")
    tokens = re.findall(r"\{[^{}]*\}|[^\s{}]+|[{}]", text)
    words: list[list[str]] = []
    boundaries = [symbols.SILENCE]
    within = False  # whether the next phoneme belongs to the last word
    for i, token in enumerate(tokens):
        if token.lower() == symbols.END:
            last = i + 1 == len(tokens)
            if not last and (i == 0 or tokens[i - 1] not in SENTENCE_ENDS):
                raise ValueError(
                    f"{symbols.END} stands where no sentence ends: after"
                    f" {' '.join(tokens[max(0, i - 3) : i])!r}."
                    f" Expected it after . ? ! or at the end"
                )
            within = False
        elif token.lower() in _BOUNDARIES:
            if words:
                boundaries[-1] = max(
                    boundaries[-1], token.lower(), key=_BOUNDARIES.index
                )
            within = False
        elif token in "{}":
            raise ValueError(f"Brace without its partner in {shorten(text)!r}")
        else:
            phonemes = parse_pronunciation(token.strip("{}"))
            if within and token[0] != "{":
                words[-1].extend(phonemes)
            else:
                words.append(list(phonemes))
                boundaries.append(symbols.SILENCE)
            within = token[0] != "{"
    if not words:
        raise ValueError(f"No speech sounds in {shorten(text)!r}")
    return arrange(words, boundaries)


def shorten(text: str, length: int = 60) -> str:
    """`text` for a message: one line that is not too long."""
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 3] + "..."
