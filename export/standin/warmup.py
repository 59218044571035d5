"""Requests that an export ships and that must pass before it is served."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import prediction_log_pb2

from export.standin import inference, runtime
from export.standin.errors import ServingError, invalid
from export.standin.servable import Servable

FILE = Path("assets.extra") / "tf_serving_warmup_requests"
MAX_RECORDS = 1000

_METHODS = {
    "predict_log": inference.predict,
    "classify_log": inference.classify,
    "regress_log": inference.regress,
    "multi_inference_log": inference.multi_inference,
}


def run(servable: Servable, path: Path) -> int:
    """Runs every record of the version directory's file; how many there were.

    Raises:
        ServingError: A record does not pass, or there are more than 1000.
    """
    file = path / FILE
    if not file.is_file():
        return 0
    try:
        records = list(tf.data.TFRecordDataset(str(file)).take(MAX_RECORDS + 1))
    except tf.errors.OpError as error:
        raise runtime.from_op_error(error) from None
    if len(records) > MAX_RECORDS:
        raise invalid(
            f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {file}"
        )
    for i, record in enumerate(records):
        log = prediction_log_pb2.PredictionLog()
        try:
            log.ParseFromString(record.numpy())
        except DecodeError:
            raise invalid(
                f"Failed to parse warmup record {i}: no PredictionLog, at {file}"
            ) from None
        kind = log.WhichOneof("log_type")
        if kind not in _METHODS:
            raise invalid(f"Unsupported log_type for warmup: {kind}, at {file}")
        try:
            request = getattr(log, kind).request
            _METHODS[kind](servable, request, runtime.Cancellation())
        except ServingError as error:
            raise ServingError(
                error.code, f"Warmup record {i} of {file}: {error.message}"
            ) from None
    return len(records)
