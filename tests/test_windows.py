"""Windows of a stream: all of the utterance, once, the first one early."""

import pytest

from wg2.windows import plan_windows


@pytest.mark.parametrize("num_frames", [1, 39, 40, 41, 1000, 48000])
@pytest.mark.parametrize("context_frames", [7, 350, 7000])
def test_windows_join_to_the_utterance_and_grow(num_frames, context_frames):
    windows = list(plan_windows(num_frames, context_frames, 80.0))
    position = 0
    for first, count in windows:
        assert first == position
        assert count >= 1
        position += count
    assert position == num_frames
    counts = [count for _, count in windows]
    assert counts[0] == min(40, num_frames)
    assert counts[:-1] == sorted(counts[:-1])
    assert max(counts) <= max(800, 4 * context_frames)
    if num_frames == 48000:  # not much more than half again as much work
        work = sum(count + 2 * context_frames for count in counts[:-1])
        assert work <= 2.2 * num_frames
