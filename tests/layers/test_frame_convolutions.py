"""Convolutions over frames: float64 reference, ends, windows, start as the identity."""

import numpy as np
import pytest

from tests.layers.weights import randomize, to_numpy
from tests.references import sequences
from wg2.layers.frame_convolutions import FrameConvolutions
from wg2.layers.resampler import Resampler

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 20, 4)).astype("float32")
MASK = np.arange(20) < np.array([[20], [13]])
DURATIONS = np.array([[6, 0, 7, 7], [5, 8, 0, 0]], "float32")
LENGTHS = np.array([4, 2], "int32")
FEATURES = RNG.standard_normal((2, 4, 4)).astype("float32")


def make_layer(num_blocks=2, kernel_size=3):
    layer = FrameConvolutions(num_blocks, kernel_size)
    layer(X, MASK)
    randomize(layer, scale=0.5)
    return layer


def make_resampler(frame_blocks=2):
    layer = Resampler(4, 1, frame_blocks=frame_blocks, frame_kernel_size=5)
    layer(FEATURES, DURATIONS, LENGTHS, num_frames=20)
    randomize(layer, scale=0.5)
    return layer


def reference(layer, x):
    x = np.asarray(x, np.float64)
    weights = [[to_numpy(w) for w in c.weights] for c in layer.convolutions]
    for first, second in zip(weights[::2], weights[1::2], strict=True):
        y = x - x.mean(-1, keepdims=True)
        y = sequences.convolution(y / np.sqrt(y.var(-1, keepdims=True) + 1e-5), *first)
        x = x + sequences.convolution(np.where(y > 0, y, 0.2 * y), *second)
    return x


@pytest.mark.parametrize("kernel_size", [3, 5, 7])
def test_equals_float64_loops_over_each_utterance_alone(kernel_size):
    layer = make_layer(3, kernel_size)
    frames = to_numpy(layer(X, MASK))
    for row, length in enumerate(MASK.sum(1)):
        expected = reference(layer, X[row, :length])
        np.testing.assert_allclose(frames[row, :length], expected, atol=1e-4)


def test_untrained_it_changes_nothing():
    layer = FrameConvolutions(3, 5)
    np.testing.assert_array_equal(to_numpy(layer(X, MASK)), X)


def test_reach_is_the_farthest_frame_that_counts():
    layer = make_layer(2, 5)
    changed = X.copy()
    changed[0, 2, 0] += 1.0  # of one channel: a common change is normalised away
    difference = to_numpy(layer(changed, MASK)) - to_numpy(layer(X, MASK))
    touched = np.flatnonzero(np.abs(difference[0]).max(-1) > 1e-7)
    assert touched[-1] - 2 == layer.reach_frames == 8


@pytest.mark.parametrize("frame_blocks", [0, 2])
@pytest.mark.parametrize(("first", "count"), [(0, 3), (4, 9), (15, 5), (0, 20)])
def test_windows_of_the_resampler_equal_slices_of_the_whole(frame_blocks, first, count):
    layer = make_resampler(frame_blocks)
    whole, all_weights = layer(FEATURES, DURATIONS, LENGTHS, num_frames=20)
    start = np.array([first, first], "int32")
    frames, weights = layer(
        FEATURES, DURATIONS, LENGTHS, num_frames=count, first_frame=start
    )
    valid = slice(first, first + count)
    np.testing.assert_allclose(
        to_numpy(frames)[0], to_numpy(whole)[0, valid], atol=1e-5
    )
    inside = max(min(13 - first, count), 0)  # of the shorter utterance
    np.testing.assert_allclose(
        to_numpy(frames)[1, :inside],
        to_numpy(whole)[1, first : first + inside],
        atol=1e-5,
    )
    np.testing.assert_allclose(weights, to_numpy(all_weights)[:, valid], atol=1e-6)


def test_a_shorter_utterance_gets_what_it_gets_alone():
    layer = make_resampler()
    together, _ = layer(FEATURES, DURATIONS, LENGTHS, num_frames=20)
    alone, _ = layer(FEATURES[1:, :2], DURATIONS[1:, :2], LENGTHS[1:], num_frames=13)
    np.testing.assert_allclose(
        to_numpy(together)[1, :13], to_numpy(alone)[0], atol=1e-5
    )


@pytest.mark.parametrize("kernel_size", [1, 4])
def test_kernels_without_neighbours_or_middle_are_refused(kernel_size):
    with pytest.raises(ValueError, match=f"at least 3.*kernel_size={kernel_size}"):
        FrameConvolutions(2, kernel_size)
