"""Batch normalization whose statistics leave padding out."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="wg2")
class MaskedBatchNormalization(keras.layers.Layer):
    """Batch normalization over the valid positions of all replicas.

    `keras.layers.BatchNormalization` can either mask or synchronise, not both, and
    two replicas must give what one gives with the same global batch.

    Args:
        momentum: float in [0, 1); the newest statistics weigh `1 - momentum`.
        epsilon: float, added to the variance.
    Call arguments:
        x: `(batch, time, channels)`.
        time_mask: bool `(batch, time)`.
        training: bool; False uses the moving statistics.
    Returns:
        Like `x`.
    """

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-3, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= momentum < 1:
            raise ValueError(f"`momentum` must lie in [0, 1). Received: {momentum=}")
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, x_shape, time_mask_shape=None):
        def weight(name, initializer, trainable=True):
            return self.add_weight(
                name=name,
                shape=(x_shape[-1],),
                initializer=initializer,
                trainable=trainable,
                autocast=False,  # statistics stay float32 under any policy
            )

        self.gamma = weight("gamma", "ones")
        self.beta = weight("beta", "zeros")
        self.moving_mean = weight("moving_mean", "zeros", trainable=False)
        self.moving_variance = weight("moving_variance", "ones", trainable=False)

    def _masked_moments(self, x, mask):
        x = ops.cast(x, "float32")
        weight = ops.cast(mask, "float32")[:, :, None]
        weight = ops.broadcast_to(weight, ops.shape(x))
        # Means over all positions of (w, w x, w x^2), reduced across replicas.
        stacked = ops.concatenate([weight, weight * x, weight * x * x], axis=-1)
        means, _ = ops.moments(
            stacked,
            axes=(0, 1),
            synchronized=keras.backend.backend() == "tensorflow",
        )
        share, first, second = ops.split(means, 3)
        share = ops.maximum(share, 1e-12)
        mean = first / share
        return mean, ops.maximum(second / share - ops.square(mean), 0.0)

    def call(self, x, time_mask, training=False):
        if training:
            mean, variance = self._masked_moments(x, time_mask)
            for moving, new in (
                (self.moving_mean, mean),
                (self.moving_variance, variance),
            ):
                moving.assign(moving * self.momentum + new * (1.0 - self.momentum))
        else:
            mean = ops.convert_to_tensor(self.moving_mean)
            variance = ops.convert_to_tensor(self.moving_variance)
        scale = self.gamma * ops.rsqrt(variance + self.epsilon)
        shift = self.beta - mean * scale
        return x * ops.cast(scale, x.dtype) + ops.cast(shift, x.dtype)

    def compute_output_shape(self, x_shape, time_mask_shape=None):
        return x_shape

    def get_config(self):
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "epsilon": self.epsilon,
        }
