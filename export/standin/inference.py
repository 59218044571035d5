"""Predict, Classify, Regress and MultiInference on one loaded version."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    input_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from export.standin import tensors
from export.standin.errors import Code, ServingError, invalid, too_large
from export.standin.runtime import Cancellation
from export.standin.servable import DEFAULT_SIGNATURE, Servable, Signature

CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"


def predict(
    servable: Servable,
    request: predict_pb2.PredictRequest,
    stop: Cancellation,
    max_input_bytes: int | None = None,
) -> predict_pb2.PredictResponse:
    """Answers in typed fields.

    Args:
        servable: Runs it.
        request: Its model_spec has been followed to `servable`.
        stop: Ends the run.
        max_input_bytes: Of all tensors in the request, in memory.

    Raises:
        ServingError: RESOURCE_EXHAUSTED beyond `max_input_bytes`; see SERVING.md.
    """
    num_bytes = sum(map(tensors.expanded_bytes, request.inputs.values()))
    if max_input_bytes is not None and num_bytes > max_input_bytes:
        raise too_large(
            f"The inputs take {num_bytes} bytes, more than the limit of "
            f"{max_input_bytes} (--max-tensor-bytes)"
        )
    signature = servable.signature(request.model_spec.signature_name)
    inputs = _inputs(signature, request)
    wanted = signature.wanted_outputs(request.output_filter)
    response = predict_pb2.PredictResponse()
    for name, (array, dtype) in signature.run(inputs, wanted, stop).items():
        response.outputs[name].CopyFrom(tensors.to_proto(array, dtype))
    _answer_spec(response.model_spec, request.model_spec, servable)
    return response


def classify(
    servable: Servable,
    request: classification_pb2.ClassificationRequest,
    stop: Cancellation,
) -> classification_pb2.ClassificationResponse:
    """For signatures with the classify method. Raises ServingError."""
    signature = _example_signature(servable, request.model_spec, CLASSIFY)
    response = classification_pb2.ClassificationResponse()
    _classify(signature, request.input, response.result, stop)
    _answer_spec(response.model_spec, request.model_spec, servable)
    return response


def regress(
    servable: Servable, request: regression_pb2.RegressionRequest, stop: Cancellation
) -> regression_pb2.RegressionResponse:
    """For signatures with the regress method. Raises ServingError."""
    signature = _example_signature(servable, request.model_spec, REGRESS)
    response = regression_pb2.RegressionResponse()
    _regress(signature, request.input, response.result, stop)
    _answer_spec(response.model_spec, request.model_spec, servable)
    return response


def multi_inference(
    servable: Servable, request: inference_pb2.MultiInferenceRequest, stop: Cancellation
) -> inference_pb2.MultiInferenceResponse:
    """Several classify and regress signatures on the same examples.

    Raises:
        ServingError: INVALID_ARGUMENT; UNIMPLEMENTED for any other method.
    """
    signatures = []
    for task in request.tasks:
        spec = task.model_spec
        if spec.name != request.tasks[0].model_spec.name:
            raise invalid(
                "All ModelSpecs in a MultiInferenceRequest must access the same model "
                "name."
            )
        name = spec.signature_name or DEFAULT_SIGNATURE
        if name in [signature.name for signature in signatures]:
            raise invalid(f"Duplicate evaluation of signature: {name}")
        if name not in servable.signatures:
            raise invalid(f"Requested signature not found in model graph: {name}")
        if task.method_name not in (CLASSIFY, REGRESS):
            raise ServingError(
                Code.UNIMPLEMENTED,
                f"Unsupported signature method_name: {task.method_name}",
            )
        signatures.append(_example_signature(servable, spec, task.method_name))
    response = inference_pb2.MultiInferenceResponse()
    for task, signature in zip(request.tasks, signatures, strict=True):
        result = response.results.add()
        if task.method_name == CLASSIFY:
            _classify(signature, request.input, result.classification_result, stop)
        else:
            _regress(signature, request.input, result.regression_result, stop)
        _answer_spec(result.model_spec, task.model_spec, servable)
    return response


def _inputs(
    signature: Signature, request: predict_pb2.PredictRequest
) -> dict[str, tf.Tensor]:
    given, expected = sorted(request.inputs), sorted(signature.inputs)
    defaults = signature.definition.defaults
    if len(given) > len(expected) or (len(given) < len(expected) and not defaults):
        extra = [name for name in given if name not in expected]
        missing = [name for name in expected if name not in given]
        raise invalid(
            f"input size does not match signature: {len(given)}!={len(expected)} "
            f"len({{{','.join(given)}}}) != len({{{','.join(expected)}}}). "
            f"Sent extra: {{{','.join(extra)}}}. "
            f"Missing but required: {{{','.join(missing)}}}."
        )
    inputs = {}
    for alias in expected:
        if alias not in request.inputs and alias not in defaults:
            raise invalid(
                f"Signature input alias: {alias}"
                f"(feed name: {signature.inputs[alias].name}) not found in request and "
                "no default value provided. Inputs expected to be in the request "
                f"{{{','.join(given)}}}, or default input alias set: "
                f"{','.join(sorted(defaults))}"
            )
        proto = (request.inputs if alias in request.inputs else defaults)[alias]
        inputs[alias] = tensors.from_proto(proto, alias)
    if not set(given) <= set(expected):
        used = ",".join(name for name in given if name in expected)
        raise invalid(
            f"Inputs contains invalid name. Used request inputs: {used}, request "
            f"input: {','.join(given)}"
        )
    return inputs


def _answer_spec(
    answer: model_pb2.ModelSpec, asked: model_pb2.ModelSpec, servable: Servable
) -> None:
    answer.name = asked.name
    answer.version.value = servable.version
    answer.signature_name = asked.signature_name or DEFAULT_SIGNATURE


def _example_signature(
    servable: Servable, spec: model_pb2.ModelSpec, method: str
) -> Signature:
    name = spec.signature_name or DEFAULT_SIGNATURE
    if name not in servable.signatures:
        raise invalid(f"No signature was found with the name: {name}")
    signature = servable.signatures[name]
    kind = "classification" if method == CLASSIFY else "regression"
    if signature.definition.method_name != method:
        raise invalid(
            f"Expected {kind} signature method_name to be {method}. Was: "
            f"{signature.definition.method_name}"
        )
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if "inputs" not in signature.inputs:
        raise ServingError(
            Code.FAILED_PRECONDITION,
            f'No {kind} inputs found in SignatureDef: expected "inputs"',
        )
    return signature


def _examples(examples: input_pb2.Input) -> tf.Tensor:
    """Serialized Examples, each with the context that all share."""
    kind = examples.WhichOneof("kind")
    prefix, rows = b"", []
    if kind == "example_list_with_context":
        prefix = examples.example_list_with_context.context.SerializeToString()
        rows = examples.example_list_with_context.examples
    elif kind == "example_list":
        rows = examples.example_list.examples
    if not rows:
        raise invalid("Input is empty.")
    # Serialized messages one after the other are merged when they are parsed.
    return tf.constant([prefix + row.SerializeToString() for row in rows], tf.string)


def _run_examples(
    signature: Signature,
    examples: input_pb2.Input,
    outputs: Collection[str],
    stop: Cancellation,
) -> tuple[int, dict[str, tuple[np.ndarray, tf.DType]]]:
    rows = _examples(examples)
    return rows.shape[0], signature.run({"inputs": rows}, outputs, stop)


def _classify(
    signature: Signature,
    examples: input_pb2.Input,
    result: classification_pb2.ClassificationResult,
    stop: Cancellation,
) -> None:
    expected = {"classes": tf.string, "scores": tf.float32}
    wanted = [name for name in expected if name in signature.definition.outputs]
    if not wanted:
        raise ServingError(
            Code.FAILED_PRECONDITION,
            "Expected classification signature outputs to contain at least one of "
            '"classes" or "scores".',
        )
    num_rows, outputs = _run_examples(signature, examples, wanted, stop)
    for name, (array, dtype) in outputs.items():
        if array.ndim != 2:
            raise invalid(
                "Expected Tensor shape: [batch_size num_classes] but got "
                f"{_shape(array)}"
            )
        if dtype != expected[name]:
            raise invalid(
                f"Expected {name} Tensor of {_dt(expected[name])}. Got: {_dt(dtype)}"
            )
        if array.shape[0] != num_rows:
            raise invalid(
                f"Expected {name} output batch size of {num_rows}. "
                f"Got: {array.shape[0]}"
            )
    shapes = {array.shape for array, _ in outputs.values()}
    if len(shapes) > 1:
        raise invalid(
            "Tensors class and score should match in dim_size(1). Got "
            f"{outputs['classes'][0].shape[1]} vs. {outputs['scores'][0].shape[1]}"
        )
    for i in range(num_rows):
        row = result.classifications.add()
        for j in range(next(iter(shapes))[1]):
            entry = row.classes.add()
            if "classes" in outputs:
                entry.label = outputs["classes"][0][i, j].decode("utf-8", "replace")
            if "scores" in outputs:
                entry.score = outputs["scores"][0][i, j]


def _regress(
    signature: Signature,
    examples: input_pb2.Input,
    result: regression_pb2.RegressionResult,
    stop: Cancellation,
) -> None:
    if "outputs" not in signature.definition.outputs:
        raise ServingError(
            Code.FAILED_PRECONDITION,
            'No regression outputs found in SignatureDef: expected "outputs"',
        )
    num_rows, outputs = _run_examples(signature, examples, ["outputs"], stop)
    array, dtype = outputs["outputs"]
    if array.ndim != 1 and (array.ndim != 2 or array.shape[1] != 1):
        raise invalid(
            "Expected output Tensor shape to be either [batch_size] or "
            f"[batch_size, 1] but got {_shape(array)}"
        )
    if array.shape[0] != num_rows:
        raise invalid(
            "Input batch size did not match output batch size: "
            f"{num_rows} vs. {array.shape[0]}"
        )
    if dtype != tf.float32:
        raise invalid(f"Expected output Tensor of DT_FLOAT.  Got: {_dt(dtype)}")
    for value in array.reshape(-1):
        result.regressions.add(value=value)


def _dt(dtype: tf.DType) -> str:
    return f"DT_{tensors.dtype_name(dtype.as_datatype_enum).upper()}"


def _shape(array: np.ndarray) -> str:
    return f"[{','.join(map(str, array.shape))}]"
