"""Batch normalization over valid positions; replicas in `test_replicas.py`."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.layers.weights import randomize, to_numpy
from wg2.layers.masked_batch_normalization import MaskedBatchNormalization

LENGTHS = np.array([6, 2, 4])
MASK = np.arange(6) < LENGTHS[:, None]


@pytest.fixture
def x():
    rng = np.random.default_rng(3)
    values = rng.standard_normal((3, 6, 4)) * [1, 2, 0.5, 3] + [0, 1, -2, 5]
    values[~MASK] = 1e3  # what must not count
    return values.astype("float32")


def build(**options):
    layer = MaskedBatchNormalization(**options)
    layer.build((None, None, 4))
    randomize(layer, scale=1.0)
    return layer


def test_training_normalizes_by_the_statistics_of_valid_entries(x):
    layer = build(epsilon=0.01)
    valid = x[MASK].astype(np.float64)
    mean, variance = valid.mean(axis=0), valid.var(axis=0)
    gamma, beta = np.array(layer.gamma), np.array(layer.beta)
    expected = gamma * (valid - mean) / np.sqrt(variance + 0.01) + beta
    actual = to_numpy(layer(x, time_mask=MASK, training=True))
    np.testing.assert_allclose(actual[MASK], expected, rtol=1e-4, atol=1e-4)


def test_moving_statistics_weigh_the_newest_by_one_minus_momentum(x):
    layer = build(momentum=0.9)
    old_mean, old_variance = (
        np.array(layer.moving_mean),
        np.array(layer.moving_variance),
    )
    layer(x, time_mask=MASK, training=True)
    valid = x[MASK].astype(np.float64)
    np.testing.assert_allclose(
        layer.moving_mean, 0.9 * old_mean + 0.1 * valid.mean(axis=0), rtol=1e-4
    )
    np.testing.assert_allclose(
        layer.moving_variance, 0.9 * old_variance + 0.1 * valid.var(axis=0), rtol=1e-4
    )


def test_inference_uses_and_keeps_the_moving_statistics(x):
    layer = build(epsilon=0.01)
    before = [np.array(w) for w in layer.weights]
    gamma, beta, mean, variance = before
    actual = to_numpy(layer(x, time_mask=MASK, training=False))
    expected = gamma * (x - mean) / np.sqrt(variance + 0.01) + beta
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)
    for weight, value in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_statistics_stay_float32_under_mixed_precision(x, policy):
    layer = build(dtype=policy)
    ordinary = build()  # the same weights
    rounded = to_numpy(ops.cast(ops.cast(x, policy.removeprefix("mixed_")), "float32"))
    for training in (True, False):
        actual = layer(rounded, time_mask=MASK, training=training)
        expected = ordinary(rounded, time_mask=MASK, training=training)
        assert keras.backend.standardize_dtype(actual.dtype) == policy.removeprefix(
            "mixed_"
        )
        difference = to_numpy(ops.cast(actual, "float32")) - to_numpy(expected)
        assert np.abs(difference[MASK]).max() < 0.05
    np.testing.assert_allclose(layer.moving_mean, ordinary.moving_mean, rtol=1e-5)
    np.testing.assert_allclose(
        layer.moving_variance, ordinary.moving_variance, rtol=1e-5
    )


def test_momentum_of_one_is_refused():
    with pytest.raises(ValueError, match="momentum=1"):
        MaskedBatchNormalization(momentum=1.0)
