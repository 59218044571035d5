"""REST bodies of classify and regress: features to Examples, and results back."""

from __future__ import annotations

import numpy as np
from tensorflow.core.example import example_pb2, feature_pb2
from tensorflow_serving.apis import classification_pb2, input_pb2, regression_pb2

from export.standin import json_parser, json_response, json_values
from export.standin.errors import invalid
from export.standin.json_parser import quote, type_name

_FLOAT_DIGITS = 9


def read(document: dict) -> input_pb2.Input:
    """The examples of a body, with the context if it has one.

    Raises:
        ServingError: INVALID_ARGUMENT.
    """
    result = input_pb2.Input()
    if "context" in document:
        result.example_list_with_context.context.CopyFrom(_example(document["context"]))
    if "examples" not in document:
        raise invalid(
            f"JSON Value: {quote(document)} When method is classify, key 'examples' is "
            "expected and was not found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        raise invalid(
            f"JSON Value: {quote(document)} Expecting 'examples' value to be an "
            "list/array"
        )
    if not examples:
        raise invalid(
            f"JSON Value: {quote(document)} 'examples' value is an empty array"
        )
    rows = (
        result.example_list_with_context.examples
        if "context" in document
        else result.example_list.examples
    )
    rows.extend(_example(value) for value in examples)
    return result


def write_classes(result: classification_pb2.ClassificationResult) -> bytes:
    """A list of `[label, score]` for each example."""
    rows = []
    for classifications in result.classifications:
        scores = np.array([c.score for c in classifications.classes], np.float32)
        pairs = [
            b"[%s, %s]" % (json_response.string(entry.label.encode()), score)
            for entry, score in zip(
                classifications.classes,
                json_response.decimals(scores, _FLOAT_DIGITS),
                strict=True,
            )
        ]
        rows.append(b"[%s]" % b", ".join(pairs))
    return b'{\n    "results": [%s]\n}' % b", ".join(rows)


def write_values(result: regression_pb2.RegressionResult) -> bytes:
    values = np.array([entry.value for entry in result.regressions], np.float32)
    numbers = json_response.decimals(values, _FLOAT_DIGITS)
    return b'{\n    "results": [%s]\n}' % b", ".join(numbers)


def _example(value: object) -> example_pb2.Example:
    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {type_name(value)}")
    example = example_pb2.Example()
    for name, content in value.items():
        feature = feature_pb2.Feature()
        for item in content if isinstance(content, list) else [content]:
            _add(feature, name, item)
        example.features.feature[_text(name)].CopyFrom(feature)
    return example


def _text(name: str) -> str:
    # A protobuf string cannot hold the surrogates of invalid UTF-8.
    return json_parser.to_bytes(name).decode("utf-8", "replace")


def _add(feature: feature_pb2.Feature, name: str, value: object) -> None:
    if isinstance(value, bool):
        _of_kind(feature, "int64_list", name).append(int(value))
    elif isinstance(value, str):
        _of_kind(feature, "bytes_list", name).append(json_parser.to_bytes(value))
    elif json_values.is_base64(value):
        _of_kind(feature, "bytes_list", name).append(json_values.decode_base64(value))
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise invalid(
                f"Feature: {name} has uint64 element. Only int64 is supported."
            )
        _of_kind(feature, "int64_list", name).append(value)
    elif isinstance(value, float):
        if np.isfinite(value) and abs(value) > np.finfo(np.float32).max:
            raise invalid(
                f"Cannot convert JSON value: {quote(value)} to float without loss of "
                "precision."
            )
        _of_kind(feature, "float_list", name).append(value)
    else:
        raise invalid(
            f"Feature: {name} has element with unexpected JSON type: {type_name(value)}"
        )


def _of_kind(feature: feature_pb2.Feature, kind: str, name: str):
    """The feature's list; a feature has values of one kind only."""
    if feature.WhichOneof("kind") not in (None, kind):
        expecting = feature.WhichOneof("kind").removesuffix("_list")
        raise invalid(
            f"Unexpected element type in feature: {name} expecting type: {expecting}"
        )
    return getattr(feature, kind).value
