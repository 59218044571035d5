"""Schedules made inside a graph are those of the voice."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from wg2.diffusion.graph_schedule import voice_noise_levels
from wg2.diffusion.schedule import voice_schedule
from wg2.presets import BASE, SMALL

STORED = ((1e-5, 1e-3, 0.3, 0.9), (0.95,), (1e-6, 1e-4, 1e-3, 1e-2, 0.2, 0.9))
CONFIGS = {
    "base": BASE,
    "small": SMALL,
    "stored": dataclasses.replace(
        SMALL, diffusion=dataclasses.replace(SMALL.diffusion, schedules=STORED)
    ),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_every_number_of_steps_is_the_voices_schedule(name):
    config = CONFIGS[name]
    counts = [*range(1, 30), 50, 200, 999, 1000]
    levels = tf.function(lambda n: voice_noise_levels(config, n))(tf.constant(counts))
    assert levels.dtype == tf.float64
    for row, count in zip(levels.numpy(), counts, strict=True):
        expected = voice_schedule(config, count).noise_level_bounds
        np.testing.assert_allclose(row[: count + 1], expected, rtol=1e-10)
        np.testing.assert_array_equal(row[count:], row[count])


def test_stored_schedules_are_used_for_their_own_number_of_steps_only():
    config = CONFIGS["stored"]
    for betas in STORED:
        np.testing.assert_array_equal(voice_schedule(config, len(betas)).betas, betas)
    assert voice_schedule(config, 5) == voice_schedule(SMALL, 5)
