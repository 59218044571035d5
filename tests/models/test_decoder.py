"""The WaveGrad decoder: sizes, masking, parameterizations."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers.weights import to_numpy
from wg2.models.decoder import WaveGradDecoder
from wg2.presets import BASE, LARGE, TINY

CHANNELS = 6
PER_FRAME = 5 * 4 * 2
PRECONDITIONED = dataclasses.replace(TINY.decoder, data_rms=0.13)
NOISE = dataclasses.replace(
    TINY.decoder,
    parameterization="noise",
    bounded_film=False,
    normalize_features=False,
)
BOTH = pytest.mark.parametrize("config", [NOISE, PRECONDITIONED], ids=["noise", "pre"])

RNG = np.random.default_rng(0)
FRAMES = 5
AUDIO = RNG.standard_normal((3, FRAMES * PER_FRAME)).astype("float32")
FEATURES = RNG.standard_normal((3, FRAMES, CHANNELS)).astype("float32")
LEVELS = np.array([0.31, 0.97, 0.7], "float32")


def build(config, seed=0, **options):
    keras.utils.set_random_seed(seed)
    decoder = WaveGradDecoder(**dataclasses.asdict(config), **options)
    decoder.build((None, None), (None, None, CHANNELS))
    rng = np.random.default_rng(seed)
    for weight in decoder.weights:
        if weight.path.endswith("bias") or "output" in weight.path:
            weight.assign(0.2 * rng.standard_normal(weight.shape))
    return decoder


@pytest.mark.parametrize(
    ("config", "channels", "millions"),
    [(BASE, 80, 15.81), (BASE, 512, 16.81), (LARGE, 512, 28.5)],
    ids=["base 80", "base 512", "large 512"],
)
def test_parameter_counts_are_those_of_the_papers(config, channels, millions):
    with keras.StatelessScope(initialize_variables=False):  # shapes only
        decoder = WaveGradDecoder(**dataclasses.asdict(config.decoder))
        decoder.build((None, None), (None, None, channels))
        count = decoder.count_params()
    digits = len(str(millions).split(".")[1])
    assert round(count / 1e6, digits) == millions


@BOTH
def test_padded_utterances_get_what_they_get_alone(config):
    decoder = build(config)
    lengths = [5, 2, 3]
    mask = np.arange(FRAMES) < np.array(lengths)[:, None]
    together = to_numpy(decoder(AUDIO, FEATURES, LEVELS, time_mask=mask))
    for row, frames in enumerate(lengths):
        one, samples = slice(row, row + 1), frames * PER_FRAME
        alone = decoder(AUDIO[one, :samples], FEATURES[one, :frames], LEVELS[one])
        np.testing.assert_allclose(together[row, :samples], alone[0], atol=1e-5)


@BOTH
def test_masked_input_changes_nothing(config):
    decoder = build(config)
    mask = np.arange(FRAMES) < 3
    mask = np.tile(mask, (3, 1))
    audio, features = AUDIO.copy(), FEATURES.copy()
    audio[:, 3 * PER_FRAME :], features[:, 3:] = 50, -50
    samples = slice(0, 3 * PER_FRAME)
    np.testing.assert_array_equal(
        to_numpy(decoder(audio, features, LEVELS, time_mask=mask))[:, samples],
        to_numpy(decoder(AUDIO, FEATURES, LEVELS, time_mask=mask))[:, samples],
    )


@BOTH
def test_audio_features_and_level_all_matter(config):
    decoder = build(config)
    before = to_numpy(decoder(AUDIO, FEATURES, LEVELS))
    audio, features, levels = AUDIO.copy(), FEATURES.copy(), LEVELS.copy()
    audio[1, 77] += 1
    features[1, 2, 3] += 1
    levels[1] -= 0.1
    for changed in (
        (audio, FEATURES, LEVELS),
        (AUDIO, features, LEVELS),
        (AUDIO, FEATURES, levels),
    ):
        difference = np.abs(to_numpy(decoder(*changed)) - before)
        assert difference[1].max() > 1e-3
        assert not difference[[0, 2]].any()


def test_noise_level_itself_changes_the_network_output():
    """Through the FiLMs, whose encoding has WaveGrad's factor."""
    decoder = build(NOISE)
    near = to_numpy(decoder(AUDIO, FEATURES, np.full(3, 0.9990, "float32")))
    nearer = to_numpy(decoder(AUDIO, FEATURES, np.full(3, 0.9995, "float32")))
    assert np.abs(near - nearer).max() > 1e-2
    assert {film.level_scale for film in decoder.films} == {5000.0}


