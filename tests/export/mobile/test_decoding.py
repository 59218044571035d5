"""The loop in NumPy against the loop of `wg2.diffusion.sampler`."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from export.mobile.decoding import (
    WindowDecoder,
    blocks_of_any_length,
    blocks_of_fixed_length,
)
from wg2.diffusion.noise import standard_normal
from wg2.diffusion.sampler import COLUMN_NAMES, refine, step_table
from wg2.diffusion.schedule import NoiseSchedule

SIZE, MARGIN, FRAMES = 4, 2, 37
FEATURES = np.random.default_rng(0).standard_normal((FRAMES, 3)).astype("f")
KERNEL = np.hanning(2 * MARGIN * SIZE + 3)[1:-1].astype("f") / 9


def network(audio, frames, level, mask=None):
    """Looks `MARGIN` frames to either side, and sees zeros outside."""
    if mask is not None:
        audio = audio * np.repeat(mask, SIZE)
        frames = frames * mask[:, None]
    both = audio + level * np.repeat(frames.sum(axis=1), SIZE)
    reach = len(KERNEL) // 2
    return np.convolve(both, KERNEL)[reach : reach + len(both)].astype("f")


def table(sampler, steps=4):
    schedule = NoiseSchedule.derived(steps, 0.999, 0.05)
    return step_table(schedule, sampler).astype("f")


def by_tensorflow(rows, seed=5):
    def predict(audio, level, step):
        def run(audio, level):
            return network(audio[0], FEATURES, level[0])[None]

        return tf.ensure_shape(
            tf.numpy_function(run, [audio, level], tf.float32), [1, FRAMES * SIZE]
        )

    return refine(predict, rows[None], [seed], FRAMES * SIZE).numpy()[0]


def decoder(predict, rows, margin=MARGIN, seed=5):
    def draw_noise(draw, first, count):
        noise = standard_normal([seed], draw, count * SIZE, [first * SIZE])
        return noise.numpy()[0]

    columns = {name: rows[:, i] for i, name in enumerate(COLUMN_NAMES)}
    return WindowDecoder(predict, draw_noise, columns, FRAMES, margin, SIZE)


def frames_of(first, count):
    return FEATURES[first : first + count]


def whole(block_frames=FRAMES, margin=MARGIN):
    return blocks_of_any_length(network, block_frames, margin, SIZE)


def fixed(block_frames, window_frames):
    def with_mask(audio, frames, mask, level):
        assert len(frames) == len(mask) == window_frames
        assert len(audio) == window_frames * SIZE
        return network(audio, frames, level, mask)

    return blocks_of_fixed_length(with_mask, block_frames, window_frames, MARGIN, SIZE)


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpmpp"])
@pytest.mark.parametrize(
    "predict",
    [whole(), whole(1), whole(5), whole(36), fixed(6, 10), fixed(1, 5), fixed(50, 54)],
)
def test_whole_utterance_equals_the_loop_in_tensorflow(sampler, predict):
    rows = table(sampler)
    actual = decoder(predict, rows)(frames_of, 0, FRAMES)
    np.testing.assert_allclose(actual, by_tensorflow(rows), atol=1e-5)


@pytest.mark.parametrize("sampler", ["ddpm", "dpmpp"])
@pytest.mark.parametrize("predict", [whole(), whole(5), fixed(6, 10)])
def test_windows_joined_are_the_whole(sampler, predict):
    rows = table(sampler)
    decode = decoder(predict, rows)
    edges = [0, 1, 9, 10, 30, FRAMES]
    joined = np.concatenate(
        [decode(frames_of, *edge) for edge in itertools.pairwise(edges)]
    )
    np.testing.assert_allclose(joined, by_tensorflow(rows), atol=1e-5)


def test_windows_ask_for_no_more_than_they_depend_on():
    asked = []

    def watched(first, count):
        asked.append((first, first + count))
        return frames_of(first, count)

    decoder(whole(), table("ddpm"))(watched, 15, 17)
    assert asked == [(15 - 4 * MARGIN, 17 + 4 * MARGIN)]


def test_a_smaller_margin_would_be_heard():
    """So the tests above see whether the margin is kept."""
    rows = table("ddpm")
    decode = decoder(whole(5, MARGIN - 1), rows, MARGIN - 1)
    actual = decode(frames_of, 0, FRAMES)
    assert np.abs(actual - by_tensorflow(rows)).max() > 1e-3
