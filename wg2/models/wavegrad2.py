"""WaveGrad 2: encoder, resampler, decoder, and the optional mel head."""

from __future__ import annotations

import dataclasses

import keras
from keras import ops

from wg2.config import Config
from wg2.layers.masking import sequence_mask
from wg2.layers.resampler import Resampler
from wg2.layers.text_encoder import TextEncoder
from wg2.models.decoder import WaveGradDecoder


@keras.saving.register_keras_serializable(package="wg2")
class WaveGrad2(keras.Model):
    """Phonemes to the noise in a noisy waveform.

    The model knows no schedule and draws no diffusion noise: `wg2.diffusion` does. Its
    three parts are used apart in synthesis (`encode`, `upsample`, `decoder`) and
    together in training (`call`).

    Reference: WaveGrad 2 (arXiv:2106.09660), figure 1.

    Args:
        config: `wg2.config.Config`, or its `to_dict()`.
        seed: int or None, for dropout, zoneout and feature masks; initial weights
            follow `keras.utils.set_random_seed`.
    Call arguments:
        inputs: dict of
            phoneme_ids: int `(batch, phonemes)`;
            phoneme_lengths: int `(batch,)`;
            durations: `(batch, phonemes)`, frames, 0 at padding;
            speaker_ids: int `(batch,)`, with several speakers;
            first_frame: int `(batch,)`, start of the window;
            frame_mask: bool `(batch, window_frames)` or None (all frames valid);
            noisy_audio: `(batch, window_frames * samples_per_frame)`;
            noise_level: float32 `(batch,)`.
        window_frames: int, only needed where `decode` is False.
        decode: bool; False leaves the decoder out (the mel phase of training).
        training: bool.
    Returns:
        dict of predicted_durations `(batch, phonemes)`, predicted_noise `(batch,
        samples)` unless `decode` is False, predicted_mel `(batch, window_frames,
        mel bands)` where the auxiliary task is on, weights `(batch, window_frames,
        phonemes)`; all float32.
    """

    def __init__(self, config: Config | dict, seed: int | None = None, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.config = Config.from_dict(config) if isinstance(config, dict) else config
        self.seed = seed
        config = self.config
        options = {"dtype": self.dtype_policy}
        self.encoder = TextEncoder(
            num_phonemes=config.text.num_phonemes,
            num_speakers=config.text.num_speakers,
            seed=seed,
            name="encoder",
            **dataclasses.asdict(config.encoder),
            **options,
        )
        resampler = dataclasses.asdict(config.resampler)
        self.has_mel_head = resampler.pop("auxiliary_mel")
        self.resampler = Resampler(seed=seed, name="resampler", **resampler, **options)
        self.decoder = WaveGradDecoder(
            name="decoder", **dataclasses.asdict(config.decoder), **options
        )
        # Two dense layers per frame: the frames must carry the spectrum themselves.
        self.mel_head = (
            keras.Sequential(
                [
                    keras.layers.Dense(
                        self.encoder.output_channels,
                        activation="leaky_relu",
                        name="hidden",
                        **options,
                    ),
                    keras.layers.Dense(
                        config.audio.num_mel_bands,
                        # Near the mean of log-mel spectra: learning starts there.
                        bias_initializer=keras.initializers.Constant(-6.0),
                        name="mel",
                        dtype="float32",
                    ),
                ],
                name="mel_head",
            )
            if self.has_mel_head
            else None
        )

    def build(self, input_shape=None):
        del input_shape  # every size is in the config
        features = (None, None, self.encoder.output_channels)
        self.encoder.build((None, None))
        self.resampler.build(features)
        self.decoder.build((None, None), features)
        if self.mel_head is not None:
            self.mel_head.build(features)
        self.built = True

    def encode(self, phoneme_ids, phoneme_lengths, speaker_ids=None, training=False):
        """Phoneme features, `(batch, phonemes, channels)`."""
        return self.encoder(
            phoneme_ids, phoneme_lengths, speaker_ids, training=training
        )

    def predict_durations(self, features, phoneme_lengths):
        """float32 `(batch, phonemes)`, frames, 0 at padding."""
        durations = self.resampler.predict_durations(features, phoneme_lengths)
        mask = sequence_mask(phoneme_lengths, ops.shape(durations)[1])
        return ops.where(mask, durations, 0.0)

    def upsample(
        self,
        features,
        durations,
        phoneme_lengths,
        num_frames,
        first_frame=None,
        training=False,
    ):
        """Frame features and weights, see `Resampler`."""
        return self.resampler(
            features,
            durations,
            phoneme_lengths,
            num_frames=num_frames,
            first_frame=first_frame,
            training=training,
        )

    def call(self, inputs, window_frames=None, decode=True, training=False):
        lengths = inputs["phoneme_lengths"]
        features = self.encode(
            inputs["phoneme_ids"], lengths, inputs.get("speaker_ids"), training
        )
        if decode:
            samples = ops.shape(inputs["noisy_audio"])[1]
            window_frames = samples // self.config.samples_per_frame
        elif window_frames is None:
            raise ValueError("`window_frames` is needed where `decode` is False")
        frames, weights = self.upsample(
            features,
            inputs["durations"],
            lengths,
            window_frames,
            inputs["first_frame"],
            training,
        )
        outputs = {
            "predicted_durations": self.predict_durations(features, lengths),
            "weights": weights,
        }
        if self.mel_head is not None:
            outputs["predicted_mel"] = self.mel_head(frames)
        if decode:
            outputs["predicted_noise"] = self.decoder(
                inputs["noisy_audio"],
                frames,
                inputs["noise_level"],
                inputs.get("frame_mask"),
            )
        return outputs

    def get_config(self):
        return {
            **super().get_config(),
            "config": self.config.to_dict(),
            "seed": self.seed,
        }
