"""Floating-point operations of the decoder's convolutions, in closed form."""

from __future__ import annotations

from wg2.config import DecoderConfig


def decoder_flops(
    config: DecoderConfig, num_frames: int, features_channels: int
) -> int:
    """Operations of one forward pass over one row; a multiply-add counts as two.

    Convolutions only: everything else (activations, FiLM's products, resampling) is a
    few operations per sample and channel, where a convolution has hundreds.

    Args:
        config: `DecoderConfig`.
        num_frames: int.
        features_channels: int, of the frames that the decoder is given.
    """

    def convolution(time: int, in_channels: int, channels: int, kernel_size: int = 3):
        return 2 * time * kernel_size * in_channels * channels

    samples = num_frames * config.samples_per_frame
    total = convolution(num_frames, features_channels, config.features_channels)
    total += convolution(samples, 1, config.audio_channels, 5)

    # Down: each block's rate, and the channels of the stream that FiLM meets there.
    time, previous = samples, config.audio_channels
    streams = [(time, previous)]
    for channels, factor in zip(
        config.downsampling_channels, config.downsampling_factors, strict=True
    ):
        time //= factor
        for _ in range(config.blocks_per_scale):
            total += convolution(time, previous, channels, 1)
            total += convolution(time, previous, channels)
            total += 2 * convolution(time, channels, channels)
            previous = channels
        streams.append((time, previous))

    # Up: the shortcut's 1x1 convolution runs before the repetition of the block.
    before, previous = num_frames, config.features_channels
    for channels, (time, film_channels) in zip(
        config.upsampling_channels, reversed(streams), strict=True
    ):
        total += convolution(time, film_channels, film_channels)
        total += convolution(time, film_channels, 2 * channels)
        for _ in range(config.blocks_per_scale):
            total += convolution(before, previous, channels, 1)
            total += convolution(time, previous, channels)
            total += 3 * convolution(time, channels, channels)
            before, previous = time, channels
    return total + convolution(samples, previous, 1)
