"""The front end as TensorFlow operations: strings in, phoneme ids out.

The same rules and tables as `wg2.text.frontend`, run by RE2 and lookup tables, so that
a SavedModel takes plain text. Only operations of core TensorFlow are used, none of
tensorflow-text: a stock server links an old release of that, and it has no wheels for
some platforms.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import tensorflow as tf

from wg2.text import characters, control, packed, rules, symbols
from wg2.text.frontend import MAX_BYTES, MAX_PHONEMES
from wg2.text.graph_tagger import GraphHomographs
from wg2.text.graph_words import GraphPronouncer, lookup_table
from wg2.text.homographs import NEIGHBOURS, WEAK_FORMS
from wg2.text.lexicon import Lexicon
from wg2.text.rules.rule import Rule, RuleGroup
from wg2.text.word_forms import VOWELS

_MARK = packed.any_of(symbols.PAUSES)
_SENTENCE_END = packed.any_of((".", "?", "!"))
_SILENCE, _END = packed.pack((symbols.SILENCE,)), packed.pack((symbols.END,))
_SPEECH = packed.any_of(s for s in symbols.PHONEMES if s not in symbols.BOUNDARIES)
_SEPARATOR = "\x1e"

ARRANGE: tuple[Rule, ...] = (
    Rule(rf" ({_MARK})", r"\1"),
    Rule(rf"({_MARK}) ", r"\1"),
    Rule(rf"({packed.PAUSE}) ", r"\1"),
    Rule(" ", _SILENCE),
    Rule(rf"({_SENTENCE_END}{packed.PAUSE}*)", rf"\1{_END}"),
    Rule(rf"((?:{_MARK}|{_SILENCE}){packed.PAUSE}*)$", rf"\1{_END}"),
    Rule(rf"([^{_END}])$", rf"\1{_SILENCE}{_END}"),
)
"""`wg2.text.sequence.arrange` on packed words, marks and pauses behind a space each."""


def substitute(rules: Iterable[Rule], text: tf.Tensor) -> tf.Tensor:
    """`text`, a string tensor, after all of `rules`."""
    for rule in rules:
        text = tf.strings.regex_replace(text, rule.pattern, rule.replacement)
    return text


def apply(group: RuleGroup, text: tf.Tensor) -> tf.Tensor:
    """`text`, string `(texts,)`, after a group's rules where its guard matches."""
    if not group.guard:
        return substitute(group.rules, text)
    concerned = tf.strings.regex_full_match(text, f"(?s).*(?:{group.guard}).*")
    return tf.cond(
        tf.reduce_any(concerned),
        lambda: tf.where(concerned, substitute(group.rules, text), text),
        lambda: text,
    )


