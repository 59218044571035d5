"""Pictures, players and tables of the report."""

from __future__ import annotations

import base64
import io
import math

import numpy as np
import pytest
from matplotlib import colormaps, image

from wg2.evaluation import listening, spectrogram
from wg2.evaluation.bootstrap import Estimate
from wg2.evaluation.combinations import Combination
from wg2.evaluation.curves import curves
from wg2.evaluation.few_steps import few_steps
from wg2.evaluation.held_out import HeldOut
from wg2.evaluation.measures import MEASURES
from wg2.evaluation.summary import Row, summarize, to_json
from wg2.evaluation.text_table import text_table
from wg2.reporting.html_elements import document

RATE = 16000


def levels_db(uri: str) -> np.ndarray:
    """`(rows from 0 Hz on, columns)` of a picture, back from its colors."""
    kind, _, data = uri.partition(",")
    assert kind == "data:image/png;base64"
    pixels = image.imread(io.BytesIO(base64.b64decode(data)))[::-1, :, :3]
    scale = colormaps["magma"](np.linspace(0, 1, 256))[:, :3]
    nearest = np.abs(pixels[:, :, None] - scale).sum(axis=-1).argmin(axis=-1)
    low, high = spectrogram.LOWEST_DB, spectrogram.HIGHEST_DB
    return low + (high - low) * nearest / 255


@pytest.mark.parametrize("frequency_hz", [500, 6000])
def test_a_tone_is_where_and_as_loud_as_it_is(frequency_hz):
    times = np.arange(2 * RATE) / RATE
    amplitude = 10 ** (-40 / 20) * (times >= 1)
    audio = np.rint(32768 * amplitude * np.sin(2 * np.pi * frequency_hz * times))
    shown = levels_db(spectrogram.data_uri(audio.astype(np.int16), RATE))
    assert shown.shape[1] == 2 * 80
    step = 80 / 15  # between two colors
    row = frequency_hz / (RATE / 2) * (shown.shape[0] - 1)
    assert np.abs(shown[:, 100:150].argmax(axis=0) - row).max() <= 1
    np.testing.assert_allclose(shown[:, 100:150].max(axis=0), -40, atol=step)
    assert shown[:, :75].max() == spectrogram.LOWEST_DB


@pytest.mark.parametrize("num_samples", [1, 40, 399])
def test_short_sounds_have_pictures_too(num_samples):
    audio = np.full(num_samples, 1000, np.int16)
    assert levels_db(spectrogram.data_uri(audio, RATE)).shape[1] >= 1


def utterance(id: str, text: str = "a text") -> HeldOut:
    audio = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    ids = np.array([2, 13, 6])
    return HeldOut(id, text, None, ids, ("sil", "AA1", "."), np.array([1, 2, 3]), audio)


ONE = Combination("derived", 4, "ddpm", "true", "00")
ROWS = [Row(None, {}, {}, ()), Row(ONE, {}, {}, ())]


def listen(*utterances: HeldOut, listened: int = 9) -> str:
    def sound(combination, number):
        assert combination is ONE
        return np.full(RATE, 100 * number, np.int16)

    made = listening.listening(utterances, ROWS, sound, listened, RATE)
    return document(made)


