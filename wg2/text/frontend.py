"""Text to phonemes: the path that records, training and synthesis share.

`split_words` says where the words and the pauses of a text are, `arrange` sets words
in phonemes and those pauses into the sequence that models read, and `Frontend` looks
the words up in between. The sequence of an utterance is

    sil  word 1  boundary 1  word 2  boundary 2 ...  word N  boundary N  <eos>

where a boundary is the mark of punctuation that stands there, or `sil`, and each mark
that ends a sentence is followed by `<eos>`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from wg2.text import symbols
from wg2.text.lexicon import Lexicon, Pronunciation, parse_pronunciation

SENTENCE_ENDS = (".", "?", "!")

# Where several marks meet, as in `?!` or `."`, the last of these that occurs stands.
_STRENGTH = (symbols.SILENCE, ",", ";", ":", ".", "!", "?")
_ABBREVIATIONS = frozenset((
    "mr", "mrs", "ms", "messrs", "dr", "st", "jr", "sr", "prof", "rev", "hon", "gen",
    "col", "capt", "lt", "sgt", "maj", "gov",
))  # fmt: skip
"""Their period is not the end of a sentence."""

_LETTER = r"[^\W\d_][\u0300-\u036f]*"
_TOKEN = re.compile(
    rf"""
    (?P<braced>\{{[^{{}}]*\}})
    | (?P<word>(?:'(?=(?:tis|twas|em|til|cause|bout|n)\b))?
               (?:{_LETTER}|\d)+ (?:'(?:{_LETTER}|\d)+)*)
    | (?P<ellipsis>\.\.+)
    | (?P<dash>[–—―‒]|--+|(?<!\S)-(?!\S))
    | (?P<mark>[,;:.?!])
    | (?P<opening>(?<!\w)[(\[]) | (?P<closing>[)\]])
    | (?P<silent>[\s"'(\[*_/-])
    | (?P<symbol>.)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def clean(text: str) -> str:
    """Unicode variants of letters, quotes, hyphens and spaces in their plain form."""
    text = re.sub("[’‘ʼʻ‛′`´]", "'", text)  # before NFKC, which takes ´ apart
    text = re.sub("[“”„‟«»‹›″]", '"', text)
    text = unicodedata.normalize("NFKC", text)
    text = re.sub("[‐‑]", "-", text)
    text = text.replace("\u200b", " ")
    # Format characters: byte order marks, soft hyphens, directions, emoji joiners.
    text = re.sub("[\ufe00-\ufe0f]", "", text)  # variants of emoji
    return "".join(c for c in text if unicodedata.category(c) != "Cf")


def _ends_abbreviation(word: str, rest: str) -> bool:
    """Whether the period after `word`, and before `rest`, belongs to the word."""
    if rest[:1] in (",", ";", ":"):  # Smith and Co., London
        return True
    initial = len(word) == 1 and word != "i"
    if rest[:1].isalnum():  # a.m., U.S., example.com; but not "the end.Then"
        return initial or not rest[0].isupper()
    more = any(c.isalnum() or c == "{" for c in rest)
    return more and (initial or word in _ABBREVIATIONS)


def split_words(text: str) -> tuple[list[str], list[str]]:
    """Words of `text`, and the boundaries around them.

    A hyphen parts words; a dash, a parenthesis or an ellipsis inside a sentence is a
    comma. Quotes are no boundary. `{HH AH0 L OW1}` is a word, given by its
    pronunciation. Digits and symbols such as `%` are kept as words, so that nothing
    that would be spoken gets lost; `Frontend` refuses them.

    Returns:
        words: Lower-case, of letters and apostrophes, else as just said.
        boundaries: One symbol more than words: `boundaries[0]` is `sil`, and
            `boundaries[i]` follows `words[i - 1]`: a mark of punctuation or `sil`.

    Raises:
        ValueError: If a brace has no partner.
    """
    text = clean(text)
    words: list[str] = []
    boundaries = [symbols.SILENCE]
    open_parentheses = 0
    for token in _TOKEN.finditer(text):
        kind, found = token.lastgroup, token.group()
        mark = None
        if kind == "word":
            words.append(found.lower())
        elif kind == "braced":
            words.append("{" + " ".join(found[1:-1].upper().split()) + "}")
        elif kind == "symbol":
            if found in "{}":
                raise ValueError(
                    f"Brace without its partner in {_shorten(text)!r}."
                    f" A pronunciation is written {{HH AH0 L OW1}}"
                )
            words.append(found)
        elif kind == "dash":
            mark = ","
        elif kind == "opening":
            mark = ","
            open_parentheses += 1
        elif kind == "closing" and open_parentheses:  # not that of `word(s)`
            mark = ","
            open_parentheses -= 1
        elif kind == "ellipsis":
            following = text[token.end() :].lstrip(" \"'")
            mark = "," if following[:1].islower() else "."
        elif kind == "mark":
            mark = found
            rest = text[token.end() :]
            if found == "." and words and _ends_abbreviation(words[-1], rest):
                mark = None
        if len(boundaries) <= len(words):
            boundaries.append(symbols.SILENCE)
        if mark and words:
            boundaries[-1] = max(boundaries[-1], mark, key=_STRENGTH.index)
    return words, boundaries


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
        if boundary not in _STRENGTH:
            raise ValueError(
                f"Unknown boundary {boundary!r} after word {i}."
                f" Expected one of: {' '.join(_STRENGTH)}"
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
        elif token.lower() in _STRENGTH:
            if words:
                boundaries[-1] = max(boundaries[-1], token.lower(), key=_STRENGTH.index)
            within = False
        elif token in "{}":
            raise ValueError(f"Brace without its partner in {_shorten(text)!r}")
        else:
            phonemes = parse_pronunciation(token.strip("{}"))
            if within and token[0] != "{":
                words[-1].extend(phonemes)
            else:
                words.append(list(phonemes))
                boundaries.append(symbols.SILENCE)
            within = token[0] != "{"
    if not words:
        raise ValueError(f"No speech sounds in {_shorten(text)!r}")
    return arrange(words, boundaries)


def _shorten(text: str, length: int = 60) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 3] + "..."


class Word(NamedTuple):
    """A word as it is spoken, and how: the chosen pronunciation comes first."""

    label: str
    pronunciations: tuple[Pronunciation, ...]


class Transcription(NamedTuple):
    """Words, and the boundaries around them as `split_words` returns them."""

    words: tuple[Word, ...]
    boundaries: tuple[str, ...]


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

    def phonemes(self, text: str) -> list[str]:
        """The phoneme sequence of `text`; raises as `transcribe` does."""
        words, boundaries = self.transcribe(text)
        return arrange([word.pronunciations[0] for word in words], boundaries)

    def transcribe(self, text: str) -> Transcription:
        """The words of `text`, with all their pronunciations, and its boundaries.

        Raises:
            ValueError: If the text is empty or has no words, if words are unknown (all
                are named), or if it has numbers or symbols, which are not spoken yet.
        """
        words, boundaries = split_words(text)
        if not words:
            what = f"There are no words in {_shorten(text)!r}"
            raise ValueError(what if text.strip() else "The text is empty")
        self._refuse_unspoken(words)
        pronounced = [Word(word, self._pronunciations(word)) for word in words]
        unknown = dict.fromkeys(
            word.label for word in pronounced if not word.pronunciations
        )
        if unknown:
            raise ValueError(
                f"No pronunciation for {', '.join(map(repr, unknown))}. Write it in"
                f" the text instead of the word, in braces, e.g. {{HH AH0 L OW1}},"
                f" or add the word to a user lexicon"
            )
        return Transcription(tuple(pronounced), tuple(boundaries))

    def ids(self, text: str) -> list[int]:
        """Ids of `phonemes(text)` in the inventory."""
        return symbols.encode(self.phonemes(text), self.inventory)

    def ids_from_phonemes(self, phonemes: str) -> list[int]:
        """Ids of raw phonemes such as `HH AH0 L OW1 sil`; see `parse_phonemes`."""
        return symbols.encode(parse_phonemes(phonemes), self.inventory)

    def _pronunciations(self, word: str) -> tuple[Pronunciation, ...]:
        if word.startswith("{"):
            return (parse_pronunciation(word[1:-1]),)
        return self.lexicon.pronunciations(word)

    def _refuse_unspoken(self, words: Sequence[str]) -> None:
        plain = [word for word in words if not word.startswith("{")]
        numbers = [word for word in plain if any(c.isdigit() for c in word)]
        if numbers:
            raise ValueError(
                f"Numbers are not spoken yet: {', '.join(map(repr, numbers))}."
                f" Spell them out in words"
            )
        marks = [word for word in plain if not any(c.isalpha() for c in word)]
        if marks:
            raise ValueError(
                f"Symbols are not spoken yet: {', '.join(map(repr, marks))}."
                f" Write them out in words, or leave them out"
            )
