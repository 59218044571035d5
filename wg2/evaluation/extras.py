"""Packages that only evaluation needs."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

SIGNAL = ("pyworld", "librosa", "soundfile", "matplotlib")
"""For measures and report."""
INTELLIGIBILITY = ("pocketsphinx", "jiwer", "soxr")
"""For the error rates of a recogniser."""


def require(packages: Sequence[str]) -> None:
    """Says what to install, before work is done in vain.

    Raises:
        ValueError: Naming all that are missing.
    """
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f"evaluation needs the packages {', '.join(missing)}: "
            f"pip install {' '.join(missing)}"
        )
