"""The WaveGrad decoder: noisy audio, frame features and noise level to noise."""

from __future__ import annotations

import keras
from keras import ops

from wg2.config import DecoderConfig
from wg2.diffusion import parameterization
from wg2.layers.convolution import Convolution
from wg2.layers.dblock import DBlock
from wg2.layers.film import FiLM
from wg2.layers.noise_level_encoding import LEVEL_SCALE
from wg2.layers.normalization import normalize_channels
from wg2.layers.resampling import upsample
from wg2.layers.ublock import UBlock

# Log-SNR spans about +-9 where the paper's level spans 0 .. 1: this factor gives the
# fastest sinusoid a period of about 0.06 in log-SNR and the slowest one of 600.
LOG_SNR_SCALE = 100.0


@keras.saving.register_keras_serializable(package="wg2")
class WaveGradDecoder(keras.layers.Layer):
    """Predicts the noise in noisy audio. Base and Large, see `DecoderConfig`.

    Noisy audio goes down through DBlocks to five samples a frame (say); features come
    up through UBlocks; at every rate a FiLM of the DBlock stream and the noise level
    modulates the UBlock.

    Reference: WaveGrad (arXiv:2009.00713), figure "WaveGrad network"; WaveGrad 2
    (arXiv:2106.09660), "Decoder" for Large: every block followed by another of the same
    kind that does not resample, all dilations 1, 2, 4, 8.

    Args:
        Those of `wg2.config.DecoderConfig`.
    Call arguments:
        noisy_audio: `(batch, frames * samples_per_frame)`.
        features: `(batch, frames, channels)`.
        noise_level: float32 `(batch,)` in (0, 1], 1 is clean.
        time_mask: `(batch, frames)`, bool or 1 and 0, what is valid; None: all.
    Returns:
        float32 predicted noise `(batch, frames * samples_per_frame)`; meaningless where
        the mask is False.
    """

    def __init__(
        self,
        upsampling_factors=(5, 5, 3, 2, 2),
        upsampling_channels=(512, 512, 256, 128, 128),
        upsampling_dilations=((1, 2, 4, 8),) * 3 + ((1, 2, 1, 2),) * 2,
        downsampling_channels=(128, 128, 256, 512),
        downsampling_dilations=((1, 2, 4),) * 4,
        features_channels: int = 768,
        audio_channels: int = 32,
        blocks_per_scale: int = 1,
        parameterization: str = "noise",
        data_rms: float = 0.1,
        bounded_film: bool = False,
        normalize_features: bool = False,
        **kwargs,
    ):
        # The noise level must stay float32: next to 1 its steps are 1e-6.
        super().__init__(autocast=False, **kwargs)
        self.config = DecoderConfig(
            upsampling_factors=tuple(upsampling_factors),
            upsampling_channels=tuple(upsampling_channels),
            upsampling_dilations=tuple(map(tuple, upsampling_dilations)),
            downsampling_channels=tuple(downsampling_channels),
            downsampling_dilations=tuple(map(tuple, downsampling_dilations)),
            features_channels=features_channels,
            audio_channels=audio_channels,
            blocks_per_scale=blocks_per_scale,
            parameterization=parameterization,
            data_rms=data_rms,
            bounded_film=bounded_film,
            normalize_features=normalize_features,
        )
        self.preconditioned = parameterization == "preconditioned"
        options = {"dtype": self.dtype_policy}
        self.features_convolution = Convolution(
            features_channels, 3, name="features", **options
        )
        self.audio_convolution = Convolution(audio_channels, 5, name="audio", **options)
        self.dblocks, self.ublocks, self.films = [], [], []
        for i, (channels, factor, dilations) in enumerate(
            zip(
                self.config.downsampling_channels,
                self.config.downsampling_factors,
                self.config.downsampling_dilations,
                strict=True,
            )
        ):
            self.dblocks.append(
                [
                    DBlock(
                        channels,
                        factor if j == 0 else 1,
                        dilations,
                        name=f"dblock_{i}_{j}",
                        **options,
                    )
                    for j in range(blocks_per_scale)
                ]
            )
        for i, (channels, factor, dilations) in enumerate(
            zip(
                self.config.upsampling_channels,
                self.config.upsampling_factors,
                self.config.upsampling_dilations,
                strict=True,
            )
        ):
            self.films.append(
                FiLM(
                    channels,
                    bounded_film,
                    LOG_SNR_SCALE if self.preconditioned else LEVEL_SCALE,
                    name=f"film_{i}",
                    **options,
                )
            )
            self.ublocks.append(
                [
                    UBlock(
                        channels,
                        factor if j == 0 else 1,
                        dilations,
                        name=f"ublock_{i}_{j}",
                        **options,
                    )
                    for j in range(blocks_per_scale)
                ]
            )
        # A preconditioned network starts as the best linear estimate: F = 0.
        self.output_convolution = Convolution(
            1,
            3,
            kernel_initializer="zeros" if self.preconditioned else "orthogonal",
            name="output",
            **options,
        )

    @property
    def samples_per_frame(self) -> int:
        return self.config.samples_per_frame

    def build(
        self,
        noisy_audio_shape,
        features_shape=None,
        noise_level_shape=None,
        time_mask_shape=None,
    ):
        def shape(channels):
            return (None, 1, None, channels)

        self.features_convolution.build(shape(features_shape[-1]))
        self.audio_convolution.build(shape(1))
        stream = [self.config.audio_channels]
        for blocks, channels in zip(
            self.dblocks, self.config.downsampling_channels, strict=True
        ):
            for j, block in enumerate(blocks):
                block.build(shape(channels if j else stream[-1]))
            stream.append(channels)
        previous = self.config.features_channels
        for film, blocks, channels, audio_channels in zip(
            self.films,
            self.ublocks,
            self.config.upsampling_channels,
            reversed(stream),
            strict=True,
        ):
            film.build(shape(audio_channels))
            for j, block in enumerate(blocks):
                block.build(shape(channels if j else previous))
            previous = channels
        self.output_convolution.build(shape(previous))

    def call(self, noisy_audio, features, noise_level, time_mask=None):
        noisy_audio = ops.cast(noisy_audio, "float32")
        noise_level = ops.cast(noise_level, "float32")
        if not self.preconditioned:
            return self._network(noisy_audio, features, noise_level, time_mask)
        rms = self.config.data_rms
        input_scale, skip, output_scale = parameterization.coefficients(
            noise_level, rms
        )
        residual = self._network(
            noisy_audio * input_scale[:, None],
            features,
            parameterization.log_snr(noise_level, rms),
            time_mask,
        )
        return skip[:, None] * noisy_audio + output_scale[:, None] * residual

    def _masks(self, mask):
        """Masks at the rates of the UBlocks, lowest first; Nones without a mask."""
        if mask is None:
            return [None] * len(self.config.upsampling_factors)
        masks = []
        for factor in self.config.upsampling_factors:
            mask = upsample(mask, factor)
            masks.append(mask)
        return masks

    def _network(self, audio, features, level, time_mask):
        # From here on time lies along the width of an image of height 1, so that no
        # convolution has to reshape.
        if time_mask is not None:
            mask = ops.cast(time_mask, self.compute_dtype)
            time_mask = ops.expand_dims(mask, (1, 3))
        masks = self._masks(time_mask)
        audio = ops.cast(audio, self.compute_dtype)
        x = self.audio_convolution(ops.expand_dims(audio, (1, 3)), time_mask=masks[-1])
        stream = [x]
        for blocks, at_rate in zip(self.dblocks, masks[-2::-1], strict=True):
            # Means over a valid frame touch valid samples only: frames are whole.
            for block in blocks:
                x = block(x, time_mask=at_rate)
            stream.append(x)

        if self.config.normalize_features:
            features = normalize_channels(features)
        x = self.features_convolution(
            ops.expand_dims(ops.cast(features, self.compute_dtype), 1),
            time_mask=time_mask,
        )
        for film, blocks, at_rate in zip(self.films, self.ublocks, masks, strict=True):
            scale, shift = film(stream.pop(), level, time_mask=at_rate)
            for block in blocks:
                x = block(x, scale, shift, time_mask=at_rate)
        x = self.output_convolution(x, time_mask=masks[-1])
        return ops.cast(ops.reshape(x, (ops.shape(audio)[0], -1)), "float32")

    def compute_output_shape(
        self,
        noisy_audio_shape,
        features_shape=None,
        noise_level_shape=None,
        time_mask_shape=None,
    ):
        return noisy_audio_shape

    def get_config(self):
        return {**super().get_config(), **self.config.__dict__}
