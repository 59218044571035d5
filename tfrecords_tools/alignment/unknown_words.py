"""Words that the aligner did not know, pronounced by the dictionary.

An aligner whose dictionary lacks a word writes one phone `spn` over all of it. Where
the text says which word that is, and our dictionary has it, its phonemes share the
interval evenly: times that are roughly right, where silence or a missing utterance
would be worse.
"""

from __future__ import annotations

from collections.abc import Sequence

from tfrecords_tools.alignment.textgrid import Interval
from tfrecords_tools.alignment.words import AlignedWord
from tfrecords_tools.utterance import SkipUtterance
from wg2.text.lexicon import Lexicon

KIND = "unknown word"


def pronounce_unknown(
    aligned: Sequence[AlignedWord], text_words: Sequence[str], lexicon: Lexicon
) -> list[AlignedWord]:
    """Replaces every unknown word by the words of the text that belong there.

    Args:
        aligned: Words of the TextGrid.
        text_words: Words of the text, lower-case. If there are more of them, a single
            unknown word may stand for several (`i.e.` is two).
        lexicon: Pronunciations.

    Returns:
        One known word for each of `text_words`.

    Raises:
        SkipUtterance: If it is not clear which words they are, or one has no
            pronunciation.
    """
    unknown = [i for i, word in enumerate(aligned) if word.unknown]
    surplus = len(text_words) - len(aligned)
    if surplus < 0 or (surplus and len(unknown) > 1):
        raise SkipUtterance(
            KIND,
            f"the aligner did not know {len(unknown)} of {len(aligned)} words, and the "
            f"text has {len(text_words)}",
        )
    known = []
    for i, word in enumerate(aligned):
        if not word.unknown:
            known.append(word)
            continue
        first = len(known)
        stand_for = text_words[first : first + 1 + surplus]
        neighbours = [(i - 1, first - 1), (i + 1, first + 1 + surplus)]
        for at, at_text in neighbours:
            if not 0 <= at < len(aligned) or aligned[at].unknown:
                continue
            if aligned[at].label.lower() != text_words[at_text]:
                raise SkipUtterance(
                    KIND,
                    f"beside the one at {word.start_seconds} s the TextGrid has "
                    f"{aligned[at].label!r}, the text {text_words[at_text]!r}",
                )
        known.extend(_spread(word, stand_for, lexicon))
    return known


def _spread(
    unknown: AlignedWord, words: Sequence[str], lexicon: Lexicon
) -> list[AlignedWord]:
    pronounced = []
    for word in words:
        phonemes = lexicon.pronounce(word)
        if phonemes is None:
            raise SkipUtterance(
                KIND,
                f"{word!r}, unknown to the aligner, is not in the dictionary either",
            )
        pronounced.append(phonemes)
    start, end = unknown.start_seconds, unknown.end_seconds
    step = (end - start) / sum(map(len, pronounced))
    spread, at = [], 0
    for word, phonemes in zip(words, pronounced, strict=True):
        phones = tuple(
            Interval(start + step * (at + i), start + step * (at + i + 1), phoneme)
            for i, phoneme in enumerate(phonemes)
        )
        at += len(phonemes)
        spread.append(AlignedWord(word, phones))
    return spread
