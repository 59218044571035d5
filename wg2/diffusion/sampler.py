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


def step_table(schedule: NoiseSchedule, sampler: str) -> np.ndarray:
    """Coefficients of every refinement step, the noisiest first.

    - "ddpm": ancestral step. Reference: DDPM (arXiv:2006.11239), algorithm 2, with the
      posterior variance `(1 - alpha_bar_(n-1)) / (1 - alpha_bar_n) * beta_n`, which is
      WaveGrad's; no noise in the last step.
    - "ddim": deterministic. Reference: DDIM (arXiv:2010.02502), equation 12, eta = 0.
    - "dpmpp": DPM-Solver++(2M). Reference: arXiv:2211.01095, algorithm 2; the first and
      the last step are of first order.

    Returns:
        float64 `(steps, 7)`, see the column names above.
    Raises:
        ValueError: Unknown sampler.
    """
    if sampler not in SAMPLERS:
        raise ValueError(
            f"Unknown sampler {sampler!r}. Expected one of: {', '.join(SAMPLERS)}"
        )
    bounds = schedule.noise_level_bounds
    level, next_level = bounds[:0:-1], bounds[-2::-1]
    scale = np.sqrt((1.0 - level) * (1.0 + level))
    next_scale = np.sqrt((1.0 - next_level) * (1.0 + next_level))
    table = np.zeros((schedule.num_steps, NUM_COLUMNS))
    table[:, LEVEL] = level
    table[:, CLEAN_SAMPLE] = 1.0 / level
    table[:, CLEAN_NOISE] = -scale / level
    if sampler == "ddpm":
        betas = schedule.betas[::-1]
        table[:, SAMPLE] = 1.0 / np.sqrt(1.0 - betas)
        table[:, NOISE] = -betas / (np.sqrt(1.0 - betas) * scale)
        table[:, FRESH_NOISE] = np.sqrt(betas) * next_scale / scale
    elif sampler == "ddim":
        table[:, SAMPLE] = next_level / level
        table[:, NOISE] = next_scale - scale * next_level / level
    else:
        # h = log(l'/s') - log(l/s); e^-h = (s' l) / (l' s), 0 in the last step.
        decay = next_scale * level / (next_level * scale)
        with np.errstate(divide="ignore"):
            h = -np.log(decay)
        correction = np.zeros(schedule.num_steps)  # 1 / (2 r), r = h_previous / h
        correction[1:-1] = h[1:-1] / (2.0 * h[:-2])
        gain = next_level * (1.0 - decay)
        clean = gain * (1.0 + correction)
        table[:, SAMPLE] = next_scale / scale + clean * table[:, CLEAN_SAMPLE]
        table[:, NOISE] = clean * table[:, CLEAN_NOISE]
        table[:, PREVIOUS_CLEAN] = -gain * correction
    return table


def stack_tables(tables: list[np.ndarray]) -> np.ndarray:
    """Tables of different lengths as one `(batch, most steps, 7)`.

    Shorter ones end with steps that change nothing.
    """
    longest = max(len(table) for table in tables)
    idle = np.zeros(NUM_COLUMNS)
    idle[LEVEL], idle[SAMPLE] = 0.5, 1.0
    stacked = np.tile(idle, (len(tables), longest, 1))
    for row, table in zip(stacked, tables, strict=True):
        row[: len(table)] = table
    return stacked


def refine(
    predict_noise: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    table: tf.Tensor,
    seeds: tf.Tensor,
    num_samples: tf.Tensor | int,
    first_sample: tf.Tensor | None = None,
    noise: Callable[[tf.Tensor | int], tf.Tensor] | None = None,
) -> tf.Tensor:
    """Refines noise to audio.

    Args:
        predict_noise: (noisy_audio `(batch, samples)`, noise_level `(batch,)`) ->
            predicted noise `(batch, samples)`.
        table: float32 `(batch, steps, 7)`, see `step_table` and `stack_tables`.
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

        predicted = predict_noise(audio, row[:, LEVEL])
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
    _, audio, _ = tf.while_loop(
        lambda step, *_: step < steps,
        body,
        (0, initial, tf.zeros_like(initial)),
        shape_invariants=(tf.TensorShape([]), initial.shape, initial.shape),
    )
    return audio
