"""Windows of an utterance, one after the other, so that its sound comes early.

Without TensorFlow: clients of a model server use it, too.
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST_SECONDS = 0.5
"""Sound in the first window: little, so that it is there early."""

_LONGEST_SECONDS = 10.0
_LONGEST_MARGINS = 4


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
    total_frames: int,
    margin_frames: int,
    frames_per_second: float,
    first_seconds: float = FIRST_SECONDS,
) -> list[Window]:
    """Windows that cover an utterance without gap or overlap.

    The first is short. The next ones double, and are no shorter than the margin, which
    is decoded on both sides of each: shorter ones would be mostly margin. They end to
    grow at ten seconds, or at four margins; the last may be longer by a quarter.

    Args:
        total_frames: int >= 0, of the utterance.
        margin_frames: int >= 0, see `wg2.generation.context_frames`.
        frames_per_second: Of the voice.
        first_seconds: Of the first window.
    """
    longest = max(
        1, round(_LONGEST_SECONDS * frames_per_second), _LONGEST_MARGINS * margin_frames
    )
    size = min(longest, max(1, round(first_seconds * frames_per_second)))
    windows: list[Window] = []
    start = 0
    while start < total_frames:
        left = total_frames - start
        # A short rest would be nearly all margin.
        size = left if left <= size + size // 4 else size
        windows.append(Window(start, size))
        start += size
        size = min(longest, max(2 * size, margin_frames))
    return windows
