"""A voice's schedules inside a graph: any number of steps, another in every row."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from wg2.config import Config
from wg2.diffusion.schedule import NoiseSchedule, training_level_range


def voice_noise_levels(config: Config, num_steps: tf.Tensor) -> tf.Tensor:
    """`wg2.diffusion.schedule.voice_schedule` of every row.

    Args:
        config: The voice's.
        num_steps: int32 `(batch,)`, at least 1.

    Returns:
        float64 `(batch, most_steps + 1)`: 1, then the noise levels of the schedule that
        the voice stores for so many steps, else of the derived one; beyond a row's own
        steps its lowest level.
    """
    most_steps = tf.reduce_max(num_steps)
    bounds = _derived_noise_levels(config, num_steps, most_steps)
    for betas in config.diffusion.schedules:
        stored = NoiseSchedule(betas).noise_level_bounds
        # As long as the longest row, ending as every row ends.
        index = tf.minimum(tf.range(most_steps + 1), len(betas))
        wanted = (num_steps == len(betas))[:, None]
        bounds = tf.where(wanted, tf.gather(tf.constant(stored), index), bounds)
    return bounds


def _derived_noise_levels(
    config: Config, num_steps: tf.Tensor, most_steps: tf.Tensor
) -> tf.Tensor:
    """See `NoiseSchedule.derived`: even in log signal-to-noise ratio."""
    levels = np.square(training_level_range(config))
    highest, lowest = np.log(levels) - np.log1p(-levels)
    step = tf.cast(tf.range(1, most_steps + 1), tf.float64)[None, :]
    count = tf.cast(num_steps, tf.float64)[:, None]
    fraction = (step - 1.0) / tf.maximum(count - 1.0, 1.0)
    # One step alone uses the lowest level.
    fraction = tf.where(step < count, fraction, 1.0)
    log_snr = highest + (lowest - highest) * fraction
    derived = tf.exp(-0.5 * tf.math.softplus(-log_snr))
    return tf.concat([tf.ones_like(count), derived], axis=1)
