"""Parts of speech: the averaged perceptron tagger of textblob-aptagger.

Its model (Penn Treebank tags, MIT licence) ships in `data/tagger.json.xz`;
`tools/make_tagger.py` made it. Weights are integers, so every order of summation, here
or in a graph, gives the same tags.

Reference: M. Honnibal, "A Good Part-of-Speech Tagger in about 200 Lines of Python".
"""

from __future__ import annotations

import functools
import json
import lzma
from collections.abc import Sequence
from importlib import resources

import numpy as np

from wg2.text.rules.rule import Rule

START = ("-START-", "-START2-")
END = ("-END-", "-END2-")
SENTENCE_ENDS = (".", "?", "!")

CLITIC = "+"
"""What follows this mark in a token is a part of the word before it."""

CLITICS: tuple[Rule, ...] = (
    Rule(r"n't( |$)", rf" {CLITIC}n't\1"),
    Rule(r"([a-z])'(s|re|ve|ll|d|m)( |$)", rf"\1 {CLITIC}'\2\3"),
    Rule(r"[~^]", ""),
)
"""Takes apart what the Penn Treebank counts as two words: do n't, I 'll, dog 's."""


class Model:
    """The tagger's tables.

    Attributes:
        tags: Names of the tags; where scores are equal, the first of them wins.
        words: Word -> index of its tag, for words that have only one.
        rows: Feature -> row of `weights`; row 0 is of features that it lacks.
        weights: int16 `(features + 1, tags)`.
    """

    def __init__(self):
        packed = resources.files("wg2.text") / "data" / "tagger.json.xz"
        data = json.loads(lzma.decompress(packed.read_bytes()))
        self.tags: tuple[str, ...] = tuple(data["tags"])
        self.words: dict[str, int] = data["words"]
        self.rows: dict[str, int] = {}
        self.weights = np.zeros((len(data["features"]) + 1, len(self.tags)), np.int16)
        for row, (feature, flat) in enumerate(data["features"].items(), start=1):
            self.rows[feature] = row
            self.weights[row, flat[::2]] = flat[1::2]


@functools.cache
def model() -> Model:
    """The model; loaded when first asked for."""
    return Model()


FEATURES = {
    "i suffix": "suffix",
    "i pref1": "prefix",
    "i word": "word",
    "i-1 word": "before",
    "i-1 suffix": "suffix_before",
    "i-2 word": "before_that",
    "i+1 word": "after",
    "i+1 suffix": "suffix_after",
    "i+2 word": "after_that",
}
"""Features that are known before any tag, and what each looks at."""


def word_features(
    word: str, before: Sequence[str], after: Sequence[str]
) -> tuple[str, ...]:
    """`bias` and the `FEATURES` of a token.

    Args:
        word: The token.
        before: The token before it and the one before that.
        after: The token after it and the one after that.
    """
    values = {
        "suffix": word[-3:],
        "prefix": word[:1],
        "word": word,
        "before": before[0],
        "suffix_before": before[0][-3:],
        "before_that": before[1],
        "after": after[0],
        "suffix_after": after[0][-3:],
        "after_that": after[1],
    }
    return ("bias", *(f"{name} {values[value]}" for name, value in FEATURES.items()))


def tag_features(word: str, tag: str, tag_before: str) -> tuple[str, ...]:
    """Features of the two tags before the token."""
    return (
        f"i-1 tag {tag}",
        f"i-2 tag {tag_before}",
        f"i tag+i-2 tag {tag} {tag_before}",
        f"i-1 tag+i word {tag} {word}",
    )


def _contexts(tokens: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """Two tokens before and after each one; sentences do not see each other."""
    contexts = []
    start = 0
    while start < len(tokens):
        end = start
        while end + 1 < len(tokens) and tokens[end] not in SENTENCE_ENDS:
            end += 1
        padded = [*START, *tokens[start : end + 1], *END]
        for at in range(2, len(padded) - 2):
            contexts.append(
                ([padded[at - 1], padded[at - 2]], [padded[at + 1], padded[at + 2]])
            )
        start = end + 1
    return contexts


def tag(tokens: Sequence[str]) -> list[str]:
    """Penn Treebank tags of tokens: lower-case words and marks, without `CLITIC`."""
    tables = model()
    tags: list[str] = []
    one, two = START
    for word, (before, after) in zip(tokens, _contexts(tokens), strict=True):
        found = tables.words.get(word)
        if found is None:
            features = (
                *word_features(word, before, after),
                *tag_features(word, one, two),
            )
            rows = [tables.rows.get(feature, 0) for feature in features]
            found = int(np.argmax(tables.weights[rows].sum(0, dtype=np.int32)))
        one, two = tables.tags[found], one
        tags.append(one)
    return tags
