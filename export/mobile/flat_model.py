"""A flat file as a function of named arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from export.mobile.package import SIGNATURE


class FlatModel:
    """A flat file, loaded when it is first called.

    Args:
        path: The file.
        interpreter: LiteRT's `Interpreter`, or TensorFlow's.
        num_threads: int.
    """

    def __init__(self, path: Callable[[], Path], interpreter: Any, num_threads: int):
        self._path = path
        self._interpreter_class = interpreter
        self._num_threads = num_threads
        self._run = None

    def __call__(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Outputs by name, of inputs by name."""
        if self._run is None:
            path = self._path()
            try:
                interpreter = self._interpreter_class(
                    model_path=str(path), num_threads=self._num_threads
                )
                self._run = interpreter.get_signature_runner(SIGNATURE)
            except (ValueError, RuntimeError) as error:
                reason = " ".join(str(error).split())
                raise ValueError(f"{path} cannot be loaded: {reason}") from None
        try:
            return self._run(**inputs)
        except (RuntimeError, MemoryError) as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"{self._path()} failed: {reason}") from None


def litert() -> Any:
    """LiteRT's interpreter.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "LiteRT is not installed: pip install ai-edge-litert"
        ) from None
    return Interpreter
