"""Schedules as a few free numbers: monotone warps of the derived one.

A derived schedule is even in log signal-to-noise ratio between the two ends of the
training's levels. A warp moves what lies between; the ends stay, so that synthesis
starts from a level that the network knows as pure noise, and ends where training does.
"""

from __future__ import annotations

import numpy as np

from wg2.config import Config
from wg2.diffusion.schedule import (
    NoiseSchedule,
    derived_schedule,
    training_level_range,
)

FEWEST_STEPS = 3
"""Of two steps both levels are ends."""
MOST_GAPS = 6
"""More steps share the gaps of so many pieces: a search of 23 levels would not end."""
LARGEST_PARAMETER = 3.0
"""A gap is at most e^3 = 20 times as wide as the last one, and at least a 20th."""


def num_parameters(num_steps: int) -> int:
    """How many numbers a warp for `num_steps` steps has.

    Raises:
        ValueError: If there is nothing between the ends.
    """
    if num_steps < FEWEST_STEPS:
        raise ValueError(
            f"a schedule of {num_steps} steps has nothing to search: both ends are "
            f"tied to the training's levels. --steps wants {FEWEST_STEPS} or more"
        )
    return min(num_steps - 1, MOST_GAPS) - 1


def warped_schedule(
    config: Config, num_steps: int, parameters: np.ndarray
) -> NoiseSchedule:
    """The derived schedule, warped in log signal-to-noise ratio.

    The range of log-SNR is cut into `len(parameters) + 1` gaps, as wide as
    `softmax(parameters, 0)`. With as many gaps as there are between `num_steps` levels
    these are the gaps themselves; of fewer, a monotone cubic (PCHIP) leads through
    their ends.

    Args:
        config: The voice's.
        num_steps: int, at least 3.
        parameters: float `(num_parameters(num_steps),)`; zeros are the derived
            schedule, exactly.
    """
    from scipy.interpolate import PchipInterpolator

    if not np.any(parameters):
        return derived_schedule(config, num_steps)
    widths = np.exp(np.append(parameters, 0.0))
    knots = np.append(0.0, np.cumsum(widths) / widths.sum())
    knots[-1] = 1.0
    warp = PchipInterpolator(np.linspace(0.0, 1.0, len(knots)), knots)
    positions = warp(np.linspace(0.0, 1.0, num_steps))
    highest, lowest = ends = training_level_range(config)
    first, last = log_snr(np.array(ends))
    levels = np.exp(-0.5 * np.logaddexp(0.0, -(first + (last - first) * positions)))
    levels[0], levels[-1] = highest, lowest  # not what rounding makes of them
    return NoiseSchedule.from_noise_levels(levels)


def log_snr(noise_level: np.ndarray) -> np.ndarray:
    """Natural log of `l^2 / (1 - l^2)`, for levels in (0, 1)."""
    square = np.square(noise_level)
    return np.log(square) - np.log1p(-square)
