"""SpecAugment-like masking of the upsampled features."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="wg2")
class FeatureMasking(keras.layers.Layer):
    """In training, zeroes random runs of frames and of channels; identity otherwise.

    Every utterance draws its own runs: a length uniform in [0, max], then a place.

    Reference: WaveGrad 2 (arXiv:2106.09660), "SpecAug"; SpecAugment (arXiv:1904.08779).

    Args:
        num_frame_masks, max_masked_frames: int, runs along time and their longest.
        num_channel_masks, max_masked_channels: int, the same along channels.
        seed: int or None.
    Call arguments:
        features: `(batch, frames, channels)`.
        training: bool.
    Returns:
        Like `features`.
    """

    def __init__(
        self,
        num_frame_masks: int = 1,
        max_masked_frames: int = 8,
        num_channel_masks: int = 1,
        max_masked_channels: int = 64,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_frame_masks = num_frame_masks
        self.max_masked_frames = max_masked_frames
        self.num_channel_masks = num_channel_masks
        self.max_masked_channels = max_masked_channels
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def _kept(self, batch, size, count, longest):
        """float32 `(batch, size)`: 0 inside any of `count` random runs, else 1."""
        draws = keras.random.uniform((2, batch, count), seed=self.seed_generator)
        size_float = ops.cast(size, "float32")
        lengths = ops.minimum(ops.floor(draws[0] * (longest + 1.0)), size_float)
        starts = ops.floor(draws[1] * (size_float - lengths + 1.0))
        position = ops.cast(ops.arange(size), "float32")[None, None, :]
        inside = ops.logical_and(
            position >= starts[:, :, None], position < (starts + lengths)[:, :, None]
        )
        return 1.0 - ops.cast(ops.any(inside, axis=1), "float32")

    def call(self, features, training=False):
        if not training:
            return features
        batch, frames, channels = ops.shape(features)
        if self.num_frame_masks:
            kept = self._kept(
                batch, frames, self.num_frame_masks, self.max_masked_frames
            )
            features = features * ops.cast(kept, features.dtype)[:, :, None]
        if self.num_channel_masks:
            kept = self._kept(
                batch, channels, self.num_channel_masks, self.max_masked_channels
            )
            features = features * ops.cast(kept, features.dtype)[:, None, :]
        return features

    def compute_output_shape(self, features_shape):
        return features_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_frame_masks": self.num_frame_masks,
            "max_masked_frames": self.max_masked_frames,
            "num_channel_masks": self.num_channel_masks,
            "max_masked_channels": self.max_masked_channels,
            "seed": self.seed,
        }
