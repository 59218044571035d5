"""Unknown words: the GRU of g2p_en, a sequence of letters to a sequence of phonemes.

Only the package's weights are used. Its Python code is never run, since it asks NLTK to
download data as soon as it is imported.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from wg2.text.packed import pack, unpack

MAX_LETTERS = 32
MAX_PHONEMES = 20
"""Longer words are cut; the decoder stops after as many phonemes, as g2p_en's does."""

GRAPHEMES = ("<pad>", "<unk>", "</s>", *"abcdefghijklmnopqrstuvwxyz")
_END = GRAPHEMES.index("</s>")
PHONEMES = (
    "<pad>", "<unk>", "<s>", "</s>", "AA0", "AA1", "AA2", "AE0", "AE1", "AE2", "AH0",
    "AH1", "AH2", "AO0", "AO1", "AO2", "AW0", "AW1", "AW2", "AY0", "AY1", "AY2", "B",
    "CH", "D", "DH", "EH0", "EH1", "EH2", "ER0", "ER1", "ER2", "EY0", "EY1", "EY2", "F",
    "G", "HH", "IH0", "IH1", "IH2", "IY0", "IY1", "IY2", "JH", "K", "L", "M", "N", "NG",
    "OW0", "OW1", "OW2", "OY0", "OY1", "OY2", "P", "R", "S", "SH", "T", "TH", "UH0",
    "UH1", "UH2", "UW", "UW0", "UW1", "UW2", "V", "W", "Y", "Z", "ZH",
)  # fmt: skip
START = PHONEMES.index("<s>")
END = PHONEMES.index("</s>")
PACKED = tuple(
    "" if phoneme.startswith("<") else pack(("UW1" if phoneme == "UW" else phoneme,))
    for phoneme in PHONEMES
)
"""Of each output; the first four are no sounds, and `UW` lacks its stress."""


def data_file(name: str) -> Path:
    """A file that g2p_en ships, found without importing the package.

    Raises:
        FileNotFoundError: If the package is not installed, or lacks the file.
    """
    spec = importlib.util.find_spec("g2p_en")
    for folder in (spec and spec.submodule_search_locations) or ():
        if (path := Path(folder) / name).is_file():
            return path
    raise FileNotFoundError(
        f"the package g2p_en (its file {name}) is needed to pronounce unknown words;"
        " install it: pip install g2p_en==2.1.0"
    )


@functools.cache
def weights() -> dict[str, np.ndarray]:
    """float32 arrays: `{enc,dec}_{emb,w_ih,w_hh,b_ih,b_hh}`, `fc_w` and `fc_b`.

    The matrices are transposed for `inputs @ weights`.
    """
    with np.load(data_file("checkpoint20.npz")) as arrays:
        return {
            name: np.ascontiguousarray(array.T if "_w" in name else array, np.float32)
            for name, array in arrays.items()
        }


def letters(word: str) -> list[int]:
    """The encoder's input: letters and the end; anything else is dropped."""
    indices = [GRAPHEMES.index(char) for char in word if "a" <= char <= "z"]
    return [*indices[:MAX_LETTERS], _END]


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def gru_cell(x: np.ndarray, h: np.ndarray, name: str) -> np.ndarray:
    """One step of the "enc" or "dec" GRU, `(inputs,)` and `(units,)` to `(units,)`."""
    w = weights()
    from_input = x @ w[f"{name}_w_ih"] + w[f"{name}_b_ih"]
    from_state = h @ w[f"{name}_w_hh"] + w[f"{name}_b_hh"]
    reset_input, update_input, new_input = np.split(from_input, 3)
    reset_state, update_state, new_state = np.split(from_state, 3)
    reset = _sigmoid(reset_input + reset_state)
    update = _sigmoid(update_input + update_state)
    new = np.tanh(new_input + reset * new_state)
    return (1 - update) * new + update * h


@functools.lru_cache(maxsize=1 << 14)
def pronounce(word: str) -> str:
    """The packed pronunciation of a word of lower-case letters; never empty.

    Raises:
        FileNotFoundError: If g2p_en is not installed.
    """
    w = weights()
    h = np.zeros(w["enc_w_hh"].shape[0], np.float32)
    for index in letters(word):
        h = gru_cell(w["enc_emb"][index], h, "enc")
    found, last = [], START
    for _ in range(MAX_PHONEMES):
        h = gru_cell(w["dec_emb"][last], h, "dec")
        last = int(np.argmax(h @ w["fc_w"] + w["fc_b"]))
        if last == END:
            break
        found.append(last)
    return pack(to_pronunciation(found))


def to_pronunciation(outputs: Iterable[int]) -> tuple[str, ...]:
    """Phonemes of the network's outputs before its end; a word has at least one."""
    return unpack("".join(PACKED[output] for output in outputs)) or ("AH0",)
