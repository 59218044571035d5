"""What holds for every layer: config round trip, shapes, dynamic lengths, policies."""

import inspect
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from tests.layers.weights import randomize, to_numpy
from wg2.layers.bidirectional_zoneout_lstm import BidirectionalZoneoutLSTM
from wg2.layers.convolution import Convolution
from wg2.layers.dblock import DBlock
from wg2.layers.feature_masking import FeatureMasking
from wg2.layers.film import FiLM
from wg2.layers.frame_convolutions import FrameConvolutions
from wg2.layers.gaussian_upsampling import GaussianUpsampling
from wg2.layers.masked_batch_normalization import MaskedBatchNormalization
from wg2.layers.predictors import DurationPredictor, RangeParameterPredictor
from wg2.layers.resampler import Resampler
from wg2.layers.text_encoder import TextEncoder
from wg2.layers.ublock import UBlock

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape).astype("float32")


X = normal(2, 6, 3)
LENGTHS = np.array([6, 4], "int32")
MASK = np.arange(6) < LENGTHS[:, None]
IMAGE = X[:, None]
IMAGE_MASK = MASK[:, None, :, None].astype("float32")
IDS = RNG.integers(1, 9, (2, 6)).astype("int32")
DURATIONS = np.array([[3, 0, 1, 4, 2, 1], [2, 5, 0, 1, 0, 0]], "float32")
RANGES = (0.5 + RNG.random((2, 6))).astype("float32")
LEVELS = np.array([0.4, 0.99], "float32")
SPEAKERS = np.array([2, 1], "int32")

# No option has its default value: one that the config forgets would be seen.
CASES = {
    "convolution": (
        lambda **o: Convolution(4, 5, 2, "he_normal", **o),
        (X, MASK),
    ),
    "batch norm": (
        lambda **o: MaskedBatchNormalization(momentum=0.5, epsilon=0.1, **o),
        (X, MASK),
    ),
    "lstm": (
        lambda **o: BidirectionalZoneoutLSTM(4, 0.4, 7, **o),
        (X, LENGTHS),
    ),
    "encoder": (
        lambda **o: TextEncoder(9, 6, 2, 3, 0.4, 4, 0.3, 3, 2, 5, **o),
        (IDS, LENGTHS, SPEAKERS),
    ),
    "durations": (lambda **o: DurationPredictor(4, 3, 2.5, **o), (X, LENGTHS)),
    "ranges": (
        lambda **o: RangeParameterPredictor(4, 3, 2.5, **o),
        (X, DURATIONS, LENGTHS),
    ),
    "upsampling": (
        lambda **o: GaussianUpsampling(0.9, **o),
        (X, DURATIONS, RANGES, LENGTHS),
        {"num_frames": 9},
    ),
    "feature masking": (lambda **o: FeatureMasking(2, 3, 4, 5, 6, **o), (X,)),
    "resampler": (
        lambda **o: Resampler(4, 1, 0.07, 2, 3, 4, 5, 2, 3, 6, **o),
        (X, DURATIONS, LENGTHS),
        {"num_frames": 9},
    ),
    "frame convolutions": (lambda **o: FrameConvolutions(2, 3, **o), (X, MASK)),
    "film": (lambda **o: FiLM(4, True, 40.0, **o), (IMAGE, LEVELS, IMAGE_MASK)),
    "ublock": (
        lambda **o: UBlock(4, 2, (1, 2, 3, 4), **o),
        (
            IMAGE,
            normal(2, 1, 12, 4),
            normal(2, 1, 12, 4),
            np.repeat(IMAGE_MASK, 2, axis=2),
        ),
    ),
    "dblock": (
        lambda **o: DBlock(4, 2, (1, 2, 3), **o),
        (IMAGE, IMAGE_MASK[:, :, ::2]),
    ),
}
ALL = pytest.mark.parametrize("name", CASES)


def make(case, **options):
    create, arguments, *keywords = CASES[case]
    layer = create(**options)
    keywords = keywords[0] if keywords else {}
    layer(*arguments, **keywords)
    randomize(layer, scale=0.5)
    return layer, arguments, keywords


def outputs(layer, arguments, keywords, **more):
    results = layer(*arguments, **keywords, **more)
    return results if isinstance(results, tuple) else (results,)


