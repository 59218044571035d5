"""What is compared: schedules, steps, samplers and durations."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wg2.config import Config
from wg2.diffusion import named_schedules
from wg2.diffusion.sampler import step_table
from wg2.diffusion.schedule import NoiseSchedule

TRUE, PREDICTED = "true", "predicted"
DURATIONS = (TRUE, PREDICTED)


@dataclass(frozen=True)
class Combination:
    """One way of synthesizing all utterances.

    Args:
        schedule: Its name, or that of its file.
        steps: int.
        sampler: See `wg2.diffusion.sampler`.
        durations: "true" or "predicted".
        betas_hash: Of the schedule's betas.
    """

    schedule: str
    steps: int
    sampler: str
    durations: str
    betas_hash: str

    @property
    def name(self) -> str:
        """Unique among combinations, and fit for a folder."""
        schedule = re.sub(r"[^A-Za-z0-9]+", "_", Path(self.schedule).stem)
        return f"{self.durations}-{schedule}-{self.sampler}-{self.steps}"


@dataclass(frozen=True)
class Planned:
    """A combination and the schedule that it means."""

    combination: Combination
    schedule: NoiseSchedule


def plan(
    config: Config,
    steps: Sequence[int],
    samplers: Sequence[str],
    schedules: Sequence[str],
    durations: Sequence[str],
) -> tuple[list[Planned], list[str]]:
    """All combinations, those of few steps first, and notes on what is left out.

    A file of betas has steps of its own, whatever `steps` are; a schedule that is equal
    to an earlier one (a voice without stored ones uses derived ones) is left out.

    Raises:
        ValueError, FileNotFoundError: No such schedule or sampler, steps that it cannot
            have, or two schedules with one name.
    """
    chosen: dict[tuple[int, str], tuple[str, NoiseSchedule]] = {}
    notes = []
    for schedule in schedules:
        named = schedule in named_schedules.NAMES
        for count in steps if named else (None,):
            made = named_schedules.make_schedule(config, count, schedule)
            key = made.num_steps, betas_hash(made)
            if key in chosen:
                notes.append(
                    f"{schedule} is {chosen[key][0]} at {made.num_steps} steps: "
                    "measured once"
                )
                continue
            chosen[key] = schedule, made
    planned: dict[str, Planned] = {}
    for (count, digits), (schedule, made) in sorted(
        chosen.items(), key=lambda item: item[0][0]
    ):
        for sampler in samplers:
            step_table(made, sampler)  # refuses what cannot be
            for kind in durations:
                one = Combination(schedule, count, sampler, kind, digits)
                if one.name in planned:
                    other = planned[one.name].combination.schedule
                    raise ValueError(
                        f"the schedules {other} and {schedule} have one name: rename "
                        "one of the files"
                    )
                planned[one.name] = Planned(one, made)
    return list(planned.values()), notes


def betas_hash(schedule: NoiseSchedule) -> str:
    """16 hexadecimal digits."""
    betas = np.asarray(schedule.betas, "<f8")
    return hashlib.sha256(betas.tobytes()).hexdigest()[:16]
