"""Two replicas give what one gives with the same global batch.

In a process of its own: logical devices must be set up before TensorFlow starts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow  # TensorFlow starts once more

# The replicas' halves differ in padded length and in their number of valid entries.
SCRIPT = """
import sys
import keras
import numpy as np
import tensorflow as tf
from wg2.layers.masked_batch_normalization import MaskedBatchNormalization
from wg2.layers.text_encoder import TextEncoder

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration() for _ in range(2)]
)
data = dict(np.load(sys.argv[1]))
results = {}


def run(name, devices, shares):
    strategy = tf.distribute.MirroredStrategy(devices)
    with strategy.scope():
        norm = MaskedBatchNormalization(momentum=0.9)
        norm.build((None, None, 3))
        norm.set_weights([data[f"norm_{i}"] for i in range(4)])
        encoder = TextEncoder(11, 6, dropout=0.0, zoneout=0.0, lstm_units=4)
        encoder.build((None, None))
        encoder.set_weights([data[f"encoder_{i}"] for i in range(len(encoder.weights))])

    def per_replica(values):
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(values[context.replica_id_in_sync_group])
        )

    def step(x, mask, seen, ids, lengths):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = norm(x, time_mask=mask, training=True)
            valid = tf.cast(mask, y.dtype)[:, :, None]
            loss = tf.reduce_sum(y * seen * valid)
        gradients = tape.gradient(loss, [x, norm.gamma.value, norm.beta.value])
        return y, *gradients, encoder(ids, lengths, training=True)

    arguments = [per_replica(v) for v in zip(*shares, strict=True)]
    outputs = tf.function(lambda *a: strategy.run(step, a))(*arguments)
    outputs = [strategy.experimental_local_results(o) for o in outputs]
    for label, values in zip(("y", "dx", "dgamma", "dbeta", "encoded"), outputs):
        for i, value in enumerate(values):
            results[f"{name}_{label}_{i}"] = np.array(value)
    for label, layer in (("norm", norm), ("encoder", encoder)):
        for i, weight in enumerate(layer.non_trainable_weights):
            results[f"{name}_{label}_state_{i}"] = np.array(weight)


names = ("x", "mask", "seen", "ids", "lengths")
whole = [data[n] for n in names]
first = [data[n][:1] for n in names]
second = [data[n][1:] for n in names]
second = [v[:, :5] if v.ndim > 1 else v for v in second]
run("one", ["CPU:0"], [whole])
run("two", ["CPU:0", "CPU:1"], [first, second])
np.savez(sys.argv[2], **results)
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    rng = np.random.default_rng(0)
    lengths = np.array([8, 5, 2], "int32")
    data = {
        "x": 2 + rng.standard_normal((3, 8, 3)).astype("float32"),
        "mask": np.arange(8) < lengths[:, None],
        "seen": rng.standard_normal((3, 8, 3)).astype("float32"),
        "ids": rng.integers(1, 11, (3, 8)).astype("int32"),
        "lengths": lengths,
    }
    for i in range(4):
        data[f"norm_{i}"] = 0.5 + rng.random(3).astype("float32")
    shapes = [(11, 6)]
    for _ in range(3):
        shapes += [(5, 6, 6), (6,)]
    shapes += [(6,)] * 12 + [(6, 16), (4, 16), (16,)] * 2
    for i, shape in enumerate(shapes):
        data[f"encoder_{i}"] = 0.2 + rng.random(shape).astype("float32")
    folder = tmp_path_factory.mktemp("replicas")
    np.savez(folder / "data.npz", **data)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, folder / "data.npz", folder / "results.npz"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(np.load(folder / "results.npz"))


@pytest.mark.parametrize("label", ["y", "dx", "encoded"])
def test_two_replicas_give_each_utterance_what_one_gives(results, label):
    whole = results[f"one_{label}_0"]
    first, second = (results[f"two_{label}_{i}"] for i in range(2))
    assert np.abs(whole).max() > 0.01
    np.testing.assert_allclose(first[0], whole[0], atol=1e-4)
    np.testing.assert_allclose(second[0], whole[1, :5], atol=1e-4)
    np.testing.assert_allclose(second[1, :2], whole[2, :2], atol=1e-4)


@pytest.mark.parametrize("label", ["dgamma", "dbeta"])
def test_gradients_of_the_replicas_sum_to_those_of_one(results, label):
    total = results[f"two_{label}_0"] + results[f"two_{label}_1"]
    np.testing.assert_allclose(total, results[f"one_{label}_0"], atol=1e-4)


def test_replicas_keep_the_same_moving_statistics_as_one(results):
    states = [name for name in results if name.startswith("one_") and "state" in name]
    assert len(states) == 2 + 6
    for name in states:
        np.testing.assert_allclose(
            results[name.replace("one_", "two_")], results[name], rtol=1e-4, atol=1e-5
        )