@ALL
def test_config_holds_every_option(name):
    layer, *_ = make(name)
    config = layer.get_config()
    options = inspect.signature(type(layer).__init__).parameters.values()
    for option in options:
        if option.name not in ("self", "kwargs"):
            assert config[option.name] != option.default
            assert getattr(layer, option.name) is not None


@ALL
def test_config_round_trip_gives_the_same_layer(name):
    layer, arguments, keywords = make(name, name="some_name")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(layer)
    assert again.name == "some_name"
    assert again.get_config() == layer.get_config()
    again(*arguments, **keywords)
    again.set_weights(layer.get_weights())
    for ours, theirs in zip(
        outputs(layer, arguments, keywords),
        outputs(again, arguments, keywords),
        strict=True,
    ):
        np.testing.assert_array_equal(to_numpy(ours), to_numpy(theirs))


@ALL
def test_seeded_layers_repeat_their_draws_after_a_round_trip(name):
    layer, arguments, keywords = make(name)
    if getattr(layer, "seed", None) is None:
        return
    once = [layer.from_config(layer.get_config()) for _ in range(2)]
    drawn = []
    for copy in once:
        copy(*arguments, **keywords)
        copy.set_weights(layer.get_weights())
        drawn.append(outputs(copy, arguments, keywords, training=True)[0])
    np.testing.assert_array_equal(*map(to_numpy, drawn))
    still = outputs(layer, arguments, keywords, training=False)[0]
    assert np.abs(to_numpy(drawn[0]) - to_numpy(still)).max() > 1e-3


@ALL
def test_symbolic_shapes_equal_eager_ones(name):
    layer, arguments, keywords = make(name)
    eager = outputs(layer, arguments, keywords)
    symbolic = outputs(
        layer,
        [
            keras.KerasTensor(x.shape, keras.backend.standardize_dtype(x.dtype))
            for x in arguments
        ],
        keywords,
    )
    assert [tuple(x.shape) for x in symbolic] == [tuple(x.shape) for x in eager]


@ALL
def test_unknown_lengths_in_a_graph_give_the_eager_result(name):
    layer, arguments, keywords = make(name)
    signature = [
        tf.TensorSpec([None, 1, None, x.shape[3]], x.dtype)
        if x.ndim == 4
        else tf.TensorSpec([None] * min(x.ndim, 2) + list(x.shape[2:]), x.dtype)
        for x in arguments
    ]

    def still(*given):
        return outputs(layer, given, keywords)

    def drawn(*given):
        return outputs(layer, given, keywords, training=True)

    graph = tf.function(still, input_signature=signature)(*arguments)
    for ours, theirs in zip(still(*arguments), graph, strict=True):
        np.testing.assert_allclose(to_numpy(ours), to_numpy(theirs), atol=1e-5)
    if getattr(layer, "seed", None) is not None:
        graph = tf.function(drawn, input_signature=signature)(*arguments)
        assert [x.shape for x in graph] == [x.shape for x in still(*arguments)]


def gradients(layer, arguments, keywords):
    with tf.GradientTape() as tape:
        values = outputs(layer, arguments, keywords)
        loss = tf.reduce_sum(tf.cast(values[0], tf.float32) ** 2)
    found = tape.gradient(loss, [w.value for w in layer.trainable_weights])
    return values, {
        weight.path: gradient
        for weight, gradient in zip(layer.trainable_weights, found, strict=True)
    }


@ALL
def test_mixed_precision_stays_near_float32(name):
    layer, arguments, keywords = make(name)
    expected, _ = gradients(layer, arguments, keywords)
    for policy, tolerance in (("mixed_bfloat16", 0.05), ("mixed_float16", 0.01)):
        mixed, *_ = make(name, dtype=policy)
        mixed.set_weights(layer.get_weights())
        actual, found = gradients(mixed, arguments, keywords)
        for ours, theirs in zip(expected, actual, strict=True):
            ours, theirs = (to_numpy(ops.cast(x, "float32")) for x in (ours, theirs))
            assert np.abs(ours - theirs).max() < tolerance * np.abs(ours).max()
        for path, gradient in found.items():
            if path.startswith("resampler") and "durations" in path:
                assert gradient is None  # predicted apart from the frames
                continue
            gradient = np.array(tf.convert_to_tensor(gradient), "float32")
            assert np.isfinite(gradient).all(), path
            assert np.abs(gradient).max() > 0, path
