"""UBlock and DBlock against float64 references that follow the figures literally."""

import numpy as np
import pytest

from tests.layers.weights import kernel_and_bias, randomize, to_numpy
from tests.references import wavegrad
from wg2.layers.dblock import DBlock
from wg2.layers.ublock import UBlock

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 1, 12, 3)).astype("float32")


def build(block, *shapes):
    block.build((None, 1, None, 3), *shapes)
    randomize(block)
    return block


def film(time, channels=4):
    return (
        (1 + 0.5 * RNG.standard_normal((2, 1, time, channels))).astype("float32"),
        (-2 + RNG.standard_normal((2, 1, time, channels))).astype("float32"),
    )


def weights(block):
    return kernel_and_bias(block.shortcut), [
        kernel_and_bias(convolution) for convolution in block.convolutions
    ]


@pytest.mark.parametrize(
    ("factor", "dilations"), [(3, (1, 2, 4, 8)), (1, (1, 3, 1, 2)), (2, (4, 1, 2, 1))]
)
def test_ublock_matches_float64_loops(factor, dilations):
    block = build(UBlock(4, factor, dilations))
    scale, shift = film(12 * factor)
    actual = to_numpy(block(X, scale, shift))
    for row in range(2):
        expected = wavegrad.ublock(
            X[row, 0], scale[row, 0], shift[row, 0], factor, dilations, *weights(block)
        )
        np.testing.assert_allclose(actual[row, 0], expected, atol=1e-4)
        swapped = wavegrad.ublock(
            X[row, 0], shift[row, 0], scale[row, 0], factor, dilations, *weights(block)
        )
        assert np.abs(actual[row, 0] - swapped).max() > 1


@pytest.mark.parametrize(
    ("factor", "dilations"), [(3, (1, 2, 4)), (1, (4, 1, 2)), (2, (2, 2, 3))]
)
def test_dblock_matches_float64_loops(factor, dilations):
    block = build(DBlock(4, factor, dilations))
    actual = to_numpy(block(X))
    for row in range(2):
        expected = wavegrad.dblock(X[row, 0], factor, dilations, *weights(block))
        np.testing.assert_allclose(actual[row, 0], expected, atol=1e-5)


def image_mask(mask):
    return mask[:, None, :, None].astype("float32")


def test_masked_ublock_gives_what_it_gives_alone():
    block = build(UBlock(4, 2, (1, 2, 4, 8)))
    scale, shift = film(24)
    mask = np.arange(24) < np.array([[24], [10]])
    together = to_numpy(block(X, scale, shift, time_mask=image_mask(mask)))
    alone = to_numpy(block(X[1:, :, :5], scale[1:, :, :10], shift[1:, :, :10]))
    np.testing.assert_allclose(together[1, :, :10], alone[0], atol=1e-5)


def test_masked_dblock_gives_what_it_gives_alone():
    block = build(DBlock(4, 3, (1, 2, 4)))
    mask = np.arange(4) < np.array([[4], [2]])
    together = to_numpy(block(X, time_mask=image_mask(mask)))
    alone = to_numpy(block(X[1:, :, :6]))
    np.testing.assert_allclose(together[1, :, :2], alone[0], atol=1e-5)


def test_wrong_number_of_dilations_is_refused():
    with pytest.raises(ValueError, match=r"4 dilations.*1, 2, 4"):
        UBlock(4, 2, (1, 2, 4))
    with pytest.raises(ValueError, match=r"3 dilations.*1, 2"):
        DBlock(4, 2, (1, 2))
