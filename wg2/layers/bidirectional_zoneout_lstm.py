"""A bidirectional LSTM with zoneout that padding cannot reach."""

from __future__ import annotations

import keras
from keras import ops

from wg2.layers.masking import reverse_sequences


@keras.saving.register_keras_serializable(package="wg2")
class BidirectionalZoneoutLSTM(keras.layers.Layer):
    """LSTM over both directions, each unit of which may keep its previous value.

    In training a unit of the hidden and of the cell state keeps its previous value
    with probability `zoneout`; otherwise the expectation is taken:
    `zoneout * previous + (1 - zoneout) * new`.

    The input is projected in one product before the loop, and both directions advance
    in the same loop (the backward one on sequences reversed within their lengths), so
    the loop's body is one small batched product. Valid steps come first in either
    direction: no mask is needed inside.

    Reference: Zoneout (arXiv:1606.01305); Tacotron 2 (arXiv:1712.05884), section 2.2.
    Deviation: WaveGrad 2 does not give the rate; 0.1 is Tacotron 2's.

    Args:
        units: int, per direction.
        zoneout: float in [0, 1).
        seed: int or None, for the zoneout draws.
    Call arguments:
        x: `(batch, time, channels)`.
        lengths: int `(batch,)`.
        training: bool.
    Returns:
        `(batch, time, 2 * units)`, forward then backward; not masked.
    Raises:
        ValueError: If `zoneout` is not in [0, 1).
    """

    def __init__(
        self, units: int, zoneout: float = 0.0, seed: int | None = None, **kwargs
    ):
        super().__init__(**kwargs)
        if not 0 <= zoneout < 1:
            raise ValueError(f"`zoneout` must lie in [0, 1). Received: {zoneout=}")
        self.units = units
        self.zoneout = zoneout
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, x_shape, lengths_shape=None):
        def weights(direction):
            kernel = self.add_weight(
                name=f"{direction}_kernel",
                shape=(x_shape[-1], 4 * self.units),
                initializer="glorot_uniform",
            )
            recurrent = self.add_weight(
                name=f"{direction}_recurrent_kernel",
                shape=(self.units, 4 * self.units),
                initializer="orthogonal",
            )
            bias = self.add_weight(
                name=f"{direction}_bias", shape=(4 * self.units,), initializer="zeros"
            )
            return kernel, recurrent, bias

        self.forward_weights = weights("forward")
        self.backward_weights = weights("backward")

    def call(self, x, lengths, training=False):
        units = self.units
        batch, time = ops.shape(x)[0], ops.shape(x)[1]
        forward, backward = self.forward_weights, self.backward_weights
        inputs = ops.stack(
            [
                ops.matmul(x, forward[0]) + forward[2],
                ops.matmul(reverse_sequences(x, lengths), backward[0]) + backward[2],
            ]
        )  # (direction, batch, time, 4 units)
        inputs = ops.transpose(inputs, (2, 0, 1, 3))
        recurrent = ops.stack([forward[1].value, backward[1].value])
        recurrent = ops.cast(recurrent, self.compute_dtype)
        state = ops.zeros((2, batch, 2 * units), dtype=self.compute_dtype)
        draws_zoneout = training and self.zoneout > 0
        if draws_zoneout:
            draw = keras.random.uniform(
                (time, 2, batch, 2 * units), seed=self.seed_generator
            )
            kept = ops.cast(draw < self.zoneout, self.compute_dtype)
            # Keras 3.15's scan over several sequences of unknown length fails.
            inputs = ops.concatenate([inputs, kept], axis=-1)

        def step(carry, at_step):
            previous_hidden, previous_cell = carry[..., :units], carry[..., units:]
            gates = at_step[..., : 4 * units] + ops.matmul(previous_hidden, recurrent)
            i, f, g, o = ops.split(gates, 4, axis=-1)
            # +1: the forget gate starts open (Jozefowicz et al., 2015).
            cell = ops.sigmoid(f + 1.0) * previous_cell + ops.sigmoid(i) * ops.tanh(g)
            new = ops.concatenate([ops.sigmoid(o) * ops.tanh(cell), cell], axis=-1)
            if draws_zoneout:
                kept = at_step[..., 4 * units :]
                new = kept * carry + (1.0 - kept) * new
            elif self.zoneout:
                new = self.zoneout * carry + (1.0 - self.zoneout) * new
            return new, new

        _, states = ops.scan(step, state, inputs)
        hidden = ops.transpose(states[..., :units], (1, 2, 0, 3))
        return ops.concatenate(
            [hidden[0], reverse_sequences(hidden[1], lengths)], axis=-1
        )

    def compute_output_shape(self, x_shape, lengths_shape=None):
        return (*x_shape[:-1], 2 * self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "zoneout": self.zoneout,
            "seed": self.seed,
        }
