"""The search: Nelder and Mead's simplex over warps of the derived schedule."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from wg2.config import Config
from wg2.diffusion.schedule import NoiseSchedule, derived_schedule
from wg2.schedule_search.warping import (
    LARGEST_PARAMETER,
    num_parameters,
    warped_schedule,
)

_FIRST_STEP = 0.6
"""Of a parameter: a gap 1.8 times as wide."""
_SMALLEST_STEP = 0.02
_SMALLEST_GAIN = 2e-4
"""Of the derived schedule's value: less is not heard, and noise."""


class Found(NamedTuple):
    """What a search found.

    Args:
        schedule: The best candidate, maybe the derived one.
        value: Its value.
        derived_value: That of the derived schedule, never less.
        evaluations: int, how many candidates were measured.
    """

    schedule: NoiseSchedule
    value: float
    derived_value: float
    evaluations: int


def search_schedule(
    config: Config,
    num_steps: int,
    measure: Callable[[NoiseSchedule], float],
    evaluations: int,
) -> Found:
    """Looks for the schedule of the smallest value, from the derived one on.

    Without chance: with the same values it asks for the same candidates in the same
    order, so a `measure` that remembers goes on where an earlier search ended.

    Args:
        config: The voice's; both ends of all candidates are its training's levels.
        num_steps: int, at least 3.
        measure: Schedule -> value above 0; the derived schedule is the first.
        evaluations: int, candidates at most.

    Raises:
        ValueError: Nothing to search, or a value that is not finite.
    """
    from scipy import optimize

    size = num_parameters(num_steps)
    schedule = derived_schedule(config, num_steps)
    derived_value = value = _checked(measure(schedule))
    count = 1

    def relative_value(parameters):
        nonlocal schedule, value, count
        if not np.any(parameters):
            return 1.0
        candidate = warped_schedule(config, num_steps, parameters)
        measured = _checked(measure(candidate))
        count += 1
        if measured < value:
            schedule, value = candidate, measured
        return measured / derived_value

    if evaluations > 1:
        start = np.zeros(size)
        optimize.minimize(
            relative_value,
            start,
            method="Nelder-Mead",
            bounds=[(-LARGEST_PARAMETER, LARGEST_PARAMETER)] * size,
            options={
                "initial_simplex": np.vstack([start, _FIRST_STEP * np.eye(size)]),
                "maxfev": evaluations,  # the derived one is among them
                "xatol": _SMALLEST_STEP,
                "fatol": _SMALLEST_GAIN,
                "adaptive": True,
            },
        )
    return Found(schedule, value, derived_value, count)


def _checked(value: float) -> float:
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"a schedule's value must be above 0. Received: {value}")
    return value
