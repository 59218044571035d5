"""The page of a corpus report: `CorpusSummary` and `Findings` -> HTML."""

from __future__ import annotations

import collections
import dataclasses
import html
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tfrecords_tools import report_plots, sound_clips
from tfrecords_tools.corpus_summary import (
    EXTREMES,
    CorpusSummary,
    Extreme,
    Histogram,
    Outlier,
    rare_phonemes,
)
from tfrecords_tools.findings import CHECKS, ERRORS, Findings
from tfrecords_tools.html_elements import (
    Child,
    Element,
    details,
    document,
    element,
    parse_svg,
    table,
)
from tfrecords_tools.report_style import STYLE
from tfrecords_tools.utterance import Skipped
from wg2.data.dataset import DatasetInfo
from wg2.text import symbols

_VALIDATE = "python -m tfrecords_tools.validate"
_SHOW = "python -m tfrecords_tools.show"
_TEXT_LENGTH = 400
_SPEAKERS_SHOWN = 200
_SKIPS_SHOWN = 3
_WARNINGS_LENGTH = 600
# Nothing may be loaded from anywhere, and no script may run, whatever a text says.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; media-src data:; img-src data:"
)
# Of `dataset.json`, what sections of their own show.
_SHOWN_FIELDS = frozenset((
    "corpus", "phonemes", "speakers", "phoneme_counts", "splits", "skipped", "warnings",
    "config", "directory",
))  # fmt: skip


def page(
    info: DatasetInfo, summary: CorpusSummary, findings: Findings, rare_below: int
) -> str:
    """The report as one HTML document that needs nothing else.

    Args:
        info: The dataset.
        summary: Of all its records.
        findings: Of all its records.
        rare_below: int; a phoneme with fewer occurrences in training is rare.
    """
    title = f"Corpus report: {info.corpus.name}"
    sections = (
        _overview(info, summary, findings),
        _checks(info.directory, findings),
        _splits(info, summary),
        _distributions(summary),
        _phonemes(info, summary, rare_below),
        _outliers(info, summary),
        _skipped(info),
        _build(info),
    )
    links = [
        element("a", section.find("h2").text, href=f"#{section.get('id')}")
        for section in sections[1:]
    ]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", **{"http-equiv": "Content-Security-Policy"}, content=_POLICY),
        element("title", title),
        element("style", STYLE),
    )
    body = element(
        "body",
        element(
            "header",
            element("h1", info.corpus.name),
            element("p", f"{info.corpus.language} · licence: {info.corpus.licence}"),
            element("p", f"From {info.corpus.source}, read in {info.directory}"),
            element("nav", *links, aria_label="Sections"),
        ),
        element("main", *sections),
    )
    return document(element("html", head, body, lang="en"))


def _section(id: str, title: str, *children: Child) -> Element:
    return element("section", element("h2", title), *children, id=id)


def _overview(info: DatasetInfo, summary: CorpusSummary, findings: Findings) -> Element:
    tiles = (
        (f"{sum(summary.seconds.values()) / 3600:.2f}", "hours"),
        (f"{sum(summary.utterances.values()):,}", "utterances"),
        (str(max(1, len(info.speakers))), "speakers"),
        (f"{info.sample_rate_hz / 1000:g} kHz", "sample rate"),
        (f"{1000 / info.frames_per_second:g} ms", "frame"),
        (f"{len(info.skipped):,}", "skipped"),
        (f"{findings.num_errors:,}", "errors"),
        (f"{findings.num_warnings:,}", "warnings"),
    )
    items = [
        element("div", element("dt", name), element("dd", value))
        for value, name in tiles
    ]
    return _section("overview", "Overview", element("dl", *items, class_="tiles"))


def _checks(directory: Path, findings: Findings) -> Element:
    rows = []
    for check, meaning in CHECKS.items():
        if not findings.counts[check]:
            continue
        level = "error" if check in ERRORS else "warning"
        first = element("ul")
        for finding in findings.examples[check]:
            place = finding.id or finding.shard
            text = f"{place}: {finding.message}" if place else finding.message
            first.append(element("li", _shorten(text)))
        rows.append(
            (
                element("span", level, class_=level),
                element("span", check, element("br"), meaning),
                f"{findings.counts[check]:,}",
                first,
            )
        )
    notes = [element("p", f"Note: {note}.") for note in findings.notes]
    if not rows:
        return _section(
            "checks", "Checks", element("p", "No check found anything."), *notes
        )
    head = ("level", "check", "findings", "the first of them")
    return _section(
        "checks",
        "Checks",
        element(
            "p",
            "Errors are wrong data; warnings are worth listening to. All of them: ",
            element("code", f"{_VALIDATE} {directory} --json FILE"),
        ),
        table("What the checks found", head, rows, numeric=(2,)),
        *notes,
    )


def _splits(info: DatasetInfo, summary: CorpusSummary) -> Element:
    def row(name: str, keys: Sequence[tuple[str, int]]) -> tuple[str, ...]:
        count = sum(summary.utterances[key] for key in keys)
        seconds = sum(summary.seconds[key] for key in keys)
        speakers = len({speaker for _, speaker in keys})
        mean = f"{seconds / count:.2f}" if count else "-"
        return name, f"{count:,}", f"{seconds / 3600:.3f}", mean, str(speakers)

    heard = list(summary.utterances)
    rows = [
        row(split, [key for key in heard if key[0] == split]) for split in info.splits
    ]
    rows.append(row("both", heard))
    head = ("split", "utterances", "hours", "mean seconds", "speakers")
    children = [table("Splits", head, rows, numeric=(1, 2, 3, 4))]
    if len(info.speakers) > 1:
        children.append(_speakers(info, summary))
    return _section("splits", "Splits and speakers", *children)


