"""From phoneme ids to audio with a model and a sampler's table: the functions that
synthesis, evaluation during training and every exporter share."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from wg2.config import Config
from wg2.diffusion.sampler import refine
from wg2.models.decoder import WaveGradDecoder
from wg2.models.receptive_field import receptive_field_frames
from wg2.models.wavegrad2 import WaveGrad2

MAX_PHONEME_SECONDS = 3.0
"""Longest single phoneme or pause that synthesis makes: one wrong prediction must not
fill the memory."""

_MAX_ALIGNMENT_ELEMENTS = 1 << 22
"""Frames by phonemes that Gaussian upsampling weighs at a time: for ten minutes of
speech the whole of it would be gigabytes."""
_PARTS_PER_FRAME = 1 << 16
"""What durations are counted in. Those of 2^15 phonemes can be summed."""
_GRAIN_FRAMES = 20
"""Blocks shorter than the longest are so many times this long: libraries prepare their
kernels for every length that they meet, and keep what they prepared."""


def round_durations(durations: tf.Tensor) -> tf.Tensor:
    """Whole frames from fractional ones: boundaries are rounded, not durations, so that
    no error adds up along an utterance.

    Args:
        durations: float `(batch, phonemes)`, frames >= 0.

    Returns:
        int32, same shape.
    """
    # Integers: float32 sums of thousands would drift, and in the order of each runtime.
    whole = tf.floor(durations)
    parts = tf.cast((durations - whole) * _PARTS_PER_FRAME + 0.5, tf.int32)
    boundaries = tf.cumsum(tf.cast(whole, tf.int32), axis=-1)
    parts = tf.cumsum(parts, axis=-1) + _PARTS_PER_FRAME // 2
    boundaries += parts // _PARTS_PER_FRAME
    return boundaries - tf.pad(boundaries, ((0, 0), (1, 0)))[:, :-1]


def encode_text(
    model: WaveGrad2,
    phoneme_ids: tf.Tensor,
    phoneme_lengths: tf.Tensor,
    length_scale: tf.Tensor,
    speaker_ids: tf.Tensor | None = None,
    pauses: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Phoneme features and durations to synthesize with.

    Args:
        phoneme_ids: int32 `(batch, phonemes)`; any value at padding.
        phoneme_lengths: int32 `(batch,)`.
        length_scale: float32 `(batch,)`; above 1 is slower.
        speaker_ids: int32 `(batch,)` or None.
        pauses: float32 `(batch, phonemes)` or None: seconds that a text asks for,
            whatever the length scale; negative where the model decides.

    Returns:
        features `(batch, phonemes, channels)`, durations int32 `(batch, phonemes)`,
        frames, 0 at padding.
    """
    features = model.encode(phoneme_ids, phoneme_lengths, speaker_ids)
    durations = model.predict_durations(features, phoneme_lengths)
    longest = MAX_PHONEME_SECONDS * model.config.frames_per_second
    durations = tf.minimum(durations, longest) * length_scale[:, None]
    if pauses is not None:
        asked = pauses * model.config.frames_per_second
        durations = tf.where(pauses >= 0, asked, durations)
    return features, round_durations(durations)


