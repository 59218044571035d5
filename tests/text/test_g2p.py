"""The GRU for unknown words: NumPy, the graph, and g2p_en's own code agree."""

from __future__ import annotations

import importlib.util
import random
import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from wg2.text import g2p
from wg2.text.graph_words import GraphGru
from wg2.text.packed import unpack


def invented_words(count: int, seed: int = 0) -> list[str]:
    """Words of random syllables, and some of random letters."""
    draw = random.Random(seed)
    words = []
    for i in range(count):
        if i % 5 == 0:
            letters = "abcdefghijklmnopqrstuvwxyz"
            words.append("".join(draw.choices(letters, k=draw.randint(1, 16))))
        else:
            onsets = ["b", "str", "k", "pl", "gr", "th", "sh", "m", "v", "z", "qu", ""]
            nuclei = ["a", "e", "i", "o", "u", "ea", "oo", "ai", "y"]
            codas = ["", "n", "rd", "x", "ck", "st", "l", "mp", "ng"]
            count = draw.randint(1, 4)
            parts = (
                draw.choice(part)
                for _ in range(count)
                for part in (onsets, nuclei, codas)
            )
            words.append("".join(parts) or "a")
    return words


@pytest.fixture(scope="module")
def original():
    """g2p_en's class with its weights, kept from NLTK and from the network."""
    stubs = {}
    for name in (
        "nltk", "nltk.tokenize", "nltk.corpus", "nltk.tag", "nltk.data", "inflect",
        "unidecode",
    ):  # fmt: skip
        stubs[name] = types.ModuleType(name)
    stubs["nltk"].pos_tag = stubs["nltk"].download = None
    stubs["nltk"].data = stubs["nltk.data"]
    stubs["nltk.data"].find = lambda name: name
    stubs["nltk.corpus"].cmudict = None
    stubs["nltk.tokenize"].TweetTokenizer = lambda: types.SimpleNamespace(tokenize=None)
    stubs["nltk"].word_tokenize = None
    stubs["inflect"].engine = lambda: None
    package = types.ModuleType("g2p_en_original")
    package.__path__ = [str(g2p.data_file("g2p.py").parent)]
    stubs["g2p_en_original"] = package
    saved = {name: sys.modules.get(name) for name in stubs}
    sys.modules.update(stubs)
    try:
        spec = importlib.util.spec_from_file_location(
            "g2p_en_original.g2p", g2p.data_file("g2p.py")
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        for name, before in saved.items():
            sys.modules.pop(name, None)
            if before is not None:
                sys.modules[name] = before
    instance = module.G2p.__new__(module.G2p)
    graphemes, phonemes = list(g2p.GRAPHEMES), list(g2p.PHONEMES)
    instance.g2idx = {g: i for i, g in enumerate(graphemes)}
    instance.idx2p = dict(enumerate(phonemes))
    instance.load_variables()
    return instance


def test_numpy_equals_the_original_code(original):
    for word in invented_words(150, seed=1):
        expected = ["UW1" if p == "UW" else p for p in original.predict(word)]
        expected = [p for p in expected if not p.startswith("<")] or ["AH0"]
        assert list(unpack(g2p.pronounce(word))) == expected, word


def test_graph_equals_numpy():
    words = [*invented_words(400, seed=2), "a", "o'brixen", "x" * 60]
    graph = tf.function(GraphGru())(tf.constant(words)).numpy()
    assert [s.decode() for s in graph] == [g2p.pronounce(word) for word in words]


def test_a_word_does_not_depend_on_its_neighbours():
    gru = GraphGru()
    alone = [gru(tf.constant([word])).numpy()[0] for word in ("zib", "morblequast")]
    both = gru(tf.constant(["zib", "morblequast"])).numpy()
    np.testing.assert_array_equal(alone, both)


def test_missing_package_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="pip install g2p_en"):
        g2p.data_file("checkpoint20.npz")
