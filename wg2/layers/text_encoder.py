"""Phoneme ids to phoneme features: the encoder of Tacotron 2."""

from __future__ import annotations

import keras
from keras import ops

from wg2.layers.bidirectional_zoneout_lstm import BidirectionalZoneoutLSTM
from wg2.layers.convolution import Convolution
from wg2.layers.masked_batch_normalization import MaskedBatchNormalization
from wg2.layers.masking import sequence_mask


@keras.saving.register_keras_serializable(package="wg2")
class TextEncoder(keras.layers.Layer):
    """Embedding, 3 x (convolution, batch norm, ReLU, dropout), BiLSTM with zoneout.

    A speaker embedding, where there are several speakers, is appended to every
    phoneme's features.

    Reference: WaveGrad 2 (arXiv:2106.09660), "Encoder"; Tacotron 2 (arXiv:1712.05884).

    Args:
        num_phonemes: int, size of the inventory.
        channels: int, of the embedding and the convolutions.
        num_convolutions, kernel_size: int.
        dropout: float in [0, 1).
        lstm_units: int, per direction.
        zoneout: float in [0, 1).
        num_speakers: int; 1 means no speaker embedding.
        speaker_channels: int, size of the speaker embedding.
        seed: int or None, for dropout and zoneout.
    Call arguments:
        phoneme_ids: int `(batch, phonemes)`.
        phoneme_lengths: int `(batch,)`.
        speaker_ids: int `(batch,)`; needed with several speakers.
        training: bool.
    Returns:
        `(batch, phonemes, output_channels)`; values at padding are meaningless.
    """

    def __init__(
        self,
        num_phonemes: int,
        channels: int = 512,
        num_convolutions: int = 3,
        kernel_size: int = 5,
        dropout: float = 0.5,
        lstm_units: int = 256,
        zoneout: float = 0.1,
        num_speakers: int = 1,
        speaker_channels: int = 64,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_phonemes = num_phonemes
        self.channels = channels
        self.num_convolutions = num_convolutions
        self.kernel_size = kernel_size
        self.dropout = dropout
        self.lstm_units = lstm_units
        self.zoneout = zoneout
        self.num_speakers = num_speakers
        self.speaker_channels = speaker_channels
        self.seed = seed

        options = {"dtype": self.dtype_policy}
        self.embedding = keras.layers.Embedding(
            num_phonemes, channels, name="embedding", **options
        )
        self.convolutions = [
            Convolution(
                channels,
                kernel_size,
                kernel_initializer="he_normal",
                name=f"conv_{i}",
                **options,
            )
            for i in range(num_convolutions)
        ]
        self.normalizations = [
            MaskedBatchNormalization(name=f"norm_{i}", **options)
            for i in range(num_convolutions)
        ]
        self.dropouts = [
            keras.layers.Dropout(
                dropout, seed=None if seed is None else seed + 1 + i, **options
            )
            for i in range(num_convolutions)
        ]
        self.lstm = BidirectionalZoneoutLSTM(
            lstm_units, zoneout, seed, name="lstm", **options
        )
        self.speaker_embedding = (
            keras.layers.Embedding(
                num_speakers, speaker_channels, name="speaker", **options
            )
            if num_speakers > 1
            else None
        )

    @property
    def output_channels(self) -> int:
        extra = self.speaker_channels if self.num_speakers > 1 else 0
        return 2 * self.lstm_units + extra

    def build(self, phoneme_ids_shape, phoneme_lengths_shape=None):
        self.embedding.build(phoneme_ids_shape)
        shape = (*phoneme_ids_shape, self.channels)
        for convolution, normalization in zip(
            self.convolutions, self.normalizations, strict=True
        ):
            convolution.build(shape)
            normalization.build(shape)
        self.lstm.build(shape)
        if self.speaker_embedding is not None:
            self.speaker_embedding.build((phoneme_ids_shape[0],))

    def call(self, phoneme_ids, phoneme_lengths, speaker_ids=None, training=False):
        num_phonemes = ops.shape(phoneme_ids)[1]
        mask = sequence_mask(phoneme_lengths, num_phonemes)
        x = self.embedding(phoneme_ids)
        for convolution, normalization, dropout in zip(
            self.convolutions, self.normalizations, self.dropouts, strict=True
        ):
            x = convolution(x, time_mask=mask)
            x = ops.relu(normalization(x, time_mask=mask, training=training))
            x = dropout(x, training=training)
        x = self.lstm(x, phoneme_lengths, training=training)
        if self.speaker_embedding is None:
            return x
        if speaker_ids is None:
            raise ValueError(
                f"`speaker_ids` is needed: this encoder has {self.num_speakers} "
                "speakers. Received: speaker_ids=None"
            )
        speaker = self.speaker_embedding(speaker_ids)[:, None, :]
        speaker = ops.broadcast_to(
            speaker, (ops.shape(x)[0], num_phonemes, self.speaker_channels)
        )
        return ops.concatenate([x, speaker], axis=-1)

    def compute_output_shape(self, phoneme_ids_shape, phoneme_lengths_shape=None):
        return (*phoneme_ids_shape, self.output_channels)

    def get_config(self):
        return {
            **super().get_config(),
            "num_phonemes": self.num_phonemes,
            "channels": self.channels,
            "num_convolutions": self.num_convolutions,
            "kernel_size": self.kernel_size,
            "dropout": self.dropout,
            "lstm_units": self.lstm_units,
            "zoneout": self.zoneout,
            "num_speakers": self.num_speakers,
            "speaker_channels": self.speaker_channels,
            "seed": self.seed,
        }
