"""Pronunciations of single words inside a graph: `wg2.text.pronounce` on tensors.

Each step sees only the words that the ones before it did not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import tensorflow as tf

from wg2.text import g2p, word_forms
from wg2.text.lexicon import Lexicon


def lookup_table(values: Mapping[str, str], default: str) -> tf.lookup.StaticHashTable:
    """A table of strings."""
    initializer = tf.lookup.KeyValueTensorInitializer(
        tf.constant(list(values), tf.string),
        tf.constant(list(values.values()), tf.string),
    )
    return tf.lookup.StaticHashTable(initializer, tf.constant(default))


def _fill(
    found: tf.Tensor, wanted: tf.Tensor, step: Callable[[tf.Tensor], tf.Tensor]
) -> tf.Tensor:
    """`found` with `step(indices)` where `wanted`, skipped if that is nowhere."""
    indices = tf.where(wanted)
    return tf.cond(
        tf.size(indices) > 0,
        lambda: tf.tensor_scatter_nd_update(found, indices, step(indices[:, 0])),
        lambda: found,
    )


class GraphPronouncer(tf.Module):
    """Words to packed pronunciations; see `wg2.text.pronounce.pronounce`.

    Args:
        lexicon: Where words are looked up first.
    """

    def __init__(self, lexicon: Lexicon):
        super().__init__(name="pronouncer")
        self._words = lookup_table(lexicon.words(), "")
        self._letters = lookup_table(word_forms.LETTERS, "")
        self._gru = GraphGru()

    def __call__(self, tokens: tf.Tensor) -> tf.Tensor:
        """Packed pronunciations of word tokens, string `(tokens,)`, same shape."""
        tokens, places = tf.unique(tokens)
        words = tf.strings.regex_replace(tokens, "^[~^]", "")
        letter = tf.strings.regex_full_match(tokens, "~.*")
        capitals = tf.strings.regex_full_match(tokens, r"\^.*")
        found = tf.where(letter, "", self._words.lookup(words))

        found = _fill(
            found,
            (found == "") & ~letter,
            lambda at: self._by_stem(tf.gather(words, at)),
        )
        found = _fill(
            found,
            found == "",
            lambda at: self._made_up(
                tf.gather(words, at), tf.gather(letter | capitals, at)
            ),
        )
        return tf.gather(found, places)

    def _by_stem(self, words: tf.Tensor) -> tf.Tensor:
        found = tf.zeros_like(words)
        for stem in word_forms.STEMS:
            matches = tf.strings.regex_full_match(words, stem.pattern)
            stems = tf.strings.regex_replace(words, f"^{stem.pattern}$", stem.stem)
            sounds = tf.where(matches & (found == ""), self._words.lookup(stems), "")
            found = tf.where(sounds == "", found, sounds + stem.ending)
        return _with_endings(found)

    def _made_up(self, words: tf.Tensor, spelled: tf.Tensor) -> tf.Tensor:
        """By letters, as a compound, or by the GRU; what is no word becomes "AH0"."""
        stems = tf.strings.regex_replace(words, "'s$", "")
        ending = tf.where(stems == words, "", "@S")
        spelled |= tf.strings.regex_full_match(stems, word_forms.SPELLED)
        letters = tf.strings.bytes_split(stems)
        names = self._letters.lookup(letters.flat_values)
        by_letters = tf.strings.reduce_join(letters.with_flat_values(names), -1)
        found = tf.where(spelled, by_letters, "")
        found = _fill(found, ~spelled, lambda at: self._compounds(tf.gather(stems, at)))
        found = _fill(
            found,
            ~spelled & (found == ""),
            lambda at: self._gru(tf.gather(stems, at)),
        )
        return _with_endings(found + ending)

    def _compounds(self, words: tf.Tensor) -> tf.Tensor:
        """Two words of the lexicon, at the most balanced place; "" if there is none."""
        shortest, longest = word_forms.MIN_COMPOUND_PART, word_forms.MAX_COMPOUND
        length = tf.strings.length(words)[:, None]
        place = tf.range(shortest, longest - shortest + 1)[None]
        fits = (place <= length - shortest) & (length <= longest)
        at = tf.where(fits, place, 0)
        every = tf.tile(words[:, None], [1, tf.shape(place)[1]])
        heads = self._words.lookup(tf.strings.substr(every, tf.zeros_like(at), at))
        tails = self._words.lookup(
            tf.strings.substr(every, at, tf.broadcast_to(length, tf.shape(at)))
        )
        fits &= (heads != "") & (tails != "")
        imbalance = tf.abs(2 * place - length) * 2 * longest + place
        best = tf.argmin(tf.where(fits, imbalance, tf.int32.max), -1, tf.int32)
        both = tf.gather(heads + tails, best, batch_dims=1)
        return tf.where(tf.reduce_any(fits, -1), both, "")


def _with_endings(sounds: tf.Tensor) -> tf.Tensor:
    for rule in word_forms.ENDINGS:
        sounds = tf.strings.regex_replace(sounds, rule.pattern, rule.replacement)
    return sounds


class GraphGru(tf.Module):
    """The GRU of `wg2.text.g2p`, for many words at a time."""

    def __init__(self):
        super().__init__(name="gru")
        self._weights = {name: tf.constant(w) for name, w in g2p.weights().items()}
        letters = {
            letter: i for i, letter in enumerate(g2p.GRAPHEMES) if len(letter) == 1
        }
        self._letters = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(list(letters)),
                tf.constant(list(letters.values()), tf.int32),
            ),
            -1,
        )
        self._packed = tf.constant(g2p.PACKED)

    def __call__(self, words: tf.Tensor) -> tf.Tensor:
        """Packed pronunciations of `(words,)` lower-case words, same shape."""
        letters = tf.strings.bytes_split(tf.strings.regex_replace(words, "[^a-z]", ""))
        letters = letters[:, : g2p.MAX_LETTERS]
        indices = letters.with_flat_values(self._letters.lookup(letters.flat_values))
        end = tf.fill([tf.shape(words)[0], 1], g2p.GRAPHEMES.index("</s>"))
        indices = tf.concat([indices, end], 1)
        sounds = tf.gather(
            self._packed,
            self.predict(indices.to_tensor(), tf.cast(indices.row_lengths(), tf.int32)),
        )
        sounds = tf.strings.reduce_join(sounds, -1)
        return tf.where(sounds == "", g2p.PACKED[g2p.PHONEMES.index("AH0")], sounds)

    def predict(self, letters: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """Phonemes of words by letters.

        Args:
            letters: int32 `(words, letters)`, as `wg2.text.g2p.letters` has them.
            lengths: int32 `(words,)`.

        Returns:
            int32 `(words, g2p.MAX_PHONEMES)`, indices in `g2p.PHONEMES`; `g2p.END`
            behind the last.
        """
        w = self._weights
        inputs = tf.gather(w["enc_emb"], tf.transpose(letters))

        def encode(t, h):
            new = self._cell(inputs[t], h, "enc")
            return t + 1, tf.where((t < lengths)[:, None], new, h)

        units = w["enc_w_hh"].shape[0]
        _, h = tf.while_loop(
            lambda t, h: t < tf.shape(inputs)[0],
            encode,
            (0, tf.zeros([tf.shape(letters)[0], units])),
            shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, units])),
        )
        return self._decode(h)

    def _decode(self, h: tf.Tensor) -> tf.Tensor:
        w = self._weights

        def step(t, h, last, found):
            h = self._cell(tf.gather(w["dec_emb"], last), h, "dec")
            best = tf.argmax(h @ w["fc_w"] + w["fc_b"], -1, tf.int32)
            # Once ended, a word stays ended.
            best = tf.where(last == g2p.END, g2p.END, best)
            place = tf.one_hot(t, g2p.MAX_PHONEMES, dtype=tf.int32)
            return t + 1, h, best, found + place * (best - g2p.END)[:, None]

        start = tf.fill([tf.shape(h)[0]], g2p.START)
        ended = tf.fill([tf.shape(h)[0], g2p.MAX_PHONEMES], g2p.END)
        *_, found = tf.while_loop(
            lambda t, h, last, found: (
                (t < g2p.MAX_PHONEMES) & tf.reduce_any(last != g2p.END)
            ),
            step,
            (0, h, start, ended),
        )
        return found

    def _cell(self, x: tf.Tensor, h: tf.Tensor, name: str) -> tf.Tensor:
        """`wg2.text.g2p.gru_cell` for rows."""
        w = self._weights
        from_input = x @ w[f"{name}_w_ih"] + w[f"{name}_b_ih"]
        from_state = h @ w[f"{name}_w_hh"] + w[f"{name}_b_hh"]
        reset_input, update_input, new_input = tf.split(from_input, 3, -1)
        reset_state, update_state, new_state = tf.split(from_state, 3, -1)
        reset = tf.sigmoid(reset_input + reset_state)
        update = tf.sigmoid(update_input + update_state)
        new = tf.tanh(new_input + reset * new_state)
        return (1 - update) * new + update * h
