"""Text of a corpus on a terminal."""

from __future__ import annotations


def one_line(text: str, length: int | None = None) -> str:
    """`text` without line ends and what else a terminal obeys, cut to `length`."""
    text = "".join(c if c.isprintable() else " " for c in text)
    if length is not None and len(text) > length:
        return text[: length - 3] + "..."
    return text
