"""Windows of a stream: all of the utterance, once, the first one early."""

import pytest

from wg2.windows import Window, plan_windows


@pytest.mark.parametrize("total", [0, 1, 39, 41, 50, 1000, 1600, 12345, 48000])
@pytest.mark.parametrize("margin", [0, 30, 700, 7000])
def test_windows_cover_everything_once_and_grow(total, margin):
    windows = plan_windows(total, margin, 80.0)
    position = 0
    for window in windows:
        assert window.first_frame == position
        assert window.num_frames >= 1
        position += window.num_frames
    assert position == total
    sizes = [window.num_frames for window in windows]
    assert sizes[:-1] == sorted(sizes[:-1])
    longest = max(800, 4 * margin)
    assert all(size <= longest * 1.25 for size in sizes)
    if total > 50:
        assert sizes[0] == 40
    if total > 1000:
        assert all(size >= margin for size in sizes[1:-1])
        assert len(sizes) == 1 or sizes[-1] * 5 >= sizes[-2]


def test_windows_after_the_first_of_a_longer_text_begin_longer():
    assert plan_windows(1000, 10, 80.0, first_seconds=5.0)[0].num_frames == 400
    assert plan_windows(1000, 10, 80.0, first_seconds=50.0)[0].num_frames == 1000


def test_margin_ends_with_the_utterance():
    assert Window(5, 10).with_margin(7, 100) == (0, 22)
    assert Window(80, 15).with_margin(7, 100) == (73, 100)
