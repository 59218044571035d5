"""The report of an evaluation: rows of results -> one HTML page."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence
from typing import Any

from wg2.evaluation.bootstrap import Estimate
from wg2.evaluation.combinations import DURATIONS
from wg2.evaluation.curves import curves
from wg2.evaluation.few_steps import FewSteps
from wg2.evaluation.measures import MEASURES, Measure
from wg2.evaluation.summary import Row
from wg2.evaluation.text_table import label, number
from wg2.reporting.html_elements import (
    Child,
    Element,
    details,
    element,
    parse_svg,
    section,
    table,
)
from wg2.reporting.page import page, tiles
from wg2.reporting.svg_figures import svg

_DRAWN = (
    "mcd_db", "mcd_dtw_db", "log_mel_l1", "f0_rmse_cents", "voicing_error_percent",
    "noise_floor_dbfs", "pause_high_band_dbfs", "word_error_percent",
    "phone_error_percent", "real_time_factor",
)  # fmt: skip


def report_page(
    settings: dict[str, Any],
    rows: Sequence[Row],
    compared: Sequence[FewSteps],
    listen: Element,
    notes: Sequence[str] = (),
) -> str:
    """The text of the page.

    Args:
        settings: What was evaluated; see `wg2.evaluation.command`.
        rows: Results.
        compared: What few steps lose.
        listen: Its section of players.
        notes: What a reader should know.
    """
    voice = settings["voice"]
    longest = settings["longest_seconds"]
    length = "" if longest is None else f" of at most {longest:g} s"
    lines = (
        f"{settings['utterances']} {settings['split']} utterances{length} of "
        f"{settings['corpus']}, corpus hash {settings['corpus_hash'][:12]}",
        f"Voice weights and config: {settings['voice_hash'][:12]}",
    )
    kinds = [k for k in DURATIONS if _of_kind(rows, k)[1:]]
    sections = [
        _overview(settings, rows),
        _results(rows, kinds, notes),
        *(_curves(rows, kind) for kind in kinds),
        *([_few_steps(compared)] if compared else []),
        listen,
        _meanings(rows),
        section("settings", "Settings", _settings(settings)),
    ]
    return page(f"Evaluation: {voice}", f"Voice {voice}", lines, sections)


def _of_kind(rows: Sequence[Row], kind: str) -> list[Row]:
    """The recordings and what has durations of that kind."""
    return [r for r in rows if r.combination is None or r.combination.durations == kind]


def _shown(rows: Sequence[Row]) -> list[Measure]:
    return [m for m in MEASURES if any(m.name in row.estimates for row in rows)]


def _overview(settings: dict[str, Any], rows: Sequence[Row]) -> Element:
    items = [
        (str(settings["utterances"]), "utterances"),
        (str(len(rows) - 1), "combinations"),
    ]
    spoken = [row for row in rows if row.combination]
    for name in ("mcd_dtw_db", "noise_floor_dbfs", "word_error_percent"):
        measure = next(m for m in MEASURES if m.name == name)
        found = [r.estimates[name].value for r in spoken if name in r.estimates]
        if found:
            value = f"{number(min(found), measure.digits)} {measure.unit}"
            items.append((value, f"lowest {measure.title}"))
    return section("overview", "Overview", tiles(items))


def _results(rows: Sequence[Row], kinds: Sequence[str], notes: Sequence[str]):
    children: list[Child] = [
        element(
            "p",
            "Means over the utterances (WER, PER and RTF: of all utterances together) "
            "with 95 % bootstrap intervals.",
        )
    ]
    children += [element("p", f"Note: {note}.") for note in notes]
    for kind in kinds:
        of_kind = _of_kind(rows, kind)
        shown = _shown(of_kind)
        head = ["schedule", "sampler", "steps"]
        head += [f"{m.title} ({m.unit})" if m.unit else m.title for m in shown]
        body = []
        for row in of_kind:
            names = label(row)
            names = names[1:] if row.combination else ["recordings", "", ""]
            body.append([*names, *(_cell(row, measure) for measure in shown)])
        caption = f"With {kind} durations"
        children.append(table(caption, head, body, numeric=range(2, len(head))))
    differences = _differences(rows)
    if differences is not None:
        children.append(differences)
    return section("results", "Results", *children)


def _cell(row: Row, measure: Measure) -> Child:
    if measure.name not in row.estimates:
        return "–"
    return _with_interval(row.estimates[measure.name], measure.digits)


def _with_interval(estimate: Estimate, digits: int) -> Element:
    value = element("span", number(estimate.value, digits))
    if not math.isnan(estimate.low):
        low, high = (number(x, digits) for x in (estimate.low, estimate.high))
        interval = element("span", f"{low} to {high}", class_="numbers")
        value = element("span", value, element("br"), interval)
    return value


def _differences(rows: Sequence[Row]) -> Element | None:
    shown = [m for m in MEASURES if any(m.name in row.differences for row in rows)]
    if not shown:
        return None
    head = ["durations", "schedule", "sampler", "steps"]
    head += [f"{m.title} ({m.unit})" if m.unit else m.title for m in shown]
    body = [
        [
            *label(row),
            *(
                _with_interval(row.differences[m.name], m.digits)
                if m.name in row.differences
                else "–"
                for m in shown
            ),
        ]
        for row in rows
        if row.combination
    ]
    return details(
        "Differences to the recordings",
        table(
            "Synthesis less recording, utterances paired",
            head,
            body,
            numeric=range(3, len(head)),
        ),
    )


def _curves(rows: Sequence[Row], kind: str) -> Element:
    of_kind = _of_kind(rows, kind)
    figures = []
    for measure in MEASURES:
        spoken = [r for r in of_kind if r.combination and measure.name in r.estimates]
        if measure.name not in _DRAWN or not spoken:
            continue
        title = f"{measure.title} against steps, {kind} durations"
        values = (
            number(r.estimates[measure.name].value, measure.digits) for r in spoken
        )
        description = "; ".join(
            f"{' '.join(label(row)[1:])} steps: {value} {measure.unit}"
            for row, value in zip(spoken, values, strict=True)
        )
        drawn = svg(
            curves(of_kind, measure),
            f"{kind}-{measure.name}",
            html.escape(title),
            html.escape(description),
        )
        caption = element("figcaption", element("strong", measure.title))
        figures.append(element("figure", caption, parse_svg(drawn)))
    return section(
        f"curves-{kind}",
        f"Quality against steps, {kind} durations",
        element("div", *figures, class_="grid"),
    )


def _few_steps(compared: Sequence[FewSteps]) -> Element:
    body = []
    for one in compared:
        combination = one.combination
        body.append(
            [
                combination.durations,
                combination.schedule,
                combination.sampler,
                str(combination.steps),
                f"{one.most_steps.schedule} {one.most_steps.steps}",
                _with_interval(one.noise_floor_difference_db, 1),
                _with_interval(one.log_mel_l1_percent, 1),
            ]
        )
    head = ("durations", "schedule", "sampler", "steps", "against")
    head += ("floor: difference (dB)", "mel L1: difference (%)")
    return section(
        "few-steps",
        "Few steps against the most",
        table(
            "Beside the most steps of the same sampler and durations, utterances "
            "paired, with 95 % intervals",
            head,
            body,
            numeric=(3, 5, 6),
        ),
    )


def _meanings(rows: Sequence[Row]) -> Element:
    body = [(m.title, m.unit or "–", m.meaning) for m in _shown(rows)]
    head = ("measure", "unit", "meaning")
    return section("measures", "Measures", table("What was measured", head, body))


def _settings(settings: dict[str, Any]) -> Element:
    fields = [
        (name, value if isinstance(value, str) else json.dumps(value))
        for name, value in settings.items()
    ]
    return table("evaluation.json", ("field", "value"), fields)
