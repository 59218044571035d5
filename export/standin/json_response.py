"""Tensors to JSON, with the model server's numbers and its raw strings."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from export.standin import tensors
from export.standin.errors import invalid
from export.standin.json_request import Format

_INTEGERS = (
    tf.int8,
    tf.uint8,
    tf.int16,
    tf.int32,
    tf.uint32,
    tf.int64,
    tf.uint64,
)
# Digits after which a value of the type always reads back as itself.
_FULL_DIGITS = {tf.float32: 9, tf.float64: 17}
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_ESCAPED = re.compile(rb'["\\\x00-\x1f]')
_ESCAPES = {
    b'"': rb"\"",
    b"\\": rb"\\",
    b"\b": rb"\b",
    b"\f": rb"\f",
    b"\n": rb"\n",
    b"\r": rb"\r",
    b"\t": rb"\t",
}


def write(outputs: Mapping[str, tuple[np.ndarray, tf.DType]], form: Format) -> bytes:
    """The body of a predict answer.

    One named output stands bare; of several there is an object per row, or one object.

    Raises:
        ServingError: INVALID_ARGUMENT, for a dtype JSON has no form of, or (in the row
            form) outputs that have no rows, or not equally many.
    """
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    if form is Format.ROW:
        return b'{\n    "predictions": ' + _rows(outputs) + b"\n}"
    parts = {name: _nested(*_tokens(name, *output)) for name, output in outputs.items()}
    whole = next(iter(parts.values())) if len(parts) == 1 else _object(parts)
    return b'{\n    "outputs": ' + whole + b"\n}"


def decimals(array: np.ndarray, full_digits: int) -> list[bytes]:
    """Six significant digits where that reads back exactly, else `full_digits`.

    Args:
        array: float32 or float64 `(values,)`.
        full_digits: int.
    """
    values = array.astype(np.float64)
    with np.errstate(all="ignore"):
        scale = 10.0 ** (5 - np.floor(np.log10(np.abs(values))))
        distance = np.abs(values * scale - np.rint(values * scale))
    # Too far from six digits for any doubt, and with a point: most of a sound.
    normal = np.abs(values) >= np.finfo(array.dtype).tiny
    long = (distance > 0.1) & normal & (np.abs(values) < 1e5)
    texts = [f"{value:.{full_digits}g}" for value in array.tolist()]
    doubtful = np.flatnonzero(~long)
    short = [f"{value:.6g}" for value in array[doubtful].tolist()]
    read_back = np.array([float(text) for text in short]).astype(array.dtype)
    exact = (read_back == array[doubtful]).tolist()
    for i, text, is_exact in zip(doubtful.tolist(), short, exact, strict=True):
        text = text if is_exact else texts[i]
        if text in _NOT_FINITE:
            text = _NOT_FINITE[text]
        elif "." not in text and "e" not in text:
            text += ".0"
        texts[i] = text
    return "\n".join(texts).encode("ascii").split(b"\n") if texts else []


def string(value: bytes) -> bytes:
    """Between quotes, escaped, and otherwise the bytes as they are."""
    return b'"' + _ESCAPED.sub(_escape, value) + b'"'


def _rows(outputs: Mapping[str, tuple[np.ndarray, tf.DType]]) -> bytes:
    num_rows = -1
    for name, (array, _) in sorted(outputs.items()):
        if array.ndim == 0:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if num_rows not in (-1, array.shape[0]):
            raise invalid(
                f"Tensor name: {name} has inconsistent batch size: {array.shape[0]} "
                f"expecting: {num_rows}"
            )
        num_rows = array.shape[0]
    columns = {}
    for name, (array, dtype) in outputs.items():
        tokens, shape = _tokens(name, array, dtype)
        columns[name] = _groups(tokens, shape, keep=1)
    if len(columns) == 1:
        rows = next(iter(columns.values()))
    else:
        rows = [
            _object({name: column[i] for name, column in columns.items()})
            for i in range(num_rows)
        ]
    return b"[" + b", ".join(rows) + b"]"


def _object(parts: Mapping[str, bytes]) -> bytes:
    return (
        b"{"
        + b", ".join(
            string(name.encode()) + b": " + part for name, part in parts.items()
        )
        + b"}"
    )


def _tokens(
    name: str, array: np.ndarray, dtype: tf.DType
) -> tuple[list[bytes], tuple[int, ...]]:
    flat = array.reshape(-1)
    if dtype in _FULL_DIGITS:
        tokens = decimals(flat, _FULL_DIGITS[dtype])
    elif dtype in _INTEGERS:
        tokens = [b"%d" % value for value in flat.tolist()]
    elif dtype == tf.bool:
        tokens = [b"true" if value else b"false" for value in flat.tolist()]
    elif dtype == tf.string and name.endswith("_bytes"):
        tokens = [
            b'{"b64": "' + base64.b64encode(value) + b'"}' for value in flat.tolist()
        ]
    elif dtype == tf.string:
        tokens = [string(value) for value in flat.tolist()]
    elif not flat.size:
        tokens = []
    else:
        raise invalid(
            "Failed to write JSON value for tensor type: "
            f"{tensors.dtype_name(dtype.as_datatype_enum)}"
        )
    return tokens, array.shape


def _nested(tokens: list[bytes], shape: tuple[int, ...]) -> bytes:
    return _groups(tokens, shape, keep=0)[0]


def _groups(tokens: list[bytes], shape: tuple[int, ...], keep: int) -> list[bytes]:
    """Lists within lists, from the innermost out; `keep` outer dimensions stay off."""
    for axis in range(len(shape) - 1, keep - 1, -1):
        size = shape[axis]
        tokens = [
            b"[" + b", ".join(tokens[i * size : (i + 1) * size]) + b"]"
            for i in range(math.prod(shape[:axis]))
        ]
    return tokens


def _escape(match: re.Match) -> bytes:
    return _ESCAPES.get(match[0]) or b"\\u%04X" % ord(match[0])
