"""The front end in a graph gives what the one in Python gives, for any bytes."""

from __future__ import annotations

import random

import numpy as np
import pytest
import tensorflow as tf

from tests.text import cases
from wg2.text import symbols
from wg2.text.frontend import MAX_BYTES, MAX_PHONEMES, Frontend, tokenize
from wg2.text.graph import GraphFrontend
from wg2.text.lexicon import Lexicon


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory) -> Lexicon:
    path = tmp_path_factory.mktemp("lexicon") / "user.txt"
    path.write_text("glorb G L AO1 R B\nread R AO1 D\n")
    return Lexicon(path)


@pytest.fixture(scope="module")
def graph(lexicon):
    frontend = GraphFrontend(lexicon)
    frontend.run = tf.function(
        frontend.__call__,
        input_signature=[tf.TensorSpec((None,), tf.string)],
        autograph=False,
    )
    return frontend


def check(graph, lexicon, texts: list[bytes]) -> None:
    ids, lengths, pauses = (x.numpy() for x in graph.run(tf.constant(texts)))
    assert ids.dtype == lengths.dtype == np.int32 and pauses.dtype == np.float32
    assert ids.shape == pauses.shape == (len(texts), lengths.max())
    frontend = Frontend(lexicon)
    for i, text in enumerate(texts):
        expected = frontend.encode(text.decode("utf-8", "replace"), strict=False)
        assert symbols.decode(ids[i, : lengths[i]]) == symbols.decode(expected.ids), (
            text
        )
        asked = [-1 if s is None else s for s in expected.pauses_seconds]
        np.testing.assert_allclose(pauses[i, : lengths[i]], asked, atol=1e-5)
        assert np.all(ids[i, lengths[i] :] == symbols.PHONEMES.index(symbols.PAD))
        assert np.all(pauses[i, lengths[i] :] == -1)


def test_normalisation_table(graph, lexicon):
    written = [text.encode() for text, _ in cases.read()]
    for start in range(0, len(written), 50):
        check(graph, lexicon, written[start : start + 50])


def test_words_homographs_controls(graph, lexicon):
    texts = [
        "I'll read the live lead; they refuse the refuse. The owl's to eat, to go to.",
        "Glorbs glorbed glorbhouse's xkq UVs zorblaving {HH AY1} [300ms], [1s] {AH0}",
        "[0.5s] the [2s][250 ms] end [9999999s]",
        "{sil} {} [5sec] {HH AH} a{b iy1}c [1.5.2s]",
        "The the to a to the. to? the; an object I object, does he? The does.",
        "don't close 'em he'd've live",
        "I used to lead a lead pipe of lead, used. To lead",
        "A JPEG, jsonfiles, lidar's covid at 5 kHz; WIFI, Wi-Fi",
        "She has [300ms] read it. They [1s] live; we [1s] object. The lead pipe",
        # Two stems, two splits alike, and too long for a compound.
        "robing abareuse telecommunicationsadministration cartabby",
        "supercalifragilisticexpialidocious",
        "pipe of",
        "lead",
    ]
    check(graph, lexicon, [text.encode() for text in texts])


def test_any_bytes(graph, lexicon):
    draw = random.Random(5)
    texts = [
        b"", b" ", b"\x00", b"\xff\xfe", b"\xe2\x82", b"caf\xc3", "😀👨‍👩‍👧".encode(),
        b"...", b"?!,;", "日本語 Привет".encode(), b"{[}]" * 9,
        b"\xed\xa0\x80a\xc0\xafb",
        b"\xf4\x90\x80\x80 ok \x1e ok", "\ue000\uf123 x".encode(), b"a\nb\r\n\tc\x0bd",
    ]  # fmt: skip
    texts += [bytes(draw.choices(range(256), k=60)) for _ in range(60)]
    printable = bytes(range(32, 127))
    texts += [bytes(draw.choices(printable, k=80)) for _ in range(120)]
    check(graph, lexicon, texts)


def test_text_beyond_the_limits_is_cut_not_fatal(graph, lexicon):
    texts = [
        b"word " * 20000,
        b"x" * 100_000,
        b"%" * 100_000,
        b"9" * 100_000,
        b"a." * 50_000,
        "é".encode() * MAX_BYTES,
    ]
    check(graph, lexicon, texts)
    _, lengths, _ = graph.run(tf.constant(texts))
    assert lengths.numpy().max() == MAX_PHONEMES


def test_rows_do_not_depend_on_their_neighbours(graph):
    texts = ["Hi.", "The 5 dogs read zorblax [1s] {HH AY1}.", "", "a" * 500, "I read."]
    ids, lengths, pauses = graph.run(tf.constant(texts))
    order = [3, 0, 4, 2, 1]
    again = graph.run(tf.constant([texts[i] for i in order]))
    np.testing.assert_array_equal(tf.gather(ids, order), again[0])
    np.testing.assert_array_equal(tf.gather(pauses, order), again[2])
    for i, text in enumerate(texts):
        alone, length, _ = graph.run(tf.constant([text]))
        assert length[0] == lengths[i]
        np.testing.assert_array_equal(alone[0], ids[i, : lengths[i]])


def test_tokens_equal_those_of_python(graph):
    texts = ["Dr. Smith owes $5.", "{HH AY1}, [1s] b", ""]
    rows = graph.tokenize(tf.constant(texts)).numpy()
    assert [row.decode().split() for row in rows] == [tokenize(text) for text in texts]


def test_an_inventory_of_another_order_is_followed_and_a_smaller_one_refused(lexicon):
    backwards = tuple(reversed(symbols.PHONEMES))
    ids, lengths, _ = GraphFrontend(lexicon, backwards)(tf.constant(["Yes, no.", "a"]))
    expected = Frontend(lexicon, backwards).encode("Yes, no.").ids
    assert ids[0].numpy().tolist() == expected
    assert ids[1, lengths[1]].numpy() == backwards.index(symbols.PAD)
    with pytest.raises(ValueError, match="lacks ZH"):
        GraphFrontend(lexicon, [s for s in symbols.PHONEMES if s != "ZH"])


def test_only_core_operations_without_python_or_state(graph):
    names = set()
    concrete = graph.run.get_concrete_function()
    graphs = [concrete.graph.as_graph_def()]
    for graph_def in graphs:
        names |= {node.op for node in graph_def.node}
        names |= {n.op for f in graph_def.library.function for n in f.node_def}
    assert not any("PyFunc" in n or "Random" in n or "Text" in n for n in names), names


def test_a_saved_model_says_the_same(graph, tmp_path):
    module = tf.Module()
    module.frontend, module.run = graph, graph.run
    tf.saved_model.save(module, str(tmp_path))
    texts = tf.constant(["I read Dr. Ho's glorbs for $5 [1s].", "", "zorblax the owl"])
    loaded = tf.saved_model.load(str(tmp_path))
    for mine, theirs in zip(graph.run(texts), loaded.run(texts), strict=True):
        np.testing.assert_array_equal(mine, theirs)
