"""The front end's words from a package: dictionary, homographs, unknown words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from export.mobile.dictionary import Dictionary, to_bytes
from export.mobile.package import (
    DICTIONARY_FILE,
    HOMOGRAPHS_FILE,
    LEXICON_FILE,
    Package,
)
from wg2.text import g2p
from wg2.text.homographs import Homograph
from wg2.text.lexicon import (
    SPEECH_SOUNDS,
    Lexicon,
    Pronunciation,
    read_user_lexicon,
)
from wg2.text.packed import pack, unpack


def write_words(folder: Path, user_lexicon: Path | None) -> None:
    """Writes the dictionary, the homographs and the user's lexicon into a package.

    Raises:
        ValueError, FileNotFoundError: A bad lexicon, or g2p_en is not installed.
    """
    lexicon = Lexicon()
    words = {word: lexicon.entries(word) for word in lexicon.words()}
    content = to_bytes(words, sorted(SPEECH_SOUNDS))
    (folder / DICTIONARY_FILE).write_bytes(content)
    homographs = {
        word: {
            "first": " ".join(unpack(entry.first)),
            "second": " ".join(unpack(entry.second)),
            "tags": list(entry.tags),
        }
        for word, entry in sorted(lexicon.homographs().items())
    }
    text = json.dumps(homographs, indent=1) + "\n"
    (folder / HOMOGRAPHS_FILE).write_text(text, encoding="utf-8")
    if user_lexicon is not None:
        read_user_lexicon(user_lexicon)  # fails now, not on the phone
        (folder / LEXICON_FILE).write_bytes(user_lexicon.read_bytes())


class PackageLexicon(Lexicon):
    """Pronunciations from a package.

    Args:
        package: `Package`.
        predict: Letters int32 `(1, letters)` -> phonemes int32 `(1, n)`, see
            `wg2.text.g2p`.
        user_lexicon: Words that come before those of the package, or None.
    Raises:
        ValueError, FileNotFoundError: A file is missing or damaged.
    """

    def __init__(
        self,
        package: Package,
        predict: Callable[[Sequence[Sequence[int]]], Any],
        user_lexicon: str | Path | None = None,
    ):
        super().__init__(user_lexicon)
        if LEXICON_FILE in package.facts["files"]:
            built_in = read_user_lexicon(package.path(LEXICON_FILE))
            self._user = {**built_in, **self._user}
        self._dictionary = Dictionary(package.path(DICTIONARY_FILE))
        self._predict = predict
        text = package.path(HOMOGRAPHS_FILE).read_text(encoding="utf-8")
        self._homographs = {
            word: Homograph(
                pack(entry["first"].split()),
                pack(entry["second"].split()),
                tuple(entry["tags"]),
            )
            for word, entry in json.loads(text).items()
        }

    def _in_dictionary(self, word: str) -> tuple[Pronunciation, ...]:
        return self._dictionary.get(word)

    def homographs(self) -> Mapping[str, Homograph]:
        return self._homographs

    def guess(self, word: str) -> Pronunciation:
        sounds = [int(sound) for sound in self._predict([g2p.letters(word)])[0]]
        if g2p.END in sounds:
            sounds = sounds[: sounds.index(g2p.END)]
        return g2p.to_pronunciation(sounds)

    def words(self) -> dict[str, str]:
        known = {word: pack(self._dictionary.get(word)[0]) for word in self._dictionary}
        known.update((word, pack(found[0])) for word, found in self._user.items())
        return known
