"""Warped schedules, against closed forms."""

import numpy as np
import pytest

from wg2.diffusion.schedule import derived_schedule, training_level_range
from wg2.presets import TINY
from wg2.schedule_search import warping

PAPER = TINY.override(
    "decoder.parameterization=noise", "diffusion.level_distribution=uniform_segments"
)
BOTH = pytest.mark.parametrize("config", [TINY, PAPER], ids=["log_snr", "paper"])


@BOTH
@pytest.mark.parametrize("steps", [3, 4, 6, 8, 12, 25])
def test_no_warp_is_the_derived_schedule_exactly(config, steps):
    zeros = np.zeros(warping.num_parameters(steps))
    assert warping.warped_schedule(config, steps, zeros) == derived_schedule(
        config, steps
    )


@BOTH
@pytest.mark.parametrize("steps", [3, 4, 6, 8, 12, 25])
def test_every_warp_keeps_both_ends_and_falls(config, steps):
    generator = np.random.default_rng(steps)
    limit = warping.LARGEST_PARAMETER
    for _ in range(20):
        parameters = generator.uniform(-limit, limit, warping.num_parameters(steps))
        schedule = warping.warped_schedule(config, steps, parameters)
        levels = schedule.noise_level_bounds[1:]
        assert len(levels) == steps
        assert np.all(np.diff(levels) < 0)
        np.testing.assert_allclose(
            [levels[0], levels[-1]], training_level_range(config), rtol=1e-12
        )
        assert schedule != derived_schedule(config, steps)


def test_extremes_of_many_steps_still_fall():
    limit = warping.LARGEST_PARAMETER
    for signs in np.ndindex(*(2,) * warping.num_parameters(100)):
        parameters = limit * (2.0 * np.array(signs) - 1.0)
        schedule = warping.warped_schedule(TINY, 100, parameters)
        assert np.all(np.diff(schedule.noise_level_bounds) < 0)


def test_gaps_between_few_levels_are_a_softmax():
    parameters = np.array([0.5, -1.0, 0.25])
    schedule = warping.warped_schedule(TINY, 5, parameters)
    gaps = -np.diff(warping.log_snr(schedule.noise_level_bounds[1:]))
    exponentials = np.exp([0.5, -1.0, 0.25, 0.0])
    np.testing.assert_allclose(
        gaps / gaps.sum(), exponentials / exponentials.sum(), rtol=1e-6
    )


def test_many_levels_pass_through_the_ends_of_the_gaps():
    parameters = np.array([0.5, -1.0, 0.25, 1.0, -0.3])
    coarse = warping.warped_schedule(TINY, 7, parameters)  # a level at every end
    fine = warping.warped_schedule(TINY, 25, parameters)
    np.testing.assert_allclose(
        fine.noise_level_bounds[1::4], coarse.noise_level_bounds[1:], rtol=1e-9
    )


def test_steps_without_levels_between_the_ends_have_nothing_to_search():
    assert [warping.num_parameters(n) for n in (3, 4, 6, 7, 8, 25)] == [
        1,
        2,
        4,
        5,
        5,
        5,
    ]
    for steps in (-1, 0, 1, 2):
        with pytest.raises(ValueError, match=r"nothing to search.*3 or more"):
            warping.num_parameters(steps)


def test_log_snr_is_the_log_of_signal_power_over_noise_power():
    levels = np.sqrt([0.5, 0.8, 0.1])
    np.testing.assert_allclose(
        warping.log_snr(levels), np.log([1.0, 4.0, 1 / 9]), atol=1e-12
    )