def _speakers(info: DatasetInfo, summary: CorpusSummary) -> Element:
    rows = []
    for i, name in enumerate(info.speakers[:_SPEAKERS_SHOWN]):
        row = [name]
        for split in info.splits:
            count, seconds = summary.utterances[split, i], summary.seconds[split, i]
            row += [f"{count:,}", f"{seconds / 3600:.3f}"]
        rows.append(row)
    head = ["speaker"]
    for split in info.splits:
        head += [f"{split} utterances", f"{split} hours"]
    more = len(info.speakers) - len(rows)
    title = f"Speakers (and {more} more)" if more else "Speakers"
    return table(title, head, rows, numeric=range(1, len(head)))


def _distributions(summary: CorpusSummary) -> Element:
    plots = (
        ("duration", "Length of the utterances", "seconds", summary.durations),
        ("rate", "Speaking rate", "speech sounds per second of speech", summary.rates),
        ("pause", "Pauses between words", "seconds", summary.pauses),
        ("loudness", "Loudness", "RMS in dBFS", summary.loudness),
        ("start", "Silence before the speech", "seconds", summary.start_silence),
        ("end", "Silence after the speech", "seconds", summary.end_silence),
    )
    figures = [_histogram(*plot) for plot in plots]
    return _section(
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


def _phonemes(info: DatasetInfo, summary: CorpusSummary, rare_below: int) -> Element:
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
    return _section(
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
    return parse_svg(report_plots.svg(figure, name, *texts))


def _outliers(info: DatasetInfo, summary: CorpusSummary) -> Element:
    blocks = list(_outlier_blocks(info, summary))
    return _section(
        "outliers",
        "Outliers to listen to",
        element(
            "p",
            "The most extreme utterances of each kind; most are probably fine. To see "
            "one: ",
            element("code", f"{_SHOW} {info.directory} --id ID --output ID.png"),
        ),
        *blocks,
    )


def _outlier_blocks(info: DatasetInfo, summary: CorpusSummary) -> Iterator[Element]:
    for extreme in EXTREMES:
        found = summary.outliers(extreme)
        if not found:
            continue
        cards = [_card(info, extreme, outlier) for outlier in found]
        yield element("h3", extreme.title)
        yield element("ol", *cards, class_="cards")


def _card(info: DatasetInfo, extreme: Extreme, outlier: Outlier) -> Element:
    statistics = outlier.statistics
    numbers = [
        f"{statistics.seconds:.2f} s",
        f"{statistics.phonemes_per_second:.1f} sounds/s",
        f"RMS {statistics.rms_dbfs:.1f} dBFS",
        f"peak {statistics.peak_dbfs:.1f} dBFS",
    ]
    clip_seconds = len(outlier.audio) / info.sample_rate_hz
    if clip_seconds < statistics.seconds - 1e-6:
        start = outlier.clip_start_seconds
        numbers.append(f"clip: {start:.1f} s to {start + clip_seconds:.1f} s of it")
    where = " · ".join(part for part in (outlier.split, outlier.speaker) if part)
    return element(
        "li",
        element(
            "p",
            element("strong", outlier.id),
            f" · {where} · ",
            element("em", extreme.text(statistics)),
        ),
        element("blockquote", _shorten(outlier.text, _TEXT_LENGTH)),
        element(
            "audio",
            controls="controls",
            preload="none",
            src=sound_clips.data_uri(outlier.audio, info.sample_rate_hz),
            aria_label=f"{outlier.id}: {_shorten(outlier.text, 80)}",
        ),
        element("p", " · ".join(numbers), class_="numbers"),
    )


def _skipped(info: DatasetInfo) -> Element:
    kinds: dict[str, list[Skipped]] = collections.defaultdict(list)
    for values in info.skipped:
        skipped = Skipped(**values)
        kinds[skipped.kind].append(skipped)
    if not kinds:
        return _section(
            "skipped", "Skipped utterances", element("p", "None was skipped.")
        )
    rows = []
    for kind, those in sorted(kinds.items(), key=lambda item: -len(item[1])):
        examples = element("ul")
        for skipped in those[:_SKIPS_SHOWN]:
            reason = skipped.reason.partition(": ")[2]
            text = f"{skipped.id}: {reason}" if reason else skipped.id
            examples.append(element("li", _shorten(text)))
        rows.append((kind, f"{len(those):,}", examples))
    head = ("reason", "utterances", "the first of them")
    return _section(
        "skipped",
        "Skipped utterances",
        table("Utterances left out by the build", head, rows, numeric=(1,)),
    )


def _build(info: DatasetInfo) -> Element:
    warnings = [
        element("li", _shorten(line, _WARNINGS_LENGTH)) for line in info.warnings
    ]
    noted = element("ul", *warnings) if warnings else element("p", "No warnings.")
    fields = [
        (field.name, _plain(getattr(info, field.name)))
        for field in dataclasses.fields(info)
        if field.name not in _SHOWN_FIELDS
    ]
    config = json.dumps(info.config, indent=1, ensure_ascii=False)
    return _section(
        "build",
        "Build",
        element("h3", "What was done to utterances that were kept"),
        noted,
        table("dataset.json", ("field", "value"), fields),
        details("The config of the build", element("pre", config)),
    )


def _plain(value) -> str:
    if isinstance(value, str | int | float | np.number):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def _shorten(text: str, length: int = 200) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
