"""The losses: sums and counts per replica, means over the global batch."""

from __future__ import annotations

import keras
from keras import ops

from wg2.layers.masking import masked_sum_and_count, sequence_mask


def noise_loss(predicted_noise, noise, frame_mask, row_weight, samples_per_frame: int):
    """L1 between noises over valid samples, `sum(w |eps' - eps|)` and the count.

    Reference: WaveGrad 2 (arXiv:2106.09660), training objective.

    Args:
        predicted_noise, noise: `(batch, samples)`.
        frame_mask: bool `(batch, frames)`.
        row_weight: float `(batch,)`: the level's weight times the row's.
        samples_per_frame: int.

    Returns:
        Per-row sums and counts, float32 `(batch,)` each.
    """
    error = ops.abs(ops.cast(predicted_noise, "float32") - ops.cast(noise, "float32"))
    frames = ops.reshape(error, (ops.shape(error)[0], -1, samples_per_frame))
    mask = ops.cast(frame_mask, "float32")
    sums = ops.sum(ops.sum(frames, axis=-1) * mask, axis=-1) * row_weight
    return sums, ops.sum(mask, axis=-1) * samples_per_frame


def duration_loss(predicted, durations, phoneme_lengths, weight):
    """Squared error in frames over valid phonemes; sum and count.

    Reference: Non-Attentive Tacotron (arXiv:2010.04301), section 3.4.
    """
    mask = sequence_mask(phoneme_lengths, ops.shape(durations)[1])
    mask = ops.logical_and(mask, weight[:, None] > 0)
    error = ops.cast(predicted, "float32") - ops.cast(durations, "float32")
    return masked_sum_and_count(ops.square(error), mask)


def mel_loss(predicted_mel, mel, frame_mask, weight):
    """L1 between log-mel spectrograms over valid frames; sum and count."""
    mask = ops.logical_and(frame_mask, weight[:, None] > 0)
    error = ops.abs(ops.cast(predicted_mel, "float32") - mel)
    return masked_sum_and_count(error, mask)


def loss_scale_of(optimizer) -> float | keras.KerasTensor:
    """The factor float16 training multiplies losses by; 1 otherwise."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return ops.convert_to_tensor(optimizer.dynamic_scale)
    return 1.0
