"""The results as a table for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wg2.evaluation.bootstrap import Estimate
from wg2.evaluation.measures import MEASURES, Measure
from wg2.evaluation.summary import Row


def text_table(rows: Sequence[Row], max_width: int = 100) -> str:
    """Lines of equal columns; behind ± is half of the 95 % interval.

    Measures that do not fit beside the others come below them, with all rows again.

    Args:
        rows: Results.
        max_width: int, characters of a line.
    """
    shown = [m for m in MEASURES if any(m.name in row.estimates for row in rows)]
    names = [
        ["durations", "schedule", "sampler", "steps"],
        [""] * 4,
        *(label(row) for row in rows),
    ]
    parts = [""]
    for measure in shown:
        column = [measure.title, measure.unit, *(_cell(row, measure) for row in rows)]
        wider = _beside(parts[-1].splitlines() or _aligned(names), column)
        if parts[-1] and max(map(len, wider)) > max_width:
            parts.append("")
            wider = _beside(_aligned(names), column)
        parts[-1] = "\n".join(wider)
    return "\n\n".join(parts)


def _aligned(names: Sequence[Sequence[str]]) -> list[str]:
    """Lines of left-aligned columns but for the last, which are steps."""
    widths = [max(map(len, column)) for column in zip(*names, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if i == len(widths) - 1 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in names
    ]


def _beside(lines: Sequence[str], column: Sequence[str]) -> list[str]:
    width = max(map(len, column))
    return [
        f"{line}  {cell.rjust(width)}" for line, cell in zip(lines, column, strict=True)
    ]


def label(row: Row) -> list[str]:
    """Durations, schedule, sampler and steps of a row."""
    one = row.combination
    if one is None:
        return ["recordings", "", "", ""]
    return [one.durations, one.schedule, one.sampler, str(one.steps)]


def number(value: float, digits: int) -> str:
    """A figure with so many digits behind the point; no "-0"."""
    return f"{round(value, digits) + 0.0:.{digits}f}"


def _cell(row: Row, measure: Measure) -> str:
    estimate: Estimate | None = row.estimates.get(measure.name)
    if estimate is None:
        return "-"
    text = number(estimate.value, measure.digits)
    if math.isnan(estimate.low):
        return text
    return f"{text} ±{number((estimate.high - estimate.low) / 2, measure.digits)}"
