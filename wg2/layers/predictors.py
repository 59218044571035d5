"""Durations and ranges of phonemes, each from its own BiLSTM."""

from __future__ import annotations

import keras
from keras import ops

from wg2.layers.bidirectional_zoneout_lstm import BidirectionalZoneoutLSTM


class _RecurrentPredictor(keras.layers.Layer):
    """A stack of BiLSTMs, a projection to one channel, softplus; float32 out.

    Args:
        units: int, per direction of every BiLSTM.
        num_layers: int.
        initial_value: float > 0, what softplus gives for a zero projection.
    """

    def __init__(
        self,
        units: int = 512,
        num_layers: int = 2,
        initial_value: float = 1.0,
        **kwargs,
    ):
        # Durations count exactly in bfloat16 only up to 256: no automatic casts.
        super().__init__(autocast=False, **kwargs)
        self.units = units
        self.num_layers = num_layers
        self.initial_value = initial_value
        self.lstms = [
            BidirectionalZoneoutLSTM(units, dtype=self.dtype_policy, name=f"lstm_{i}")
            for i in range(num_layers)
        ]
        self.projection = keras.layers.Dense(1, dtype="float32", name="projection")

    def _build(self, channels):
        for lstm in self.lstms:
            lstm.build((None, None, channels))
            channels = 2 * self.units
        self.projection.build((None, None, channels))

    def _predict(self, x, lengths):
        for lstm in self.lstms:
            x = lstm(x, lengths)
        offset = ops.log(ops.expm1(ops.convert_to_tensor(self.initial_value)))
        x = ops.squeeze(self.projection(ops.cast(x, "float32")), axis=-1)
        return ops.softplus(x + offset)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "num_layers": self.num_layers,
            "initial_value": self.initial_value,
        }


@keras.saving.register_keras_serializable(package="wg2")
class DurationPredictor(_RecurrentPredictor):
    """How many frames each phoneme lasts.

    Reference: Non-Attentive Tacotron (arXiv:2010.04301), section 3.1.
    Deviation: through softplus, in frames (the papers give neither a bound nor the
    unit): a duration is never negative, and the squared error keeps its mean.

    Call arguments:
        features: `(batch, phonemes, channels)`.
        lengths: int `(batch,)`.
    Returns:
        float32 `(batch, phonemes)`, frames >= 0; meaningless at padding.
    """

    def build(self, features_shape, lengths_shape=None):
        self._build(features_shape[-1])

    def call(self, features, lengths):
        return self._predict(features, lengths)

    def compute_output_shape(self, features_shape, lengths_shape=None):
        return features_shape[:-1]


@keras.saving.register_keras_serializable(package="wg2")
class RangeParameterPredictor(_RecurrentPredictor):
    """How far each phoneme reaches: the sigma of Gaussian upsampling.

    Reference: Non-Attentive Tacotron (arXiv:2010.04301), section 3.2: it sees the
    durations too.

    Call arguments:
        features: `(batch, phonemes, channels)`.
        durations: `(batch, phonemes)`, frames.
        lengths: int `(batch,)`.
    Returns:
        float32 `(batch, phonemes)`, frames >= 0; meaningless at padding.
    """

    def build(self, features_shape, durations_shape=None, lengths_shape=None):
        self._build(features_shape[-1] + 1)

    def call(self, features, durations, lengths):
        # log1p: a pause of a hundred frames must not drown the features.
        seen = ops.log1p(ops.cast(durations, "float32"))[:, :, None]
        features = ops.concatenate([features, ops.cast(seen, features.dtype)], axis=-1)
        return self._predict(features, lengths)

    def compute_output_shape(
        self, features_shape, durations_shape=None, lengths_shape=None
    ):
        return features_shape[:-1]
