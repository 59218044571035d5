"""What flite speaks as labels: its words, and its phones with stress, with times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tfrecords_tools.alignment import textgrid
from tfrecords_tools.flite import Phone, Speech, Token
from tfrecords_tools.flite_phones import LabelError, sounds_like, to_arpabet
from wg2.text import symbols
from wg2.text.frontend import spoken_words
from wg2.text.lexicon import Lexicon, Pronunciation

# flite's wave ends where its last frame does, up to 5 ms from the last phone's end,
# or inside the silence at the end.
_TOLERANCE_SECONDS = 0.01


@dataclass(frozen=True)
class Interval:
    """A label from where the one before it ends, "" or `sil` for silence."""

    end_seconds: float
    label: str


@dataclass(frozen=True)
class Labels:
    """What is said in an utterance and when.

    Args:
        text: The words as spoken, with the punctuation of the original.
        words, phones: Tiers from 0 to the end of the audio.
        pronunciations: Each word with the phonemes of its labels.
    """

    text: str
    words: tuple[Interval, ...]
    phones: tuple[Interval, ...]
    pronunciations: tuple[tuple[str, Pronunciation], ...]

    def grid(self) -> textgrid.TextGrid:
        """The two tiers with the start of every interval."""
        tiers = {"words": _timed(self.words), "phones": _timed(self.phones)}
        return textgrid.TextGrid(self.phones[-1].end_seconds, tiers)


def _timed(tier: Sequence[Interval]) -> tuple[textgrid.Interval, ...]:
    starts = (0.0, *(interval.end_seconds for interval in tier))
    return tuple(
        textgrid.Interval(start, interval.end_seconds, interval.label)
        for start, interval in zip(starts, tier, strict=False)
    )


def label(text: str, speech: Speech, lexicon: Lexicon) -> Labels:
    """Labels of `text` as flite has spoken it.

    Raises:
        LabelError: If the text does not account for what was spoken.
    """
    spoken = _spoken_words(speech)
    if not spoken:
        raise LabelError("no words: nothing is spoken in this text")
    text = _spoken_text(text, speech.tokens, spoken, lexicon)
    words = spoken_words(text)
    if len(words) != len(spoken):
        raise LabelError(
            f"word count: {len(spoken)} words are spoken, {len(words)} are written:"
            f" {' '.join(word.name for word in spoken)}"
        )
    pronunciations = [
        to_arpabet(word.phones, lexicon.pronunciations(written))
        for word, written in zip(spoken, words, strict=True)
    ]
    return Labels(
        text=text,
        words=_word_tier(speech, spoken, words),
        phones=_phone_tier(speech, pronunciations),
        pronunciations=tuple(zip(words, pronunciations, strict=True)),
    )


@dataclass(frozen=True)
class _Word:
    """A word as spoken: flite's `it` and `'s` are one."""

    name: str
    token: int
    phones: tuple[Phone, ...]


def _spoken_words(speech: Speech) -> list[_Word]:
    by_word: dict[int, list[Phone]] = {}
    for phone in speech.phones:
        if phone.word is not None:
            by_word.setdefault(phone.word, []).append(phone)
    spoken: list[_Word] = []
    number = 0
    for position, token in enumerate(speech.tokens):
        for name in token.words:
            phones = tuple(by_word.get(number, ()))
            number += 1
            if not phones and not any(c.isalnum() for c in name):
                continue  # a mark that stands alone
            if not phones:
                raise LabelError(f"silent word: {name!r} has no phones")
            before = spoken[-1] if spoken and spoken[-1].token == position else None
            if before and name.startswith("'"):
                spoken[-1] = _Word(before.name + name, position, before.phones + phones)
            else:
                spoken.append(_Word(name.lstrip("_"), position, phones))
    within = {id(phone): i for i, word in enumerate(spoken) for phone in word.phones}
    current = None
    for phone, following in zip(speech.phones, speech.phones[1:], strict=False):
        current = within.get(id(phone), current)
        if phone.word is None and within.get(id(following)) == current is not None:
            raise LabelError(f"pause inside a word: {spoken[current].name!r}")
    return spoken


def _spoken_text(
    text: str, tokens: Sequence[Token], spoken: Sequence[_Word], lexicon: Lexicon
) -> str:
    """The text with what is not spoken as written, e.g. numbers, in spoken words."""
    pieces = []
    as_written = True
    for position, token in enumerate(tokens):
        words = [word for word in spoken if word.token == position]
        written = spoken_words(token.written)
        letters = not any(c.isdigit() for c in token.written)
        if (
            letters
            and len(words) == len(written)
            and all(
                _is_spoken_as_written(word, form, lexicon)
                for word, form in zip(words, written, strict=True)
            )
        ):
            middle = token.written
        else:
            middle = " ".join(word.name for word in words)
            as_written = False
        pieces.append(token.space + token.before + middle + token.after)
    # flite's tokens lack the period of `Mr.`, so the text itself is better.
    return text if as_written else " ".join("".join(pieces).split())


def _is_spoken_as_written(word: _Word, written: str, lexicon: Lexicon) -> bool:
    if word.name.replace("'", "") == written.replace("'", ""):
        return True
    # flite respells homographs and abbreviations: `red` for read, `mister` for Mr.
    return sounds_like(word.phones, lexicon.pronunciations(written))


def _ends(speech: Speech) -> list[float]:
    """Ends of all phones, the last one brought to the end of the audio.

    Raises:
        LabelError: If phones and audio differ by more than a frame.
    """
    ends = [phone.end_seconds for phone in speech.phones]
    starts = [0.0, *ends[:-1]]
    total = len(speech.samples) / speech.sample_rate_hz
    last_is_silence = speech.phones[-1].word is None
    too_long = total - ends[-1] > _TOLERANCE_SECONDS
    too_short = ends[-1] - total > _TOLERANCE_SECONDS and not last_is_silence
    if too_long or too_short or starts[-1] >= total:
        raise LabelError(
            f"duration: phones end at {ends[-1]:.3f} s, the audio at {total:.3f} s"
        )
    if any(end <= start for start, end in zip(starts, ends, strict=True)):
        raise LabelError("empty phone: flite gave a phone no time")
    return [*ends[:-1], total]


def _merged(intervals: list[Interval], silence: str) -> tuple[Interval, ...]:
    """Joins neighbouring silences."""
    merged: list[Interval] = []
    for interval in intervals:
        if merged and merged[-1].label == interval.label == silence:
            merged.pop()
        merged.append(interval)
    return tuple(merged)


def _word_tier(
    speech: Speech, spoken: Sequence[_Word], words: Sequence[str]
) -> tuple[Interval, ...]:
    last = {id(word.phones[-1]): text for word, text in zip(spoken, words, strict=True)}
    intervals = []
    for phone, end in zip(speech.phones, _ends(speech), strict=True):
        if phone.word is None:
            intervals.append(Interval(end, ""))
        elif id(phone) in last:
            intervals.append(Interval(end, last[id(phone)]))
    return _merged(intervals, "")


def _phone_tier(
    speech: Speech, pronunciations: Sequence[Pronunciation]
) -> tuple[Interval, ...]:
    names = iter([symbol for word in pronunciations for symbol in word])
    intervals = [
        Interval(end, symbols.SILENCE if phone.word is None else next(names))
        for phone, end in zip(speech.phones, _ends(speech), strict=True)
    ]
    return _merged(intervals, symbols.SILENCE)
