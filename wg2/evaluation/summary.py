"""Values of single utterances -> one figure with its interval for each measure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wg2.evaluation.bootstrap import Bootstrap, Estimate
from wg2.evaluation.combinations import Combination
from wg2.evaluation.measures import MEASURES, Measure
from wg2.evaluation.store import Values


@dataclasses.dataclass(frozen=True)
class Row:
    """All figures of one combination, or of the recordings.

    Args:
        combination: None for the recordings.
        estimates: By the name of the measure; those that have no value are missing.
        differences: To the recordings, utterances paired, where these have a value.
        utterances: Values in the order of the utterances.
    """

    combination: Combination | None
    estimates: dict[str, Estimate]
    differences: dict[str, Estimate]
    utterances: tuple[Values, ...]


def summarize(
    ids: Sequence[str],
    recordings: Mapping[str, Values],
    combinations: Mapping[Combination, Mapping[str, Values]],
    seed: int = 0,
) -> list[Row]:
    """A row for the recordings, and one for every combination that is complete.

    Rows are in the order of durations, schedule, sampler and steps.

    Args:
        ids: Of the utterances, at least one.
        recordings: Their values by id.
        combinations: Values by id.
        seed: int, of the resampling.
    """
    bootstrap = Bootstrap(len(ids), seed)
    own = tuple(recordings[id] for id in ids)
    rows = [Row(None, _estimates(bootstrap, own), {}, own)]
    ordered = sorted(combinations, key=lambda c: (c.durations, c.schedule, c.sampler,
                                                  c.steps))  # fmt: skip
    for combination in ordered:
        values = combinations[combination]
        if any(id not in values for id in ids):
            continue
        these = tuple(values[id] for id in ids)
        differences = {}
        for measure in MEASURES:
            pairs = (*_parts(measure, these), *_parts(measure, own))
            if measure.of_recording and not any(np.isnan(p).all() for p in pairs):
                found = bootstrap.difference(*pairs)
                differences[measure.name] = _scaled(found, measure)
        rows.append(Row(combination, _estimates(bootstrap, these), differences, these))
    return rows


def to_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows as JSON values; what is not a number becomes null."""
    return [
        {
            "combination": row.combination and dataclasses.asdict(row.combination),
            "summary": {
                name: {
                    **intervals_json(estimate),
                    **(
                        {
                            "difference_to_recordings": intervals_json(
                                row.differences[name]
                            )
                        }
                        if name in row.differences
                        else {}
                    ),
                }
                for name, estimate in row.estimates.items()
            },
            "utterances": [_finite(values) for values in row.utterances],
        }
        for row in rows
    ]


def _estimates(
    bootstrap: Bootstrap, utterances: Sequence[Values]
) -> dict[str, Estimate]:
    found = {}
    for measure in MEASURES:
        estimate = bootstrap.ratio(*_parts(measure, utterances))
        if not math.isnan(estimate.value):
            found[measure.name] = _scaled(estimate, measure)
    return found


def _parts(
    measure: Measure, utterances: Sequence[Values]
) -> tuple[np.ndarray, np.ndarray]:
    """Numerators and denominators `(utterances,)`, nan where there is no value."""

    def column(name: str) -> np.ndarray:
        return np.array([values.get(name, np.nan) for values in utterances], float)

    if measure.pooled is None:
        return column(measure.name), np.ones(len(utterances))
    above, below = measure.pooled
    return column(above), column(below)


def _scaled(estimate: Estimate, measure: Measure) -> Estimate:
    return Estimate(*(measure.scale * number for number in estimate))


def intervals_json(estimate: Estimate) -> dict[str, float | None]:
    """An estimate as JSON values."""
    return _finite(estimate._asdict())


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
