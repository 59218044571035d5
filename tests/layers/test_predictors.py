"""Duration and range predictors."""

import numpy as np
import pytest
import tensorflow as tf

from tests.layers.weights import randomize, to_numpy
from wg2.layers.predictors import DurationPredictor, RangeParameterPredictor

LENGTHS = np.array([6, 2, 4], "int32")
FEATURES = np.random.default_rng(0).standard_normal((3, 6, 5)).astype("float32")
DURATIONS = np.array(
    [[3, 0, 7, 1, 12, 5], [4, 9, 0, 0, 0, 0], [2, 2, 0, 30, 0, 0]], "float32"
)


def build(kind, randomized=True, **options):
    predictor = kind(4, 2, **options)
    predictor.build((None, None, 5))
    if randomized:
        randomize(predictor, scale=0.8)
    return predictor


def arguments(kind, features, durations, lengths):
    return (
        (features, lengths)
        if kind is DurationPredictor
        else (features, durations, lengths)
    )


KINDS = pytest.mark.parametrize("kind", [DurationPredictor, RangeParameterPredictor])


@KINDS
def test_padded_utterances_get_what_they_get_alone(kind):
    predictor = build(kind)
    together = to_numpy(predictor(*arguments(kind, FEATURES, DURATIONS, LENGTHS)))
    assert together.shape == (3, 6)
    for row, length in enumerate(LENGTHS):
        one = slice(row, row + 1)
        alone = predictor(
            *arguments(
                kind, FEATURES[one, :length], DURATIONS[one, :length], LENGTHS[one]
            )
        )
        np.testing.assert_allclose(together[row, :length], alone[0], rtol=1e-5)
    assert together.min() > 0
    assert together.std() > 0.01


@KINDS
def test_zero_projection_gives_the_initial_value(kind):
    predictor = build(kind, initial_value=6.25)
    predictor.projection.kernel.assign(np.zeros((8, 1), "float32"))
    predictor.projection.bias.assign(np.zeros(1, "float32"))
    predicted = predictor(*arguments(kind, FEATURES, DURATIONS, LENGTHS))
    np.testing.assert_allclose(predicted, np.full((3, 6), 6.25), rtol=1e-6)


def test_ranges_see_the_durations():
    predictor = build(RangeParameterPredictor)
    longer = DURATIONS.copy()
    longer[0, 2] += 5
    before = to_numpy(predictor(FEATURES, DURATIONS, LENGTHS))
    after = to_numpy(predictor(FEATURES, longer, LENGTHS))
    assert abs(after - before)[0, 2] > 1e-3
    np.testing.assert_array_equal(after[1:], before[1:])


@KINDS
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("bias", [-1e4, 0.0, 1e4])
def test_extreme_inputs_give_finite_values_and_gradients(kind, policy, bias):
    predictor = build(kind, dtype=policy)
    predictor.projection.bias.assign([bias])
    features = FEATURES * np.array([0, 1e4, 1e-4], "float32")[:, None, None]
    durations = DURATIONS * np.array([1e4 / 12, 0, 1], "float32")[:, None]
    features = tf.constant(features)
    with tf.GradientTape() as tape:
        tape.watch(features)
        predicted = predictor(*arguments(kind, features, durations, LENGTHS))
        loss = tf.reduce_sum(predicted)
    assert predicted.dtype == tf.float32
    assert np.isfinite(predicted).all()
    assert np.min(predicted) >= 0
    for gradient in tape.gradient(loss, [features, *predictor.trainable_weights]):
        assert np.isfinite(gradient).all()


@KINDS
def test_bfloat16_stays_near_float32(kind):
    exact, rough = build(kind), build(kind, dtype="mixed_bfloat16")
    given = arguments(kind, FEATURES, DURATIONS, LENGTHS)
    np.testing.assert_allclose(rough(*given), exact(*given), rtol=0.05)
