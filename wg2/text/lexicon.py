"""Pronunciations: the CMU dictionary, and a user's own word list on top of it.

The dictionary ships in `data/cmudict.txt.xz` (its licence beside it), so that nothing
is downloaded and no other package is needed. `tools/make_cmudict.py` made it. Words
that it lacks are in `data/supplement.txt`, which has the form of a user's list.
"""

from __future__ import annotations

import functools
import lzma
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from wg2.text import g2p, homographs, symbols, word_forms
from wg2.text.characters import clean
from wg2.text.packed import pack, unpack

Pronunciation = tuple[str, ...]

SPEECH_SOUNDS = frozenset(symbols.PHONEMES) - symbols.BOUNDARIES


def parse_pronunciation(text: str) -> Pronunciation:
    """Phonemes of text such as `HH AH0 L OW1`; the case does not matter.

    Raises:
        ValueError: If there is none, or one is not an ARPAbet symbol with stress.
    """
    phonemes = tuple(text.upper().split())
    if not phonemes:
        raise ValueError("A pronunciation has no phonemes. Expected e.g. HH AH0 L OW1")
    for phoneme in phonemes:
        if phoneme in symbols.VOWELS:
            raise ValueError(
                f"Phoneme {phoneme} is a vowel and needs its stress: {phoneme}0 (none),"
                f" {phoneme}1 (primary) or {phoneme}2 (secondary)"
            )
        if phoneme not in SPEECH_SOUNDS:
            raise ValueError(
                f"Unknown phoneme {phoneme!r} in {text.strip()!r}. Expected ARPAbet"
                f" with stress on vowels, e.g. HH AH0 L OW1"
            )
    return phonemes


@functools.cache
def _dictionary() -> dict[str, str]:
    """Word -> its pronunciations, tab-separated; split only when asked for."""
    data = resources.files("wg2.text") / "data"
    text = lzma.decompress((data / "cmudict.txt.xz").read_bytes()).decode("ascii")
    words = dict(line.split("\t", 1) for line in text.splitlines())
    with resources.as_file(data / "supplement.txt") as path:
        for word, known in read_user_lexicon(path).items():
            words[word] = "\t".join(" ".join(sounds) for sounds in known)
    return words


def read_user_lexicon(path: str | Path) -> dict[str, tuple[Pronunciation, ...]]:
    """Reads `word  PH ON EMES` lines; `#` starts a comment.

    A word may stand on several lines: the first is its pronunciation, the others are
    alternatives (written `word(2)` in CMU style, or just `word`).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: Naming file and line of the first bad entry.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No such user lexicon: {path}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not UTF-8 text ({error.reason})") from None
    words: dict[str, list[Pronunciation]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        entry = line.partition("#")[0].split(maxsplit=1)
        if not entry:
            continue
        # As texts have it, without accents.
        word = re.sub(r"\(\d+\)$", "", clean(entry[0]).lower())
        if not re.fullmatch(r"'?[^\W\d_]+(?:'[^\W\d_]+)*", word):
            raise ValueError(
                f"{path}:{number}: {entry[0]!r} is not one word of letters and"
                f" apostrophes; write the parts of a compound on lines of their own"
            )
        if len(entry) == 1:
            raise ValueError(
                f"{path}:{number}: {word!r} has no pronunciation."
                f" Expected a line such as: hello  HH AH0 L OW1"
            )
        try:
            words.setdefault(word, []).append(parse_pronunciation(entry[1]))
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {word!r}: {error}") from None
    return {word: tuple(pronunciations) for word, pronunciations in words.items()}


@functools.cache
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


def with_ending(stem: Pronunciation, ending: str) -> Pronunciation:
    """`stem` with the sounds of one of the endings of `wg2.text.word_forms`.

    >>> with_ending(("K", "AE1", "T"), "@S")
    ('K', 'AE1', 'T', 'S')
    """
    packed = pack(stem) + ending
    for rule in word_forms.ENDINGS:
        packed = _compile(rule.pattern).sub(rule.replacement, packed)
    return unpack(packed)


class Lexicon:
    """Words to their pronunciations: all that the front end knows about them.

    Looked for in this order: the user's lexicon, the CMU dictionary, and in both the
    stem of a plural, a possessive or a verb (`wg2.text.word_forms.STEMS`). Subclasses
    may have the dictionary, the homographs and the network from elsewhere.

    Args:
        user_lexicon: Optional file of `word  PH ON EMES` lines; its words replace
            those of the dictionary. See `read_user_lexicon`.
    """

    def __init__(self, user_lexicon: str | Path | None = None):
        self.user_lexicon = user_lexicon
        self._user = {} if user_lexicon is None else read_user_lexicon(user_lexicon)

    def entries(self, word: str) -> tuple[Pronunciation, ...]:
        """What the user's lexicon or else the dictionary has for exactly `word`."""
        if word in self._user:
            return self._user[word]
        return self._in_dictionary(word)

    def _in_dictionary(self, word: str) -> tuple[Pronunciation, ...]:
        found = _dictionary().get(word)
        if found is None:
            return ()
        return tuple(tuple(entry.split()) for entry in found.split("\t"))

    def guess(self, word: str) -> Pronunciation:
        """A network's pronunciation of a word that nobody knows; never empty.

        Raises:
            FileNotFoundError: If g2p_en is not installed.
        """
        return unpack(g2p.pronounce(word))

    def homographs(self) -> Mapping[str, homographs.Homograph]:
        """Word -> its two pronunciations, by part of speech."""
        return homographs.table()

    def in_user_lexicon(self, word: str) -> bool:
        return word in self._user

    def words(self) -> dict[str, str]:
        """Every word -> its usual pronunciation, packed; for a graph's table."""
        found = {
            word: pack(entries.split("\t", 1)[0].split())
            for word, entries in _dictionary().items()
        }
        found.update((word, pack(known[0])) for word, known in self._user.items())
        return found

    def pronunciations(self, word: str) -> tuple[Pronunciation, ...]:
        """All pronunciations of a lower-case `word`, the usual one first.

        Empty if neither the word nor a stem of it is known.
        """
        for form in dict.fromkeys((word, clean(word))):
            if found := self.entries(form):
                return found
            for stem in word_forms.STEMS:
                match = _compile(stem.pattern).fullmatch(form)
                if match and (found := self.entries(match.expand(stem.stem))):
                    return tuple(
                        with_ending(pronunciation, stem.ending)
                        for pronunciation in found
                    )
        return ()

    def pronounce(self, word: str) -> Pronunciation | None:
        """The usual pronunciation of a lower-case `word`; None if it is unknown."""
        found = self.pronunciations(word)
        return found[0] if found else None
