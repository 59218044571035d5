"""TensorFlow's side: calling a function so that it can be stopped, and its settings."""

from __future__ import annotations

import ctypes
import itertools
import logging
import re
import threading
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from export.standin.errors import Code, ServingError

# Private to TensorFlow, and the only way to stop a running function: the public call
# knows one cancellation per process, not per thread. Seen to work in 2.16.
try:
    from tensorflow.python.eager import cancellation, context
    from tensorflow.python.eager.execute import execute_with_cancellation

    cancellation.CancellationManager  # noqa: B018
except (ImportError, AttributeError):
    execute_with_cancellation = None

logger = logging.getLogger(__name__)

_FUNCTION = re.compile(r"\A\{\{function_node [^}]*\}\} ")
_OP = re.compile(r" \[Op:[^\]]*\]\Z")


class Cancellation:
    """Stops one request, from any thread, before or while its function runs."""

    def __init__(self):
        self._requested = threading.Event()
        self.manager = None
        if execute_with_cancellation is not None:
            self.manager = cancellation.CancellationManager()

    @property
    def requested(self) -> bool:
        return self._requested.is_set()

    def cancel(self) -> None:
        self._requested.set()
        if self.manager is not None:
            self.manager.start_cancel()

    def check(self) -> None:
        """Raises ServingError CANCELLED once `cancel` was called."""
        if self.requested:
            raise ServingError(Code.CANCELLED, "The request was cancelled")


def call(
    function, arguments: dict[str, tf.Tensor], stop: Cancellation
) -> list[tf.Tensor]:
    """The flat outputs of a loaded signature function.

    Shapes are not compared with the signature's: as in a model server's session, only
    a kernel objects.

    Args:
        function: ConcreteFunction.
        arguments: By name, of the function's dtypes.
        stop: Ends the call with CANCELLED. Where TensorFlow cannot be stopped, the call
            runs to its end, and fails all the same.

    Raises:
        ServingError: With the code and the text of the kernel that failed.
    """
    stop.check()
    inputs = [arguments[name] for name in function._arg_keywords]
    try:
        if stop.manager is None:
            outputs = tf.nest.flatten(function(**arguments))
        else:
            eager = context.context()
            outputs = execute_with_cancellation(
                tf.compat.as_str(function.name),
                num_outputs=len(function.outputs),
                inputs=[*inputs, *function.captured_inputs],
                attrs=tuple(
                    itertools.chain(*eager.function_call_options.as_attrs().items())
                ),
                ctx=eager,
                cancellation_manager=stop.manager,
            )
    except tf.errors.OpError as error:
        stop.check()
        raise from_op_error(error) from None
    except UnicodeDecodeError as error:
        # A kernel's message quotes bytes of the request, and Python loses its code.
        message = bytes(error.object).decode("utf-8", "replace")
        raise ServingError(Code.INVALID_ARGUMENT, message) from None
    stop.check()
    return list(outputs)


def from_op_error(error: tf.errors.OpError) -> ServingError:
    """The error as a session reports it: without what eager calls put around it."""
    message = str(error.message)
    if message.startswith("Graph execution error:"):
        message = message.rpartition("<stack traces unavailable>\n")[2]
    message = _OP.sub("", _FUNCTION.sub("", message))
    return ServingError(Code(error.error_code), message)


def disable_xla() -> bool:
    """Makes `jit_compile=True` fail as on a stock model server; False if it cannot.

    The model server calls this C++ function at start, which has no Python name.
    """
    library = Path(tf.__file__).parent / "libtensorflow_cc.so.2"
    try:
        function = ctypes.CDLL(str(library))._ZN10tensorflow21DisableXlaCompilationEv
    except (OSError, AttributeError):
        return False
    function.restype, function.argtypes = None, []
    function()
    return True


def set_threads(session: int, intra_op: int, inter_op: int) -> None:
    """The model server's three flags; 0 is TensorFlow's own choice. Call it first.

    Raises:
        ValueError: All three are given, which a model server refuses, too.
    """
    if session and intra_op and inter_op:
        raise ValueError(
            "--tensorflow-session-parallelism sets both of the others: give it alone, "
            "or only them"
        )
    if intra_op or session:
        tf.config.threading.set_intra_op_parallelism_threads(intra_op or session)
    if inter_op or session:
        tf.config.threading.set_inter_op_parallelism_threads(inter_op or session)


def names_of_python_ops(graph: tf.compat.v1.GraphDef) -> Sequence[str]:
    """Ops of a graph and its functions that need the Python process that wrote them."""
    nodes = itertools.chain(
        graph.node, *(function.node_def for function in graph.library.function)
    )
    python_ops = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}
    return sorted({node.op for node in nodes} & python_ops)
