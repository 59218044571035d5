"""The flat file itself: read, write, names, and the precision of its weights.

The schema's classes ship with TensorFlow. Weights are changed here and not by the
converter, so that all precisions come from one conversion and we choose which weights
are quantized.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from export.mobile.package import FLOAT16, FLOAT32, INT8, INT8_WEIGHTS

ModelT = schema.ModelT
_OPERATORS = {
    value: name
    for name, value in vars(schema.BuiltinOperator).items()
    if not name.startswith("_")
}
_MIN_ELEMENTS = 256
"""Smaller tensors are not worth an operation."""
_IN_DECODER = re.compile(rb"(^|[/;])decoder(_\d+)?/")
"""In names of tensors: what the layer of that name computes."""


def read(content: bytes) -> ModelT:
    return ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))


def write(model: ModelT) -> bytes:
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def operation_name(code: schema.OperatorCodeT) -> str:
    """Of an operator code, see `operations`."""
    number = _builtin(code)
    if number == schema.BuiltinOperator.CUSTOM:
        return f"custom {code.customCode.decode()}"
    return _OPERATORS[number]


def add_signature(
    model: ModelT, key: str, inputs: Mapping[str, int], outputs: Mapping[str, int]
) -> None:
    """Names for the tensors of the first subgraph."""

    def maps(tensors):
        found = []
        for name, index in tensors.items():
            entry = schema.TensorMapT()
            entry.name, entry.tensorIndex = name, index
            found.append(entry)
        return found

    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = key, 0
    signature.inputs, signature.outputs = maps(inputs), maps(outputs)
    model.signatureDefs = [signature]


def change_precision(
    content: bytes, precision: str, has_decoder: bool, exact_channels: int
) -> bytes:
    """A float32 flat file with its weights in another precision.

    Args:
        content: As `conversion.convert` returns it.
        precision: One of `PRECISIONS`. "float16" stores weights in half the size;
            "int8" quantizes the convolutions of the decoder, whose inputs the runtime
            quantizes as they come; "int8-weights" stores those weights in 8 bits and
            computes with floats. Graphs without such convolutions are float16 in both.
        has_decoder: bool. Convolutions of the decoder are known by its name in theirs.
        exact_channels: int. Convolutions with no more channels than that, of input or
            output, are not quantized: those at the finest rates have the fewest, and
            what they add is heard as hiss (7 dB in the pauses of the voice `slt`,
            where they took none of the time).

    Raises:
        ValueError: If the precision is one of 8 bits and nothing can be quantized.
    """
    if precision == FLOAT32:
        return content
    model = read(content)
    halved: dict[int, int] = {}
    any_quantized = False
    for graph in model.subgraphs:
        quantized = (
            has_decoder
            and precision in (INT8, INT8_WEIGHTS)
            and _quantize_convolutions(model, graph, exact_channels, precision == INT8)
        )
        any_quantized |= quantized
        # LiteRT leaves its fast path where 8-bit weights and half floats are mixed.
        if not quantized:
            _halve(model, graph, halved)
    if precision != FLOAT16 and has_decoder and not any_quantized:
        raise ValueError(
            f"{precision} changes nothing: no convolution of the decoder has more than "
            f"{exact_channels} channels. Choose another --precision"
        )
    _drop_unused(model)
    return write(model)


def _quantize_convolutions(
    model: ModelT, graph, exact_channels: int, quantized_inputs: bool
) -> bool:
    """Whether there were any."""
    weights = {}
    convolution = schema.BuiltinOperator.CONV_2D
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        if _builtin(code) != convolution:
            continue
        if not _IN_DECODER.search(graph.tensors[operator.outputs[0]].name):
            continue
        index = operator.inputs[1]
        values = _float_constant(model, graph.tensors[index])
        if values is None or min(values.shape[0], values.shape[3]) <= exact_channels:
            continue
        weights[index] = values
        if quantized_inputs:
            code.version = max(code.version, 5)  # with a scale for each channel
    for index, values in weights.items():
        axes = tuple(range(1, values.ndim))
        scales = np.maximum(np.abs(values).max(axis=axes) / 127, 1e-12)
        shape = (-1,) + (1,) * len(axes)
        quantized = np.rint(values / scales.reshape(shape)).astype(np.int8)
        parameters = schema.QuantizationParametersT()
        parameters.scale = scales.astype(np.float32)
        parameters.zeroPoint = np.zeros(len(scales), np.int64)
        parameters.quantizedDimension = 0
        if quantized_inputs:
            tensor = graph.tensors[index]
        else:
            tensor = _dequantized(model, graph, index, version=5)
        tensor.type = schema.TensorType.INT8
        tensor.quantization = parameters
        tensor.buffer = _add_buffer(model, quantized)
    return bool(weights)


def _halve(model: ModelT, graph, halved: dict[int, int]) -> None:
    """float16 for all larger matrices and kernels.

    Vectors stay: among them are the frequencies of the noise level's sinusoids, whose
    phases go up to 5000, far beyond what eleven bits resolve.

    Args:
        halved: Buffer -> its float16 copy: tensors may share one.
    """
    for index, tensor in enumerate(list(graph.tensors)):
        values = _float_constant(model, tensor)
        if values is None or sum(size > 1 for size in values.shape) < 2:
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            continue
        if tensor.buffer not in halved:
            halved[tensor.buffer] = _add_buffer(model, values.astype(np.float16))
        buffer = halved[tensor.buffer]
        half = _dequantized(model, graph, index, version=3)
        half.type, half.buffer = schema.TensorType.FLOAT16, buffer


def _float_constant(model: ModelT, tensor) -> np.ndarray | None:
    """Values of a float32 constant worth changing, else None."""
    data = model.buffers[tensor.buffer].data
    if tensor.type != schema.TensorType.FLOAT32 or data is None or not len(data):
        return None
    values = np.frombuffer(bytes(data), "<f4")
    return values.reshape(tensor.shape) if values.size >= _MIN_ELEMENTS else None


def _dequantized(model: ModelT, graph, index: int, version: int) -> schema.TensorT:
    """A new constant from which an operation makes the tensor `index`."""
    old = graph.tensors[index]
    new = schema.TensorT()
    new.name, new.shape, new.hasRank = old.name + b"/stored", old.shape, True
    old.buffer = 0
    operator = schema.OperatorT()
    operator.opcodeIndex = _operator_code(model, version)
    operator.inputs, operator.outputs = [len(graph.tensors)], [index]
    operator.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
    operator.builtinOptions = schema.DequantizeOptionsT()
    graph.tensors.append(new)
    graph.operators.insert(0, operator)
    return new


def _operator_code(model: ModelT, version: int) -> int:
    dequantize = schema.BuiltinOperator.DEQUANTIZE
    for index, code in enumerate(model.operatorCodes):
        if _builtin(code) == dequantize and code.version == version:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = dequantize
    code.version = version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _builtin(code: schema.OperatorCodeT) -> int:
    # Old operations have their number in one byte.
    return max(code.builtinCode, code.deprecatedBuiltinCode)


def _add_buffer(model: ModelT, values: np.ndarray) -> int:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def _drop_unused(model: ModelT) -> None:
    used = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors}
    used |= {entry.buffer for entry in model.metadata or ()}
    for index, buffer in enumerate(model.buffers):
        if index not in used:
            buffer.data = None
