"""Quality against the number of steps, drawn."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from wg2.evaluation.measures import Measure
from wg2.evaluation.summary import Row
from wg2.reporting.svg_figures import BAR, FOURTH, RARE, TEXT, THIRD, plain, style

_COLORS = (BAR, RARE, THIRD, FOURTH)
_LINES = ("-", "--", ":", "-.")
_MARKERS = "osD^vP"


def curves(rows: Sequence[Row], measure: Measure) -> Figure:
    """One line for each sampler (color) and schedule (line), with 95 % intervals; the
    recordings' own value is a level.

    Args:
        rows: Of one kind of durations, and that of the recordings.
        measure: What to draw.
    """
    drawn = [r for r in rows if r.combination and measure.name in r.estimates]
    samplers = list(dict.fromkeys(r.combination.sampler for r in drawn))
    schedules = list(dict.fromkeys(r.combination.schedule for r in drawn))
    with style():
        figure = Figure(figsize=(5.0, 3.4), layout="constrained")
        axes = figure.subplots()
        for (i, sampler), (j, schedule) in itertools.product(
            enumerate(samplers), enumerate(schedules)
        ):
            line = [
                r
                for r in drawn
                if (r.combination.sampler, r.combination.schedule)
                == (sampler, schedule)
            ]
            if not line:
                continue
            line.sort(key=lambda r: r.combination.steps)
            estimates = np.array([r.estimates[measure.name] for r in line])
            value, low, high = estimates.T
            # Side by side, since intervals of equal steps would hide each other.
            beside = 1.03 ** (i - (len(samplers) - 1) / 2 + 0.3 * j)
            axes.errorbar(
                [r.combination.steps * beside for r in line],
                value,
                yerr=np.nan_to_num(np.stack([value - low, high - value]).clip(0)),
                color=_COLORS[i % len(_COLORS)],
                linestyle=_LINES[j % len(_LINES)],
                marker=_MARKERS[j % len(_MARKERS)],
                markersize=3.5,
                linewidth=1.3,
                elinewidth=0.8,
                capsize=2,
                label=sampler
                if len(schedules) == 1
                else f"{sampler}, {Path(schedule).stem}",
            )
        steps = sorted({r.combination.steps for r in drawn})
        ends = steps[0] / 1.25, steps[-1] * 1.25
        for row in rows:
            if row.combination is None and measure.name in row.estimates:
                own = row.estimates[measure.name].value
                axes.plot(
                    ends, (own, own), color=TEXT, linewidth=0.9, label="recordings"
                )
        axes.set_xscale("log")
        axes.set_xticks(steps, [str(count) for count in steps])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlim(*ends)
        axes.set_xlabel("refinement steps")
        unit = f" ({measure.unit})" if measure.unit else ""
        axes.set_ylabel(f"{measure.title}{unit}")
        labels = axes.get_legend_handles_labels()[1]
        wide = max(map(len, labels), default=0) > 18
        figure.legend(
            loc="outside lower center",
            ncols=2 if wide else 3,
            fontsize=8,
            frameon=False,
        )
        plain(axes)
    return figure
