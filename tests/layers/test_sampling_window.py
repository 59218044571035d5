"""Random windows of frames and of the samples under them."""

import numpy as np

from tests.layers.weights import to_numpy
from wg2.layers.sampling_window import crop_audio, draw_first_frame


def test_starts_are_uniform_over_those_inside_the_utterance():
    n = 30000
    position = np.random.default_rng(0).random(n).astype("float32")
    first = to_numpy(draw_first_frame(position, np.full(n, 17), 6))
    counts = np.bincount(first)
    assert len(counts) == 17 - 6 + 1  # starts 0 .. 11
    expected = n / 12
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_start_stays_inside_at_the_end_of_the_draw():
    almost_one = np.nextafter(1.0, 0.0)  # 1 as a float32
    lengths = np.array([10, 3000, 100_001, 4])
    first = draw_first_frame(np.full(4, almost_one), lengths, 10)
    np.testing.assert_array_equal(to_numpy(first), [0, 2990, 99_991, 0])


def test_samples_lie_under_their_frames():
    """Every sample is its own number, so a shift by one is seen."""
    per_frame, window = 5, 3
    audio = np.arange(2 * 40, dtype="float32").reshape(2, 40) + 1
    cropped, mask = crop_audio(audio, np.array([2, 5]), np.array([8, 8]), window, 5)
    np.testing.assert_array_equal(to_numpy(cropped)[0], audio[0, 10:25])
    np.testing.assert_array_equal(to_numpy(cropped)[1], audio[1, 25:40])
    assert to_numpy(mask).all() and to_numpy(mask).shape == (2, window)
    assert to_numpy(cropped).shape == (2, window * per_frame)


def test_clips_shorter_than_the_window_are_padded_and_masked():
    audio = np.ones((2, 20), "float32")  # 4 frames, 2 of the second one padding
    cropped, mask = crop_audio(audio, np.array([0, 0]), np.array([4, 2]), 6, 5)
    expected = np.array([[1] * 4 + [0] * 2, [1] * 2 + [0] * 4], bool)
    np.testing.assert_array_equal(to_numpy(mask), expected)
    np.testing.assert_array_equal(
        to_numpy(cropped), np.repeat(expected, 5, axis=1).astype("float32")
    )


def test_what_lies_past_the_end_of_an_utterance_is_silence():
    audio = np.full((1, 20), 7, "float32")
    cropped, mask = crop_audio(audio, np.array([1]), np.array([3]), 3, 5)
    np.testing.assert_array_equal(to_numpy(mask), [[True, True, False]])
    np.testing.assert_array_equal(to_numpy(cropped)[0], [7] * 10 + [0] * 5)
