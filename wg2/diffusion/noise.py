"""Counter-based noise: a pure function of (seed, draw, sample).

A sample's noise depends on its own utterance's seed and on its absolute position only,
so an utterance sounds the same alone, in any batch, at any padding, in windows, and on
any machine. TensorFlow's stateless ops take one seed a call and promise nothing about
a longer shape; this is Threefry-2x32 (20 rounds) in integer ops any runtime has.

Reference: Parallel Random Numbers: As Easy as 1, 2, 3 (Salmon et al., SC11); JAX's
generator is the same function.
"""

from __future__ import annotations

import math

import tensorflow as tf

_ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
_PARITY = 0x1BD11BDA


def _rotate_left(x: tf.Tensor, distance: int) -> tf.Tensor:
    # A product and an exclusive or: TFLite has neither left shift nor or.
    left = x * tf.constant(1 << distance, tf.uint32)
    right = tf.bitwise.right_shift(x, tf.constant(32 - distance, tf.uint32))
    return tf.bitwise.bitwise_xor(left, right)


def threefry(
    key: tuple[tf.Tensor, tf.Tensor], counter: tuple[tf.Tensor, tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Threefry-2x32-20: two random uint32 words for every key and counter.

    Args:
        key, counter: pairs of uint32 tensors that broadcast together.
    """
    xor = tf.bitwise.bitwise_xor
    keys = (*key, xor(xor(key[0], key[1]), tf.constant(_PARITY, tf.uint32)))
    x0, x1 = counter[0] + keys[0], counter[1] + keys[1]
    for block in range(5):
        for i in range(4):
            x0 = x0 + x1
            x1 = xor(_rotate_left(x1, _ROTATIONS[(4 * block + i) % 8]), x0)
        x0 = x0 + keys[(block + 1) % 3]
        x1 = x1 + keys[(block + 2) % 3] + tf.constant(block + 1, tf.uint32)
    return x0, x1


def _key(seeds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The two words of int64 seeds, `(batch, 1)` each."""
    words = tf.bitcast(tf.cast(seeds, tf.int64), tf.uint32)  # (batch, 2)
    return words[:, :1], words[:, 1:]


def _to_uniform(bits: tf.Tensor) -> tf.Tensor:
    """24 random bits at the middle of their cell: float32 in (0, 1]."""
    shifted = tf.bitwise.right_shift(bits, tf.constant(8, tf.uint32))
    # Through int32: uint32 -> float has no kernel on some devices.
    return (tf.cast(tf.cast(shifted, tf.int32), tf.float32) + 0.5) * 2.0**-24


def derive_seeds(seed: tf.Tensor | int, stream: tf.Tensor, count: int) -> tf.Tensor:
    """`count` independent int64 seeds from one seed and a stream number (a step)."""
    key = _key(tf.reshape(tf.cast(seed, tf.int64), (1,)))
    rows = tf.cast(tf.range(count), tf.uint32)[None, :]
    streams = tf.cast(tf.reshape(stream, (1, 1)), tf.uint32)
    words = threefry(key, (tf.broadcast_to(streams, tf.shape(rows)), rows))
    return tf.reshape(tf.bitcast(tf.stack(words, axis=-1), tf.int64), (count,))


def uniform(seeds: tf.Tensor, draw: tf.Tensor | int, count: int) -> tf.Tensor:
    """float32 `(batch, 2 * ceil(count / 2))[:, :count]` in (0, 1)."""
    words = _words(seeds, draw, tf.zeros_like(seeds), (count + 1) // 2)
    values = tf.stack([_to_uniform(w) for w in words], axis=-1)
    values = tf.reshape(values, (tf.shape(seeds)[0], -1))[:, :count]
    return tf.minimum(values, 1.0 - 2.0**-24)


def _words(seeds, draw, first_pair, num_pairs):
    pairs = tf.cast(first_pair, tf.int64)[:, None] + tf.range(
        tf.cast(num_pairs, tf.int64)
    )
    draws = tf.cast(tf.reshape(draw, (1, 1)), tf.uint32)
    counter = (
        tf.cast(pairs, tf.uint32),
        tf.broadcast_to(draws, tf.shape(pairs)),
    )
    return threefry(_key(seeds), counter)


def standard_normal(
    seeds: tf.Tensor,
    draw: tf.Tensor | int,
    num_samples: tf.Tensor | int,
    first_sample: tf.Tensor | None = None,
) -> tf.Tensor:
    """Normal noise; entry `[b, i]` depends on `seeds[b]`, `draw` and the absolute
    sample `first_sample[b] + i` only.

    Two neighbouring samples share one Box-Muller pair of 24-bit uniforms, so no value
    exceeds 5.9.

    Args:
        seeds: int64 `(batch,)`.
        draw: int scalar, which of an utterance's noises (0: the initial one).
        num_samples: int scalar.
        first_sample: int `(batch,)` or None (0).

    Returns:
        float32 `(batch, num_samples)`.
    """
    seeds = tf.cast(seeds, tf.int64)
    num_samples = tf.cast(num_samples, tf.int32)
    if first_sample is None:
        words = _words(seeds, draw, tf.zeros_like(seeds), (num_samples + 1) // 2)
        return _box_muller(words)[:, :num_samples]
    first_sample = tf.convert_to_tensor(first_sample)
    # One pair more than needed: a window may start in the middle of a pair.
    values = _box_muller(_words(seeds, draw, first_sample // 2, num_samples // 2 + 1))
    odd = tf.cast(first_sample % 2, tf.bool)[:, None]
    return tf.where(odd, values[:, 1 : num_samples + 1], values[:, :num_samples])


def _box_muller(words: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
    radius = tf.sqrt(-2.0 * tf.math.log(_to_uniform(words[0])))
    angle = (2.0 * math.pi) * _to_uniform(words[1])
    pairs = tf.stack([radius * tf.cos(angle), radius * tf.sin(angle)], axis=-1)
    return tf.reshape(pairs, (tf.shape(pairs)[0], -1))
