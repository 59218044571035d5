"""The section of a report to listen to."""

from __future__ import annotations

from collections.abc import Iterator

from tfrecords_tools.inspection.corpus_summary import (
    EXTREMES,
    CorpusSummary,
    Extreme,
    Outlier,
)
from wg2.data.dataset import DatasetInfo
from wg2.reporting import sound_clips
from wg2.reporting.html_elements import Element, element, section, shorten

_SHOW = "python -m tfrecords_tools.show"
_TEXT_LENGTH = 400


def outliers(info: DatasetInfo, summary: CorpusSummary) -> Element:
    """The extreme utterances of each kind, each with a player."""
    blocks = list(_outlier_blocks(info, summary))
    return section(
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
        element("blockquote", shorten(outlier.text, _TEXT_LENGTH)),
        element(
            "audio",
            controls="controls",
            preload="none",
            src=sound_clips.data_uri(outlier.audio, info.sample_rate_hz),
            aria_label=f"{outlier.id}: {shorten(outlier.text, 80)}",
        ),
        element("p", " · ".join(numbers), class_="numbers"),
    )
