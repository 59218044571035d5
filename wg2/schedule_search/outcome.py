"""What a search found, beside the derived schedule, on utterances it did not see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wg2.diffusion.schedule import NoiseSchedule
from wg2.evaluation.held_out import HeldOut
from wg2.schedule_search.measuring import Measurements
from wg2.schedule_search.searching import Found

_NOTICED_PERCENT = 1.0
"""What another sampler may lose by a stored schedule before a warning is due."""


class Compared(NamedTuple):
    """Mean log-mel L1 and noise floor by the derived and by the found schedule."""

    derived: float
    found: float
    derived_floor_dbfs: float
    found_floor_dbfs: float

    @property
    def percent(self) -> float:
        """Change of log-mel L1, below 0 where the found one is better."""
        return percent(self.derived, self.found)


def percent(old: float, new: float) -> float:
    """Change in percent."""
    return 100.0 * (new / old - 1.0)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a search for one number of steps.

    Args:
        found: Of the search.
        samplers: That the search was for.
        held_back: By sampler, on utterances that the search did not see; empty where
            the derived schedule is the best.
        num_searched, num_held_back: int, utterances.
    """

    found: Found
    samplers: tuple[str, ...]
    held_back: Mapping[str, Compared]
    num_searched: int
    num_held_back: int

    @property
    def is_better(self) -> bool:
        """Better than the derived schedule, and not worse with other utterances, by
        any of the samplers."""
        compared = [self.held_back[name] for name in self.samplers if self.held_back]
        return bool(compared) and all(one.found <= one.derived for one in compared)

    def summary(self) -> str:
        """One sentence, for the card, too."""
        found = self.found
        compared = [self.held_back[name] for name in self.samplers]
        old, new = (
            sum(values) / len(values)
            for values in zip(*[one[:2] for one in compared], strict=True)
        )
        return (
            f"searched for {' and '.join(self.samplers)}: log-mel L1 "
            f"{found.derived_value:.4f} (derived) -> {found.value:.4f} "
            f"({percent(found.derived_value, found.value):+.1f} %) on "
            f"{self.num_searched} utterances, {old:.4f} -> "
            f"{new:.4f} ({percent(old, new):+.1f} %) on "
            f"{self.num_held_back} held back"
        )

    def lines(self) -> list[str]:
        """For the terminal, without what was done with it."""
        if not self.held_back:
            return [
                f"none of {self.found.evaluations} candidates is better than the "
                f"derived schedule (log-mel L1 {self.found.derived_value:.4f})"
            ]
        lines = [self.summary()]
        for sampler, one in self.held_back.items():
            warning = ""
            if sampler not in self.samplers and one.percent > _NOTICED_PERCENT:
                warning = f"; {sampler} is better with --schedule derived"
            lines.append(
                f"held back, {sampler}: log-mel L1 {one.percent:+.1f} %, noise floor "
                f"{one.derived_floor_dbfs:.1f} -> {one.found_floor_dbfs:.1f} dBFS"
                f"{warning}"
            )
        betas = ",".join(f"{beta:.6g}" for beta in self.found.schedule.betas)
        return [*lines, f"betas {betas}"]


def compare(
    found: Found,
    measured: Mapping[str, Measurements],
    samplers: tuple[str, ...],
    derived: NoiseSchedule,
    searched: Sequence[HeldOut],
    held_back: Sequence[HeldOut],
) -> Outcome:
    """Measures a found schedule with what was held back, and with other samplers.

    Args:
        found: Of the search.
        measured: Of every sampler, as stored schedules are used by all.
        samplers: That the search was for.
        derived: The derived schedule of as many steps.
        searched, held_back: Utterances that the search saw and did not see.
    """
    compared = {}
    if found.value < found.derived_value:
        for name in sorted(measured, key=lambda name: name not in samplers):
            one = measured[name]
            compared[name] = Compared(
                one.log_mel_l1(derived, held_back),
                one.log_mel_l1(found.schedule, held_back),
                one.noise_floor_dbfs(derived, held_back),
                one.noise_floor_dbfs(found.schedule, held_back),
            )
    return Outcome(found, samplers, compared, len(searched), len(held_back))
