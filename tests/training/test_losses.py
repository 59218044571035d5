"""Losses against loops in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from wg2.training import losses

SPF = 4


@pytest.fixture
def generator():
    return np.random.default_rng(1)


def test_noise_loss_is_the_weighted_l1_over_valid_samples(generator):
    predicted, noise = generator.normal(size=(2, 3, 5 * SPF)).astype("float32")
    mask = np.arange(5)[None] < np.array([5, 2, 0])[:, None]
    weight = np.array([1.0, 2.5, 7.0], "float32")
    sums, counts = losses.noise_loss(predicted, noise, mask, weight, SPF)
    for row in range(3):
        expected = 0.0
        for frame in range(5):
            for i in range(frame * SPF, (frame + 1) * SPF):
                if mask[row, frame]:
                    difference = float(predicted[row, i]) - float(noise[row, i])
                    expected += weight[row] * abs(difference)
        assert float(sums[row]) == pytest.approx(expected, rel=1e-5)
        assert float(counts[row]) == mask[row].sum() * SPF


def test_duration_loss_is_the_squared_error_over_valid_phonemes(generator):
    predicted = generator.normal(size=(3, 4)).astype("float32")
    durations = generator.integers(0, 9, (3, 4)).astype("int32")
    lengths, weight = np.array([4, 2, 3], "int32"), np.array([1.0, 1.0, 0.0], "float32")
    total, count = losses.duration_loss(predicted, durations, lengths, weight)
    expected = sum(
        (float(predicted[row, i]) - int(durations[row, i])) ** 2
        for row in (0, 1)  # the third is a fill-up
        for i in range(lengths[row])
    )
    assert float(total) == pytest.approx(expected, rel=1e-5)
    assert float(count) == 4 + 2


def test_mel_loss_is_the_l1_over_valid_frames_and_bands(generator):
    predicted, mel = generator.normal(size=(2, 3, 5, 6)).astype("float32")
    mask = np.arange(5)[None] < np.array([1, 5, 4])[:, None]
    weight = np.array([1.0, 1.0, 0.0], "float32")
    total, count = losses.mel_loss(predicted, mel, mask, weight)
    difference = np.abs(predicted.astype("f8") - mel)
    assert float(total) == pytest.approx(
        difference[0, :1].sum() + difference[1].sum(), rel=1e-5
    )
    assert float(count) == (1 + 5) * 6
