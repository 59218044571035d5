"""The forward process: noise levels for training and noisy audio. Pure functions."""

from __future__ import annotations

import math

from keras import ops

from wg2.config import Config
from wg2.diffusion.parameterization import level_from_log_snr, noise_scale
from wg2.diffusion.schedule import training_schedule


def q_sample(clean_audio, noise_level, noise):
    """`noisy = l * clean + sqrt(1 - l^2) * noise`.

    Reference: WaveGrad 2 (arXiv:2106.09660), equation of the forward process.

    Args:
        clean_audio, noise: `(batch, samples)`.
        noise_level: float `(batch,)`, 1 is clean.
    """
    level = ops.cast(noise_level, "float32")[:, None]
    return level * clean_audio + noise_scale(level) * noise


def draw_noise_level(uniform, config: Config):
    """Continuous noise levels for training.

    "uniform_segments": a segment of the training schedule uniformly, then a level
    uniformly inside it (WaveGrad, arXiv:2009.00713, section 3). "normal_log_snr": the
    log signal-to-noise ratio from a clipped normal distribution (arXiv:2206.00364,
    section 5).

    Args:
        uniform: float32 `(batch, 2)`, uniform in [0, 1). The first decides where on the
            scale of levels (0 is one end), the second only where inside a segment.
        config: `Config`.

    Returns:
        float32 `(batch,)` in (0, 1]: the highest float32 levels round to 1.
    """
    uniform = ops.cast(uniform, "float32")
    diffusion = config.diffusion
    if diffusion.level_distribution == "uniform_segments":
        schedule = training_schedule(config)
        bounds = ops.convert_to_tensor(schedule.noise_level_bounds, dtype="float32")
        segment = ops.cast(ops.floor(uniform[:, 0] * schedule.num_steps), "int32")
        segment = ops.minimum(segment, schedule.num_steps - 1)
        high, low = ops.take(bounds, segment), ops.take(bounds, segment + 1)
        return low + (high - low) * uniform[:, 1]
    # The normal distribution's quantile: monotone, so strata of u stay strata.
    quantile = ops.clip(2.0 * uniform[:, 0] - 1.0, -1.0 + 1e-6, 1.0 - 1e-6)
    normal = math.sqrt(2.0) * ops.erfinv(quantile)
    log_snr = diffusion.log_snr_mean + diffusion.log_snr_std * normal
    limit = diffusion.log_snr_limit
    return level_from_log_snr(ops.clip(log_snr, -limit, limit), config.decoder.data_rms)
