"""Figures of a report as inline SVG that takes its colours from the page."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tfrecords_tools.inspection.histogram import Histogram

# Stand-ins that no figure has by chance; the page's CSS gives them a meaning, so that
# one picture serves light and dark.
_COLORS = {
    "#010203": "currentColor",
    "#010305": "var(--bar)",
    "#010307": "var(--rare)",
    "#010309": "var(--grid)",
}
_TEXT, _BAR, _RARE, _GRID = _COLORS
MAX_BARS = 40
_RC = {
    "svg.fonttype": "none",  # letters that can be read, found and scaled
    "svg.hashsalt": "wg2",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _TEXT,
    "axes.edgecolor": _TEXT,
    "axes.labelcolor": _TEXT,
    "xtick.color": _TEXT,
    "ytick.color": _TEXT,
    "grid.color": _GRID,
}


def histogram(values: Histogram, x_label: str, y_label: str) -> Figure:
    """Bars of a histogram, with what lies beyond its ends as bars at the ends."""
    with _style():
        figure = Figure(figsize=(5.0, 2.6), layout="constrained")
        axes = figure.subplots()
        edges, heights = values.condensed(MAX_BARS)
        width = edges[1] - edges[0]
        axes.bar(edges[:-1], heights, width * 0.92, align="edge", color=_BAR)
        for x, count in (
            (edges[0] - 1.5 * width, values.num_below),
            (edges[-1] + 0.5 * width, values.num_above),
        ):
            if count:
                axes.bar(x, count, width * 0.92, align="edge", color=_RARE)
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
        _plain(axes)
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
    with _style():
        figure = Figure(figsize=(11, 5.2), layout="constrained")
        for axes, part in zip(
            figure.subplots(2, 1, squeeze=False)[:, 0],
            (order[:half], order[half:]),
            strict=True,
        ):
            colors = [_RARE if counts[i] < rare_below else _BAR for i in part]
            # On a logarithmic axis none and one would look alike.
            axes.bar(range(len(part)), np.maximum(counts[part], 0.7), color=colors)
            axes.set_yscale("log")
            axes.set_ylim(0.7, 1.6 * max(10, counts.max()))
            axes.set_xticks(
                range(len(part)), [names[i] for i in part], rotation=90, fontsize=9
            )
            axes.set_xlim(-0.8, half - 0.2)
            axes.set_ylabel("occurrences")
            _plain(axes)
            axes.tick_params(axis="x", length=0)
    return figure


def svg(figure: Figure, name: str, title: str, description: str) -> str:
    """The figure as an element for an HTML page.

    Args:
        figure: From this module.
        name: Prefix that makes its ids unique in the page.
        title, description: For those who do not see it; already escaped.
    """
    FigureCanvasSVG(figure)
    buffer = io.StringIO()
    with _style():
        # Without date and program: the same corpus gives the same page.
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    for stand_in, color in _COLORS.items():
        text = text.replace(stand_in, color)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(xlink:)?href="#', f'href="#{name}-', text)
    text = text.replace("url(#", f"url(#{name}-")
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    labelled = f'role="img" aria-labelledby="{name}-title {name}-desc"'
    head, _, rest = text.partition(">")
    head = re.sub(r' (width|height|xmlns:xlink)="[^"]*"', "", head)
    return (
        f'{head} {labelled}>\n<title id="{name}-title">{title}</title>'
        f'<desc id="{name}-desc">{description}</desc>{rest}'
    )


def _style():
    import matplotlib

    return matplotlib.rc_context(_RC)


def _plain(axes) -> None:
    if axes.get_yscale() == "linear":
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", linewidth=0.6)
    axes.set_axisbelow(True)
