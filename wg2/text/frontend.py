"""Text to phonemes: the path that records, training, synthesis and serving share.

Text is cleaned (`characters`), written out (`normalize`), looked up (`pronounce`,
`homographs`) and set into a sequence (`sequence`). `wg2.text.graph` does the same in a
TensorFlow graph, from the same rules and tables.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from wg2.text import characters, control, packed, symbols, tagger
from wg2.text.homographs import NEIGHBOURS, WEAK_FORMS
from wg2.text.lexicon import Lexicon, Pronunciation
from wg2.text.normalize import apply, spoken_form, substitute
from wg2.text.pronounce import pronounce
from wg2.text.rules import ROW
from wg2.text.sequence import arrange, parse_phonemes, shorten
from wg2.text.word_forms import VOWELS

MAX_BYTES = 8192
"""Longest text, in UTF-8."""
MAX_PHONEMES = 8192
"""Longest sequence."""

_MARKS = frozenset(symbols.PAUSES)
_VOWELS = frozenset(VOWELS[1:-1])


class Word(NamedTuple):
    """A word as it is spoken, and how: the chosen pronunciation comes first."""

    label: str
    pronunciations: tuple[Pronunciation, ...]


class Transcription(NamedTuple):
    """Words and what stands around them.

    Args:
        words: In order.
        boundaries: One symbol more than words: `boundaries[0]` is `sil`, and
            `boundaries[i]` follows `words[i - 1]`: a mark of punctuation or `sil`.
        pauses_seconds: How long each boundary is to be, None where the text does not
            say.
    """

    words: tuple[Word, ...]
    boundaries: tuple[str, ...]
    pauses_seconds: tuple[float | None, ...]


class Encoded(NamedTuple):
    """Ids of phonemes, and for each how long it is to be, None where nothing says."""

    ids: list[int]
    pauses_seconds: list[float | None]


def tokenize(text: str) -> list[str]:
    """Spoken words, marks and packed controls of `text`, in order."""
    pieces = control.split(_bounded(text))
    row = " ".join(
        control.parse(piece) if i % 2 else spoken_form(piece)
        for i, piece in enumerate(pieces)
    )
    return apply(ROW, row).split()


def spoken_words(text: str) -> list[str]:
    """The words of `text` as they are spoken, without their pronunciations."""
    return [_label(token) for token in tokenize(text) if _is_word(token)]


def spoken_text(text: str) -> str:
    """`text` written out, for people to read.

    >>> spoken_text("Dr. Smith owes the FBI $3, perhaps.")
    'doctor smith owes the fbi three dollars, perhaps.'
    """
    return show_tokens(tokenize(text))


def show_tokens(tokens: Sequence[str]) -> str:
    """What `tokenize` returns, for people to read."""
    shown = []
    for token in tokens:
        if token in _MARKS:
            shown.append(token)
        elif packed.is_pause(token[0]):
            shown.append(f" [{packed.pause_seconds(token[0]) * 1000:.0f}ms]")
        elif token[0] >= chr(packed.PHONEME_BASE):
            shown.append(f" {{{' '.join(packed.unpack(token))}}}")
        elif token[0] == "~":
            shown.append(f" {token[1].upper()}{token[2:]}")
        else:
            shown.append(f" {token.removeprefix('^')}")
    return "".join(shown).strip()


class Frontend:
    """English text to phonemes and their ids.

    Args:
        lexicon: Pronunciations; the CMU dictionary by default.
        inventory: The phonemes of the voice; ids are positions in it.
    """

    def __init__(
        self,
        lexicon: Lexicon | None = None,
        inventory: Sequence[str] = symbols.PHONEMES,
    ):
        self.lexicon = Lexicon() if lexicon is None else lexicon
        self.inventory = tuple(inventory)

    def check(self, text: str) -> None:
        """Refuses text of which something would be lost.

        Raises:
            ValueError: If the text is too long, has a control that is none, or letters
                that cannot be spoken, or nothing to speak.
        """
        size = len(text.encode("utf-8", "replace"))
        if size > MAX_BYTES:
            raise ValueError(
                f"The text has {size} bytes, the limit is {MAX_BYTES}. Split it into"
                f" sentences. It begins with {shorten(text)!r}"
            )
        control.check(text)
        if lost := characters.unspoken(text):
            raise ValueError(
                f"These letters cannot be spoken: {' '.join(lost[:20])}, in"
                f" {shorten(text)!r}. Write the words in Latin letters, or their"
                f" pronunciation in braces, e.g. {{HH AH0 L OW1}}"
            )

    def transcribe(self, text: str, strict: bool = True) -> Transcription:
        """The words of `text`, with all their pronunciations, and its boundaries.

        Args:
            text: Any text.
            strict: Whether to refuse text of which something would be lost; otherwise
                that is left out, text beyond the limit too, as the graph does.

        Raises:
            ValueError: See `check`; also if there are no words.
            FileNotFoundError: If g2p_en is needed and not installed.
        """
        if strict:
            self.check(text)
        tokens = tokenize(text)
        words: list[Word] = []
        boundaries = [symbols.SILENCE]
        pauses: list[float | None] = [None]
        for token, found in zip(tokens, self._pronounce(tokens), strict=True):
            if token in _MARKS:
                boundaries[-1] = token
            elif packed.is_pause(token[0]):
                pauses[-1] = (pauses[-1] or 0.0) + packed.pause_seconds(token[0])
            else:
                words.append(Word(_label(token), found))
                boundaries.append(symbols.SILENCE)
                pauses.append(None)
        if strict and not words:
            what = f"There are no words in {shorten(text)!r}"
            raise ValueError(what if text.strip() else "The text is empty")
        return Transcription(tuple(words), tuple(boundaries), tuple(pauses))

    def phonemes(self, text: str) -> list[str]:
        """The phoneme sequence of `text`; raises as `transcribe` does."""
        words, boundaries, _ = self.transcribe(text)
        return arrange([word.pronunciations[0] for word in words], boundaries)

    def encode(self, text: str, strict: bool = True) -> Encoded:
        """Ids of the phoneme sequence of `text`, and the pauses that it asks for.

        Args:
            text: Any text.
            strict: See `transcribe`. Text without words is `sil <eos>` if not strict,
                and sequences beyond the limit are cut.
        """
        words, boundaries, pauses = self.transcribe(text, strict)
        if not words:
            sequence = [symbols.SILENCE, symbols.END]
        else:
            sequence = arrange([word.pronunciations[0] for word in words], boundaries)
        at_boundaries = iter(pauses)
        asked = [
            next(at_boundaries)
            if symbol in _MARKS or symbol == symbols.SILENCE
            else None
            for symbol in sequence
        ]
        if len(sequence) > MAX_PHONEMES:
            if strict:
                raise ValueError(
                    f"The text has {len(sequence)} phonemes, the limit is"
                    f" {MAX_PHONEMES}. Split it: {shorten(text)!r}"
                )
            sequence = [*sequence[: MAX_PHONEMES - 1], symbols.END]
            asked = [*asked[: MAX_PHONEMES - 1], None]
        return Encoded(symbols.encode(sequence, self.inventory), asked)

    def ids(self, text: str) -> list[int]:
        """Ids of `phonemes(text)` in the inventory."""
        return self.encode(text).ids

    def encode_phonemes(self, phonemes: str) -> Encoded:
        """Ids of raw phonemes such as `HH AH0 L OW1 sil`; see `parse_phonemes`."""
        sequence = parse_phonemes(phonemes)
        if len(sequence) > MAX_PHONEMES:
            raise ValueError(
                f"There are {len(sequence)} phonemes, the limit is {MAX_PHONEMES}. "
                f"Split them: {shorten(phonemes)!r}"
            )
        ids = symbols.encode(sequence, self.inventory)
        return Encoded(ids, [None] * len(ids))

    def _pronounce(self, tokens: Sequence[str]) -> list[tuple[Pronunciation, ...]]:
        """Pronunciations of every token, the one that fits first; none of marks."""
        found: list[tuple[Pronunciation, ...]] = []
        for token in tokens:
            if not _is_word(token):
                found.append(())
            elif token[0] >= chr(packed.PHONEME_BASE):
                found.append((packed.unpack(token),))
            else:
                found.append(pronounce(token, self.lexicon))
        for at, chosen in (
            *self._homographs(tokens),
            *self._neighbours(tokens),
            *self._weak_forms(tokens, found),
        ):
            rest = (other for other in found[at] if other != chosen)
            found[at] = (chosen, *rest)
        return found

    def _homographs(self, tokens: Sequence[str]) -> list[tuple[int, Pronunciation]]:
        """Position and chosen pronunciation of each homograph."""
        known = self.lexicon.homographs()
        places = {
            i
            for i, token in enumerate(tokens)
            if token in known and not self.lexicon.in_user_lexicon(token)
        }
        if not places:
            return []
        parts, owners = [], []
        for i, token in enumerate(tokens):
            if packed.is_pause(token[0]):
                continue
            for part in substitute(tagger.CLITICS, token).split():
                parts.append(part.removeprefix(tagger.CLITIC))
                owners.append(None if part.startswith(tagger.CLITIC) else i)
        tags = dict(zip(owners, tagger.tag(parts), strict=True))
        return [
            (i, packed.unpack(known[tokens[i]].pronounce(tags[i])))
            for i in sorted(places)
        ]

    def _neighbours(self, tokens: Sequence[str]) -> list[tuple[int, Pronunciation]]:
        chosen = []
        for i, pair in enumerate(itertools.pairwise(tokens)):
            which, form = NEIGHBOURS.get(" ".join(pair), (0, ""))
            if form and not self.lexicon.in_user_lexicon(pair[which]):
                chosen.append((i + which, packed.unpack(form)))
        return chosen

    def _weak_forms(
        self, tokens: Sequence[str], found: Sequence[tuple[Pronunciation, ...]]
    ) -> list[tuple[int, Pronunciation]]:
        chosen = []
        for i, token in enumerate(tokens):
            if token in WEAK_FORMS and not self.lexicon.in_user_lexicon(token):
                forms = WEAK_FORMS[token]
                form = forms.before_pause
                if i + 1 < len(tokens) and found[i + 1]:
                    first = packed.pack(found[i + 1][0][:1])
                    vowel = first in _VOWELS
                    form = forms.before_vowel if vowel else forms.before_consonant
                chosen.append((i, packed.unpack(form)))
        return chosen


def _bounded(text: str) -> str:
    """As much of `text` as the limit allows; a character cut in two is lost."""
    data = text.encode("utf-8", "replace")
    return data[:MAX_BYTES].decode("utf-8", "replace")


def _is_word(token: str) -> bool:
    return token not in _MARKS and not packed.is_pause(token[0])


def _label(token: str) -> str:
    if token[0] >= chr(packed.PHONEME_BASE):
        return "{" + " ".join(packed.unpack(token)) + "}"
    return token.lstrip("~^")
