"""Noise schedules: the clean end, the noisy end, and what lies between."""

import dataclasses

import numpy as np
import pytest

from wg2.diffusion.schedule import (
    NoiseSchedule,
    derived_schedule,
    training_level_range,
    training_schedule,
)
from wg2.presets import BASE, SMALL

POPULAR_SIX = [1e-6, 1.89e-5, 1.19e-4, 1.01e-3, 1.11e-2, 6e-2]
EIGHT = [1e-6, 2e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 0.9]

# What other repositories' schedules end at, computed apart from this code.
KNOWN = {
    "training": (NoiseSchedule.linear(1e-6, 0.01, 1000), 0.081),
    "lmnt #3": (NoiseSchedule.linear(1e-4, 0.005, 1000), 0.279),
    "linear 50": (NoiseSchedule.linear(1e-6, 0.01, 50), 0.882),
    "steep linear 50": (NoiseSchedule.linear(1e-4, 0.05, 50), 0.529),
    "fibonacci 25": (NoiseSchedule.fibonacci(25), 0.500),
    "slow fibonacci 25": (NoiseSchedule.fibonacci(25, 1e-6, 2e-6), 0.848),
    "popular 6": (NoiseSchedule(POPULAR_SIX), 0.964),
    "8 of a WaveGrad 2": (NoiseSchedule(EIGHT), 0.298),
}
ALL = pytest.mark.parametrize("name", KNOWN)


@ALL
def test_last_levels_are_the_known_ones(name):
    schedule, last = KNOWN[name]
    assert round(schedule.last_level, 3) == last


@ALL
def test_levels_begin_at_one_and_decrease_strictly(name):
    schedule, _ = KNOWN[name]
    bounds = schedule.noise_level_bounds
    assert bounds[0] == 1
    assert len(bounds) == schedule.num_steps + 1
    assert (np.diff(bounds) < 0).all()
    assert bounds[-1] > 0


@ALL
def test_levels_are_root_products_of_one_minus_beta(name):
    schedule, _ = KNOWN[name]
    product = 1.0
    for beta, level in zip(
        schedule.betas, schedule.noise_level_bounds[1:], strict=True
    ):
        product *= 1 - beta
        np.testing.assert_allclose(level**2, product, rtol=1e-12)


@ALL
def test_warning_stands_above_level_0_3_and_names_the_level(name):
    schedule, last = KNOWN[name]
    warning = schedule.warning()
    assert (warning is None) == (last < 0.3)
    if warning:
        assert f"{last:.3f}" in warning and str(schedule.num_steps) in warning


@ALL
def test_levels_give_the_betas_back(name):
    schedule, _ = KNOWN[name]
    again = NoiseSchedule.from_noise_levels(schedule.noise_level_bounds[1:])
    np.testing.assert_allclose(again.betas, schedule.betas, rtol=1e-9)


def test_schedule_cannot_be_changed():
    given = np.array([0.1, 0.2])
    schedule = NoiseSchedule(given)
    given[0] = 0.9
    assert schedule.betas[0] == 0.1
    for values in (schedule.betas, schedule.noise_level_bounds):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 0.5
    with pytest.raises(AttributeError):
        schedule.betas = given


def test_equal_betas_make_equal_schedules():
    one, same, other = (NoiseSchedule(b) for b in ([0.1, 0.2], [0.1, 0.2], [0.1, 0.3]))
    assert one == same and hash(one) == hash(same)
    assert one != other and one != [0.1, 0.2]


def test_fibonacci_betas_are_sums_of_the_two_before():
    betas = NoiseSchedule.fibonacci(12, 2e-6, 3e-6).betas
    np.testing.assert_allclose(betas[:5], [2e-6, 3e-6, 5e-6, 8e-6, 13e-6])
    np.testing.assert_allclose(betas[2:], betas[:-2] + betas[1:-1])


