"""FiLM: scale first, then shift, from stream and noise level."""

import numpy as np
import pytest

from tests.layers.weights import kernel_and_bias, randomize, to_numpy
from tests.references import wavegrad
from wg2.layers.film import FiLM

LEVELS = np.array([0.37, 0.92], "float32")
X = np.random.default_rng(0).standard_normal((2, 1, 7, 6)).astype("float32")


def build(**options):
    layer = FiLM(4, **options)
    layer.build((None, 1, None, 6))
    randomize(layer)
    return layer


def expected(layer, x, level):
    return wavegrad.film(
        x,
        float(level),
        kernel_and_bias(layer.input_convolution),
        kernel_and_bias(layer.output_convolution),
        layer.bounded,
        layer.level_scale,
    )


@pytest.mark.parametrize("options", [{}, {"bounded": True, "level_scale": 40.0}])
def test_scale_and_shift_match_float64_loops(options):
    layer = build(**options)
    scale, shift = (to_numpy(x) for x in layer(X, LEVELS))
    for row, level in enumerate(LEVELS):
        gamma, xi = expected(layer, X[row, 0], level)
        np.testing.assert_allclose(scale[row, 0], gamma, atol=2e-3)
        np.testing.assert_allclose(shift[row, 0], xi, atol=2e-3)


def test_scale_comes_first():
    """Known by their biases: with kernels of zero nothing else is left."""
    layer = build()
    for convolution in (layer.input_convolution, layer.output_convolution):
        convolution.kernel.assign(np.zeros(convolution.kernel.shape, "float32"))
    layer.output_convolution.bias.assign(np.array([1, 2, 3, 4, -1, -2, -3, -4.0]))
    scale, shift = layer(X, LEVELS)
    np.testing.assert_array_equal(to_numpy(scale)[1, 0, 3], [1, 2, 3, 4])
    np.testing.assert_array_equal(to_numpy(shift)[1, 0, 3], [-1, -2, -3, -4])


def test_bounded_scale_lies_between_0_and_2():
    layer = build(bounded=True)
    scale, shift = layer(100 * X, LEVELS)
    assert 0 <= to_numpy(scale).min() < 0.1 and 1.9 < to_numpy(scale).max() <= 2
    assert np.abs(to_numpy(shift)).max() > 10


def test_masked_stream_gets_what_it_gets_alone():
    layer = build()
    mask = np.arange(7) < np.array([[7], [3]])
    mask = mask[:, None, :, None].astype("float32")
    together = [to_numpy(x) for x in layer(X, LEVELS, time_mask=mask)]
    alone = [to_numpy(x) for x in layer(X[1:, :, :3], LEVELS[1:])]
    for padded, short in zip(together, alone, strict=True):
        np.testing.assert_allclose(padded[1, :, :3], short[0], atol=1e-5)


def test_noise_level_stays_float32_under_bfloat16():
    """bfloat16 would merge these two levels; their encodings differ by 2.5 rad."""
    layer = build(dtype="mixed_bfloat16")
    x = np.tile(X[:1], (2, 1, 1, 1))
    scale, _ = layer(x, np.array([0.9990, 0.9995], "float32"))
    scale = np.asarray(to_numpy(scale), "float32")
    assert np.abs(scale[0] - scale[1]).max() > 0.1
