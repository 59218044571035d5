"""Phoneme rate to frame rate by Gaussian upsampling."""

from __future__ import annotations

import keras
from keras import ops

from wg2.layers.masking import sequence_mask


@keras.saving.register_keras_serializable(package="wg2")
class GaussianUpsampling(keras.layers.Layer):
    """Spreads every phoneme over the frames around its centre.

    Phoneme `i` at `c_i = d_1 + ... + d_(i-1) + d_i / 2` weighs frame `t` (from 0) by
    `N(t + 0.5; c_i, sigma_i)`, normalised over phonemes. As a softmax over the log
    densities: far from every centre the densities underflow and their ratio is lost.

    Reference: Non-Attentive Tacotron (arXiv:2010.04301), section 3.2.
    Deviation: frames are taken at their middle, t + 0.5 (the paper does not say), so
    that reversed durations give reversed weights.

    Args:
        min_range_frames: float > 0. Smallest `sigma_i` used.
    Call arguments:
        features: `(batch, phonemes, channels)`.
        durations, range_parameters: `(batch, phonemes)`, `d_i` and `sigma_i`, frames.
        lengths: int `(batch,)`, phonemes.
        num_frames: int or scalar int tensor, frames to compute.
        first_frame: int `(batch,)` or None; the frame of the utterance at which the
            result starts. None starts at 0.
    Returns:
        `(batch, num_frames, channels)` and float32 weights `(batch, num_frames,
        phonemes)`, zero at padding phonemes.
    Raises:
        ValueError: If `min_range_frames` is not positive.
    """

    def __init__(self, min_range_frames: float = 0.05, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if min_range_frames <= 0:
            raise ValueError(
                f"`min_range_frames` must be positive. Received: {min_range_frames=}"
            )
        self.min_range_frames = float(min_range_frames)

    def call(
        self,
        features,
        durations,
        range_parameters,
        lengths,
        num_frames,
        first_frame=None,
    ):
        # float32 whatever the policy: bfloat16 counts exactly only up to 256 frames.
        durations = ops.cast(durations, "float32")
        mask = sequence_mask(lengths, ops.shape(durations)[1])
        sigma = ops.cast(range_parameters, "float32")
        sigma = ops.maximum(sigma, self.min_range_frames)
        centers = ops.cumsum(durations, axis=-1) - 0.5 * durations
        times = ops.cast(ops.arange(num_frames), "float32")[None, :] + 0.5
        if first_frame is not None:
            times = times + ops.cast(first_frame, "float32")[:, None]
        z = (times[:, :, None] - centers[:, None, :]) / sigma[:, None, :]
        logits = -0.5 * ops.square(z) - ops.log(sigma)[:, None, :]
        logits = ops.where(mask[:, None, :], logits, -1e30)
        weights = ops.softmax(logits, axis=-1)
        upsampled = ops.matmul(
            ops.cast(weights, self.compute_dtype),
            ops.cast(features, self.compute_dtype),
        )
        return upsampled, weights

    def get_config(self):
        return {**super().get_config(), "min_range_frames": self.min_range_frames}
