"""WaveGrad's upsampling block."""

from __future__ import annotations

import keras
from keras import ops

from wg2.layers.convolution import Convolution
from wg2.layers.resampling import upsample


@keras.saving.register_keras_serializable(package="wg2")
class UBlock(keras.layers.Layer):
    """Upsampling, four dilated convolutions, FiLM before all but the first.

    Two residual halves: (activation, upsample, conv, FiLM, activation, conv) beside a
    1x1 convolution of the upsampled input, then (FiLM, activation, conv, FiLM,
    activation, conv) beside the identity.

    Reference: WaveGrad (arXiv:2009.00713), figure "UBlock".

    Args:
        channels: int.
        factor: int, of upsampling.
        dilations: 4 ints.
    Call arguments:
        x: `(batch, 1, time, in_channels)`.
        scale, shift: `(batch, 1, time * factor, channels)`, from `FiLM`.
        time_mask: `(batch, 1, time * factor, 1)`, 1 and 0, or None.
    Returns:
        `(batch, 1, time * factor, channels)`.
    """

    def __init__(self, channels: int, factor: int, dilations, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.factor = factor
        self.dilations = tuple(dilations)
        if len(self.dilations) != 4:
            raise ValueError(f"A UBlock has 4 dilations. Received: {dilations=}")
        options = {"dtype": self.dtype_policy}
        self.shortcut = Convolution(channels, 1, name="shortcut", **options)
        self.convolutions = [
            Convolution(channels, 3, dilation, name=f"conv_{i}", **options)
            for i, dilation in enumerate(self.dilations)
        ]

    def build(self, x_shape, scale_shape=None, shift_shape=None, time_mask_shape=None):
        self.shortcut.build(x_shape)
        self.convolutions[0].build(x_shape)
        for convolution in self.convolutions[1:]:
            convolution.build((*x_shape[:-1], self.channels))

    def call(self, x, scale, shift, time_mask=None):
        def modulated(x, convolution):
            return convolution(
                ops.leaky_relu(scale * x + shift, 0.2), time_mask=time_mask
            )

        # A 1x1 convolution commutes with repetition: do it at the lower rate.
        shortcut = upsample(self.shortcut(x), self.factor)
        main = upsample(ops.leaky_relu(x, 0.2), self.factor)
        main = self.convolutions[0](main, time_mask=time_mask)
        x = shortcut + modulated(main, self.convolutions[1])
        return x + modulated(modulated(x, self.convolutions[2]), self.convolutions[3])

    def compute_output_shape(
        self, x_shape, scale_shape=None, shift_shape=None, time_mask_shape=None
    ):
        time = None if x_shape[2] is None else x_shape[2] * self.factor
        return (*x_shape[:2], time, self.channels)

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "factor": self.factor,
            "dilations": self.dilations,
        }
