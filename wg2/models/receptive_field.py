"""How far the decoder looks, from its architecture."""

from __future__ import annotations

from wg2.config import DecoderConfig

_AUDIO_REACH = 2  # of a kernel of 5
_FILM_REACH = 2  # two kernels of 3
_REACH = 1  # a kernel of 3


def receptive_field_frames(config: DecoderConfig) -> int:
    """Whole frames on either side that an output frame depends on.

    Convolutions add `dilation * (kernel_size - 1) / 2` at their rate. Means and
    repetitions stay inside their frame, whose limits all coarser blocks share.
    """
    samples_per_frame = config.samples_per_frame
    blocks = config.blocks_per_scale
    # Samples of an element of each DBlock stream, from the audio down.
    rates, reaches = [1], [_AUDIO_REACH]
    for factor, dilations in zip(
        config.downsampling_factors, config.downsampling_dilations, strict=True
    ):
        rates.append(rates[-1] * factor)
        reaches.append(reaches[-1] + blocks * sum(dilations) * rates[-1])
    reach = samples_per_frame * _REACH  # of the features, then of all that joins them
    for dilations in config.upsampling_dilations:
        rate = rates.pop()
        film = reaches.pop() + _FILM_REACH * rate
        # The FiLM comes in behind the first of the four convolutions.
        reach = max(reach + dilations[0] * rate, film)
        reach += (sum(dilations[1:]) + (blocks - 1) * sum(dilations)) * rate
    return -(-(reach + _REACH) // samples_per_frame)
