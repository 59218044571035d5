"""From phoneme ids to audio with a model and a sampler's table: the two graph functions
that synthesis, evaluation during training and every exporter share."""

from __future__ import annotations

import tensorflow as tf

from wg2.diffusion.sampler import refine
from wg2.models.decoder import WaveGradDecoder
from wg2.models.receptive_field import receptive_field_frames
from wg2.models.wavegrad2 import WaveGrad2

MAX_PHONEME_SECONDS = 3.0
"""Longest single phoneme or pause that synthesis makes: one wrong prediction must not
fill the memory."""


def round_durations(durations: tf.Tensor) -> tf.Tensor:
    """Whole frames from fractional ones: boundaries are rounded, not durations, so that
    no error adds up along an utterance.

    Args:
        durations: float `(batch, phonemes)`, frames >= 0.

    Returns:
        int32, same shape.
    """
    # float64: sums of thousands of float32 durations would drift by their order.
    boundaries = tf.round(tf.cumsum(tf.cast(durations, tf.float64), axis=-1))
    boundaries = tf.cast(boundaries, tf.int32)
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
    window_frames: int | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Audio from phoneme features and durations.

    Args:
        features, phoneme_lengths: As `encode_text` has them.
        durations: int32 `(batch, phonemes)`, frames, 0 at padding.
        table: float32 `(batch, steps, 7)`, see `wg2.diffusion.sampler`.
        seeds: int64 `(batch,)`.
        window_frames: int or None: the decoder sees at most so many frames at a time
            (and its receptive field around them), which bounds the memory of its
            activations and changes nothing else. None: all at once.

    Returns:
        audio float32 `(batch, samples)`, zero past each end, and num_samples int32
        `(batch,)`.
    """
    samples_per_frame = model.config.samples_per_frame
    # Even an utterance of no sound has one frame: empty tensors break kernels.
    num_frames = tf.maximum(tf.reduce_sum(durations, axis=-1), 1)
    longest = tf.reduce_max(num_frames)
    frames, _ = model.upsample(features, durations, phoneme_lengths, longest)
    mask = tf.sequence_mask(num_frames, longest)

    def predict_noise(noisy_audio, noise_level):
        if window_frames is None:
            return model.decoder(noisy_audio, frames, noise_level, mask)
        return _decode_in_windows(
            model.decoder, noisy_audio, frames, noise_level, mask, window_frames
        )

    audio = refine(predict_noise, table, seeds, longest * samples_per_frame)
    num_samples = num_frames * samples_per_frame
    valid = tf.sequence_mask(num_samples, longest * samples_per_frame)
    return tf.where(valid, audio, 0.0), num_samples


def _decode_in_windows(
    decoder: WaveGradDecoder,
    noisy_audio: tf.Tensor,
    frames: tf.Tensor,
    noise_level: tf.Tensor,
    mask: tf.Tensor,
    window_frames: int,
) -> tf.Tensor:
    """`decoder(noisy_audio, frames, noise_level, mask)`, one window after the other."""
    samples_per_frame = decoder.samples_per_frame
    num_frames = tf.shape(frames)[1]
    window = tf.minimum(window_frames, num_frames)
    num_windows = (num_frames + window - 1) // window
    # What fits into one window needs nothing around it.
    margin = tf.where(num_windows > 1, receptive_field_frames(decoder.config), 0)
    after = num_windows * window - num_frames + margin
    # The decoder takes what is masked for silence outside of the utterance.
    mask = tf.pad(mask, [[0, 0], [margin, after]])
    frames = tf.pad(frames, [[0, 0], [margin, after], [0, 0]])
    noisy_audio = tf.pad(
        noisy_audio, [[0, 0], [margin * samples_per_frame, after * samples_per_frame]]
    )

    def decode(i, pieces):
        start, end = i * window, (i + 1) * window + 2 * margin
        piece = decoder(
            noisy_audio[:, start * samples_per_frame : end * samples_per_frame],
            frames[:, start:end],
            noise_level,
            mask[:, start:end],
        )
        inner = margin * samples_per_frame
        piece = piece[:, inner : inner + window * samples_per_frame]
        return i + 1, pieces.write(i, piece)

    _, pieces = tf.while_loop(
        lambda i, _: i < num_windows,
        decode,
        (0, tf.TensorArray(tf.float32, num_windows)),
        parallel_iterations=1,
    )
    joined = tf.transpose(pieces.stack(), [1, 0, 2])
    joined = tf.reshape(joined, [tf.shape(frames)[0], -1])
    return joined[:, : num_frames * samples_per_frame]
