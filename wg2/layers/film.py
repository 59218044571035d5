"""Feature-wise linear modulation, WaveGrad's bridge from noisy audio to features."""

from __future__ import annotations

import keras
from keras import ops

from wg2.layers.convolution import Convolution
from wg2.layers.noise_level_encoding import LEVEL_SCALE, encode_noise_level


@keras.saving.register_keras_serializable(package="wg2")
class FiLM(keras.layers.Layer):
    """Scale and shift for a UBlock from the DBlock stream and the noise level.

    Reference: WaveGrad (arXiv:2009.00713), figure "FiLM".

    Args:
        channels: int, of the UBlock to modulate.
        bounded: bool. True gives the scale as `1 + tanh(.)`, which keeps five blocks
            of products finite at high learning rates (Deviation: "Beyond the paper").
        level_scale: float, factor of the noise-level encoding.
    Call arguments:
        x: `(batch, 1, time, in_channels)`.
        level: float32 `(batch,)`, what is encoded as the noise level.
        time_mask: `(batch, 1, time, 1)`, 1 and 0, or None.
    Returns:
        scale, shift: `(batch, 1, time, channels)` each; apply as `scale * x + shift`.
    """

    def __init__(
        self,
        channels: int,
        bounded: bool = False,
        level_scale: float = LEVEL_SCALE,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.channels = channels
        self.bounded = bounded
        self.level_scale = level_scale

    def build(self, x_shape, level_shape=None, time_mask_shape=None):
        self.in_channels = x_shape[-1]
        options = {"dtype": self.dtype_policy}
        self.input_convolution = Convolution(self.in_channels, name="input", **options)
        self.output_convolution = Convolution(
            2 * self.channels, name="output", **options
        )
        self.input_convolution.build(x_shape)
        self.output_convolution.build(x_shape)

    def call(self, x, level, time_mask=None):
        x = ops.leaky_relu(self.input_convolution(x, time_mask=time_mask), 0.2)
        encoding = encode_noise_level(level, self.in_channels, self.level_scale)
        encoding = ops.expand_dims(ops.cast(encoding, x.dtype), (1, 2))
        x = x + encoding
        scale, shift = ops.split(
            self.output_convolution(x, time_mask=time_mask), 2, axis=-1
        )
        if self.bounded:
            scale = 1.0 + ops.tanh(scale)
        return scale, shift

    def compute_output_shape(self, x_shape, level_shape=None, time_mask_shape=None):
        shape = (*x_shape[:-1], self.channels)
        return shape, shape

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "bounded": self.bounded,
            "level_scale": self.level_scale,
        }
