"""From phoneme features to frame features: durations, ranges, upsampling."""

from __future__ import annotations

import keras
from keras import ops

from wg2.layers.feature_masking import FeatureMasking
from wg2.layers.frame_convolutions import FrameConvolutions
from wg2.layers.gaussian_upsampling import GaussianUpsampling
from wg2.layers.predictors import DurationPredictor, RangeParameterPredictor


@keras.saving.register_keras_serializable(package="wg2")
class Resampler(keras.layers.Layer):
    """Duration and range predictors around Gaussian upsampling, and what follows it.

    Reference: WaveGrad 2 (arXiv:2106.09660), "Resampling", after Non-Attentive
    Tacotron (arXiv:2010.04301).

    Args:
        lstm_units, num_lstm_layers: int, of either predictor.
        min_range_frames: float > 0.
        num_frame_masks, max_masked_frames, num_channel_masks, max_masked_channels:
            int, see `FeatureMasking`; both counts 0 turn it off.
        frame_blocks, frame_kernel_size: int, see `FrameConvolutions`; 0 blocks: none.
        seed: int or None.
    Call arguments:
        features: `(batch, phonemes, channels)`.
        durations: `(batch, phonemes)`, frames, to upsample by; 0 at padding.
        lengths: int `(batch,)`, phonemes.
        num_frames: int or scalar int tensor, frames to compute.
        first_frame: int `(batch,)` or None, where they start.
        training: bool.
    Returns:
        Frame features `(batch, num_frames, channels)` and float32 weights `(batch,
        num_frames, phonemes)`.
    """

    def __init__(
        self,
        lstm_units: int = 512,
        num_lstm_layers: int = 2,
        min_range_frames: float = 0.05,
        num_frame_masks: int = 0,
        max_masked_frames: int = 8,
        num_channel_masks: int = 0,
        max_masked_channels: int = 64,
        frame_blocks: int = 0,
        frame_kernel_size: int = 5,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.lstm_units = lstm_units
        self.num_lstm_layers = num_lstm_layers
        self.min_range_frames = min_range_frames
        self.num_frame_masks = num_frame_masks
        self.max_masked_frames = max_masked_frames
        self.num_channel_masks = num_channel_masks
        self.max_masked_channels = max_masked_channels
        self.frame_blocks = frame_blocks
        self.frame_kernel_size = frame_kernel_size
        self.seed = seed
        options = {"dtype": self.dtype_policy}
        self.duration_predictor = DurationPredictor(
            lstm_units, num_lstm_layers, initial_value=6.0, name="durations", **options
        )
        self.range_predictor = RangeParameterPredictor(
            lstm_units, num_lstm_layers, initial_value=1.5, name="ranges", **options
        )
        self.upsampling = GaussianUpsampling(
            min_range_frames, name="upsampling", **options
        )
        self.frame_convolutions = (
            FrameConvolutions(frame_blocks, frame_kernel_size, name="frames", **options)
            if frame_blocks
            else None
        )
        self.feature_masking = FeatureMasking(
            num_frame_masks,
            max_masked_frames,
            num_channel_masks,
            max_masked_channels,
            # Not the encoder's: zoneout and masks would draw the same numbers.
            None if seed is None else seed + 1000,
            name="feature_masking",
            **options,
        )

    def build(
        self,
        features_shape,
        durations_shape=None,
        lengths_shape=None,
        num_frames_shape=None,
        first_frame_shape=None,
    ):
        self.duration_predictor.build(features_shape)
        self.range_predictor.build(features_shape)
        if self.frame_convolutions is not None:
            self.frame_convolutions.build((None, None, features_shape[-1]))

    def predict_durations(self, features, lengths):
        """Frames per phoneme, float32 `(batch, phonemes)`; meaningless at padding."""
        return self.duration_predictor(features, lengths)

    def predict_ranges(self, features, durations, lengths):
        """The sigma of every phoneme, frames, float32 `(batch, phonemes)`."""
        return self.range_predictor(features, durations, lengths)

    def upsample(
        self, features, durations, ranges, lengths, num_frames, first_frame=None
    ):
        """Frames and weights as `call` has them in inference, from known `ranges`.

        Any window of frames is the same as in the whole: what lies around it is
        computed too, as far as the convolutions look.
        """
        if self.frame_convolutions is None:
            return self.upsampling(
                features,
                durations,
                ranges,
                lengths,
                num_frames=num_frames,
                first_frame=first_frame,
            )
        reach = self.frame_convolutions.reach_frames
        if first_frame is None:
            first_frame = ops.zeros_like(ops.cast(lengths, "int32"))
        first = ops.cast(first_frame, "int32") - reach
        frames, weights = self.upsampling(
            features,
            durations,
            ranges,
            lengths,
            num_frames=num_frames + 2 * reach,
            first_frame=first,
        )
        # As long as synthesis makes it: an utterance of no sound has a frame too.
        total = ops.maximum(ops.sum(ops.cast(durations, "int32"), axis=-1), 1)
        index = first[:, None] + ops.arange(num_frames + 2 * reach)[None, :]
        inside = ops.logical_and(index >= 0, index < total[:, None])
        frames = self.frame_convolutions(frames, inside)
        return frames[:, reach:-reach], weights[:, reach:-reach]

    def call(
        self,
        features,
        durations,
        lengths,
        num_frames,
        first_frame=None,
        training=False,
    ):
        ranges = self.predict_ranges(features, durations, lengths)
        frames, weights = self.upsample(
            features, durations, ranges, lengths, num_frames, first_frame
        )
        return self.feature_masking(frames, training=training), weights

    def get_config(self):
        return {
            **super().get_config(),
            "lstm_units": self.lstm_units,
            "num_lstm_layers": self.num_lstm_layers,
            "min_range_frames": self.min_range_frames,
            "num_frame_masks": self.num_frame_masks,
            "max_masked_frames": self.max_masked_frames,
            "num_channel_masks": self.num_channel_masks,
            "max_masked_channels": self.max_masked_channels,
            "frame_blocks": self.frame_blocks,
            "frame_kernel_size": self.frame_kernel_size,
            "seed": self.seed,
        }