@pytest.mark.parametrize("num_steps", [1, 2, 26])
def test_fibonacci_has_as_many_steps_as_asked(num_steps):
    assert NoiseSchedule.fibonacci(num_steps).num_steps == num_steps


@pytest.mark.parametrize("num_steps", [27, 28, 5000])
def test_fibonacci_beyond_one_is_refused(num_steps):
    """The 26th beta is 0.72, the 27th 1.17."""
    with pytest.raises(ValueError, match=f"exceeds 1 before {num_steps} steps"):
        NoiseSchedule.fibonacci(num_steps)


@pytest.mark.parametrize("num_steps", [1, 2, 6, 50])
@pytest.mark.parametrize("config", [BASE, SMALL], ids=["base", "small"])
def test_derived_schedule_spans_the_training_levels_evenly(config, num_steps):
    schedule = derived_schedule(config, num_steps)
    highest, lowest = training_level_range(config)
    levels = schedule.noise_level_bounds[1:]
    assert schedule.num_steps == len(levels) == num_steps
    np.testing.assert_allclose(levels[-1], lowest, rtol=1e-9)
    if num_steps > 1:
        np.testing.assert_allclose(levels[0], highest, rtol=1e-12)
        log_snr = np.log(levels**2) - np.log((1 - levels) * (1 + levels))
        even = (log_snr[-1] - log_snr[0]) / (num_steps - 1)
        np.testing.assert_allclose(np.diff(log_snr), even, rtol=1e-6)
    assert schedule.warning() is None


def test_training_levels_are_those_of_the_level_draw():
    """Uniform segments: l_1 and l_S. Log-SNR: +-9 for audio of that RMS."""
    highest, lowest = training_level_range(BASE)
    assert highest == np.sqrt(1 - 1e-6)
    assert lowest == training_schedule(BASE).last_level
    for rms in (0.1, 0.03):
        config = dataclasses.replace(
            SMALL, decoder=dataclasses.replace(SMALL.decoder, data_rms=rms)
        )
        for level, log_snr in zip(training_level_range(config), (9, -9), strict=True):
            signal, noise = level * rms, np.sqrt((1 - level) * (1 + level))
            np.testing.assert_allclose(2 * np.log(signal / noise), log_snr, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: NoiseSchedule([]), "needs a list"),
        (lambda: NoiseSchedule([[0.1], [0.2]]), "needs a list.*2, 1"),
        (lambda: NoiseSchedule([0.1, 0.0]), r"betas\[1\]=0.0"),
        (lambda: NoiseSchedule([0.1, 0.2, 1.0]), r"betas\[2\]=1.0"),
        (lambda: NoiseSchedule([float("nan")]), r"betas\[0\]=nan"),
        (lambda: NoiseSchedule.linear(1e-6, 0.01, 0), "at least 1.*0"),
        (lambda: NoiseSchedule.fibonacci(0), "at least 1.*0"),
        (lambda: NoiseSchedule.derived(0, 0.9, 0.1), "at least 1.*0"),
        (lambda: NoiseSchedule.derived(10**9, 0.9, 0.1), "at most 100000.*0"),
        (lambda: NoiseSchedule.linear(1e-6, 0.01, 10**9), "at most 100000.*0"),
        (lambda: NoiseSchedule.derived(4, 0.1, 0.9), "lowest_level=0.9"),
        (lambda: NoiseSchedule.from_noise_levels([0.9, 0.95]), "must decrease.*0.95"),
        (lambda: NoiseSchedule.from_noise_levels([1.0, 0.5]), "must decrease"),
        (lambda: NoiseSchedule.from_noise_levels([0.5, 0.0]), "must decrease"),
        (lambda: NoiseSchedule.from_noise_levels([]), "must decrease"),
        # Betas in (0, 1) whose levels float64 cannot tell apart, or from 0.
        (lambda: NoiseSchedule([1e-17, 0.5]), "levels of a schedule"),
        (lambda: NoiseSchedule(np.full(400, 0.99)), "levels of a schedule"),
    ],
)
def test_what_is_no_schedule_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
