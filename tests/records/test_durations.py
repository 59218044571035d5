"""Frames of phonemes, against an independent rounding in exact arithmetic."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from tfrecords_tools.alignment.durations import frame_durations

# (sample rate, samples per frame) of base, ljspeech, small and tiny.
RATES = ((24000, 300), (22050, 300), (16000, 200), (8000, 40))


def reference(boundaries, num_frames, frames_per_second):
    """Each boundary to its nearest frame (halves up), the last one to the end."""
    frames = []
    for boundary in boundaries:
        exact = Fraction(float(boundary) * frames_per_second)
        below = exact.numerator // exact.denominator
        nearest = below if exact - below < Fraction(1, 2) else below + 1
        frames.append(min(nearest, num_frames))
    frames[-1] = num_frames
    return [b - a for a, b in itertools.pairwise(frames)]


@pytest.mark.parametrize(("sample_rate_hz", "samples_per_frame"), RATES)
def test_durations_follow_rounded_boundaries_and_sum(sample_rate_hz, samples_per_frame):
    generator = np.random.default_rng(3)
    frames_per_second = sample_rate_hz / samples_per_frame
    for _ in range(300):
        num_samples = int(generator.integers(1, 10 * sample_rate_hz))
        num_frames = math.ceil(num_samples / samples_per_frame)
        end = num_samples / sample_rate_hz
        inner = np.sort(generator.uniform(0, end, generator.integers(0, 60)))
        if generator.random() < 0.5:  # as aligners write them, some of them equal
            inner = np.minimum(np.round(inner, 2), end)
        boundaries = [0.0, *inner, end]

        durations = frame_durations(boundaries, num_frames, frames_per_second)

        assert durations.tolist() == reference(
            boundaries, num_frames, frames_per_second
        )
        assert durations.sum() == num_frames
        assert durations.min() >= 0
        # No error adds up: every inner boundary is within half a frame of its time.
        ends = np.cumsum(durations)[:-1]
        assert np.all(np.abs(ends - inner * frames_per_second) <= 0.5 + 1e-9)


def test_many_short_phonemes_do_not_drift():
    # 1.4 frames each: rounding the durations would give 1000 frames, not 1400.
    boundaries = np.arange(1001) * 1.4 / 80
    durations = frame_durations(boundaries, 1400, 80.0)
    assert durations.sum() == 1400
    assert set(durations.tolist()) == {1, 2}


def test_filled_up_last_frame_belongs_to_the_last_phoneme():
    # 2.2 frames of audio are 3 frames of record.
    assert frame_durations([0, 0.5, 1.1], 3, 2.0).tolist() == [1, 2]


def test_equal_boundaries_make_a_phoneme_of_no_frames():
    assert frame_durations([0, 0, 1, 1, 2], 8, 4.0).tolist() == [0, 4, 0, 4]


@pytest.mark.parametrize(
    ("boundaries", "num_frames", "message"),
    [
        ([0.0, 2.0, 1.0, 3.0], 6, "must not decrease"),
        ([0.0, float("nan"), 3.0], 6, "must not decrease"),
        ([0.5, 3.0], 6, "first boundary"),
        ([0.0, 3.0], 8, "last boundary must be the end"),
        ([0.0, 3.0], 4, "last boundary must be the end"),
        ([0.0], 1, "at least two"),
        ([0.0, 0.1], 0, "must be positive"),
    ],
)
def test_wrong_boundaries_are_refused(boundaries, num_frames, message):
    with pytest.raises(ValueError, match=message):
        frame_durations(boundaries, num_frames, 2.0)
