"""flite, the small speech synthesiser, as a source of speech with exact phone times.

Bound through its shared library, which belongs to the Debian package `flite`, rather
than through its command: the command prints phones without telling which word they
belong to, or their stress, while the library has the whole structure of an utterance.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

VOICES = {
    "slt": "cmu_us_slt",
    "rms": "cmu_us_rms",
    "awb": "cmu_us_awb",
    "kal16": "cmu_us_kal16",
}
"""Voices of 16 kHz by their name on flite's command line, and their library."""


@dataclass(frozen=True)
class Phone:
    """A stretch of speech, or of silence, which flite calls `pau`.

    Args:
        name: One of flite's lower-case phone names.
        end_seconds: Where it ends, and the next one begins.
        stressed: Whether its syllable is stressed.
        word: Position of its word among all words; None in silence.
    """

    name: str
    end_seconds: float
    stressed: bool = False
    word: int | None = None


@dataclass(frozen=True)
class Token:
    """A piece of the text between spaces, and the words it is spoken as.

    `before` and `after` are its punctuation; `words` may be none, and have flite's
    own spelling: `it` and `'s`, `_a` for the letter.
    """

    space: str
    before: str
    written: str
    after: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Speech:
    """Text as flite speaks it. `samples` are int16, of one channel."""

    samples: np.ndarray
    sample_rate_hz: int
    tokens: tuple[Token, ...]
    phones: tuple[Phone, ...]


class _Wave(ctypes.Structure):
    """cst_wave of flite's `cst_wave.h`."""

    _fields_ = (
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    )


def _load(name: str) -> ctypes.CDLL:
    library = f"lib{name}.so.1"
    try:
        # flite's libraries use each other's symbols without saying so.
        return ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    except OSError:
        raise FileNotFoundError(
            f"flite is not installed ({library} is missing)."
            f" Install the Debian package flite: apt-get install flite"
        ) from None


_POINTER, _TEXT, _INT = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
_SIGNATURES = {
    "flite_init": (_INT,),
    "flite_synth_text": (_POINTER, _TEXT, _POINTER),
    "utt_relation": (_POINTER, _POINTER, _TEXT),
    "utt_wave": (ctypes.POINTER(_Wave), _POINTER),
    "relation_head": (_POINTER, _POINTER),
    "item_next": (_POINTER, _POINTER),
    "flite_ffeature_string": (_TEXT, _POINTER, _TEXT),
    "flite_ffeature_float": (ctypes.c_float, _POINTER, _TEXT),
    "item_daughter": (_POINTER, _POINTER),
    "item_parent": (_POINTER, _POINTER),
    "item_as": (_POINTER, _POINTER, _TEXT),
    "item_equal": (_INT, _POINTER, _POINTER),
    "delete_utterance": (None, _POINTER),
}


@functools.cache
def _library() -> ctypes.CDLL:
    library = _load("flite")
    for name in ("flite_usenglish", "flite_cmulex"):
        _load(name)
    for name, (result, *arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    library.flite_init()
    return library


class Flite:
    """A voice of flite. One process may hold several; they are not thread-safe.

    Args:
        voice: A key of `VOICES`.

    Raises:
        ValueError: If there is no such voice.
        FileNotFoundError: If flite is not installed.
    """

    def __init__(self, voice: str = "slt"):
        if voice not in VOICES:
            raise ValueError(
                f"Unknown flite voice {voice!r}. Expected one of: {', '.join(VOICES)}"
            )
        self.voice = voice
        self._library = _library()
        register = getattr(_load(f"flite_{VOICES[voice]}"), f"register_{VOICES[voice]}")
        register.restype = _POINTER
        register.argtypes = (_TEXT,)
        self._voice = register(None)

    def speak(self, text: str, seed: int = 0) -> Speech:
        """Speaks `text` as one utterance.

        Args:
            text: ASCII; flite takes everything else for noise.
            seed: Of flite's excitation noise: the same text and seed give the same
                samples, whatever was spoken before.

        Raises:
            ValueError: If the text is not ASCII or has a NUL in it.
        """
        if not text.isascii() or "\0" in text:
            raise ValueError(f"flite speaks ASCII text only. Received: {text!r}")
        ctypes.CDLL(None).srand(ctypes.c_uint(seed))
        utterance = self._library.flite_synth_text(text.encode(), self._voice)
        try:
            wave = self._library.utt_wave(utterance).contents
            samples = np.ctypeslib.as_array(
                wave.samples, (wave.num_samples * wave.num_channels,)
            )
            return Speech(
                samples=samples.copy(),
                sample_rate_hz=wave.sample_rate,
                tokens=tuple(self._tokens(utterance)),
                phones=tuple(self._phones(utterance)),
            )
        finally:
            self._library.delete_utterance(utterance)

    def _items(self, utterance: int, relation: bytes) -> Iterator[int]:
        library = self._library
        item = library.relation_head(library.utt_relation(utterance, relation))
        while item:
            yield item
            item = library.item_next(item)

    def _string(self, item: int, feature: bytes) -> str:
        return self._library.flite_ffeature_string(item, feature).decode("ascii")

    def _tokens(self, utterance: int) -> Iterator[Token]:
        for item in self._items(utterance, b"Token"):
            words = []
            word = self._library.item_daughter(item)
            while word:
                words.append(self._string(word, b"name"))
                word = self._library.item_next(word)
            features = (b"whitespace", b"prepunctuation", b"name", b"punc")
            yield Token(*(self._string(item, f) for f in features), tuple(words))

    def _phones(self, utterance: int) -> Iterator[Phone]:
        library = self._library
        words = list(self._items(utterance, b"Word"))
        current = -1
        for item in self._items(utterance, b"Segment"):
            name = self._string(item, b"name")
            end = float(library.flite_ffeature_float(item, b"end"))
            within = library.item_as(item, b"SylStructure")
            syllable = library.item_parent(within) if within else None
            if not syllable:
                yield Phone(name, end)
                continue
            word = library.item_parent(syllable)
            while current < 0 or not library.item_equal(word, words[current]):
                current += 1  # words come in order, some without phones
            stressed = self._string(syllable, b"stress") == "1"
            yield Phone(name, end, stressed, current)
