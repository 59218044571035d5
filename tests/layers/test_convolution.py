"""The dilated, masked convolution."""

import numpy as np
import pytest

from tests.layers.weights import kernel_and_bias, randomize, to_numpy
from tests.references import sequences
from wg2.layers.convolution import Convolution


@pytest.mark.parametrize(
    ("kernel_size", "dilation"), [(1, 1), (3, 1), (3, 4), (5, 2), (3, 16)]
)
def test_matches_float64_loops(kernel_size, dilation):
    layer = Convolution(4, kernel_size, dilation)
    x = np.random.default_rng(kernel_size).standard_normal((2, 11, 3))
    layer.build(x.shape)
    randomize(layer)
    actual = to_numpy(layer(x.astype("float32")))
    expected = [
        sequences.convolution(row, *kernel_and_bias(layer), dilation) for row in x
    ]
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_masked_utterance_gets_what_it_gets_alone():
    layer = Convolution(4, 5, 2)
    x = np.random.default_rng(0).standard_normal((2, 12, 3)).astype("float32")
    layer.build(x.shape)
    randomize(layer)
    lengths = [12, 7]
    mask = np.arange(12) < np.array(lengths)[:, None]
    together = to_numpy(layer(x, time_mask=mask))
    for row, length in enumerate(lengths):
        alone = to_numpy(layer(x[row : row + 1, :length]))[0]
        np.testing.assert_allclose(together[row, :length], alone, atol=1e-6)


def test_even_kernel_is_refused():
    with pytest.raises(ValueError, match=r"odd.*kernel_size=4"):
        Convolution(4, 4)
