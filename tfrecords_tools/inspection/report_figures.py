"""The sections of a report that are drawn."""

from __future__ import annotations

import html

from tfrecords_tools.inspection import report_plots
from tfrecords_tools.inspection.corpus_summary import CorpusSummary, rare_phonemes
from tfrecords_tools.inspection.histogram import Histogram
from wg2.data.dataset import DatasetInfo
from wg2.reporting.html_elements import (
    Child,
    Element,
    details,
    element,
    parse_svg,
    section,
    table,
)
from wg2.reporting.svg_figures import svg
from wg2.text import symbols


def distributions(summary: CorpusSummary) -> Element:
    """Histograms of what was measured."""
    plots = (
        ("duration", "Length of the utterances", "seconds", summary.durations),
        ("rate", "Speaking rate", "speech sounds per second of speech", summary.rates),
        ("pause", "Pauses between words", "seconds", summary.pauses),
        ("loudness", "Loudness", "RMS in dBFS", summary.loudness),
        ("start", "Silence before the speech", "seconds", summary.start_silence),
        ("end", "Silence after the speech", "seconds", summary.end_silence),
    )
    figures = [_histogram(*plot) for plot in plots]
    return section(
        "distributions", "Distributions", element("div", *figures, class_="grid")
    )


def _histogram(name: str, title: str, x_label: str, values: Histogram) -> Element:
    counted = "pauses" if name == "pause" else "utterances"
    if not values.num_values:
        return element("figure", element("figcaption", f"{title}: none"))
    description = (
        f"{values.num_values:,} {counted}, {values.smallest:.2f} to "
        f"{values.largest:.2f} {x_label}; median {values.quantile(0.5):.2f}, mean "
        f"{values.mean:.2f}; 90 % lie between {values.quantile(0.05):.2f} and "
        f"{values.quantile(0.95):.2f}"
    )
    figure = report_plots.histogram(values, x_label, counted)
    edges, counts = values.condensed(report_plots.MAX_BARS)
    names = [f"{round(edge, 3) + 0:g}" for edge in edges]  # + 0: no "-0"
    bins = [
        (f"{low} to {high}", f"{count:,}")
        for low, high, count in zip(names[:-1], names[1:], counts, strict=True)
    ]
    if values.num_below:
        bins.insert(0, (f"below {names[0]}", f"{values.num_below:,}"))
    if values.num_above:
        bins.append((f"{names[-1]} and more", f"{values.num_above:,}"))
    return element(
        "figure",
        element("figcaption", element("strong", title), f": {description}"),
        _svg(figure, name, title, description),
        details("As a table", table(title, (x_label, counted), bins, numeric=(1,))),
    )


def phonemes(info: DatasetInfo, summary: CorpusSummary, rare_below: int) -> Element:
    """How often each phoneme occurs, and which are rare."""
    counts = summary.phonemes["train"]
    rare = rare_phonemes(info, counts, rare_below)
    never = [symbol for symbol, count in rare.items() if not count]
    seldom = [f"{symbol} ({count})" for symbol, count in rare.items() if count]
    children: list[Child] = []
    if never:
        children.append(
            element(
                "p", element("strong", "Never in training: "), ", ".join(never),
                class_="rare",
            )
        )  # fmt: skip
    if seldom:
        children.append(
            element(
                "p",
                element("strong", f"Fewer than {rare_below} times in training: "),
                ", ".join(seldom),
                class_="rare",
            )
        )
    if not rare:
        children.append(element("p", f"All occur at least {rare_below} times."))
    description = (
        f"{len(counts) - 1} phonemes by occurrences in training (logarithmic axis); "
        f"{len(rare)} of them fewer than {rare_below} times"
    )
    plotted = [i for i, name in enumerate(info.phonemes) if name != symbols.PAD]
    names = [info.phonemes[i] for i in plotted]
    figure = report_plots.phoneme_bars(names, counts[plotted], rare_below)
    rows = [
        (symbol, *(f"{summary.phonemes[split][i]:,}" for split in info.splits))
        for i, symbol in enumerate(info.phonemes)
    ]
    head = ("phoneme", *info.splits)
    return section(
        "phonemes",
        "Phonemes",
        *children,
        element(
            "figure",
            element("figcaption", description),
            _svg(figure, "phonemes", "Phonemes", description),
            details("As a table", table("Phonemes", head, rows, numeric=(1, 2))),
            class_="whole",
        ),
    )


def _svg(figure, name: str, title: str, description: str) -> Element:
    texts = html.escape(title), html.escape(description)
    return parse_svg(svg(figure, name, *texts))
