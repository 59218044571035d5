"""JSON values to the values of a tensor: shapes, dtypes, and base64."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from export.standin import json_parser, tensors
from export.standin.errors import Code, ServingError, invalid
from export.standin.json_parser import quote, type_name

_INTEGERS = {
    tf.int32: np.iinfo(np.int32),
    # As wide as an int32 in JSON; what does not fit their own range wraps.
    tf.int16: np.iinfo(np.int32),
    tf.int8: np.iinfo(np.int32),
    tf.uint8: np.iinfo(np.int32),
    tf.int64: np.iinfo(np.int64),
    tf.uint32: np.iinfo(np.uint32),
    tf.uint64: np.iinfo(np.uint64),
}
_FLOATS = {tf.float32: (24, "float"), tf.float64: (53, "double")}
_SPACE = re.compile(r"[ \t\n\v\f\r]+")


def is_base64(value: object) -> bool:
    return (
        isinstance(value, dict)
        and list(value) == ["b64"]
        and isinstance(value["b64"], str)
    )


def decode_base64(value: dict) -> bytes:
    """The bytes of `{"b64": ".."}`; white space and missing padding are fine."""
    text = _SPACE.sub("", value["b64"])
    text = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise invalid("Unable to base64 decode") from None


def shape_text(shape: list[int]) -> str:
    return f"[{','.join(map(str, shape))}]"


def dense(value: object, dtype: tf.DType) -> tuple[list[int], list]:
    """Shape (of the first element at each level) and checked values, flat.

    Raises:
        ServingError: INVALID_ARGUMENT, for ragged lists and values that are not of the
            dtype; UNIMPLEMENTED, for a dtype JSON cannot give.
    """
    shape, first = [], value
    while isinstance(first, list):
        shape.append(len(first))
        if not first:
            break
        first = first[0]
    flat: list = []
    _collect(value, 0, shape, _converter(dtype), flat)
    return shape, flat


def _collect(
    value: object, level: int, shape: list[int], convert: Callable, flat: list
) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {quote(value)} found at incorrect level: {level + 1} in "
                f"the JSON DOM. Expected at level: {len(shape)}"
            )
        flat += convert([value])
        return
    if level >= len(shape):
        raise invalid(
            f"Encountered list at unexpected level: {level} expected < {len(shape)}"
        )
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {shape[level]}"
        )
    if level == len(shape) - 1 and not any(isinstance(v, list) for v in value):
        flat += convert(value)
        return
    for item in value:
        _collect(item, level + 1, shape, convert, flat)


def _converter(dtype: tf.DType) -> Callable[[list], list]:
    """A function that checks values, and turns strings into bytes."""
    if dtype in _FLOATS:
        return lambda values: _floats(values, dtype)
    if dtype in _INTEGERS:
        return lambda values: _integers(values, dtype)
    if dtype == tf.bool:
        return lambda values: [_bool(value) for value in values]
    if dtype == tf.string:
        return lambda values: [_string(value) for value in values]

    def refuse(values: list) -> list:
        if not values:
            return values
        raise ServingError(
            Code.UNIMPLEMENTED,
            f"Conversion of JSON Value: {quote(values[0])} to type: {_name(dtype)}",
        )

    return refuse


def _name(dtype: tf.DType) -> str:
    return tensors.dtype_name(dtype.as_datatype_enum)


def _type_error(value: object, dtype: tf.DType) -> ServingError:
    return invalid(
        f"JSON Value: {quote(value)} Type: {type_name(value)} is not of expected type: "
        f"{_name(dtype)}"
    )


def _floats(values: list, dtype: tf.DType) -> list[float]:
    digits, name = _FLOATS[dtype]
    largest = np.finfo(dtype.as_numpy_dtype).max
    result = []
    for value in values:
        kind = type(value)
        if kind is float or kind is json_parser.Number:
            if kind is float and math.isinf(value):
                raise invalid(
                    "JSON Parse error: Number too big to be stored in double."
                )
            fits = not math.isfinite(value) or abs(value) <= largest
        elif kind is int:
            # Beyond 64 bits the parser reads an integer as a double.
            long = not -(2**63) <= value < 2**64
            try:
                fits = (
                    abs(float(value)) <= largest if long else (abs(value) < 1 << digits)
                )
            except OverflowError:
                fits = False
        else:
            raise _type_error(value, dtype)
        if not fits:
            raise invalid(
                f"Cannot convert JSON value: {quote(value)} to {name} without loss of "
                "precision."
            )
        result.append(float(value))
    return result


def _integers(values: list, dtype: tf.DType) -> list[int]:
    limits = _INTEGERS[dtype]
    low, high = int(limits.min), int(limits.max)
    for value in values:
        if type(value) is not int or not low <= value <= high:
            raise _type_error(value, dtype)
    return values


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise _type_error(value, tf.bool)
    return value


def _string(value: object) -> bytes:
    if isinstance(value, str):
        return json_parser.to_bytes(value)
    if not isinstance(value, dict):
        raise _type_error(value, tf.string)
    if not is_base64(value):
        raise invalid(
            f"JSON Value: {quote(value)} not formatted correctly for base64 data"
        )
    return decode_base64(value)


def tensor(flat: list, shape: list[int], dtype: tf.DType) -> tf.Tensor:
    """The values of `dense` in a shape. Raises ServingError INVALID_ARGUMENT."""
    if dtype == tf.string:
        array = np.empty(len(flat), object)
        array[:] = flat
    elif dtype in _INTEGERS:
        wide = np.uint64 if dtype == tf.uint64 else np.int64
        array = np.array(flat, wide).astype(dtype.as_numpy_dtype)
    else:
        array = np.array(flat, np.float64 if dtype in _FLOATS else bool)
        array = array.astype(dtype.as_numpy_dtype)
    try:
        return tf.constant(array.reshape(shape), dtype)
    except (ValueError, tf.errors.OpError) as error:
        raise invalid(f"No tensor of shape {shape_text(shape)}: {error}") from None
