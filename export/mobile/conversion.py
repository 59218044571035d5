"""Functions to flat files: frozen, converted, named, and looked through."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2,
)

from export.mobile import flat_file
from export.mobile.functions import Function
from export.mobile.package import SIGNATURE


def convert(function: Function) -> bytes:
    """A flat file in float32, of built-in operations only.

    Raises:
        RuntimeError: If it cannot be had.
    """
    traced = function.traced()
    with _silenced():
        # The converter cannot follow variables into loops.
        frozen = convert_variables_to_constants_v2(traced, lower_control_flow=False)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
        try:
            content = converter.convert()
        except Exception as error:
            first = str(error).strip().splitlines()[0]
            raise RuntimeError(
                f"TensorFlow's converter refused {function.name}: {first}"
            ) from error
    model = flat_file.read(content)
    _name_tensors(model, function)
    content = flat_file.write(model)
    foreign = sorted(name for name in operations(content) if name.startswith("custom "))
    if foreign:
        raise RuntimeError(f"{function.name} needs {', '.join(foreign)}")
    return content


def operations(content: bytes) -> Counter[str]:
    """How often each operation occurs in a flat file, bodies of loops included.

    Those that are not built in are called "custom NAME"; Select TF operations are
    among them.
    """
    model = flat_file.read(content)
    names = [flat_file.operation_name(code) for code in model.operatorCodes]
    return Counter(
        names[operator.opcodeIndex]
        for graph in model.subgraphs
        for operator in graph.operators
    )


def _name_tensors(model: flat_file.ModelT, function: Function) -> None:
    """Adds the signature that says which tensor is which input or output."""
    main = model.subgraphs[0]
    inputs = {main.tensors[index].name.decode(): index for index in main.inputs}
    if set(inputs) != {spec.name for spec in function.inputs}:
        raise RuntimeError(
            f"the converter has other inputs for {function.name}: {', '.join(inputs)}"
        )
    outputs = dict(zip(function.outputs, main.outputs, strict=True))
    flat_file.add_signature(model, SIGNATURE, inputs, outputs)


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """The converter's notes come from C++, whatever the log level is; its errors are
    exceptions."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
