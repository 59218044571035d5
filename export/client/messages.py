"""TensorFlow Serving's messages, and tensors to and from NumPy, without TensorFlow."""

from __future__ import annotations

import math

import numpy as np
from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    wrappers_pb2,
)

from export.client.descriptor import FILE_DESCRIPTOR_SET
from export.client.transport import DTYPES, STRING, type_name

# The messages have the names of TensorFlow Serving's own. A pool of their own keeps
# them apart from those where a process imports `tensorflow_serving` as well.
_POOL = descriptor_pool.DescriptorPool()


def _message(name: str) -> type:
    descriptor = _POOL.FindMessageTypeByName(f"tensorflow.serving.{name}")
    return message_factory.GetMessageClass(descriptor)


def _load() -> None:
    _POOL.AddSerializedFile(any_pb2.DESCRIPTOR.serialized_pb)
    _POOL.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    files = descriptor_pb2.FileDescriptorSet.FromString(FILE_DESCRIPTOR_SET)
    for file in files.file:
        _POOL.AddSerializedFile(file.SerializeToString())


_load()

PredictRequest = _message("PredictRequest")
PredictResponse = _message("PredictResponse")
GetModelMetadataRequest = _message("GetModelMetadataRequest")
GetModelMetadataResponse = _message("GetModelMetadataResponse")
SignatureDefMap = _message("SignatureDefMap")
GetModelStatusRequest = _message("GetModelStatusRequest")
GetModelStatusResponse = _message("GetModelStatusResponse")
ModelVersionStatus = _message("ModelVersionStatus")
ModelSpec = _message("ModelSpec")
TensorProto = _message("TensorProto")

_DATA_TYPE = _POOL.FindEnumTypeByName("tensorflow.serving.DataType")
# Where a TensorProto holds values of a type.
_FIELDS = {
    "DT_FLOAT": "float_val",
    "DT_DOUBLE": "double_val",
    "DT_INT32": "int_val",
    "DT_INT64": "int64_val",
    "DT_BOOL": "bool_val",
    "DT_STRING": "string_val",
}


def data_type_name(number: int) -> str:
    """Such as "DT_FLOAT"; for a type that is not in `serving.proto`, its number."""
    value = _DATA_TYPE.values_by_number.get(number)
    return value.name if value else str(number)


def to_tensor(array: np.ndarray) -> TensorProto:
    """TensorProto of an array whose dtype is one of `DTYPES`.

    Raises:
        ValueError: Another dtype.
    """
    name = type_name(array.dtype)
    tensor = TensorProto(dtype=_DATA_TYPE.values_by_name[name].number)
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    if array.dtype == STRING:
        tensor.string_val.extend(array.ravel().tolist())
    else:
        tensor.tensor_content = array.astype(DTYPES[name], copy=False).tobytes()
    return tensor


def to_array(tensor: TensorProto) -> np.ndarray:
    """The array of a TensorProto; strings are `bytes` in an array of objects.

    Raises:
        ValueError: A type that `DTYPES` has not, or values that do not fill the shape.
    """
    name = data_type_name(tensor.dtype)
    if name not in DTYPES:
        raise ValueError(f"tensor of unexpected type {name}")
    dtype = DTYPES[name]
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    size = math.prod(shape)
    if tensor.tensor_content and dtype != STRING:
        values = np.frombuffer(tensor.tensor_content, dtype)
    else:
        values = np.array(getattr(tensor, _FIELDS[name]), dtype)
        if 0 < len(values) < size:  # a writer may leave out repetitions of the last
            values = np.pad(values, (0, size - len(values)), mode="edge")
    if len(values) != size:
        raise ValueError(f"tensor with {len(values)} values for the shape {shape}")
    return values.reshape(shape)
