"""Changes of rate inside the decoder: repetition up, averaging down."""

from __future__ import annotations

from keras import ops


def upsample(x, factor: int):
    """Every time step repeated: `(batch, time, c)` to `(batch, time * factor, c)`."""
    if factor == 1:
        return x
    batch, time, channels = ops.shape(x)
    x = ops.expand_dims(x, 2)
    x = ops.broadcast_to(x, (batch, time, factor, channels))
    return ops.reshape(x, (batch, time * factor, channels))


def downsample(x, factor: int):
    """The mean of every `factor` steps: `(batch, time, c)` to `(batch, time // factor,
    c)`; `time` must be a multiple.

    Deviation: WaveGrad's re-implementations drop samples (nearest interpolation) or
    stride a convolution; the paper does not say. The mean has no parameters, wastes no
    sample and aliases less.
    """
    if factor == 1:
        return x
    batch, _, channels = ops.shape(x)
    return ops.mean(ops.reshape(x, (batch, -1, factor, channels)), axis=2)
