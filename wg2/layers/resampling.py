"""Changes of rate inside the decoder: repetition up, averaging down."""

from __future__ import annotations

from keras import ops


def upsample(x, factor: int):
    """Every time step repeated: `(batch, 1, time, c)` to `(batch, 1, time * factor,
    c)`."""
    if factor == 1:
        return x
    batch, channels = ops.shape(x)[0], ops.shape(x)[3]
    # Copies beside each other in memory are repetitions in time.
    repeated = ops.concatenate([x] * factor, axis=-1)
    return ops.reshape(repeated, (batch, 1, -1, channels))


def downsample(x, factor: int):
    """The mean of every `factor` steps: `(batch, 1, time, c)` to `(batch, 1, time //
    factor, c)`; `time` must be a multiple.

    Deviation: WaveGrad's re-implementations drop samples (nearest interpolation) or
    stride a convolution; the paper does not say. The mean has no parameters, wastes no
    sample and aliases less.
    """
    if factor == 1:
        return x
    return ops.average_pool(x, (1, factor), (1, factor))
