"""The bidirectional LSTM with zoneout."""

import keras
import numpy as np
import pytest

from tests.layers.weights import randomize, to_numpy
from tests.references import sequences
from wg2.layers.bidirectional_zoneout_lstm import BidirectionalZoneoutLSTM

LENGTHS = np.array([9, 4])


@pytest.fixture
def x():
    return np.random.default_rng(0).standard_normal((2, 9, 3)).astype("float32")


def build(zoneout=0.0, units=5, **options):
    layer = BidirectionalZoneoutLSTM(units, zoneout, **options)
    layer.build((None, None, 3))
    randomize(layer, scale=0.7)
    return layer


def expected(layer, x, length, kept=None):
    """`kept`: bool `(time, direction, 2, units)`, directions in their own order."""
    forward, backward = (
        [np.array(w) for w in weights]
        for weights in (layer.forward_weights, layer.backward_weights)
    )
    kept_forward, kept_backward = (
        (None, None) if kept is None else (kept[:length, 0], kept[:length, 1])
    )
    there = sequences.lstm(x[:length], *forward, layer.zoneout, kept_forward)
    back = sequences.lstm(x[:length][::-1], *backward, layer.zoneout, kept_backward)
    return np.concatenate([there, back[::-1]], axis=-1)


@pytest.mark.parametrize("zoneout", [0.0, 0.3])
def test_inference_matches_float64_loops_at_every_length(x, zoneout):
    layer = build(zoneout)
    actual = to_numpy(layer(x, LENGTHS))
    for row, length in enumerate(LENGTHS):
        np.testing.assert_allclose(
            actual[row, :length], expected(layer, x[row], length), atol=1e-5
        )


def test_without_zoneout_equals_keras_lstm(x):
    layer = build()
    lone = x[:1]
    actual = to_numpy(layer(lone, np.array([9])))
    for weights, backwards, half in (
        (layer.forward_weights, False, actual[..., :5]),
        (layer.backward_weights, True, actual[..., 5:]),
    ):
        lstm = keras.layers.LSTM(5, return_sequences=True, go_backwards=backwards)
        lstm.build(lone.shape)
        kernel, recurrent, bias = (np.array(w) for w in weights)
        bias[5:10] += 1.0  # Keras keeps the open forget gate in its bias
        lstm.set_weights([kernel, recurrent, bias])
        theirs = to_numpy(lstm(lone))
        theirs = theirs[:, ::-1] if backwards else theirs
        np.testing.assert_allclose(half, theirs, atol=1e-5)


def test_padding_reaches_neither_direction(x):
    layer = build(0.2)
    changed = x.copy()
    changed[1, 4:] = 1e3
    np.testing.assert_array_equal(
        to_numpy(layer(x, LENGTHS))[1, :4], to_numpy(layer(changed, LENGTHS))[1, :4]
    )


def test_each_direction_sees_its_own_side(x):
    layer = build(0.2)
    changed = x.copy()
    changed[0, 4] += 1.0
    change = to_numpy(layer(changed, LENGTHS)) - to_numpy(layer(x, LENGTHS))
    assert not change[1].any()
    forward, backward = change[0, :, :5].any(-1), change[0, :, 5:].any(-1)
    np.testing.assert_array_equal(forward, np.arange(9) >= 4)
    np.testing.assert_array_equal(backward, np.arange(9) <= 4)


def test_training_keeps_previous_values_where_drawn(x, monkeypatch):
    layer = build(0.3)
    draws = np.random.default_rng(5).random((9, 2, 2, 10)).astype("float32")
    monkeypatch.setattr(keras.random, "uniform", lambda *args, **kwargs: draws)
    actual = to_numpy(layer(x, LENGTHS, training=True))
    kept = draws < 0.3  # (time, direction, batch, hidden and cell)
    for row, length in enumerate(LENGTHS):
        row_kept = kept[:, :, row].reshape(9, 2, 2, 5)
        np.testing.assert_allclose(
            actual[row, :length], expected(layer, x[row], length, row_kept), atol=1e-5
        )


def test_share_of_kept_units_is_the_zoneout():
    zoneout, time, batch, units = 0.15, 40, 8, 16
    layer = BidirectionalZoneoutLSTM(units, zoneout, seed=11)
    layer.build((None, None, 3))
    randomize(layer)
    x = np.random.default_rng(1).standard_normal((batch, time, 3)).astype("float32")
    y = to_numpy(layer(x, np.full(batch, time), training=True))
    again = to_numpy(layer(x, np.full(batch, time), training=True))
    assert np.abs(y - again).max() > 0  # every call draws anew
    for hidden in (y[..., :units], y[:, ::-1, units:]):
        previous = np.concatenate([np.zeros_like(hidden[:, :1]), hidden[:, :-1]], 1)
        share = np.mean(hidden == previous)
        error = np.sqrt(zoneout * (1 - zoneout) / hidden.size)
        assert abs(share - zoneout) < 5 * error


@pytest.mark.parametrize("zoneout", [1.0, -0.1])
def test_zoneout_outside_its_range_is_refused(zoneout):
    with pytest.raises(ValueError, match=f"zoneout={zoneout}"):
        BidirectionalZoneoutLSTM(4, zoneout)
