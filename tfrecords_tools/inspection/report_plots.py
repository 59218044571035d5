"""Figures of a corpus report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from tfrecords_tools.inspection.histogram import Histogram
from wg2.reporting.svg_figures import BAR, RARE, plain, style, whole_numbers

MAX_BARS = 40


def histogram(values: Histogram, x_label: str, y_label: str) -> Figure:
    """Bars of a histogram, with what lies beyond its ends as bars at the ends."""
    with style():
        figure = Figure(figsize=(5.0, 2.6), layout="constrained")
        axes = figure.subplots()
        edges, heights = values.condensed(MAX_BARS)
        width = edges[1] - edges[0]
        axes.bar(edges[:-1], heights, width * 0.92, align="edge", color=BAR)
        for x, count in (
            (edges[0] - 1.5 * width, values.num_below),
            (edges[-1] + 0.5 * width, values.num_above),
        ):
            if count:
                axes.bar(x, count, width * 0.92, align="edge", color=RARE)
                axes.annotate(
                    f"{count} beyond",
                    (x + width / 2, count),
                    ha="right" if x > edges[0] else "left",
                    va="bottom",
                    fontsize=8,
                )
        axes.set_xlim(edges[0] - 2 * width, edges[-1] + 2 * width)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        plain(axes)
        whole_numbers(axes)
        whole_numbers(axes)
    return figure


def phoneme_bars(names: Sequence[str], counts: np.ndarray, rare_below: int) -> Figure:
    """Counts of each phoneme, the most frequent first, rare ones in another colour.

    Args:
        names: Of the phonemes.
        counts: int `(phonemes,)`.
        rare_below: int, the first count that is not rare.
    """
    order = np.argsort(-counts, kind="stable")
    half = -(-len(order) // 2)
    with style():
        figure = Figure(figsize=(11, 5.2), layout="constrained")
        for axes, part in zip(
            figure.subplots(2, 1, squeeze=False)[:, 0],
            (order[:half], order[half:]),
            strict=True,
        ):
            colors = [RARE if counts[i] < rare_below else BAR for i in part]
            # On a logarithmic axis none and one would look alike.
            axes.bar(range(len(part)), np.maximum(counts[part], 0.7), color=colors)
            axes.set_yscale("log")
            axes.set_ylim(0.7, 1.6 * max(10, counts.max()))
            axes.set_xticks(
                range(len(part)), [names[i] for i in part], rotation=90, fontsize=9
            )
            axes.set_xlim(-0.8, half - 0.2)
            axes.set_ylabel("occurrences")
            plain(axes)
            axes.tick_params(axis="x", length=0)
    return figure
