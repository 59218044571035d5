"""TensorProto to tensor and back, as the model server reads and writes it."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

from export.standin.errors import Code, ServingError, invalid

_FIELDS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int32: "int_val",
    tf.int16: "int_val",
    tf.int8: "int_val",
    tf.uint8: "int_val",
    tf.uint16: "int_val",
    tf.int64: "int64_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
    tf.bool: "bool_val",
    tf.string: "string_val",
}
_STRING_BYTES = 24  # of an empty one
_HALVES = (tf.float16, tf.bfloat16)
_COMPLEX = {tf.complex64: "scomplex_val", tf.complex128: "dcomplex_val"}


def dtype_name(dtype: int) -> str:
    """TensorFlow's C++ name of a DataType number: "float", "int64", "string", .."""
    return types_pb2.DataType.Name(dtype).removeprefix("DT_").lower()


def expanded_bytes(proto: tensor_pb2.TensorProto) -> int:
    """Memory of the tensor in a proto, which may be far more than the proto's own.

    One value stands for as many as the shape says: 20 bytes of message can be a
    terabyte. 0 for what `from_proto` refuses.
    """
    sizes = [dim.size for dim in proto.tensor_shape.dim]
    if any(size < 0 for size in sizes):
        return 0
    # No values in 2 ** 62 rows take no memory, but a kernel that adds a row up to
    # 2 ** 63 ends the process: such a shape counts as if it were full.
    num_values = math.prod(max(size, 1) for size in sizes)
    if proto.dtype == types_pb2.DT_STRING:
        lengths = [len(value) for value in proto.string_val]
        repeated = max(num_values - len(lengths), 0) * (lengths or [0])[-1]
        return num_values * _STRING_BYTES + sum(lengths) + repeated
    try:
        return num_values * tf.as_dtype(proto.dtype).size
    except TypeError:
        return 0


def from_proto(proto: tensor_pb2.TensorProto, alias: str) -> tf.Tensor:
    """The tensor, of the proto's own dtype.

    Typed fields, `tensor_content` and fields with fewer values than the shape (the last
    one is repeated) are read by TensorFlow's own C++ code.

    Raises:
        ServingError: INVALID_ARGUMENT "tensor parsing error: ALIAS".
    """
    try:
        dtype = tf.as_dtype(proto.dtype)
        return tf.io.parse_tensor(proto.SerializeToString(), dtype)
    except (TypeError, ValueError, tf.errors.OpError):
        raise invalid(f"tensor parsing error: {alias}") from None


def to_proto(array: np.ndarray, dtype: tf.DType) -> tensor_pb2.TensorProto:
    """Values in the typed fields, never in `tensor_content`.

    Args:
        array: Any shape; strings are an object array of bytes.
        dtype: Of the tensor that it came from.

    Raises:
        ServingError: UNIMPLEMENTED, for a dtype no TensorProto holds.
    """
    proto = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum)
    proto.tensor_shape.SetInParent()  # a scalar has a shape, too
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    flat = array.reshape(-1)
    if dtype in _FIELDS:
        getattr(proto, _FIELDS[dtype]).extend(flat.tolist())
    elif dtype in _HALVES:
        proto.half_val.extend(flat.view(np.uint16).tolist())
    elif dtype in _COMPLEX:
        parts = flat.view(flat.real.dtype)
        getattr(proto, _COMPLEX[dtype]).extend(parts.tolist())
    else:
        raise ServingError(
            Code.UNIMPLEMENTED, f"Cannot send a tensor of type {dtype.name}"
        )
    return proto