def test_pages_do_not_grow_without_end(monkeypatch):
    many = [utterance(f"u{i}") for i in range(6)]
    assert listen(*many).count("<audio") == 12
    assert listen(*many, listened=2).count("<audio") == 4
    monkeypatch.setattr(listening, "MAX_BYTES", len(listen(*many)) // 2)
    bounded = listen(*many)
    assert 2 <= bounded.count("<audio") < 8
    left = 6 - bounded.count("<audio") // 2
    assert f"{left} more would make this page too large" in bounded
    monkeypatch.setattr(listening, "MAX_BYTES", 1)
    assert listen(*many).count("<audio") == 2  # one is always there


def test_texts_cannot_break_the_page():
    text = listen(utterance("<i>", 'a <script>alert("x")</script> & b'))
    assert "<script>" not in text and "&lt;script&gt;" in text and "<i>" not in text


def test_few_steps_are_compared_with_the_most_of_their_kind():
    def row(steps, sampler, floors, distances):
        values = tuple(
            {"noise_floor_dbfs": floor, "log_mel_l1": distance}
            for floor, distance in zip(floors, distances, strict=True)
        )
        one = Combination("voice", steps, sampler, "true", "00")
        return Row(one, {}, {}, values)

    rows = [
        Row(None, {}, {}, ({}, {}, {})),
        row(6, "ddpm", (-50.0, -40.0, -30.0), (0.6, 0.9, 0.3)),
        row(1000, "ddpm", (-53.0, -43.0, -34.0), (0.5, 0.8, 0.2)),
        row(6, "ddim", (0.0, 0.0, 0.0), (9.0, 9.0, 9.0)),
    ]
    (found,) = few_steps(rows)
    assert (found.combination, found.most_steps) == tuple(
        r.combination for r in rows[1:3]
    )
    difference = found.noise_floor_difference_db
    assert difference.value == pytest.approx(10 / 3)
    assert (difference.low, difference.high) == (3.0, 4.0)  # and not 20 dB apart
    percent = found.log_mel_l1_percent
    assert percent.value == pytest.approx(100 * (1.8 / 1.5 - 1))
    assert percent.low < 20 < percent.high


def test_legends_of_long_names_stay_inside_the_picture():
    schedules = (
        "voice",
        "derived",
        *(f"some/folder/betas_{i}_of_50.json" for i in "ab"),
    )
    rows = [
        Row(
            Combination(schedule, steps, sampler, "true", "00"),
            {"mcd_db": Estimate(7.0, 6.5, 7.5)},
            {},
            (),
        )
        for schedule in schedules
        for sampler in ("ddpm", "dpmpp")
        for steps in (6, 12)
    ]
    figure = curves(rows, next(m for m in MEASURES if m.name == "mcd_db"))
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()][3] == "ddpm, betas_b_of_50"
    box = legend.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.width


def test_summary_and_table_have_what_is_complete_in_order():
    def values(scale):
        return {
            id: {"id": id, "mcd_db": scale * i, "noise_floor_dbfs": -60.0 + scale,
                 "word_errors": i, "num_words": 10}
            for i, id in enumerate("abc", 1)
        }  # fmt: skip

    partial = values(9)
    del partial["b"]
    twelve = Combination("derived", 12, "ddpm", "true", "01")
    other = Combination("derived", 6, "ddpm", "true", "02")
    combinations = {twelve: values(2.0), other: partial, ONE: values(1.0)}
    recordings = {i: {**v, "noise_floor_dbfs": -70.0} for i, v in values(0).items()}
    rows = summarize(list("abc"), recordings, combinations)
    assert [row.combination for row in rows] == [None, ONE, twelve]
    assert rows[2].estimates["mcd_db"] == Estimate(4.0, pytest.approx(2.0), 6.0)
    assert rows[1].estimates["word_error_percent"].value == pytest.approx(20)
    assert rows[2].differences["noise_floor_dbfs"].value == pytest.approx(12)
    assert "mcd_db" not in rows[2].differences
    assert "log_mel_l1" not in rows[1].estimates
    table = text_table(rows).splitlines()
    assert table[0].split() == [
        "durations", "schedule", "sampler", "steps", "MCD", "floor", "WER",
    ]  # fmt: skip
    assert table[4].split()[:6] == ["true", "derived", "ddpm", "12", "4.00", "±2.00"]
    assert len({len(line) for line in table}) == 1  # columns end together
    for width in (60, 52, 10):
        narrow = text_table(rows, max_width=width)
        parts = [part.splitlines() for part in narrow.split("\n\n")]
        assert len(parts) == {60: 2, 52: 3, 10: 3}[width]
        assert width == 10 or max(map(len, narrow.splitlines())) <= width
        measures = [name for part in parts for name in part[0].split()[4:]]
        assert measures == table[0].split()[4:]
        assert all(part[4].startswith("true") for part in parts)
    values = to_json([Row(ONE, {"x": Estimate(1.0, math.nan, 2.0)}, {}, ())])
    assert values[0]["summary"]["x"] == {"value": 1.0, "low": None, "high": 2.0}
