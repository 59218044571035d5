"""Gaussian upsampling: geometry in float32, defined everywhere."""

import numpy as np
import pytest
import tensorflow as tf

from tests.layers.weights import to_numpy
from tests.references import sequences
from wg2.layers.gaussian_upsampling import GaussianUpsampling

DURATIONS = np.array([[3, 1, 0, 6, 2], [4, 0, 5, 0, 0]], "float32")
RANGES = np.array([[1.5, 0.4, 2.0, 0.9, 3.0], [0.7, 2.5, 1.1, 9, 9]], "float32")
LENGTHS = np.array([5, 3], "int32")
FEATURES = np.random.default_rng(0).standard_normal((2, 5, 4)).astype("float32")


def upsample(
    durations=DURATIONS,
    ranges=RANGES,
    lengths=LENGTHS,
    num_frames=12,
    first_frame=None,
    features=None,
    **options,
):
    features = FEATURES if features is None else features
    layer = GaussianUpsampling(**options)
    frames, weights = layer(
        features,
        durations,
        ranges,
        lengths,
        num_frames=num_frames,
        first_frame=first_frame,
    )
    return to_numpy(frames), to_numpy(weights)


def test_weights_match_float64_densities():
    frames, weights = upsample()
    for row, length in enumerate(LENGTHS):
        expected = sequences.gaussian_weights(
            DURATIONS[row, :length], RANGES[row, :length], 12
        )
        np.testing.assert_allclose(weights[row, :, :length], expected, atol=1e-6)
        np.testing.assert_allclose(
            frames[row], expected @ FEATURES[row, :length], atol=1e-5
        )


def test_weights_sum_to_one_and_padding_weighs_nothing():
    _, weights = upsample(num_frames=40)
    np.testing.assert_allclose(weights.sum(axis=-1), np.ones((2, 40)), atol=1e-6)
    assert not weights[1, :, 3:].any()


def test_what_stands_at_padding_changes_nothing():
    ranges, features = RANGES.copy(), FEATURES.copy()
    ranges[1, 3:], features[1, 3:] = [0.1, 50], 77
    for changed, plain in zip(
        upsample(ranges=ranges, features=features), upsample(), strict=True
    ):
        np.testing.assert_array_equal(changed, plain)


def test_mirrored_durations_give_mirrored_weights():
    lengths = np.array([5], "int32")
    forward = upsample(DURATIONS[:1], RANGES[:1], lengths, features=FEATURES[:1])[1]
    backward = upsample(
        DURATIONS[:1, ::-1], RANGES[:1, ::-1], lengths, features=FEATURES[:1]
    )[1]
    np.testing.assert_allclose(backward[0, ::-1, ::-1], forward[0], atol=1e-6)


def test_windows_equal_slices_of_the_whole():
    whole_frames, whole_weights = upsample(num_frames=12)
    first = np.array([4, 1], "int32")
    frames, weights = upsample(num_frames=6, first_frame=first)
    for row, start in enumerate(first):
        window = slice(start, start + 6)
        np.testing.assert_allclose(frames[row], whole_frames[row, window], atol=1e-6)
        np.testing.assert_allclose(weights[row], whole_weights[row, window], atol=1e-6)


def test_frames_far_from_every_phoneme_belong_to_the_nearest():
    """Where every density underflows; the last phoneme has the widest range."""
    ranges = np.array([[0.05, 0.05, 0.05, 0.05, 0.06]], "float32")
    frames, weights = upsample(
        DURATIONS[:1],
        ranges,
        LENGTHS[:1],
        num_frames=10000,
        features=FEATURES[:1],
    )
    assert np.isfinite(frames).all()
    np.testing.assert_allclose(weights[0, 20:, 4], np.ones(9980), atol=1e-6)


@pytest.mark.parametrize("scale", [0.0, 1e-6, 1e4, 1e30])
def test_extreme_ranges_and_durations_stay_finite_with_their_gradients(scale):
    features, durations, ranges = (
        tf.constant(x.astype("float32"))
        for x in (FEATURES, DURATIONS * min(scale, 1e4), RANGES * scale)
    )
    with tf.GradientTape() as tape:
        tape.watch([features, durations, ranges])
        frames, weights = GaussianUpsampling()(
            features, durations, ranges, LENGTHS, num_frames=30
        )
        loss = tf.reduce_sum(tf.square(frames))
    assert np.isfinite(frames).all()
    np.testing.assert_allclose(np.sum(weights, -1), np.ones((2, 30)), atol=1e-5)
    for gradient in tape.gradient(loss, [features, durations, ranges]):
        assert np.isfinite(gradient).all()


def test_ranges_are_floored():
    tiny = np.full_like(RANGES, 1e-9)
    floored = np.full_like(RANGES, 0.25)
    for actual, expected in zip(
        upsample(ranges=tiny, min_range_frames=0.25),
        upsample(ranges=floored, min_range_frames=0.25),
        strict=True,
    ):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_counts_frames_exactly(policy):
    """Alternating phonemes of 4 frames, 2000 frames in: bfloat16 counts to 256."""
    num_phonemes = 500
    durations = np.full((1, num_phonemes), 4, "float32")
    ranges = np.full((1, num_phonemes), 0.5, "float32")
    features = (np.arange(num_phonemes) % 2).astype("float32")[None, :, None]
    frames, weights = upsample(
        durations,
        ranges,
        np.array([num_phonemes]),
        2000,
        features=features,
        dtype=policy,
    )
    assert weights.dtype == np.float32
    expected = np.repeat(features[0, :, 0], 4)
    np.testing.assert_allclose(
        np.asarray(frames[0, :, 0], "float32"), expected, atol=0.02
    )


def test_range_floor_must_be_positive():
    with pytest.raises(ValueError, match="min_range_frames=0"):
        GaussianUpsampling(0)
