"""Homographs by part of speech inside a graph: `wg2.text.tagger` on tensors."""

from __future__ import annotations

import tensorflow as tf

from wg2.text import tagger
from wg2.text.homographs import table
from wg2.text.lexicon import Lexicon
from wg2.text.packed import PAUSE


def _index_table(values: dict[str, int], default: int) -> tf.lookup.StaticHashTable:
    initializer = tf.lookup.KeyValueTensorInitializer(
        tf.constant(list(values), tf.string),
        tf.constant(list(values.values()), tf.int32),
    )
    return tf.lookup.StaticHashTable(initializer, default)


class GraphHomographs(tf.Module):
    """Puts the fitting pronunciation in the place of each homograph.

    Args:
        lexicon: Words that its user gave are no homographs.
    """

    def __init__(self, lexicon: Lexicon):
        super().__init__(name="homographs")
        known = {
            word: entry
            for word, entry in table().items()
            if not lexicon.in_user_lexicon(word)
        }
        model = tagger.model()
        self._homographs = _index_table({word: i for i, word in enumerate(known)}, -1)
        self._pronunciations = tf.constant(
            [[entry.second, entry.first] for entry in known.values()]
        )
        self._takes_first = tf.constant(
            [
                [tag.startswith(entry.tags) for tag in model.tags]
                for entry in known.values()
            ]
        )
        self._tags = tf.constant(model.tags)
        self._single = _index_table(model.words, -1)
        self._rows = _index_table(model.rows, 0)
        self._weights = tf.constant(model.weights)

    def __call__(self, tokens: tf.RaggedTensor, sounds: tf.Tensor) -> tf.Tensor:
        """`sounds` with the homographs among `tokens` pronounced by their tags.

        Args:
            tokens: string `(batch, tokens)`, of the spoken form.
            sounds: string `(all tokens,)`, their packed pronunciations.
        """
        index = self._homographs.lookup(tokens.flat_values)
        # Rows without a homograph need no tags.
        rows = tf.reduce_any(tokens.with_flat_values(index >= 0), -1)
        return tf.cond(
            tf.reduce_any(rows),
            lambda: self._choose(tokens, sounds, index, rows),
            lambda: sounds,
        )

    def _choose(
        self,
        tokens: tf.RaggedTensor,
        sounds: tf.Tensor,
        index: tf.Tensor,
        rows: tf.Tensor,
    ) -> tf.Tensor:
        spoken = ~tf.strings.regex_full_match(tokens.flat_values, PAUSE)
        concerned = tf.gather(rows, tokens.value_rowids()) & spoken
        chosen = tf.ragged.boolean_mask(tokens, tokens.with_flat_values(concerned))
        chosen = tf.ragged.boolean_mask(chosen, rows)
        tags = self._tag_words(chosen)
        places = tf.where(concerned)
        index = tf.boolean_mask(index, concerned)
        is_homograph = index >= 0
        places = tf.boolean_mask(places, is_homograph)
        index, tags = (tf.boolean_mask(x, is_homograph) for x in (index, tags))
        first = tf.gather_nd(self._takes_first, tf.stack([index, tags], -1))
        pairs = tf.gather(self._pronunciations, index)
        right = tf.where(first, pairs[:, 1], pairs[:, 0])
        return tf.tensor_scatter_nd_update(sounds, places, right)

    def _tag_words(self, tokens: tf.RaggedTensor) -> tf.Tensor:
        """Tag indices `(all tokens,)`."""
        text = tf.strings.reduce_join(tokens, -1, separator=" ")
        for rule in tagger.CLITICS:
            text = tf.strings.regex_replace(text, rule.pattern, rule.replacement)
        parts = tf.strings.split(text)
        is_head = ~tf.strings.regex_full_match(
            parts.flat_values, rf"\{tagger.CLITIC}.*"
        )
        plain = tf.strings.regex_replace(parts.flat_values, rf"^\{tagger.CLITIC}", "")
        lengths = tf.cast(parts.row_lengths(), tf.int32)
        words = parts.with_flat_values(plain).to_tensor("")
        tags = self._tag(words, lengths)
        tags = tf.RaggedTensor.from_tensor(tags, lengths=lengths)
        return tf.boolean_mask(tags.flat_values, is_head)

    def _tag(self, words: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """Tag indices of `(rows, words)`."""
        scores = self._word_scores(words, lengths)
        single = self._single.lookup(words)
        rows = tf.shape(words)[0]

        def step(t, one, two, tags):
            word = words[:, t]
            score = scores[:, t]
            for feature in (
                tf.strings.join(["i-1 tag ", one]),
                tf.strings.join(["i-2 tag ", two]),
                tf.strings.join(["i tag+i-2 tag ", one, " ", two]),
                tf.strings.join(["i-1 tag+i word ", one, " ", word]),
            ):
                score += self._weigh(feature)
            best = tf.argmax(score, -1, tf.int32)
            best = tf.where(single[:, t] < 0, best, single[:, t])
            return t + 1, tf.gather(self._tags, best), one, tags.write(t, best)

        size = tf.shape(words)[1]
        *_, tags = tf.while_loop(
            lambda t, *_: t < size,
            step,
            (
                0,
                tf.fill([rows], tagger.START[0]),
                tf.fill([rows], tagger.START[1]),
                tf.TensorArray(tf.int32, size),
            ),
        )
        return tf.transpose(tags.stack())

    def _weigh(self, feature: tf.Tensor) -> tf.Tensor:
        weights = tf.gather(self._weights, self._rows.lookup(feature))
        return tf.cast(weights, tf.int32)

    def _word_scores(self, words: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """Sums of `tagger.word_features`' weights, int32 `(rows, words, tags)`."""
        first_start, second_start = tagger.START
        first_end, second_end = tagger.END
        ends = tf.reduce_any(words[..., None] == tf.constant(tagger.SENTENCE_ENDS), -1)
        positions = tf.range(tf.shape(words)[1])[None]
        is_last = ends | (positions == lengths[:, None] - 1)
        is_first = tf.pad(ends, [[0, 0], [1, 0]], constant_values=True)[:, :-1]
        before = tf.where(is_first, second_start, _shift(words, 1, ""))
        before_that = tf.where(
            is_first,
            first_start,
            tf.where(_shift(is_first, 1, False), second_start, _shift(words, 2, "")),
        )
        after = tf.where(is_last, first_end, _shift(words, -1, ""))
        after_that = tf.where(
            is_last,
            second_end,
            tf.where(_shift(is_last, -1, False), first_end, _shift(words, -2, "")),
        )
        features = tagger.FEATURES
        values = {
            "word": words,
            "suffix": _suffix(words),
            "prefix": tf.strings.regex_replace(words, "^(.).*$", r"\1"),
            "before": before,
            "suffix_before": _suffix(before),
            "before_that": before_that,
            "after": after,
            "suffix_after": _suffix(after),
            "after_that": after_that,
        }
        bias = self._weigh(tf.constant("bias"))
        scores = tf.zeros([*tf.unstack(tf.shape(words)), 1], tf.int32) + bias
        for name, value in features.items():
            scores += self._weigh(tf.strings.join([f"{name} ", values[value]]))
        return scores


def _shift(x: tf.Tensor, by: int, fill) -> tf.Tensor:
    """`x[:, t - by]` at column t, `fill` where there is no such column."""
    pad = [[0, 0], [max(by, 0), max(-by, 0)]]
    padded = tf.pad(x, pad, constant_values=fill)
    return padded[:, :-by] if by > 0 else padded[:, -by:]


def _suffix(words: tf.Tensor) -> tf.Tensor:
    return tf.strings.regex_replace(words, "^.*(.{3})$", r"\1")
