"""The precision of weights in a flat file, by what the interpreters make of it."""

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter as LiteRT

from export.mobile import flat_file
from export.mobile.conversion import convert, operations
from export.mobile.functions import Function
from export.mobile.package import PRECISIONS

RNG = np.random.default_rng(0)
KERNELS = {
    "wide": RNG.standard_normal((1, 3, 24, 32)).astype("f"),
    "narrow": RNG.standard_normal((1, 3, 32, 8)).astype("f"),
}
X = RNG.standard_normal((1, 1, 40, 24)).astype("f")
INTERPRETERS = pytest.mark.parametrize("interpreter", [LiteRT, tf.lite.Interpreter])


def compute(x, kernels=KERNELS):
    with tf.name_scope("decoder"):
        x = tf.nn.conv2d(x, kernels["wide"], 1, "SAME", dilations=(1, 2))
        x = tf.nn.conv2d(x, kernels["narrow"], 1, "SAME")
    # The last operation takes the name of the file's output.
    return (tf.abs(x),)


@pytest.fixture(scope="module")
def content():
    inputs = (tf.TensorSpec((1, 1, None, 24), tf.float32, "x"),)
    return convert(Function("test", lambda x: compute(x), inputs, ("y",)))


def run(interpreter, content, x=X):
    loaded = interpreter(model_content=content)
    return loaded.get_signature_runner("serving_default")(x=x)["y"]


def changed(content, precision, has_decoder=True, exact_channels=8):
    return flat_file.change_precision(content, precision, has_decoder, exact_channels)


def stored(kernel, bits):
    """Weights as 8-bit numbers with a scale for every output channel."""
    scale = np.abs(kernel).max(axis=(0, 1, 2)) / (2 ** (bits - 1) - 1)
    return np.rint(kernel / scale) * scale


@INTERPRETERS
def test_float32_computes_what_tensorflow_does(interpreter, content):
    np.testing.assert_allclose(
        run(interpreter, content), compute(X)[0].numpy(), atol=1e-4
    )
    longer = np.concatenate([X, X], axis=2)
    expected = compute(longer)[0].numpy()
    np.testing.assert_allclose(run(interpreter, content, longer), expected, atol=1e-4)


@INTERPRETERS
def test_float16_computes_with_rounded_weights(interpreter, content):
    rounded = {name: k.astype("float16").astype("f") for name, k in KERNELS.items()}
    actual = run(interpreter, changed(content, "float16"))
    np.testing.assert_allclose(actual, compute(X, rounded)[0].numpy(), atol=1e-3)
    assert np.abs(actual - compute(X)[0].numpy()).max() > 1e-3


def test_float16_leaves_vectors_exact():
    """The noise level's sinusoids have phases that half floats cannot hold."""
    frequencies = np.geomspace(0.5, 5000, 512).astype("f")[None]
    inputs = (tf.TensorSpec((1, 1), tf.float32, "level"),)
    content = convert(
        Function("sines", lambda x: (tf.sin(x * frequencies),), inputs, ("y",))
    )
    half = LiteRT(model_content=changed(content, "float16"))
    level = np.array([[0.7]], "f")
    actual = half.get_signature_runner("serving_default")(level=level)["y"]
    np.testing.assert_allclose(actual, np.sin(level * frequencies), atol=1e-5)


@INTERPRETERS
def test_int8_weights_compute_with_floats_and_weights_of_8_bits(interpreter, content):
    rounded = {**KERNELS, "wide": stored(KERNELS["wide"], 8).astype("f")}
    actual = run(interpreter, changed(content, "int8-weights"))
    np.testing.assert_allclose(actual, compute(X, rounded)[0].numpy(), atol=1e-3)
    assert np.abs(actual - compute(X)[0].numpy()).max() > 1e-2


@INTERPRETERS
def test_int8_stays_near_and_is_not_exact(interpreter, content):
    expected = compute(X)[0].numpy()
    actual = run(interpreter, changed(content, "int8"))
    error = np.abs(actual - expected)
    assert 1e-2 < error.max() < 0.05 * np.abs(expected).max()


@pytest.mark.parametrize("precision", ["int8", "int8-weights"])
def test_few_channels_stay_exact(content, precision):
    both = run(LiteRT, changed(content, precision, exact_channels=7))
    one = run(LiteRT, changed(content, precision, exact_channels=8))
    assert np.abs(both - one).max() > 1e-2
    with pytest.raises(ValueError, match=f"{precision} changes nothing.*24 channels"):
        changed(content, precision, exact_channels=24)


@pytest.mark.parametrize("precision", ["int8", "int8-weights"])
def test_only_the_decoder_is_quantized(content, precision):
    assert changed(content, precision, False) == changed(content, "float16")

    def elsewhere(x):
        with tf.name_scope("frames"):
            return (tf.abs(tf.nn.conv2d(x, KERNELS["wide"], 1, "SAME")),)

    inputs = (tf.TensorSpec((1, 1, None, 24), tf.float32, "x"),)
    other = convert(Function("test", elsewhere, inputs, ("y",)))
    with pytest.raises(ValueError, match="changes nothing"):
        changed(other, precision)


def test_files_shrink(content):
    sizes = {p: len(changed(content, p)) for p in PRECISIONS}
    wide, narrow = (kernel.size for kernel in KERNELS.values())
    assert sizes["float32"] - sizes["float16"] > 1.7 * (wide + narrow)
    assert sizes["float32"] - sizes["int8"] > 2.5 * wide
    assert sizes["float32"] - sizes["int8-weights"] > 2.5 * wide


def test_operations_count_what_a_loop_does():
    def loop(x):
        return tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), (0, x))[
            1:
        ]

    inputs = (tf.TensorSpec((1, None), tf.float32, "x"),)
    counted = operations(convert(Function("loop", loop, inputs, ("y",))))
    assert counted["WHILE"] == 1
    assert counted["MUL"] == 1


def test_operations_that_are_not_built_in_are_refused():
    def foreign(x):
        return (tf.linalg.inv(x),)

    inputs = (tf.TensorSpec((1, 3, 3), tf.float32, "x"),)
    with pytest.raises(RuntimeError, match="refused inverse"):
        convert(Function("inverse", foreign, inputs, ("y",)))
