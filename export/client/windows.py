"""Which windows of an utterance are decoded one after the other."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_SECONDS = 0.5
"""Sound in the first window: little, so that it is there early."""

LONGEST_SECONDS = 10.0


@dataclass(frozen=True)
class Window:
    """Frames `[first_frame, first_frame + num_frames)` of an utterance."""

    first_frame: int
    num_frames: int

    def with_margin(self, margin_frames: int, total_frames: int) -> tuple[int, int]:
        """First frame, and frame after the last, of the features that it needs."""
        first = max(0, self.first_frame - margin_frames)
        end = self.first_frame + self.num_frames + margin_frames
        return first, min(total_frames, end)


def plan_windows(
    total_frames: int, first_frames: int, longest_frames: int, margin_frames: int
) -> list[Window]:
    """Windows that cover an utterance without gap or overlap.

    The first is short. The next ones double, and are no shorter than the margin, which
    is decoded on both sides of each: shorter ones would be mostly margin.

    Args:
        total_frames: int >= 0, of the utterance.
        first_frames, longest_frames: int >= 1, of the first window and of any; the last
            one may be longer by a quarter.
        margin_frames: int >= 0.
    """
    windows: list[Window] = []
    start, size = 0, min(first_frames, longest_frames)
    while start < total_frames:
        left = total_frames - start
        # A request for a short rest would be nearly all margin.
        size = left if left <= size + size // 4 else size
        windows.append(Window(start, size))
        start += size
        size = min(longest_frames, max(2 * size, margin_frames))
    return windows
