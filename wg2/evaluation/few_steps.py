"""What few steps lose against the most steps of the same sampler and durations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from wg2.evaluation.bootstrap import Bootstrap, Estimate
from wg2.evaluation.combinations import Combination
from wg2.evaluation.summary import Row


class FewSteps(NamedTuple):
    """A combination beside the one of the most steps, utterances paired.

    Args:
        combination, most_steps: The two.
        noise_floor_difference_db: Its mean noise floor less the other's.
        log_mel_l1_percent: Its mean log-mel L1 less the other's, in percent of that.
    """

    combination: Combination
    most_steps: Combination
    noise_floor_difference_db: Estimate
    log_mel_l1_percent: Estimate


def few_steps(rows: Sequence[Row], seed: int = 0) -> list[FewSteps]:
    """One for each row whose sampler and durations have a row of more steps.

    Args:
        rows: Of `summarize`.
        seed: int, of the resampling.
    """
    spoken = [row for row in rows if row.combination]
    compared = []
    for row in spoken:
        most = max(
            (other for other in spoken if _kind(other) == _kind(row)),
            key=lambda other: other.combination.steps,
        )
        if most.combination.steps > row.combination.steps:
            compared.append(_compare(row, most, seed))
    return compared


def _kind(row: Row) -> tuple[str, str]:
    return row.combination.sampler, row.combination.durations


def _compare(row: Row, most: Row, seed: int) -> FewSteps:
    bootstrap = Bootstrap(len(row.utterances), seed)
    ones = np.ones(len(row.utterances))
    floor = bootstrap.difference(
        _column(row, "noise_floor_dbfs"), ones, _column(most, "noise_floor_dbfs"), ones
    )
    ratio = bootstrap.ratio(_column(row, "log_mel_l1"), _column(most, "log_mel_l1"))
    percent = Estimate(*(100.0 * (value - 1.0) for value in ratio))
    return FewSteps(row.combination, most.combination, floor, percent)


def _column(row: Row, name: str) -> np.ndarray:
    return np.array([values[name] for values in row.utterances], float)
