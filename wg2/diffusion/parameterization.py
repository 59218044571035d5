"""How the network's output becomes a noise prediction.

The paper's network predicts the noise directly. The preconditioned form carries
Karras et al. over to noise prediction. With noise level `l` (1 is clean), `s =
sqrt(1 - l^2)`, `sigma_d` the RMS of the corpus and `d = sqrt(s^2 + l^2 sigma_d^2)`:

    network input       noisy / d                      (unit variance at every level)
    predicted noise     (s / d^2) noisy + (l sigma_d / d) F

The first term is the best linear estimate of the noise, `F` the network's output,
whose target has unit variance at every level. The network is told the level as the log
signal-to-noise ratio `log(l^2 sigma_d^2 / s^2)`.

Reference: Elucidating the Design Space of Diffusion-Based Generative Models
(arXiv:2206.00364), section 5. Deviation: not in WaveGrad 2; off in `base` and `large`.
"""

from __future__ import annotations

import math

from keras import ops

MIN_VARIANCE = 1e-7
"""Floor of `1 - l^2`: float32 levels next to 1 would give a noise of exactly 0."""


def noise_scale(level):
    """`s = sqrt(1 - l^2)`, float32, as `(1 - l)(1 + l)` to keep digits next to 1."""
    level = ops.cast(level, "float32")
    return ops.sqrt(ops.maximum((1.0 - level) * (1.0 + level), MIN_VARIANCE))


def log_snr(level, data_rms: float):
    """`log(l^2 sigma_d^2 / s^2)` of a noise level; float32, same shape."""
    level = ops.cast(level, "float32")
    return 2.0 * (ops.log(level * data_rms) - ops.log(noise_scale(level)))


def level_from_log_snr(log_snr, data_rms: float):
    """The inverse of `log_snr`: `l^2 = sigmoid(log_snr - 2 log sigma_d)`."""
    shifted = ops.cast(log_snr, "float32") - 2.0 * math.log(data_rms)
    return ops.exp(-0.5 * ops.softplus(-shifted))


def coefficients(level, data_rms: float):
    """Input scale `1 / d`, skip `s / d^2` and output scale `l sigma_d / d`.

    Args:
        level: float `(batch,)` in (0, 1].
        data_rms: float, `sigma_d`.

    Returns:
        Three float32 `(batch,)`.
    """
    level = ops.cast(level, "float32")
    noise = noise_scale(level)
    signal = level * data_rms
    total = ops.sqrt(ops.square(noise) + ops.square(signal))
    return 1.0 / total, noise / ops.square(total), signal / total


def loss_weight(level, data_rms: float):
    """`d / (l sigma_d)`: the loss on `F` from the loss on the noise. `(batch,)`."""
    return 1.0 / coefficients(level, data_rms)[2]
