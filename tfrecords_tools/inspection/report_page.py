"""The page of a corpus report: `CorpusSummary` and `Findings` -> HTML."""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfrecords_tools.inspection.corpus_summary import CorpusSummary
from tfrecords_tools.inspection.findings import CHECKS, ERRORS, Findings
from tfrecords_tools.inspection.report_figures import distributions, phonemes
from tfrecords_tools.inspection.report_outliers import outliers
from tfrecords_tools.utterance import Skipped
from wg2.data.dataset import DatasetInfo
from wg2.reporting.html_elements import (
    Element,
    details,
    element,
    section,
    shorten,
    table,
)
from wg2.reporting.page import page as frame
from wg2.reporting.page import tiles

_VALIDATE = "python -m tfrecords_tools.validate"
_SPEAKERS_SHOWN = 200
_SKIPS_SHOWN = 3
_WARNINGS_LENGTH = 600
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
        distributions(summary),
        phonemes(info, summary, rare_below),
        outliers(info, summary),
        _skipped(info),
        _build(info),
    )
    lines = (
        f"{info.corpus.language} · licence: {info.corpus.licence}",
        f"From {info.corpus.source}, read in {info.directory}",
    )
    return frame(title, info.corpus.name, lines, sections)


def _overview(info: DatasetInfo, summary: CorpusSummary, findings: Findings) -> Element:
    items = (
        (f"{sum(summary.seconds.values()) / 3600:.2f}", "hours"),
        (f"{sum(summary.utterances.values()):,}", "utterances"),
        (str(max(1, len(info.speakers))), "speakers"),
        (f"{info.sample_rate_hz / 1000:g} kHz", "sample rate"),
        (f"{1000 / info.frames_per_second:g} ms", "frame"),
        (f"{len(info.skipped):,}", "skipped"),
        (f"{findings.num_errors:,}", "errors"),
        (f"{findings.num_warnings:,}", "warnings"),
    )
    return section("overview", "Overview", tiles(items))


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
            first.append(element("li", shorten(text)))
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
        return section(
            "checks", "Checks", element("p", "No check found anything."), *notes
        )
    head = ("level", "check", "findings", "the first of them")
    return section(
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
    return section("splits", "Splits and speakers", *children)


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


def _skipped(info: DatasetInfo) -> Element:
    kinds: dict[str, list[Skipped]] = collections.defaultdict(list)
    for values in info.skipped:
        skipped = Skipped(**values)
        kinds[skipped.kind].append(skipped)
    if not kinds:
        return section(
            "skipped", "Skipped utterances", element("p", "None was skipped.")
        )
    rows = []
    for kind, those in sorted(kinds.items(), key=lambda item: -len(item[1])):
        examples = element("ul")
        for skipped in those[:_SKIPS_SHOWN]:
            reason = skipped.reason.partition(": ")[2]
            text = f"{skipped.id}: {reason}" if reason else skipped.id
            examples.append(element("li", shorten(text)))
        rows.append((kind, f"{len(those):,}", examples))
    head = ("reason", "utterances", "the first of them")
    return section(
        "skipped",
        "Skipped utterances",
        table("Utterances left out by the build", head, rows, numeric=(1,)),
    )


def _build(info: DatasetInfo) -> Element:
    warnings = [
        element("li", shorten(line, _WARNINGS_LENGTH)) for line in info.warnings
    ]
    noted = element("ul", *warnings) if warnings else element("p", "No warnings.")
    fields = []
    for field in dataclasses.fields(info):
        value = getattr(info, field.name)
        if field.name in _SHOWN_FIELDS:
            continue
        if isinstance(value, dict):  # the options of the build
            fields += [(f"{field.name}.{k}", _plain(v)) for k, v in value.items()]
        else:
            fields.append((field.name, _plain(value)))
    config = json.dumps(info.config, indent=1, ensure_ascii=False)
    return section(
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
