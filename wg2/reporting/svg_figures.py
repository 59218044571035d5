"""Figures of a page as inline SVG that takes its colours from the page."""

from __future__ import annotations

import io
import re

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Stand-ins that no figure has by chance; the page's CSS gives them a meaning, so that
# one picture serves light and dark.
_COLORS = {
    "#010203": "currentColor",
    "#010305": "var(--bar)",
    "#010307": "var(--rare)",
    "#010309": "var(--grid)",
    "#01030b": "var(--third)",
    "#01030d": "var(--fourth)",
}
TEXT, BAR, RARE, GRID, THIRD, FOURTH = _COLORS
_RC = {
    "svg.fonttype": "none",  # letters that can be read, found and scaled
    "svg.hashsalt": "wg2",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": TEXT,
    "axes.edgecolor": TEXT,
    "axes.labelcolor": TEXT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "grid.color": GRID,
}


def style():
    """A context in which figures are drawn in the page's colours."""
    import matplotlib

    return matplotlib.rc_context(_RC)


def plain(axes: Axes) -> None:
    """Takes away what distracts."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", linewidth=0.6)
    axes.set_axisbelow(True)


def whole_numbers(axes: Axes) -> None:
    """Ticks of counts on a linear y axis."""
    if axes.get_yscale() == "linear":
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))


def svg(figure: Figure, name: str, title: str, description: str) -> str:
    """The figure as an element for an HTML page.

    Args:
        figure: Drawn in `style()` with the colours of this module.
        name: Prefix that makes its ids unique in the page.
        title, description: For those who do not see it; already escaped.
    """
    FigureCanvasSVG(figure)
    buffer = io.StringIO()
    with style():
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
