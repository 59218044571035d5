"""The forward process: level draws and noisy audio."""

import dataclasses
import math

import numpy as np
import pytest

from tests.layers.weights import to_numpy
from wg2.diffusion.process import draw_noise_level, q_sample
from wg2.diffusion.schedule import training_level_range, training_schedule
from wg2.presets import BASE, SMALL

NUM_DRAWS = 40000
SKEWED = dataclasses.replace(
    SMALL,
    diffusion=dataclasses.replace(
        SMALL.diffusion, log_snr_mean=1.5, log_snr_std=2.0, log_snr_limit=4.0
    ),
)
FEW = dataclasses.replace(
    BASE, diffusion=dataclasses.replace(BASE.diffusion, num_steps=7, beta_end=0.4)
)


def draw(config, seed=0):
    uniform = np.random.default_rng(seed).random((NUM_DRAWS, 2)).astype("float32")
    return to_numpy(draw_noise_level(uniform, config)).astype(np.float64)


def assert_distribution(draws, points, probabilities):
    """The share of draws up to every point is its probability, within 5 SE."""
    for point, probability in zip(points, probabilities, strict=True):
        share = np.mean(draws <= point)
        error = np.sqrt(probability * (1 - probability) / len(draws))
        assert abs(share - probability) <= 5 * error + 1e-12, (point, probability)


@pytest.mark.parametrize("config", [BASE, FEW], ids=["1000 segments", "7 segments"])
def test_uniform_segments_are_uniform_over_and_inside_segments(config):
    bounds = training_schedule(config).noise_level_bounds[::-1]
    num_segments = len(bounds) - 1
    inside = bounds[:-1] + 0.3 * np.diff(bounds)
    points = np.concatenate([bounds, inside])
    probabilities = np.concatenate(
        [np.arange(num_segments + 1), np.arange(num_segments) + 0.3]
    )
    # A level next to 1 is a float32: 6e-8 from its neighbour.
    far = points < 1 - 1e-4
    assert_distribution(draw(config), points[far], probabilities[far] / num_segments)


def test_log_snr_draw_is_a_clipped_normal_distribution():
    draws = draw(SKEWED)
    rms = SKEWED.decoder.data_rms
    log_snr = 2 * np.log(draws * rms) - np.log((1 - draws) * (1 + draws))
    points = np.linspace(-3.9, 3.9, 40)
    expected = [0.5 * (1 + math.erf((x - 1.5) / (2.0 * np.sqrt(2)))) for x in points]
    assert_distribution(log_snr, points, expected)
    assert abs(log_snr).max() < 4 + 1e-2


@pytest.mark.parametrize("config", [BASE, SKEWED], ids=["segments", "log-SNR"])
def test_levels_are_continuous_and_inside_the_training_range(config):
    draws = draw(config)
    highest, lowest = training_level_range(config)
    assert draws.min() >= lowest * (1 - 1e-6)
    assert draws.max() <= (1.0 if config is BASE else highest * (1 + 1e-6))
    inner = draws[(draws > 1.01 * lowest) & (draws < 0.9)]
    assert len(np.unique(inner)) > 0.95 * len(inner)


@pytest.mark.parametrize("config", [BASE, SKEWED], ids=["segments", "log-SNR"])
def test_corners_of_the_uniform_square_give_valid_levels(config):
    last = np.nextafter(np.float32(1), np.float32(0))
    corners = np.array([[a, b] for a in (0, last) for b in (0, last)], "float32")
    levels = to_numpy(draw_noise_level(corners, config))
    assert np.isfinite(levels).all()
    assert levels.min() > 0 and levels.max() <= 1


def test_noisy_audio_has_the_mean_and_variance_of_its_level():
    rng = np.random.default_rng(1)
    num = 50000
    clean = rng.uniform(-0.5, 0.5, (3, 1)).astype("float32") * np.ones((1, num), "f4")
    noise = rng.standard_normal((3, num)).astype("float32")
    levels = np.array([0.2, 0.75, 0.99], "float32")
    noisy = to_numpy(q_sample(clean, levels, noise)).astype(np.float64)
    for row, level in enumerate(levels.astype(np.float64)):
        variance = 1 - level**2
        error = np.sqrt(variance / num)
        assert abs(noisy[row].mean() - level * clean[row, 0]) < 5 * error
        assert abs(noisy[row].var() - variance) < 5 * variance * np.sqrt(2 / num)


def test_noisy_audio_is_exactly_the_weighted_sum():
    clean, noise = np.array([[0.5, -0.25]], "f4"), np.array([[2.0, -1.0]], "f4")
    noisy = to_numpy(q_sample(clean, np.array([0.6], "f4"), noise))
    np.testing.assert_allclose(
        noisy, [[0.6 * 0.5 + 0.8 * 2, -0.6 * 0.25 - 0.8]], rtol=1e-6
    )
