"""Words that the aligner did not know, pronounced by the front end.

An aligner whose dictionary lacks a word writes one phone `spn` over all of it. Where
the text says which word that is, its phonemes share the interval evenly: times that
are roughly right, where silence or a missing utterance would be worse.
"""

from __future__ import annotations

from collections.abc import Sequence

from tfrecords_tools.alignment.text_match import Stretch
from tfrecords_tools.alignment.textgrid import Interval
from tfrecords_tools.alignment.words import AlignedWord
from tfrecords_tools.utterance import SkipUtterance
from wg2.text.frontend import Word

KIND = "unknown word"


def pronounce_unknown(
    aligned: Sequence[AlignedWord],
    words: Sequence[Word],
    stretches: Sequence[Stretch],
) -> list[AlignedWord]:
    """Replaces every unknown word by the words of the text that belong there.

    Args:
        aligned: Words of the TextGrid.
        words: Words of the text. A single unknown word may stand for several of them
            (`i.e.` is two).
        stretches: `text_match.match` of the two.

    Returns:
        The words of the TextGrid, all known.

    Raises:
        SkipUtterance: If it is not clear which words the unknown ones are.
    """
    known: list[AlignedWord] = []
    for stretch in stretches:
        here = [aligned[i] for i in stretch.grid]
        if not any(word.unknown for word in here):
            known.extend(here)
            continue
        spoken = [words[i] for i in stretch.text]
        if not all(word.unknown for word in here) or not spoken:
            raise _unclear(here, spoken)
        if len(here) == 1:
            known.extend(_spread(here[0], spoken))
        elif len(here) == len(spoken):
            for unknown, word in zip(here, spoken, strict=True):
                known.extend(_spread(unknown, [word]))
        else:
            raise _unclear(here, spoken)
    return known


def _unclear(here: Sequence[AlignedWord], spoken: Sequence[Word]) -> SkipUtterance:
    labels = " ".join(word.label for word in here)
    text = " ".join(word.label for word in spoken) or "nothing"
    return SkipUtterance(
        KIND,
        f"at {here[0].start_seconds} s the TextGrid has {labels!r}, the text {text!r}",
    )


def _spread(unknown: AlignedWord, words: Sequence[Word]) -> list[AlignedWord]:
    """Words of even phonemes in the place of an unknown one."""
    pronounced = [word.pronunciations[0] for word in words]
    start, end = unknown.start_seconds, unknown.end_seconds
    step = (end - start) / sum(map(len, pronounced))
    spread, at = [], 0
    for word, phonemes in zip(words, pronounced, strict=True):
        phones = tuple(
            Interval(start + step * (at + i), start + step * (at + i + 1), phoneme)
            for i, phoneme in enumerate(phonemes)
        )
        at += len(phonemes)
        spread.append(AlignedWord(word.label, phones))
    return spread
