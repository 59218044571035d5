"""SpecAugment-like masks on the upsampled features."""

import numpy as np
import pytest

from tests.layers.weights import to_numpy
from wg2.layers.feature_masking import FeatureMasking

ONES = np.ones((400, 30, 12), "float32")


def masked_lengths(kept, axis):
    """Length of the one run of zeros in each row; fails where there are two."""
    zeros = ~kept
    edges = np.diff(np.pad(zeros.astype(int), ((0, 0), (1, 1))), axis=1)
    assert (edges == 1).sum(axis=1).max() <= 1
    return zeros.sum(axis=1)


def test_identity_in_inference():
    layer = FeatureMasking(3, 8, 3, 8)
    np.testing.assert_array_equal(to_numpy(layer(ONES, training=False)), ONES)


@pytest.mark.parametrize(
    ("options", "axis", "longest"),
    [((1, 6, 0, 5), 1, 6), ((0, 6, 1, 5), 2, 5)],
    ids=["frames", "channels"],
)
def test_one_run_each_of_every_length_up_to_the_longest(options, axis, longest):
    layer = FeatureMasking(*options, seed=3)
    kept = to_numpy(layer(ONES, training=True)) > 0
    along = kept.all(axis=3 - axis)
    # Masks span the other axis: what is not kept throughout is not kept at all.
    np.testing.assert_array_equal(along, kept.any(axis=3 - axis))
    lengths = masked_lengths(along, axis)
    counts = np.bincount(lengths, minlength=longest + 1)
    assert len(counts) == longest + 1
    expected = len(ONES) / (longest + 1)
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_runs_reach_every_place():
    layer = FeatureMasking(1, 6, 1, 5, seed=3)
    kept = to_numpy(layer(ONES, training=True)) > 0
    assert not kept.any(axis=2).all(axis=0).any()  # frames, the ends included
    assert not kept.any(axis=1).all(axis=0).any()  # channels


def test_several_runs_are_drawn():
    layer = FeatureMasking(3, 4, 0, 1, seed=3)
    kept = to_numpy(layer(ONES, training=True)).any(axis=-1)
    runs = (np.diff(kept.astype(int), axis=1, prepend=1) == -1).sum(axis=1)
    assert runs.max() == 3
    assert (~kept).sum(axis=1).max() <= 12


def test_values_are_kept_where_not_masked():
    x = np.random.default_rng(0).standard_normal((4, 30, 12)).astype("float32")
    layer = FeatureMasking(1, 6, 1, 5, seed=1)
    y = to_numpy(layer(x, training=True))
    np.testing.assert_array_equal(y[y != 0], x[y != 0])
    assert (y == 0).any()


def test_calls_and_utterances_draw_their_own():
    layer = FeatureMasking(1, 10, 0, 1, seed=1)
    first, second = (to_numpy(layer(ONES[:20], training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 0
    assert len({row.tobytes() for row in first}) > 10


def test_masks_longer_than_the_features_fit():
    layer = FeatureMasking(1, 500, 1, 500, seed=1)
    y = to_numpy(layer(ONES, training=True))
    assert y.shape == ONES.shape
    assert not y.all()
