"""Lists as users write them: "4,6,12" and "ddpm,dpmpp"."""

from __future__ import annotations

from collections.abc import Sequence


def whole_numbers(text: str, option: str) -> tuple[int, ...]:
    """Rising, each once.

    Raises:
        ValueError: Naming `option`.
    """
    try:
        return tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        raise ValueError(
            f"{option} wants whole numbers such as 4,6,12. Received: {text}"
        ) from None


def names(text: str, option: str, known: Sequence[str] = ()) -> tuple[str, ...]:
    """In their order, each once.

    Args:
        text: What the user wrote.
        option: Where.
        known: What there is; empty: anything.

    Raises:
        ValueError: Naming `option`, an empty or unknown name.
    """
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in found:
        if not name or (known and name not in known):
            wanted = ", ".join(known) or "names or files"
            raise ValueError(f"{option} wants {wanted}. Received: {name!r}")
    return found
