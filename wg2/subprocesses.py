"""Commands of the project as processes of their own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def command(module: str, *arguments: str) -> list[str]:
    """`python -m MODULE ARGUMENTS` with this process's Python."""
    return [sys.executable, "-m", module, *arguments]


def environment() -> dict[str, str]:
    """That of this process, in which the project is found from any folder."""
    paths = [str(_ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
