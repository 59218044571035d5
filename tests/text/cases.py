"""The hand-written table of normalisation cases."""

from __future__ import annotations

from pathlib import Path


def read() -> list[tuple[str, str]]:
    """Written and spoken form of every case."""
    path = Path(__file__).with_name("normalization_cases.txt")
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        tuple(line.rsplit("|", 1))
        for line in lines
        if "|" in line and not line.startswith("# ")
    ]