class GraphFrontend(tf.Module):
    """English text to phoneme ids, inside a graph.

    It takes any bytes: what `Frontend` refuses is left out, and text beyond the limits
    is cut, as `Frontend.encode(text, strict=False)` has it.

    Args:
        lexicon: Pronunciations; the CMU dictionary by default.
        inventory: The phonemes of the voice; ids are positions in it.

    Raises:
        ValueError: If the inventory lacks a symbol of `symbols.PHONEMES`.
        FileNotFoundError: If g2p_en is not installed.
    """

    def __init__(
        self,
        lexicon: Lexicon | None = None,
        inventory: Sequence[str] = symbols.PHONEMES,
    ):
        super().__init__(name="frontend")
        lexicon = Lexicon() if lexicon is None else lexicon
        lacking = [symbol for symbol in symbols.PHONEMES if symbol not in inventory]
        if lacking:
            raise ValueError(
                f"The voice's inventory lacks {' '.join(lacking)}, so that its texts"
                f" cannot be made into phonemes in a graph. Expected every symbol of"
                f" wg2.text.symbols.PHONEMES"
            )
        self._ids = tf.constant(
            [inventory.index(symbol) for symbol in symbols.PHONEMES], tf.int32
        )
        self._pad_id = inventory.index(symbols.PAD)
        self._characters = lookup_table(characters.table(), " ")
        self._marks = lookup_table({m: packed.pack((m,)) for m in symbols.PAUSES}, "")
        self._sounds = lookup_table(
            {
                s: packed.pack((s,))
                for s in symbols.PHONEMES
                if s not in symbols.BOUNDARIES
            },
            "",
        )
        self._pronounce = GraphPronouncer(lexicon)
        self._homographs = GraphHomographs(lexicon)
        self._neighbours = tuple(
            lookup_table(
                {
                    pair: form
                    for pair, (which, form) in NEIGHBOURS.items()
                    if which == place
                    and not lexicon.in_user_lexicon(pair.split()[which])
                },
                "",
            )
            for place in (0, 1)
        )
        self._weak_forms = {
            word: forms
            for word, forms in WEAK_FORMS.items()
            if not lexicon.in_user_lexicon(word)
        }

    def __call__(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Phonemes of texts.

        Args:
            texts: string `(batch,)`, UTF-8.

        Returns:
            phoneme_ids int32 `(batch, phonemes)`, padded; num_phonemes int32
            `(batch,)`; pauses float32 `(batch, phonemes)`: the seconds that the text
            asks for, -1 where it asks for nothing.
        """
        tokens = tf.strings.split(self.tokenize(texts))
        return self._encode(self._arrange(tokens))

    def tokenize(self, texts: tf.Tensor) -> tf.Tensor:
        """Spoken words, marks and packed controls, one space between; `(batch,)`."""
        texts = tf.strings.substr(texts, 0, MAX_BYTES, unit="BYTE")
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        texts = tf.strings.regex_replace(texts, _SEPARATOR, " ")
        marked = tf.strings.regex_replace(
            texts, f"({control.CONTROL})", rf"{_SEPARATOR}\1{_SEPARATOR}"
        )
        pieces = tf.strings.split(marked, _SEPARATOR)
        flat = pieces.flat_values
        is_control = tf.strings.regex_full_match(flat, control.CONTROL)
        spoken = self._spoken_form(tf.where(is_control, "", flat))
        spoken = tf.cond(
            tf.reduce_any(is_control),
            lambda: tf.where(is_control, self._parse_control(flat), spoken),
            lambda: spoken,
        )
        rows = tf.strings.reduce_join(
            pieces.with_flat_values(spoken), -1, separator=" "
        )
        return apply(rules.ROW, rows)

    def _spoken_form(self, text: tf.Tensor) -> tf.Tensor:
        text = self._clean(text)
        for group in rules.CASED:
            text = apply(group, text)
        text = tf.strings.lower(text)
        for group in rules.LOWER_CASED:
            text = apply(group, text)
        return text

    def _clean(self, text: tf.Tensor) -> tf.Tensor:
        def replace_characters():
            chars = tf.strings.unicode_split(text, "UTF-8")
            plain = chars.with_flat_values(self._characters.lookup(chars.flat_values))
            return tf.strings.reduce_join(plain, -1)

        plain = tf.reduce_all(tf.strings.regex_full_match(text, "[ -~]*"))
        text = tf.cond(plain, lambda: text, replace_characters)
        return tf.strings.strip(tf.strings.regex_replace(text, " +", " "))

    def _parse_control(self, pieces: tf.Tensor) -> tf.Tensor:
        """The packed form of controls; anything for other pieces."""
        inner = tf.strings.upper(tf.strings.regex_replace(pieces, r"[{}\[\]]", " "))
        sounds = tf.strings.split(inner)
        sounds = sounds.with_flat_values(self._sounds.lookup(sounds.flat_values))
        number = tf.strings.regex_replace(pieces, r"^\[\s*([\d.]+).*$", r"\1")
        is_pause = tf.strings.regex_full_match(number, r"\d+(\.\d+)?")
        value = tf.strings.to_number(tf.where(is_pause, number, "0"), tf.float64)
        milliseconds = tf.strings.regex_full_match(pieces, "(?s).*[mM].*")
        seconds = tf.where(milliseconds, value / 1000, value)
        hundredths = tf.cast(
            tf.minimum(seconds * 100 + 0.5, packed.MAX_PAUSE), tf.int32
        )
        pauses = tf.strings.unicode_encode(
            tf.expand_dims(packed.PAUSE_BASE + hundredths, -1), "UTF-8"
        )
        return tf.where(is_pause, pauses, tf.strings.reduce_join(sounds, -1))

    def _arrange(self, tokens: tf.RaggedTensor) -> tf.Tensor:
        """Packed sequences `(batch,)` of rows of tokens."""
        flat = tokens.flat_values
        marks = self._marks.lookup(flat)
        is_word = tf.strings.regex_full_match(flat, r"[~^]?[a-z'].*")
        words = self._pronounce(tf.where(is_word, flat, "a"))
        sounds = tf.where(is_word, words, flat)  # controls are packed already
        sounds = tf.where(marks == "", sounds, marks)
        chosen = self._choose_weak_forms(tokens, sounds)
        chosen = self._homographs(tokens, chosen)
        chosen = self._choose_by_neighbours(tokens, chosen)
        spaced = tokens.with_flat_values(" " + chosen)
        rows = tf.strings.reduce_join(spaced, -1)
        return substitute(ARRANGE, tf.where(rows == "", " ", rows))

    def _choose_by_neighbours(
        self, tokens: tf.RaggedTensor, sounds: tf.Tensor
    ) -> tf.Tensor:
        flat = tokens.flat_values
        # The last word of a row and the first of the next are no pair.
        same_row = tokens.value_rowids()[1:] == tokens.value_rowids()[:-1]
        pairs = tf.strings.join([flat[:-1], " ", flat[1:]])
        pairs = tf.where(same_row, pairs, "")
        first = tf.concat([self._neighbours[0].lookup(pairs), [""]], 0)
        second = tf.concat([[""], self._neighbours[1].lookup(pairs)], 0)
        size = tf.size(flat)  # of no tokens there are no pairs either
        first, second = first[:size], second[:size]
        sounds = tf.where(first == "", sounds, first)
        return tf.where(second == "", sounds, second)

    def _choose_weak_forms(
        self, tokens: tf.RaggedTensor, sounds: tf.Tensor
    ) -> tf.Tensor:
        flat = tokens.flat_values
        following = tf.concat([sounds[1:], [""]], 0)
        # The last token of a row has nothing behind it.
        rows = tokens.value_rowids()
        last = rows != tf.concat([rows[1:], [-1]], 0)
        following = tf.where(last, "", following)
        before_vowel = tf.strings.regex_full_match(following, f"{VOWELS}.*")
        before_speech = tf.strings.regex_full_match(following, f"{_SPEECH}.*")
        for word, forms in self._weak_forms.items():
            form = tf.where(before_speech, forms.before_consonant, forms.before_pause)
            form = tf.where(before_vowel, forms.before_vowel, form)
            sounds = tf.where(flat == word, form, sounds)
        return sounds

    def _encode(self, rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        codes = tf.strings.unicode_decode(rows, "UTF-8")
        is_pause = codes.flat_values >= packed.PAUSE_BASE
        # A pause belongs to the symbol before it; every row begins with a symbol.
        owners = tf.cumsum(tf.cast(~is_pause, tf.int32)) - 1
        seconds = tf.cast(codes.flat_values - packed.PAUSE_BASE, tf.float32) / 100
        num_symbols = tf.reduce_sum(tf.cast(~is_pause, tf.int32))
        pauses = tf.math.unsorted_segment_sum(
            tf.where(is_pause, seconds, 0.0), owners, num_symbols
        )
        asked = tf.math.unsorted_segment_max(
            tf.cast(is_pause, tf.int32), owners, num_symbols
        )
        pauses = tf.where(asked > 0, pauses, -1.0)
        kept = tf.ragged.boolean_mask(codes, codes.with_flat_values(~is_pause))
        ids = tf.gather(self._ids, kept.flat_values - packed.PHONEME_BASE)
        lengths = tf.cast(kept.row_lengths(), tf.int32)
        ids = kept.with_flat_values(ids)[:, :MAX_PHONEMES].to_tensor(self._pad_id)
        pauses = kept.with_flat_values(pauses)[:, :MAX_PHONEMES].to_tensor(-1.0)
        # What is cut off ends like everything else.
        cut = (lengths > MAX_PHONEMES)[:, None] & (
            tf.range(tf.shape(ids)[1]) == MAX_PHONEMES - 1
        )
        end = self._ids[symbols.PHONEMES.index(symbols.END)]
        return (
            tf.where(cut, end, ids),
            tf.minimum(lengths, MAX_PHONEMES),
            tf.where(cut, -1.0, pauses),
        )
