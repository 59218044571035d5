"""Bodies of predict requests: JSON to tensors, without a look at declared shapes."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from export.standin import json_values
from export.standin.errors import ServingError, invalid
from export.standin.json_parser import quote
from export.standin.json_values import is_base64


class Format(enum.Enum):
    """How values were sent, and so how they are answered."""

    ROW = "instances"
    COLUMN = "inputs"


def signature_name(document: dict) -> str:
    """Empty if the request names none."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {quote(document)} not formatted correctly. 'signature_name' "
            "key must be a string value."
        )
    return name


def read(
    document: dict, inputs: Mapping[str, meta_graph_pb2.TensorInfo], signature: str
) -> tuple[Format, dict[str, tf.Tensor]]:
    """The tensors of a predict body.

    Args:
        document: The parsed body.
        inputs: The signature's; their dtypes count, their shapes do not.
        signature: As the request names it, for messages.

    Raises:
        ServingError: INVALID_ARGUMENT; UNIMPLEMENTED for a dtype JSON cannot give.
    """
    if not inputs:
        raise invalid(
            f"Failed to get input map for signature: {signature or 'DEFAULT'}"
        )
    if "instances" in document and "inputs" in document:
        raise invalid(
            f"JSON Value: {quote(document)} Not formatted correctly expecting only one "
            "of 'inputs' or 'instances' keys to exist "
        )
    if "instances" in document:
        return Format.ROW, _rows(document, inputs)
    if "inputs" in document:
        return Format.COLUMN, _columns(document["inputs"], inputs)
    raise invalid("Missing 'inputs' or 'instances' key")


def _columns(
    value: object, inputs: Mapping[str, meta_graph_pb2.TensorInfo]
) -> dict[str, tf.Tensor]:
    if not isinstance(value, dict) or is_base64(value):
        if len(inputs) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple "
                "input tensors required as per tensorinfo_map"
            )
        value = {next(iter(inputs)): value}
    columns = {}
    for name in sorted(inputs):
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
        dtype = tf.as_dtype(inputs[name].dtype)
        shape, flat = json_values.dense(value[name], dtype)
        columns[name] = json_values.tensor(flat, shape, dtype)
    return columns


def _rows(
    document: dict, inputs: Mapping[str, meta_graph_pb2.TensorInfo]
) -> dict[str, tf.Tensor]:
    rows = document["instances"]
    if not isinstance(rows, list):
        raise invalid(
            f"JSON Value: {quote(document)} Excepting 'instances' to be an list/array"
        )
    if not rows:
        raise invalid(f"JSON Value: {quote(document)} No values in 'instances' array")
    named = isinstance(rows[0], dict) and not is_base64(rows[0])
    if not named and len(inputs) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple "
            "input tensors required as per tensorinfo_map"
        )
    stacks = {
        name: _Stack(tf.as_dtype(info.dtype)) for name, info in sorted(inputs.items())
    }
    for i, row in enumerate(rows):
        is_object = isinstance(row, dict) and not is_base64(row)
        if named and not is_object:
            raise invalid(f"Expecting object but got list at item {i} of input list")
        if not named and is_object:
            raise invalid(
                f"Expecting value/list but got object at item {i} of input list"
            )
        if named:
            _add_named(stacks, row, i)
        else:
            _add(stacks, next(iter(inputs)), row, f"element: {i}")
    return {name: stack.tensor(len(rows)) for name, stack in stacks.items()}


def _add_named(stacks: dict[str, _Stack], row: dict, i: int) -> None:
    for name, value in row.items():
        _add(stacks, name, value, f"element: {i} key: {name}")
    if set(row) != set(stacks):
        raise invalid(
            f"Failed to process element: {i} of 'instances' list. JSON object: "
            f"{quote(row)} keys must be equal to: {','.join(stacks)}"
        )


def _add(stacks: dict[str, _Stack], name: str, value: object, where: str) -> None:
    try:
        if name not in stacks:
            raise invalid(f"JSON object: does not have named input: {name}")
        stacks[name].add(value)
    except ServingError as error:
        raise ServingError(
            # The row form makes every trouble an INVALID_ARGUMENT but this one: a
            # dtype that JSON cannot give is 501 in either form.
            error.code,
            f"Failed to process {where} of 'instances' list. Error: {error}",
        ) from None


class _Stack:
    """Rows of one input, which must all have the first one's shape."""

    def __init__(self, dtype: tf.DType) -> None:
        self._dtype = dtype
        self._shape: list[int] | None = None
        self._flat: list = []

    def add(self, value: object) -> None:
        shape, flat = json_values.dense(value, self._dtype)
        if self._shape is None:
            self._shape = shape
        elif math.prod(shape) != math.prod(self._shape):
            raise invalid(
                f"Expecting tensor size: {math.prod(self._shape)} but got: "
                f"{math.prod(shape)}"
            )
        elif shape != self._shape:
            raise invalid(
                f"Expecting shape {json_values.shape_text(self._shape)} but got: "
                f"{json_values.shape_text(shape)}"
            )
        self._flat += flat

    def tensor(self, num_rows: int) -> tf.Tensor:
        return json_values.tensor(self._flat, [num_rows, *self._shape], self._dtype)
