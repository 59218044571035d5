"""The model as a whole: what its parts give together."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.layers.weights import to_numpy
from wg2.models.wavegrad2 import WaveGrad2
from wg2.presets import TINY

CONFIG = dataclasses.replace(
    TINY, text=dataclasses.replace(TINY.text, speakers=("ann", "bob", "cho"))
)
WINDOW = 4
PER_FRAME = CONFIG.samples_per_frame
LENGTHS = np.array([6, 3, 5], "int32")


def make_inputs(seed=0):
    rng = np.random.default_rng(seed)
    mask = np.arange(6) < LENGTHS[:, None]
    return {
        "phoneme_ids": rng.integers(1, 50, (3, 6)).astype("int32") * mask,
        "phoneme_lengths": LENGTHS,
        "durations": (rng.integers(1, 6, (3, 6)) * mask).astype("float32"),
        "speaker_ids": np.array([2, 0, 1], "int32"),
        "first_frame": np.array([3, 0, 1], "int32"),
        "frame_mask": np.arange(WINDOW) < np.array([[4], [2], [4]]),
        "noisy_audio": rng.standard_normal((3, WINDOW * PER_FRAME)).astype("float32"),
        "noise_level": np.array([0.3, 0.9, 0.99], "float32"),
    }


def make_model(config=CONFIG, seed=0, **options):
    keras.utils.set_random_seed(seed)
    model = WaveGrad2(config, seed=seed, **options)
    model.build()
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        # What starts at zero hides what stands before it.
        if not np.any(weight) or weight.path.endswith("bias"):
            weight.assign(0.2 * rng.standard_normal(weight.shape))
    return model


@pytest.fixture(scope="module")
def model():
    return make_model()


def test_outputs_have_their_names_shapes_and_dtypes(model):
    outputs = model(make_inputs())
    shapes = {name: (tuple(x.shape), x.dtype.name) for name, x in outputs.items()}
    assert shapes == {
        "predicted_durations": ((3, 6), "float32"),
        "weights": ((3, WINDOW, 6), "float32"),
        "predicted_mel": ((3, WINDOW, CONFIG.audio.num_mel_bands), "float32"),
        "predicted_noise": ((3, WINDOW * PER_FRAME), "float32"),
    }


def test_mel_head_exists_only_where_asked(model):
    config = dataclasses.replace(
        CONFIG, resampler=dataclasses.replace(CONFIG.resampler, auxiliary_mel=False)
    )
    without = make_model(config)
    assert "predicted_mel" not in without(make_inputs())
    assert not any("mel_head" in weight.path for weight in without.weights)
    assert any("mel_head" in weight.path for weight in model.weights)


def test_decoder_is_left_out_on_request(model, monkeypatch):
    inputs = make_inputs()
    whole = model(inputs)

    def fail(*args, **kwargs):
        raise AssertionError("the decoder ran")

    monkeypatch.setattr(type(model.decoder), "__call__", fail)
    for name in ("noisy_audio", "noise_level", "frame_mask"):
        del inputs[name]
    outputs = model(inputs, window_frames=WINDOW, decode=False)
    assert set(outputs) == set(whole) - {"predicted_noise"}
    for name, values in outputs.items():
        np.testing.assert_array_equal(to_numpy(values), to_numpy(whole[name]))


def test_windows_equal_slices_of_the_whole(model):
    inputs = make_inputs()
    window = model(inputs, window_frames=WINDOW, decode=False)
    inputs["first_frame"] = np.zeros(3, "int32")
    whole = model(inputs, window_frames=10, decode=False)
    for name in ("weights", "predicted_mel"):
        for row, first in enumerate([3, 0, 1]):
            np.testing.assert_allclose(
                to_numpy(window[name])[row],
                to_numpy(whole[name])[row, first : first + WINDOW],
                atol=1e-5,
            )


def test_call_equals_its_parts_called_as_in_synthesis(model):
    inputs = make_inputs()
    outputs = model(inputs)
    features = model.encode(inputs["phoneme_ids"], LENGTHS, inputs["speaker_ids"])
    frames, weights = model.upsample(
        features, inputs["durations"], LENGTHS, WINDOW, inputs["first_frame"]
    )
    noise = model.decoder(
        inputs["noisy_audio"], frames, inputs["noise_level"], inputs["frame_mask"]
    )
    durations = model.predict_durations(features, LENGTHS)
    for name, expected in (
        ("weights", weights),
        ("predicted_noise", noise),
        ("predicted_durations", durations),
    ):
        np.testing.assert_allclose(to_numpy(outputs[name]), expected, atol=1e-6)


def test_predicted_durations_are_zero_at_padding_only(model):
    durations = to_numpy(model(make_inputs())["predicted_durations"])
    np.testing.assert_array_equal(durations > 0, np.arange(6) < LENGTHS[:, None])


def test_utterances_get_what_they_get_alone(model):
    inputs = make_inputs()
    together = model(inputs)
    for row, length in enumerate(LENGTHS):
        alone = {name: values[row : row + 1] for name, values in inputs.items()}
        for name in ("phoneme_ids", "durations"):
            alone[name] = alone[name][:, :length]
        outputs = model(alone)
        valid = inputs["frame_mask"][row].sum()
        for name, count in (
            ("predicted_noise", valid * PER_FRAME),
            ("predicted_mel", valid),
            ("predicted_durations", length),
        ):
            np.testing.assert_allclose(
                to_numpy(together[name])[row, :count],
                to_numpy(outputs[name])[0, :count],
                atol=1e-5,
            )


def test_config_round_trip_gives_the_same_model(model):
    serialized = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    again = keras.saving.deserialize_keras_object(serialized)
    assert again.config == CONFIG
    assert again.seed == model.seed
    assert again.built
    again.set_weights(model.get_weights())
    ours, theirs = model(make_inputs()), again(make_inputs())
    for name in ours:
        np.testing.assert_array_equal(to_numpy(ours[name]), to_numpy(theirs[name]))


def test_weights_file_restores_every_weight(model, tmp_path):
    """Nested lists of blocks and all."""
    model.save_weights(tmp_path / "model.weights.h5")
    again = make_model(seed=1)
    again.load_weights(tmp_path / "model.weights.h5")
    for ours, theirs in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_weight_paths_are_unique_and_the_same_in_every_instance(model):
    """Checkpoints and voices name weights by their paths inside the model."""
    paths = [weight.path.split("/", 1)[1] for weight in model.weights]
    assert len(set(paths)) == len(paths)
    again = make_model(seed=1)
    assert [weight.path.split("/", 1)[1] for weight in again.weights] == paths


def test_initial_weights_follow_the_random_seed_of_keras():
    first, second, other = (
        [np.array(w) for w in make_model(TINY, seed).weights] for seed in (5, 5, 6)
    )
    for ours, theirs in zip(first, second, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert np.abs(first[0] - other[0]).max() > 0.01


def test_no_two_layers_start_with_the_same_weights(model):
    """One seed for the model must not make twins of its layers."""
    kernels = [w for w in model.weights if "kernel" in w.path]
    values = [np.array(w).tobytes() for w in kernels]
    assert len(set(values)) == len(values) > 40


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_gives_float32_outputs_near_the_exact_ones(model, policy):
    mixed = make_model(dtype=policy)
    mixed.set_weights(model.get_weights())
    exact, rough = model(make_inputs()), mixed(make_inputs())
    for name, expected in exact.items():
        expected, actual = to_numpy(expected), to_numpy(rough[name])
        assert actual.dtype == np.float32
        error = np.sqrt(np.mean((actual - expected) ** 2) / np.mean(expected**2))
        assert error < (0.05 if policy == "mixed_bfloat16" else 0.01), name


def test_unknown_lengths_in_a_graph_give_the_eager_result(model):
    inputs = make_inputs()
    signature = {
        name: tf.TensorSpec([None] * value.ndim, value.dtype)
        for name, value in inputs.items()
    }
    graph = tf.function(lambda given: model(given), input_signature=[signature])
    expected = model(inputs)
    for name, actual in graph(inputs).items():
        np.testing.assert_allclose(actual, expected[name], atol=1e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_training_gives_every_weight_a_finite_gradient(policy):
    model = make_model(dtype=policy)
    with tf.GradientTape() as tape:
        outputs = model(make_inputs(), training=True)
        loss = sum(
            tf.reduce_mean(tf.square(outputs[name]))
            for name in ("predicted_noise", "predicted_mel", "predicted_durations")
        )
    values = [w.value for w in model.trainable_weights]
    for weight, gradient in zip(
        model.trainable_weights, tape.gradient(loss, values), strict=True
    ):
        gradient = np.array(tf.convert_to_tensor(gradient), "float32")
        assert np.isfinite(gradient).all(), weight.path
        assert np.abs(gradient).max() > 0, weight.path


def test_missing_speaker_ids_are_an_error(model):
    inputs = make_inputs()
    del inputs["speaker_ids"]
    with pytest.raises(ValueError, match="speaker_ids"):
        model(inputs)


def test_missing_window_is_an_error_that_says_so(model):
    inputs = make_inputs()
    with pytest.raises(ValueError, match="window_frames"):
        model(inputs, decode=False)
