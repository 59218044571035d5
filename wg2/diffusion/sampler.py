"""THE refinement loop, and the samplers as tables of its coefficients.

DDPM, DDIM and DPM-Solver++(2M) all make the next sample as a linear combination of the
current sample, the predicted noise, the previous estimate of the clean audio and fresh
noise. So a sampler is a float64 table with one row per step, and one `tf.while_loop`
serves synthesis, evaluation and every export; rows of a batch may follow different
tables.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from wg2.config import SAMPLERS
from wg2.diffusion.noise import standard_normal
from wg2.diffusion.schedule import NoiseSchedule

NUM_COLUMNS = 7
LEVEL, SAMPLE, NOISE, PREVIOUS_CLEAN, FRESH_NOISE, CLEAN_SAMPLE, CLEAN_NOISE = range(7)
"""Columns of a table: the level shown to the network; the next sample is
`SAMPLE y + NOISE eps + PREVIOUS_CLEAN x_prev + FRESH_NOISE z`; the clean estimate that
the next step calls `x_prev` is `CLEAN_SAMPLE y + CLEAN_NOISE eps`."""
COLUMN_NAMES = (
    "level",
    "sample",
    "noise",
    "previous_clean",
    "fresh_noise",
    "clean_sample",
    "clean_noise",
)


def step_table(schedule: NoiseSchedule, sampler: str) -> np.ndarray:
    """Coefficients of every refinement step of `schedule`, the noisiest first.

    Returns:
        float64 `(steps, 7)`, see the column names above.
    Raises:
        ValueError: Unknown sampler.
    """
    with tf.init_scope():  # values, also while a graph is made
        bounds = tf.constant(schedule.noise_level_bounds[None])
        tables = step_tables(bounds, tf.constant([schedule.num_steps]), sampler)
        return tables[0].numpy()


def step_tables(
    noise_level_bounds: tf.Tensor, num_steps: tf.Tensor, sampler: str
) -> tf.Tensor:
    """Coefficients of the refinement steps of several schedules.

    - "ddpm": ancestral step. Reference: DDPM (arXiv:2006.11239), algorithm 2, with the
      posterior variance `(1 - alpha_bar_(n-1)) / (1 - alpha_bar_n) * beta_n`, which is
      WaveGrad's; no noise in the last step.
    - "ddim": deterministic. Reference: DDIM (arXiv:2010.02502), equation 12, eta = 0.
    - "dpmpp": DPM-Solver++(2M). Reference: arXiv:2211.01095, algorithm 2; the first and
      the last step are of first order.

    Args:
        noise_level_bounds: float64 `(batch, most_steps + 1)`: 1, then the levels of a
            schedule, falling; any level in (0, 1) beyond its own steps.
        num_steps: int32 `(batch,)`, in [1, most_steps].
        sampler: One of `SAMPLERS`.

    Returns:
        float64 `(batch, most_steps, 7)`; schedules of fewer steps end with steps that
        change nothing.
    Raises:
        ValueError: Unknown sampler.
    """
    if sampler not in SAMPLERS:
        raise ValueError(
            f"Unknown sampler {sampler!r}. Expected one of: {', '.join(SAMPLERS)}"
        )
    step = tf.range(tf.shape(noise_level_bounds)[1] - 1)[None, :]
    n = num_steps[:, None] - step  # the paper's: N .. 1, then idle
    level, next_level = (
        tf.gather(noise_level_bounds, tf.maximum(index, 0), batch_dims=1)
        for index in (tf.maximum(n, 1), tf.maximum(n, 1) - 1)
    )
    scale, next_scale = (tf.sqrt((1.0 - x) * (1.0 + x)) for x in (level, next_level))
    zero = tf.zeros_like(level)
    if sampler == "ddpm":
        gain = next_level / level  # 1 / sqrt(1 - beta)
        beta = (next_level - level) * (next_level + level) / tf.square(next_level)
        columns = {
            SAMPLE: gain,
            NOISE: -beta * gain / scale,
            PREVIOUS_CLEAN: zero,
            FRESH_NOISE: tf.sqrt(beta) * next_scale / scale,
        }
    elif sampler == "ddim":
        columns = {
            SAMPLE: next_level / level,
            NOISE: next_scale - scale * next_level / level,
            PREVIOUS_CLEAN: zero,
            FRESH_NOISE: zero,
        }
    else:
        # h = log(l'/s') - log(l/s); e^-h = (s' l) / (l' s), 0 in the last step.
        decay = next_scale * level / (next_level * scale)
        h = -tf.math.log(tf.where(n > 1, decay, 0.5))
        previous_h = tf.concat([tf.ones_like(h[:, :1]), h[:, :-1]], axis=1)
        second_order = (step > 0) & (n > 1)
        # 1 / (2 r), r = h_previous / h
        correction = tf.where(second_order, h / (2.0 * previous_h), 0.0)
        gain = next_level * (1.0 - decay)
        clean = gain * (1.0 + correction)
        columns = {
            SAMPLE: next_scale / scale + clean / level,
            NOISE: -clean * scale / level,
            PREVIOUS_CLEAN: -gain * correction,
            FRESH_NOISE: zero,
        }
    columns |= {LEVEL: level, CLEAN_SAMPLE: 1.0 / level, CLEAN_NOISE: -scale / level}
    table = tf.stack([columns[i] for i in range(NUM_COLUMNS)], axis=-1)
    idle = np.zeros(NUM_COLUMNS)
    idle[LEVEL], idle[SAMPLE] = 0.5, 1.0
    return tf.where((n >= 1)[:, :, None], table, idle)


def refine(
    predict_noise: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor],
    table: tf.Tensor,
    seeds: tf.Tensor,
    num_samples: tf.Tensor | int,
    first_sample: tf.Tensor | None = None,
    noise: Callable[[tf.Tensor | int], tf.Tensor] | None = None,
) -> tf.Tensor:
    """Refines noise to audio.

    Args:
        predict_noise: (noisy_audio `(batch, samples)`, noise_level `(batch,)`, step
            int32 scalar, from 0) -> predicted noise `(batch, samples)`.
        table: float32 `(batch, steps, 7)`, see `step_tables`.
        seeds: int64 `(batch,)`, one per utterance.
        num_samples: int scalar.
        first_sample: int `(batch,)` or None (0), absolute position of the first sample.
        noise: draw number -> `(batch, samples)`, instead of the seeded noise.

    Returns:
        float32 `(batch, num_samples)`.
    """
    if noise is None:

        def noise(draw):
            return standard_normal(seeds, draw, num_samples, first_sample)

    table = tf.cast(table, tf.float32)
    fresh_noise = tf.reduce_any(table[:, :, FRESH_NOISE] != 0, axis=0)
    initial = noise(0)

    def body(step, audio, clean):
        row = table[:, step]

        def column(index):
            return row[:, index, None]

        predicted = predict_noise(audio, row[:, LEVEL], step)
        refined = (
            column(SAMPLE) * audio
            + column(NOISE) * predicted
            + column(PREVIOUS_CLEAN) * clean
        )
        # Deterministic samplers, and every last step, skip the generator's cost.
        refined = refined + tf.cond(
            fresh_noise[step],
            lambda: column(FRESH_NOISE) * noise(step + 1),
            lambda: tf.zeros_like(audio),
        )
        clean = column(CLEAN_SAMPLE) * audio + column(CLEAN_NOISE) * predicted
        return step + 1, refined, clean

    steps = tf.shape(table)[1]
    any_shape = tf.TensorShape([None, None])  # the network may forget the batch's size
    _, audio, _ = tf.while_loop(
        lambda step, *_: step < steps,
        body,
        (0, initial, tf.zeros_like(initial)),
        shape_invariants=(tf.TensorShape([]), any_shape, any_shape),
        # Noise of steps to come would be drawn ahead, and held.
        parallel_iterations=1,
    )
    return audio
