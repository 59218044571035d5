"""Requests, with or without their answers, in TensorFlow Serving's log format.

A TFRecord file of `PredictionLog`: what a model server replays to warm up, and what
`export.verify` compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

EXTRA_FOLDER = "assets.extra"
WARMUP_FILE = "tf_serving_warmup_requests"
"""The name that a model server looks for."""
GOLDEN_FILE = "golden_requests"

Arrays = Mapping[str, np.ndarray]


def write(
    path: Path, logs: Iterable[tuple[str, Arrays, Arrays]], model_name: str = "wg2"
) -> None:
    """Writes (signature, inputs, outputs) records; no outputs where they are empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs, outputs in logs:
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name = model_name
            request.model_spec.signature_name = signature
            _fill(request.inputs, inputs)
            if outputs:
                response = log.predict_log.response
                response.model_spec.CopyFrom(request.model_spec)
                _fill(response.outputs, outputs)
            writer.write(log.SerializeToString())


def read(path: Path) -> Iterator[tuple[str, Arrays, Arrays]]:
    """The (signature, inputs, outputs) records of a file.

    Raises:
        tensorflow.errors.OpError, google.protobuf.message.DecodeError: Damaged.
    """
    for raw in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(raw).predict_log
        yield (
            log.request.model_spec.signature_name,
            _arrays(log.request.inputs),
            _arrays(log.response.outputs),
        )


def _fill(tensors, arrays: Arrays) -> None:
    for name, array in arrays.items():
        tensors[name].CopyFrom(tf.make_tensor_proto(array))


def _arrays(tensors) -> dict[str, np.ndarray]:
    return {name: tf.make_ndarray(tensor) for name, tensor in tensors.items()}
