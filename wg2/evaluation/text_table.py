"""The results as a table for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wg2.evaluation.bootstrap import Estimate
from wg2.evaluation.measures import MEASURES, Measure
from wg2.evaluation.summary import Row


def text_table(rows: Sequence[Row]) -> str:
    """Lines of equal columns; behind ± is half of the 95 % interval."""
    shown = [m for m in MEASURES if any(m.name in row.estimates for row in rows)]
    head = ["durations", "schedule", "sampler", "steps"]
    lines = [
        head + [measure.title for measure in shown],
        [""] * len(head) + [measure.unit for measure in shown],
    ]
    for row in rows:
        lines.append([*label(row), *(_cell(row, measure) for measure in shown)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < 3 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def label(row: Row) -> list[str]:
    """Durations, schedule, sampler and steps of a row."""
    one = row.combination
    if one is None:
        return ["recordings", "", "", ""]
    return [one.durations, one.schedule, one.sampler, str(one.steps)]


def number(value: float, measure: Measure) -> str:
    """A figure with the measure's digits; no "-0"."""
    return f"{round(value, measure.digits) + 0.0:.{measure.digits}f}"


def _cell(row: Row, measure: Measure) -> str:
    estimate: Estimate | None = row.estimates.get(measure.name)
    if estimate is None:
        return "-"
    text = number(estimate.value, measure)
    if math.isnan(estimate.low):
        return text
    return f"{text} ±{number((estimate.high - estimate.low) / 2, measure)}"
