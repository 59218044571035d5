"""One loaded version of a model: its signatures, and running them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf import message, text_format
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from export.standin import runtime, tensors
from export.standin.errors import Code, ServingError, invalid

DEFAULT_SIGNATURE = "serving_default"


class Signature:
    """One signature: the SignatureDef, and the function behind it.

    Args:
        name: Its key in the SavedModel.
        definition: What GetModelMetadata shows.
        function: ConcreteFunction, or None: `__saved_model_init_op` has none.
    """

    def __init__(
        self, name: str, definition: meta_graph_pb2.SignatureDef, function
    ) -> None:
        self.name = name
        self.definition = definition
        self._function = function
        # A session numbers its feeds in the order of the tensors' names.
        by_feed = sorted(
            definition.inputs, key=lambda alias: definition.inputs[alias].name
        )
        self._feeds = {alias: position for position, alias in enumerate(by_feed)}

    @property
    def inputs(self) -> Mapping[str, meta_graph_pb2.TensorInfo]:
        return self.definition.inputs

    def wanted_outputs(self, output_filter: Collection[str]) -> list[str]:
        """The names to answer with: those of the filter, or all if it is empty.

        Raises:
            ServingError: INVALID_ARGUMENT, for an unknown or repeated name.
        """
        names = sorted(self.definition.outputs)
        seen = []
        for alias in output_filter:
            if alias not in self.definition.outputs:
                raise invalid(
                    f"output tensor alias not found in signature: {alias} Outputs "
                    f"expected to be in the set {{{','.join(names)}}}."
                )
            if alias in seen:
                raise invalid(f"duplicate output tensor alias: {alias}")
            seen.append(alias)
        return seen or names

    def run(
        self,
        inputs: Mapping[str, tf.Tensor],
        outputs: Collection[str],
        stop: runtime.Cancellation,
    ) -> dict[str, tuple[np.ndarray, tf.DType]]:
        """Values and dtypes of `outputs`.

        Args:
            inputs: One tensor for every input; of any shape, none is compared.
            outputs: Names; the whole signature runs whatever they are.
            stop: Ends the run.

        Raises:
            ServingError: A wrong dtype, or what a kernel says.
        """
        if self._function is None:
            raise invalid(f'Signature "{self.name}" is run when the model is loaded.')
        for alias in sorted(inputs, key=self._feeds.__getitem__):
            wanted, given = self.inputs[alias].dtype, inputs[alias].dtype
            if given.as_datatype_enum != wanted:
                raise invalid(
                    f"Expects arg[{self._feeds[alias]}] to be "
                    f"{tensors.dtype_name(wanted)} but "
                    f"{tensors.dtype_name(given.as_datatype_enum)} is provided"
                )
        flat = runtime.call(self._function, dict(inputs), stop)
        named = tf.nest.pack_sequence_as(self._function.structured_outputs, flat)
        try:
            return {name: (_values(named[name]), named[name].dtype) for name in outputs}
        except (tf.errors.OpError, ValueError) as error:  # 2 ** 62 times no values
            raise invalid(str(error)) from None


class Servable:
    """A loaded SavedModel.

    Args:
        version: Number of the version.
        signatures: By name.
        loaded: What must stay alive: variables, tables, assets.
    """

    def __init__(self, version: int, signatures: dict[str, Signature], loaded) -> None:
        self.version = version
        self.signatures = signatures
        self._loaded = loaded

    def signature(self, name: str) -> Signature:
        """By name; an empty one is `serving_default`.

        Raises:
            ServingError: FAILED_PRECONDITION.
        """
        name = name or DEFAULT_SIGNATURE
        if name not in self.signatures:
            raise ServingError(
                Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.'
            )
        return self.signatures[name]


def load(path: Path, version: int, tags: Collection[str] = ("serve",)) -> Servable:
    """Loads a version directory.

    Args:
        path: Holds `saved_model.pb` and `variables/`.
        version: Its number.
        tags: Exactly the tags of the graph to load.

    Raises:
        ServingError: Whatever is wrong with it: unfinished, damaged, or not for a stock
            model server.
    """
    meta_graph = _meta_graph(path, set(tags))
    python_ops = runtime.names_of_python_ops(meta_graph.graph_def)
    if python_ops:
        raise ServingError(
            Code.NOT_FOUND,
            f"Op type not registered '{python_ops[0]}': it needs the Python process "
            "that wrote the model, and a model server has none.",
        )
    try:
        loaded = tf.saved_model.load(str(path), tags=sorted(tags))
        signatures = {
            name: Signature(name, definition, loaded.signatures.get(name))
            for name, definition in meta_graph.signature_def.items()
        }
    except tf.errors.OpError as error:
        raise runtime.from_op_error(error) from None
    except Exception as error:
        # A damaged SavedModel fails in many ways inside the loader; none of them may
        # end the server.
        raise ServingError(
            Code.INTERNAL, f"{path} does not load: {type(error).__name__}: {error}"
        ) from error
    return Servable(version, signatures, loaded)


def _values(tensor: tf.Tensor) -> np.ndarray:
    # A scalar's own .numpy() is no array.
    kind = object if tensor.dtype == tf.string else None
    return np.asarray(tensor.numpy(), dtype=kind)


def _meta_graph(path: Path, tags: set[str]) -> meta_graph_pb2.MetaGraphDef:
    saved_model = saved_model_pb2.SavedModel()
    binary, text = path / "saved_model.pb", path / "saved_model.pbtxt"
    try:
        if binary.is_file():
            saved_model.ParseFromString(binary.read_bytes())
        elif text.is_file():
            text_format.Parse(text.read_text(encoding="utf-8"), saved_model)
        else:
            raise ServingError(
                Code.NOT_FOUND,
                "Could not find SavedModel .pb or .pbtxt at supplied export directory "
                f"path: {path}",
            )
    except (message.DecodeError, text_format.ParseError, ValueError) as error:
        raise ServingError(
            Code.DATA_LOSS, f"Can't parse {path}/saved_model: {error}"
        ) from None
    except OSError as error:
        raise ServingError(Code.UNKNOWN, f"{path} cannot be read: {error}") from None
    found = [set(graph.meta_info_def.tags) for graph in saved_model.meta_graphs]
    if tags not in found:
        raise ServingError(
            Code.NOT_FOUND,
            "Could not find meta graph def matching supplied tags: "
            f"{{ {' '.join(sorted(tags))} }}. It has: {found}",
        )
    return saved_model.meta_graphs[found.index(tags)]
