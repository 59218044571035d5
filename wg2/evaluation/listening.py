"""The section of the report to listen to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from wg2.audio import wav
from wg2.evaluation import spectrogram
from wg2.evaluation.combinations import Combination
from wg2.evaluation.held_out import HeldOut
from wg2.evaluation.summary import Row
from wg2.evaluation.text_table import label
from wg2.reporting import sound_clips
from wg2.reporting.html_elements import Element, element, section

MAX_BYTES = 16_000_000
"""Of sounds and pictures: pages beyond 20 MB are slow to open."""


def listening(
    utterances: Sequence[HeldOut],
    rows: Sequence[Row],
    sound: Callable[[Combination, int], np.ndarray],
    listened: int,
    sample_rate_hz: int,
) -> Element:
    """Players and spectrograms of the first utterances, as many as fit.

    Args:
        utterances: Recordings.
        rows: What there is to hear.
        sound: (combination, number of the utterance) -> int16 `(samples,)`.
        listened: int, of how many utterances there are sounds.
        sample_rate_hz: int.
    """
    blocks, size = [], 0
    for i, utterance in enumerate(utterances[:listened]):
        recorded = wav.to_int16(utterance.audio)[0]
        cards = [
            _card(
                row,
                recorded if row.combination is None else sound(row.combination, i),
                sample_rate_hz,
            )
            for row in rows
        ]
        added = sum(len(part.get("src", "")) for card in cards for part in card.iter())
        if blocks and size + added > MAX_BYTES:
            break
        size += added
        blocks += [
            element("h3", utterance.id),
            element("p", utterance.text),
            element("ul", *cards, class_="cards"),
        ]
    left_out = min(listened, len(utterances)) - len(blocks) // 3
    about = (
        f"Spectrograms go from 0 to {sample_rate_hz / 2000:g} kHz and from "
        f"{spectrogram.LOWEST_DB:g} dB (black) to {spectrogram.HIGHEST_DB:g} dB; "
        "sounds are at their own level."
    )
    if left_out:
        about += f" {left_out} more would make this page too large."
    return section("listen", "Listen", element("p", about), *blocks)


def _card(row: Row, audio: np.ndarray, sample_rate_hz: int) -> Element:
    name = " · ".join(filter(None, label(row)))
    name = f"{name} steps" if row.combination else "recording"
    return element(
        "li",
        element("p", element("strong", name)),
        element(
            "img",
            src=spectrogram.data_uri(audio, sample_rate_hz),
            alt=f"Spectrogram: {name}",
            class_="spectrogram",
        ),
        element(
            "audio",
            controls="",
            preload="none",
            src=sound_clips.data_uri(audio, sample_rate_hz),
            aria_label=name,
        ),
    )
