"""Changes of rate inside the decoder."""

import numpy as np
import pytest

from tests.layers.weights import to_numpy
from tests.references import wavegrad
from wg2.layers.convolution import Convolution
from wg2.layers.resampling import downsample, upsample

X = np.random.default_rng(0).standard_normal((2, 1, 12, 3)).astype("float32")


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_upsampling_repeats_and_downsampling_averages(factor):
    up, down = to_numpy(upsample(X, factor)), to_numpy(downsample(X, factor))
    for row in range(2):
        np.testing.assert_array_equal(up[row, 0], wavegrad.repeat(X[row, 0], factor))
        np.testing.assert_allclose(
            down[row, 0], wavegrad.average(X[row, 0], factor), atol=1e-6
        )


def test_downsampling_undoes_upsampling():
    np.testing.assert_allclose(to_numpy(downsample(upsample(X, 5), 5)), X, atol=1e-6)


@pytest.mark.parametrize("change", [upsample, downsample])
def test_pointwise_convolution_commutes_with_the_change_of_rate(change):
    """What lets the blocks' shortcuts run at the lower rate."""
    layer = Convolution(4, 1)
    layer.build(X.shape)
    layer.bias.assign(np.array([1.0, -2, 3, 0.5]))
    np.testing.assert_allclose(
        to_numpy(layer(change(X, 3))), to_numpy(change(layer(X), 3)), atol=1e-6
    )
