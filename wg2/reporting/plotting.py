"""What the commands that draw have in common."""

from __future__ import annotations

import importlib.util


def require_matplotlib() -> None:
    """Says what to install, before work is done in vain.

    Raises:
        ValueError: If matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ValueError("plots need the package matplotlib: pip install matplotlib")
