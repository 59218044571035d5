"""The sinusoids of the noise level."""

import numpy as np
import pytest

from tests.layers.weights import to_numpy
from tests.references import wavegrad
from wg2.layers.noise_level_encoding import encode_noise_level


@pytest.mark.parametrize(("channels", "scale"), [(12, 5000.0), (9, 5000.0), (8, 100.0)])
def test_matches_float64_loops(channels, scale):
    levels = np.array([1.0, 0.9997, 0.31, 0.081, -4.5], "float32")
    actual = to_numpy(encode_noise_level(levels, channels, scale))
    expected = [
        wavegrad.noise_level_encoding(float(level), channels, scale) for level in levels
    ]
    # A float32 phase near 5000 is known to 5e-4.
    np.testing.assert_allclose(actual, expected, atol=1e-3)


def test_levels_next_to_clean_are_told_apart():
    """WaveGrad's factor: between 0.9990 and 0.9995 lie many training levels."""
    near, nearer = to_numpy(encode_noise_level(np.array([0.9990, 0.9995]), 32))
    assert np.abs(near - nearer).max() > 0.5
    near, nearer = to_numpy(encode_noise_level(np.array([0.9990, 0.9995]), 32, 1.0))
    assert np.abs(near - nearer).max() < 0.01
