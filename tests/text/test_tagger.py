"""Parts of speech, and the tagger on tensors."""

from __future__ import annotations

import random

import pytest
import tensorflow as tf

from wg2.text import tagger
from wg2.text.graph_tagger import GraphHomographs
from wg2.text.lexicon import Lexicon
from wg2.text.normalize import substitute


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the dog sees a cat .", "DT NN VBZ DT NN ."),
        ("i will read it .", "PRP MD VB PRP ."),
        ("she has read the book .", "PRP VBZ VBN DT NN ."),
        ("do n't close the door .", "VBP RB VB DT NN ."),
    ],
)
def test_tags(text, expected):
    assert tagger.tag(text.split()) == expected.split()


def test_contractions_come_apart():
    text = "i'll don't the dog's they've ~a ^nasa's"
    assert substitute(tagger.CLITICS, text) == (
        "i +'ll do +n't the dog +'s they +'ve a nasa +'s"
    )


def test_sentences_do_not_see_each_other():
    """Only the tags before, which carry over, tell them apart."""
    contexts = tagger._contexts(["a", "b", ".", "c", "d"])
    assert contexts[0] == (["-START2-", "-START-"], ["b", "."])
    assert contexts[1] == (["a", "-START2-"], [".", "-END-"])
    assert contexts[3] == (["-START2-", "-START-"], ["d", "-END-"])
    assert contexts[4] == (["c", "-START2-"], ["-END-", "-END2-"])


def test_graph_gives_the_same_tags():
    draw = random.Random(3)
    words = [
        "the",
        "a",
        "dog",
        "read",
        "lead",
        "i",
        "we",
        "refuse",
        "object",
        "close",
        "to",
        "of",
        "and",
        "quickly",
        "zorb",
        "live",
        "lives",
        "record",
        "present",
        ",",
        ".",
        "?",
        ";",
        "in",
        "on",
        "he",
        "has",
        "been",
        "will",
        "used",
        "minute",
        "wind",
    ]
    rows = [draw.choices(words, k=draw.randint(1, 30)) for _ in range(60)]
    graph = GraphHomographs(Lexicon())
    tags = graph._tag_words(tf.ragged.constant(rows)).numpy()
    expected = [tagger.model().tags.index(t) for row in rows for t in tagger.tag(row)]
    assert tags.tolist() == expected