def test_preconditioned_network_starts_as_the_best_linear_estimate():
    """Of all multiples of the noisy audio, E[noise noisy] / E[noisy^2] is the best."""
    keras.utils.set_random_seed(0)
    decoder = WaveGradDecoder(**dataclasses.asdict(PRECONDITIONED))
    decoder.build((None, None), (None, None, CHANNELS))
    level = LEVELS.astype(np.float64)[:, None]
    noise_variance = 1 - level**2
    signal_variance = (level * 0.13) ** 2
    expected = np.sqrt(noise_variance) / (noise_variance + signal_variance) * AUDIO
    actual = to_numpy(decoder(AUDIO, FEATURES, LEVELS))
    np.testing.assert_allclose(actual, expected, rtol=1e-5)


def test_preconditioned_prediction_is_skip_plus_scaled_network():
    """The network sees unit variance and log-SNR; only its own part is scaled."""
    decoder = build(PRECONDITIONED)
    level = LEVELS.astype(np.float64)
    noise, signal = np.sqrt(1 - level**2), level * 0.13
    total = np.hypot(noise, signal)
    seen = to_numpy(
        decoder._network(
            (AUDIO / total[:, None]).astype("float32"),
            FEATURES,
            (2 * np.log(signal / noise)).astype("float32"),
            None,
        )
    )
    expected = (noise / total**2)[:, None] * AUDIO + (signal / total)[:, None] * seen
    actual = to_numpy(decoder(AUDIO, FEATURES, LEVELS))
    np.testing.assert_allclose(actual, expected, atol=2e-4)
    assert np.abs(seen).max() > 0.1


def test_normalized_features_ignore_their_scale_and_offset():
    changed = 7 * FEATURES + 3
    for config, same in ((PRECONDITIONED, True), (NOISE, False)):
        decoder = build(config)
        difference = to_numpy(decoder(AUDIO, changed, LEVELS)) - to_numpy(
            decoder(AUDIO, FEATURES, LEVELS)
        )
        assert (np.abs(difference).max() < 1e-3) == same


@BOTH
def test_config_round_trip_gives_the_same_decoder(config):
    config = dataclasses.replace(config, blocks_per_scale=2, features_channels=10)
    decoder = build(config)
    serialized = json.loads(json.dumps(keras.saving.serialize_keras_object(decoder)))
    again = keras.saving.deserialize_keras_object(serialized)
    assert again.config == config
    assert again.built  # from the shapes that it was built with
    again.set_weights(decoder.get_weights())
    np.testing.assert_array_equal(
        to_numpy(decoder(AUDIO, FEATURES, LEVELS)),
        to_numpy(again(AUDIO, FEATURES, LEVELS)),
    )


@BOTH
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_gives_float32_noise_near_the_exact_one(config, policy):
    exact, mixed = build(config), build(config, dtype=policy)
    mixed.set_weights(exact.get_weights())
    expected = to_numpy(exact(AUDIO, FEATURES, LEVELS))
    actual = to_numpy(mixed(AUDIO, FEATURES, LEVELS))
    assert actual.dtype == np.float32
    error = np.sqrt(np.mean((actual - expected) ** 2) / np.mean(expected**2))
    assert error < (0.05 if policy == "mixed_bfloat16" else 0.01)


@BOTH
def test_unknown_lengths_in_a_graph_give_the_eager_result(config):
    decoder = build(config)
    mask = np.arange(FRAMES) < np.array([[5], [2], [3]])
    graph = tf.function(
        lambda audio, features, levels, mask: decoder(
            audio, features, levels, time_mask=mask
        ),
        input_signature=[
            tf.TensorSpec([None, None]),
            tf.TensorSpec([None, None, CHANNELS]),
            tf.TensorSpec([None]),
            tf.TensorSpec([None, None], tf.bool),
        ],
    )
    np.testing.assert_allclose(
        to_numpy(graph(AUDIO, FEATURES, LEVELS, mask)),
        to_numpy(decoder(AUDIO, FEATURES, LEVELS, time_mask=mask)),
        atol=1e-5,
    )
    # XLA clusters would need a compiler wherever the model is served.
    nested = graph.get_concrete_function().graph.as_graph_def().library.function
    assert not any(function.attr["_XlaMustCompile"].b for function in nested)


@BOTH
def test_symbolic_shape_is_that_of_the_audio(config):
    symbolic = build(config)(
        keras.KerasTensor((None, 3 * PER_FRAME)),
        keras.KerasTensor((None, 3, CHANNELS)),
        keras.KerasTensor((None,)),
    )
    assert symbolic.shape == (None, 3 * PER_FRAME)
    assert symbolic.dtype == "float32"


@BOTH
def test_every_weight_gets_a_gradient(config):
    decoder = build(config)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.abs(decoder(AUDIO, FEATURES, LEVELS)))
    values = [w.value for w in decoder.trainable_weights]
    for weight, gradient in zip(
        decoder.trainable_weights, tape.gradient(loss, values), strict=True
    ):
        assert np.isfinite(gradient).all(), weight.path
        assert np.abs(gradient).max() > 0, weight.path
