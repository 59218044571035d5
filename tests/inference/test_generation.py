"""Windows, slices and blocks: whatever the way, an utterance's samples are the same."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
import tensorflow as tf

from tests.random_voice import random_voice
from wg2.diffusion.graph_schedule import voice_noise_levels
from wg2.diffusion.sampler import step_tables
from wg2.generation import (
    context_frames,
    decode,
    decode_window,
    encode_text,
    render,
    round_durations,
    upsample,
)
from wg2.inference import build_model
from wg2.presets import TINY

NUM_STEPS = (1, 3, 2)
SEEDS = tf.constant([5, 6, 5], tf.int64)


@pytest.fixture(scope="module")
def model():
    return build_model(random_voice(TINY))


@pytest.fixture(scope="module")
def utterances():
    """Features and lengths of three utterances of different length."""
    generator = np.random.default_rng(1)
    num_frames = np.array([90, 61, 1], np.int32)
    frames = generator.normal(size=(3, 90, TINY.encoder.channels)).astype("f")
    return frames, tf.constant(num_frames)


@pytest.fixture(scope="module")
def whole(model, utterances):
    audio, num_samples = decode(model, *utterances, table(NUM_STEPS, "ddpm"), SEEDS)
    return audio.numpy(), num_samples.numpy()


def table(num_steps, sampler):
    num_steps = tf.constant(num_steps)
    bounds = voice_noise_levels(TINY, num_steps)
    return tf.cast(step_tables(bounds, num_steps, sampler), tf.float32)


@pytest.mark.parametrize("block_frames", [None, 17])
@pytest.mark.parametrize("cut", [False, True])
def test_windows_of_rows_with_other_steps_join_to_the_whole(
    model, utterances, whole, block_frames, cut
):
    frames, num_frames = utterances
    samples = TINY.samples_per_frame
    pieces = [[], [], []]
    for step in range(0, 90, 30):
        first = tf.minimum(tf.constant([step, step + 1, 0]), num_frames - 1)
        count = tf.minimum(30, num_frames - first)
        start = tf.zeros_like(first)
        given = frames
        if cut:  # only what the window depends on
            context = context_frames(TINY, tf.constant(NUM_STEPS))
            start = tf.maximum(first - context, 0)
            ends = tf.minimum(first + count + context, num_frames)
            given = np.full_like(frames, 7.0)
            for row in range(3):
                part = frames[row, start[row] : ends[row]]
                given[row, : len(part)] = part
            given = given[:, : int(tf.reduce_max(ends - start))]
        audio, num_samples = decode_window(
            model,
            tf.constant(given),
            start,
            num_frames,
            first,
            count,
            tf.constant(NUM_STEPS),
            table(NUM_STEPS, "ddpm"),
            SEEDS,
            block_frames,
        )
        np.testing.assert_array_equal(num_samples, count * samples)
        for row in range(3):
            begin = int(first[row]) * samples
            valid = int(num_samples[row])
            pieces[row].append((begin, audio[row, :valid].numpy()))
            np.testing.assert_array_equal(audio[row, valid:], 0.0)
    for row, found in enumerate(pieces):
        for begin, audio in found:
            expected = whole[0][row, begin : begin + len(audio)]
            np.testing.assert_allclose(audio, expected, atol=1e-5)
    assert sum(len(audio) for _, audio in pieces[0]) == whole[1][0]


def test_the_context_is_what_the_window_depends_on(model, utterances):
    """Changes outside of it are not heard in the window; one inside is."""
    frames, _ = utterances
    first, count = 40, 5
    context = context_frames(TINY, 2)

    def window(*changed_frames):
        changed = frames[:1].copy()
        for frame in changed_frames:
            changed[0, frame] *= -3.0
        audio, _ = decode(
            model,
            tf.constant(changed),
            tf.constant([90]),
            table([2], "ddim"),
            SEEDS[:1],
        )
        samples = TINY.samples_per_frame
        return audio.numpy()[0, first * samples : (first + count) * samples]

    unchanged = window()
    outside = window(first - context - 1, first + count + context)
    np.testing.assert_allclose(outside, unchanged, atol=1e-6)
    # The outermost frames hardly count, so one well inside is changed.
    assert np.abs(window(first - 2) - unchanged).max() > 1e-3


def test_blocks_of_gaussian_upsampling_change_nothing(model, monkeypatch):
    ids = tf.constant([[2, 9, 35, 2, 1], [2, 40, 2, 1, 0]])
    lengths = tf.constant([5, 4])
    features, durations = encode_text(model, ids, lengths, tf.constant([2.0, 1.0]))
    frames, num_frames = upsample(model, features, durations, lengths)
    np.testing.assert_array_equal(num_frames, tf.reduce_sum(durations, -1))
    assert int(num_frames[1]) < int(num_frames[0]) > 10
    np.testing.assert_array_equal(frames[1, int(num_frames[1]) :], 0.0)
    expected, _ = model.resampler(
        features, durations, lengths, num_frames=int(num_frames[0])
    )
    monkeypatch.setattr("wg2.generation._MAX_ALIGNMENT_ELEMENTS", 2 * 5 * 7)
    blocks, _ = upsample(model, features, durations, lengths)
    for row in range(2):
        valid = int(num_frames[row])
        np.testing.assert_allclose(frames[row, :valid], expected[row, :valid])
        np.testing.assert_allclose(blocks[row], frames[row], atol=1e-5)


def test_a_graph_may_know_the_size_of_its_batch(model):
    """As the preview of training does, where one utterance is spoken."""

    @tf.function(autograph=False)
    def speak():
        ids, lengths = tf.constant([[2, 9, 35, 2, 1]]), tf.constant([5])
        features, durations = encode_text(model, ids, lengths, tf.ones((1,)))
        seeds = tf.zeros((1,), tf.int64)
        return render(model, features, durations, lengths, table([2], "ddpm"), seeds)

    audio, num_samples = speak()
    assert audio.shape == (1, num_samples[0])


def test_durations_are_rounded_at_their_boundaries():
    """Against exact fractions, over more phonemes than float32 sums could bear."""
    generator = np.random.default_rng(0)
    durations = generator.exponential(30, (2, 3000)).astype("float32")
    durations[:, ::7] = 0
    durations[0, ::5] = np.floor(durations[0, ::5]) + 0.5  # nothing in between
    durations[1, 100] = 360_000.0
    rounded = round_durations(tf.constant(durations)).numpy()
    assert rounded.dtype == np.int32 and rounded.min() >= 0
    for row, given in zip(rounded, durations, strict=True):
        exact = list(itertools.accumulate(Fraction(float(d)) for d in given))
        for boundary, end in zip(np.cumsum(row), exact, strict=True):
            assert abs(int(boundary) - end) <= Fraction(1, 2) + Fraction(3000, 1 << 17)


def test_whole_durations_stay_as_they_are():
    durations = np.array([[0, 3, 1, 0, 250_000, 7]], "float32")
    np.testing.assert_array_equal(round_durations(tf.constant(durations)), durations)
    halves = round_durations(tf.constant([[0.5, 0.5, 0.5, 0.5]])).numpy()
    assert halves.tolist() == [[1, 0, 1, 0]]
