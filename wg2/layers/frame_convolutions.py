"""Residual convolutions over frames, behind Gaussian upsampling."""

from __future__ import annotations

import keras
from keras import ops

from wg2.layers.convolution import Convolution
from wg2.layers.normalization import normalize_channels


@keras.saving.register_keras_serializable(package="wg2")
class FrameConvolutions(keras.layers.Layer):
    """Tells every frame what stands around it.

    Upsampled features are mixtures of phonemes: they do not say how far a frame is into
    its phoneme, which the spectrum depends on. Each block is `x + conv(leaky_relu(conv(
    normalised x)))`. The second convolution starts at zero, so that an untrained block
    changes nothing and may be added to a trained model.

    Not in the WaveGrad 2 paper, whose decoder takes the mixtures as they are. In the
    manner of the frame decoders of FastSpeech 2 (arXiv:2006.04558).

    Args:
        num_blocks: int >= 0.
        kernel_size: int, odd, at least 3.
    Call arguments:
        x: `(batch, frames, channels)`.
        time_mask: bool `(batch, frames)`, frames of the utterance.
    Returns:
        `(batch, frames, channels)`; meaningless where the mask is False.
    Raises:
        ValueError: If `kernel_size` is even, or sees nothing around a frame.
    """

    def __init__(self, num_blocks: int = 3, kernel_size: int = 5, **kwargs):
        super().__init__(autocast=False, **kwargs)
        if kernel_size < 3 or kernel_size % 2 == 0:
            raise ValueError(
                f"`kernel_size` must be odd and at least 3. Received: {kernel_size=}"
            )
        self.num_blocks = num_blocks
        self.kernel_size = kernel_size
        self.convolutions = []

    @property
    def reach_frames(self) -> int:
        """Frames on either side that a frame of the result depends on."""
        return self.num_blocks * (self.kernel_size - 1)

    def build(self, x_shape, time_mask_shape=None):
        channels = x_shape[-1]
        for i in range(2 * self.num_blocks):
            convolution = Convolution(
                channels,
                self.kernel_size,
                kernel_initializer="zeros" if i % 2 else "orthogonal",
                name=f"conv_{i}",
                dtype=self.dtype_policy,
            )
            convolution.build((None, 1, None, channels))
            self.convolutions.append(convolution)

    def call(self, x, time_mask):
        x = ops.expand_dims(ops.cast(x, self.compute_dtype), 1)
        mask = ops.expand_dims(ops.cast(time_mask, self.compute_dtype), (1, 3))
        for first, second in zip(
            self.convolutions[::2], self.convolutions[1::2], strict=True
        ):
            y = ops.cast(normalize_channels(x), self.compute_dtype)
            y = ops.leaky_relu(first(y, time_mask=mask), 0.2)
            x = x + second(y, time_mask=mask)
        return ops.squeeze(x, 1)

    def compute_output_shape(self, x_shape, time_mask_shape=None):
        return x_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_blocks": self.num_blocks,
            "kernel_size": self.kernel_size,
        }
