"""Windows of an utterance, one after the other, so that its sound comes early."""

from __future__ import annotations

from collections.abc import Iterator

FIRST_SECONDS = 0.5
MOST_SECONDS = 10.0
_CONTEXT_RATIO = 4


def plan_windows(
    num_frames: int, context_frames: int, frames_per_second: float
) -> Iterator[tuple[int, int]]:
    """First frame and length of each window, in order.

    The first is short, so that there is sound early. Each next one is twice as long,
    since the context on both sides of a window costs as much as the window's own
    frames, up to ten seconds or four times the context.

    Args:
        num_frames: Of the utterance, at least 1.
        context_frames: On either side of a window.
        frames_per_second: Of the voice.
    """
    length = max(1, round(FIRST_SECONDS * frames_per_second))
    most = max(
        length, round(MOST_SECONDS * frames_per_second), _CONTEXT_RATIO * context_frames
    )
    first = 0
    while first < num_frames:
        count = min(length, num_frames - first)
        yield first, count
        first += count
        length = min(2 * length, most)