def render(
    model: WaveGrad2,
    features: tf.Tensor,
    durations: tf.Tensor,
    phoneme_lengths: tf.Tensor,
    table: tf.Tensor,
    seeds: tf.Tensor,
    block_frames: tf.Tensor | int | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Audio from phoneme features and durations: `upsample`, then `decode`."""
    frames, num_frames = upsample(model, features, durations, phoneme_lengths)
    return decode(model, frames, num_frames, table, seeds, block_frames)


def upsample(
    model: WaveGrad2,
    features: tf.Tensor,
    durations: tf.Tensor,
    phoneme_lengths: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Frame features of whole utterances.

    Args:
        features, phoneme_lengths: As `encode_text` has them.
        durations: int32 `(batch, phonemes)`, frames, 0 at padding.

    Returns:
        frames float32 `(batch, frames, channels)`, zero past each end, and num_frames
        int32 `(batch,)`, at least 1.
    """
    resampler = model.resampler
    # Even an utterance of no sound has one frame: empty tensors break kernels.
    num_frames = tf.maximum(tf.reduce_sum(durations, axis=-1), 1)
    ranges = resampler.predict_ranges(features, durations, phoneme_lengths)
    batch, phonemes = tf.shape(durations)[0], tf.shape(durations)[1]
    block = tf.maximum(_MAX_ALIGNMENT_ELEMENTS // (batch * phonemes), 1)

    def compute(first, count):
        frames, _ = resampler.upsample(
            features,
            durations,
            ranges,
            phoneme_lengths,
            num_frames=count,
            first_frame=tf.repeat(first, batch),
        )
        return tf.cast(frames, tf.float32)

    longest = tf.reduce_max(num_frames)
    frames = _in_blocks(compute, longest, tf.minimum(block, longest))
    frames = tf.ensure_shape(frames, [None, None, features.shape[-1]])
    valid = tf.sequence_mask(num_frames, longest)
    return tf.where(valid[:, :, None], frames, 0.0), num_frames


def decode(
    model: WaveGrad2,
    frames: tf.Tensor,
    num_frames: tf.Tensor,
    table: tf.Tensor,
    seeds: tf.Tensor,
    block_frames: tf.Tensor | int | None = None,
    first_frame: tf.Tensor | None = None,
    needed_frames: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]] | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Audio of whole utterances from their frame features.

    Args:
        frames: float32 `(batch, frames, channels)`.
        num_frames: int32 `(batch,)`.
        table: float32 `(batch, steps, 7)`, see `wg2.diffusion.sampler`.
        seeds: int64 `(batch,)`.
        block_frames: int or None: the decoder sees at most so many frames at a time
            (and its receptive field around them), which bounds the memory of its
            activations and changes nothing else. None: all at once.
        first_frame: int32 `(batch,)` or None (0): where `frames` begin, for the noise.
        needed_frames: step -> the first frame, and the one behind the last, whose noise
            must be predicted in it, int32 scalars. None: all, in every step.

    Returns:
        audio float32 `(batch, samples)`, zero past each end, and num_samples int32
        `(batch,)`.
    """
    decoder, samples_per_frame = model.decoder, model.config.samples_per_frame
    longest = tf.shape(frames)[1]
    mask = tf.sequence_mask(num_frames, longest)

    def predict_noise(noisy_audio, noise_level, step):
        if block_frames is None and needed_frames is None:
            return decoder(noisy_audio, frames, noise_level, mask)
        first, end = (0, longest) if needed_frames is None else needed_frames(step)
        return _decode_in_blocks(
            decoder,
            noisy_audio,
            frames,
            noise_level,
            mask,
            first,
            end,
            longest if block_frames is None else block_frames,
        )

    first_sample = None
    if first_frame is not None:
        first_sample = tf.cast(first_frame, tf.int64) * samples_per_frame
    audio = refine(
        predict_noise, table, seeds, longest * samples_per_frame, first_sample
    )
    num_samples = num_frames * samples_per_frame
    valid = tf.sequence_mask(num_samples, longest * samples_per_frame)
    return tf.where(valid, audio, 0.0), num_samples


def context_frames(config: Config, num_steps: tf.Tensor | int) -> tf.Tensor | int:
    """Frames on either side of a window that its audio depends on: every refinement
    step looks as far as the decoder does."""
    return num_steps * receptive_field_frames(config.decoder)


def decode_window(
    model: WaveGrad2,
    frames: tf.Tensor,
    frames_start: tf.Tensor,
    num_frames: tf.Tensor,
    first_frame: tf.Tensor,
    window_frames: tf.Tensor,
    num_steps: tf.Tensor,
    table: tf.Tensor,
    seeds: tf.Tensor,
    block_frames: tf.Tensor | int | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """The audio of one window of each utterance, as `decode` of the whole has it.

    Args:
        frames: float32 `(batch, frames, channels)`, the utterance's frame features from
            its frame `frames_start` on: at least the window and `context_frames` on
            either side of it, as far as the utterance goes.
        frames_start: int32 `(batch,)`.
        num_frames: int32 `(batch,)`, of whole utterances.
        first_frame, window_frames: int32 `(batch,)`, the window.
        num_steps: int32 `(batch,)`, steps of the table that are not idle.
        table, seeds, block_frames: See `decode`.

    Returns:
        audio float32 `(batch, samples)` and num_samples int32 `(batch,)`.
    """
    samples_per_frame = model.config.samples_per_frame
    context = context_frames(model.config, num_steps)
    end_frame = tf.minimum(first_frame + window_frames, num_frames)
    start = tf.maximum(first_frame - context, 0)
    needed = tf.minimum(end_frame + context, num_frames) - start
    index = tf.range(tf.reduce_max(needed))[None, :] + (start - frames_start)[:, None]
    index = tf.clip_by_value(index, 0, tf.shape(frames)[1] - 1)

    def needed_frames(step):
        # What the window depends on shrinks by the receptive field in every step.
        ahead = context_frames(model.config, tf.maximum(num_steps - 1 - step, 0))
        first = tf.reduce_min(tf.maximum(first_frame - ahead - start, 0))
        end = tf.reduce_max(tf.minimum(end_frame + ahead - start, needed))
        return first, end

    audio, _ = decode(
        model,
        tf.gather(frames, index, batch_dims=1),
        needed,
        table,
        seeds,
        block_frames,
        first_frame=start,
        needed_frames=needed_frames,
    )
    num_samples = (end_frame - first_frame) * samples_per_frame
    sample = tf.range(tf.reduce_max(num_samples))[None, :]
    index = sample + ((first_frame - start) * samples_per_frame)[:, None]
    index = tf.minimum(index, tf.shape(audio)[1] - 1)
    window = tf.gather(audio, index, batch_dims=1)
    return tf.where(sample < num_samples[:, None], window, 0.0), num_samples


def _decode_in_blocks(
    decoder: WaveGradDecoder,
    noisy_audio: tf.Tensor,
    frames: tf.Tensor,
    noise_level: tf.Tensor,
    mask: tf.Tensor,
    first_frame: tf.Tensor | int,
    end_frame: tf.Tensor,
    block_frames: tf.Tensor | int,
) -> tf.Tensor:
    """`decoder(noisy_audio, frames, noise_level, mask)` from `first_frame` up to
    `end_frame`, one block after the other; zero elsewhere."""
    samples_per_frame = decoder.samples_per_frame
    num_frames = tf.shape(frames)[1]
    needed = end_frame - first_frame
    block = tf.minimum(block_frames, -(-needed // _GRAIN_FRAMES) * _GRAIN_FRAMES)
    # All in one block needs nothing around it.
    whole = (needed == num_frames) & (needed <= block)
    margin = tf.where(whole, 0, receptive_field_frames(decoder.config))
    after = block - 1 + margin
    # The decoder takes what is masked for silence outside of the utterance.
    mask = tf.pad(mask, [[0, 0], [margin, after]])
    frames = tf.pad(frames, [[0, 0], [margin, after], [0, 0]])
    noisy_audio = tf.pad(
        noisy_audio, [[0, 0], [margin * samples_per_frame, after * samples_per_frame]]
    )

    def compute(first, count):
        first += first_frame
        end = first + count + 2 * margin
        audio = decoder(
            noisy_audio[:, first * samples_per_frame : end * samples_per_frame],
            frames[:, first:end],
            noise_level,
            mask[:, first:end],
        )
        inner = margin * samples_per_frame
        audio = audio[:, inner : inner + count * samples_per_frame]
        return tf.reshape(audio, [-1, count, samples_per_frame])

    audio = _in_blocks(compute, needed, block)
    around = [[0, 0], [first_frame, num_frames - end_frame], [0, 0]]
    return tf.reshape(tf.pad(audio, around), [tf.shape(frames)[0], -1])


def _in_blocks(
    compute: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    num_frames: tf.Tensor,
    block: tf.Tensor | int,
) -> tf.Tensor:
    """Joins what is computed one block of frames at a time.

    Args:
        compute: (first frame, number of frames) -> `(batch, frames, channels)`. The
            last block may reach beyond the end.
        num_frames, block: int scalars >= 1.

    Returns:
        `(batch, num_frames, channels)`.
    """
    num_blocks = (num_frames + block - 1) // block
    _, blocks = tf.while_loop(
        lambda i, _: i < num_blocks,
        lambda i, blocks: (i + 1, blocks.write(i, compute(i * block, block))),
        (0, tf.TensorArray(tf.float32, num_blocks)),
        parallel_iterations=1,
    )
    joined = blocks.stack()  # (blocks, batch, frames, channels)
    shape = tf.shape(joined)
    joined = tf.transpose(joined, [1, 0, 2, 3])
    joined = tf.reshape(joined, [shape[1], num_blocks * block, shape[3]])
    return joined[:, :num_frames]
