"""WaveGrad's downsampling block."""

from __future__ import annotations

import keras
from keras import ops

from wg2.layers.convolution import Convolution
from wg2.layers.resampling import downsample


@keras.saving.register_keras_serializable(package="wg2")
class DBlock(keras.layers.Layer):
    """Downsampling, then 3 x (activation, dilated conv) beside a 1x1 convolution.

    Reference: WaveGrad (arXiv:2009.00713), figure "DBlock".

    Args:
        channels: int.
        factor: int, of downsampling.
        dilations: 3 ints.
    Call arguments:
        x: `(batch, 1, time, in_channels)`, time a multiple of `factor`.
        time_mask: `(batch, 1, time // factor, 1)`, 1 and 0, or None.
    Returns:
        `(batch, 1, time // factor, channels)`.
    """

    def __init__(self, channels: int, factor: int, dilations, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.factor = factor
        self.dilations = tuple(dilations)
        if len(self.dilations) != 3:
            raise ValueError(f"A DBlock has 3 dilations. Received: {dilations=}")
        options = {"dtype": self.dtype_policy}
        self.shortcut = Convolution(channels, 1, name="shortcut", **options)
        self.convolutions = [
            Convolution(channels, 3, dilation, name=f"conv_{i}", **options)
            for i, dilation in enumerate(self.dilations)
        ]

    def build(self, x_shape, time_mask_shape=None):
        self.shortcut.build(x_shape)
        self.convolutions[0].build(x_shape)
        for convolution in self.convolutions[1:]:
            convolution.build((*x_shape[:-1], self.channels))

    def call(self, x, time_mask=None):
        x = downsample(x, self.factor)
        # A 1x1 convolution commutes with the mean: do it at the lower rate.
        shortcut = self.shortcut(x)
        for convolution in self.convolutions:
            x = convolution(ops.leaky_relu(x, 0.2), time_mask=time_mask)
        return x + shortcut

    def compute_output_shape(self, x_shape, time_mask_shape=None):
        time = None if x_shape[2] is None else x_shape[2] // self.factor
        return (*x_shape[:2], time, self.channels)

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "factor": self.factor,
            "dilations": self.dilations,
        }
