"""The continuous noise level as a vector of sinusoids."""

from __future__ import annotations

import math

from keras import ops

LEVEL_SCALE = 5000.0
"""WaveGrad's factor; without it levels near 1 are indistinguishable."""


def encode_noise_level(level, channels: int, scale: float = LEVEL_SCALE):
    """`[sin(scale * level * f_k), cos(...)]` with `f_k = 10^(-4 k / (channels / 2))`.

    Reference: WaveGrad (arXiv:2009.00713), "noise level", after the positional encoding
    of the Transformer.

    Args:
        level: float `(batch,)`.
        channels: int, even or odd (an odd one ends with a zero).

    Returns:
        float32 `(batch, channels)`.
    """
    half = channels // 2
    # float32 arithmetic: scale * level reaches 5000, whose neighbours bfloat16 merges.
    exponent = ops.arange(half, dtype="float32") * (-4.0 * math.log(10.0) / half)
    phase = ops.cast(level, "float32")[:, None] * (scale * ops.exp(exponent))[None, :]
    encoded = ops.concatenate([ops.sin(phase), ops.cos(phase)], axis=-1)
    return ops.pad(encoded, ((0, 0), (0, channels - 2 * half)))
