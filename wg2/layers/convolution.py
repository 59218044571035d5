"""The one convolution of the model: 1-D, zero-padded to equal length, masked."""

from __future__ import annotations

import keras
from keras import ops

from wg2.layers.masking import zero_invalid


@keras.saving.register_keras_serializable(package="wg2")
class Convolution(keras.layers.Layer):
    """Convolution over time that sees zeros wherever a sequence is not.

    Runs as a 2-D convolution of height 1, in oneDNN's layout on CPUs: time along the
    width is the fast one (folding a dilation into the height by a reshape made the
    weights' gradient 2.5 times slower). Stacks of convolutions keep that height from
    one to the next.

    Args:
        channels: int, output channels.
        kernel_size: int, odd.
        dilation: int.
        kernel_initializer: Keras initializer; orthogonal as in the public WaveGrad
            code (the papers do not say).
    Call arguments:
        x: `(batch, time, in_channels)` or `(batch, 1, time, in_channels)`.
        time_mask: See `zero_invalid`, or None.
    Returns:
        `(batch, time, channels)` or `(batch, 1, time, channels)`; not masked.
    Raises:
        ValueError: If `kernel_size` is even (no symmetric padding exists).
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int = 3,
        dilation: int = 1,
        kernel_initializer="orthogonal",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if kernel_size % 2 == 0:
            raise ValueError(f"`kernel_size` must be odd. Received: {kernel_size=}")
        self.channels = channels
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, x_shape, time_mask_shape=None):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, x_shape[-1], self.channels),
            initializer=self.kernel_initializer,
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.channels,), initializer="zeros"
        )

    def call(self, x, time_mask=None):
        x = zero_invalid(x, time_mask)
        kernel = ops.expand_dims(self.kernel, 0)
        if len(x.shape) == 4:
            return self.convolve(x, kernel, self.dilation) + self.bias
        batch, time, _ = ops.shape(x)
        # Where the channels are not known Keras compiles the convolution with XLA,
        # which a server refuses.
        x = ops.reshape(x, (batch, 1, time, self.kernel.shape[1]))
        y = self.convolve(x, kernel, self.dilation)
        return ops.reshape(y, (batch, time, self.channels)) + self.bias

    @staticmethod
    def convolve(x, kernel, dilation: int):
        """`(batch, 1, time, in)` with `(1, kernel_size, in, out)`; an exporter may put
        a runtime's own operation in its place."""
        return ops.conv(x, kernel, padding="same", dilation_rate=(1, dilation))

    def compute_output_shape(self, x_shape, time_mask_shape=None):
        return (*x_shape[:-1], self.channels)

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "kernel_size": self.kernel_size,
            "dilation": self.dilation,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
