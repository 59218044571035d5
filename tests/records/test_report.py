"""The report page: self-contained, escaped, and its numbers those of the corpus."""

from __future__ import annotations

import base64
import collections
import html.parser
import io
import json
import re

import numpy as np
import pytest
import soundfile

from tests import handmade
from tfrecords_tools import report
from tfrecords_tools.inspection.corpus_summary import (
    EXTREMES,
    CorpusSummary,
    rare_phonemes,
)
from tfrecords_tools.inspection.histogram import Histogram
from tfrecords_tools.inspection.utterance_statistics import measure
from wg2.data.dataset import DatasetInfo
from wg2.reporting import sound_clips

ATTACK = "<script>alert('x')</script> & \"quotes\" \x1b[31m"
VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(html.parser.HTMLParser):
    """A parsed page; fails where tags do not match."""

    def __init__(self, text: str):
        super().__init__()
        self.tags = collections.Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.tags[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attributes]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if data.strip() and "style" not in self._open:
            self.texts.append(data.strip())

    def values(self, tag, name):
        return [v for t, n, v in self.attributes if (t, n) == (tag, name)]


def run(directory, output, *options):
    arguments = [str(directory), "--output", str(output), *map(str, options)]
    return report.main(arguments)


def clips(page):
    """The samples of every player."""
    found = []
    for source in page.values("audio", "src"):
        mime, data = re.fullmatch(r"data:(audio/\w+);base64,(.*)", source).groups()
        audio, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(data)))
        found.append((mime, audio, rate_hz))
    return found


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """Two speakers, hostile names, a long utterance, a loud one, skipped ones."""
    long = handmade.record("any")
    times = 12
    train = [
        *(handmade.record(f"utt-{i}", speaker_id=i % 2) for i in range(5)),
        handmade.record("attack", text=ATTACK),
        handmade.record(f"id {ATTACK}", audio=handmade.record("a").audio * 3),
        handmade.record(
            "long",
            phoneme_ids=np.tile(long.phoneme_ids, times),
            durations=np.tile(long.durations, times),
            num_frames=long.num_frames * times,
            audio=np.tile(long.audio, times),
        ),
    ]
    path = tmp_path_factory.mktemp("report") / f"records {'<b>'}"
    handmade.write(
        path,
        train,
        [handmade.record("val", text="")],
        config=handmade.config(speakers=("ann", f"bob {ATTACK}")),
        skipped=(
            {"id": "s1", "reason": "too long: 9 frames"},
            {"id": "s2", "reason": f"missing WAV: {ATTACK}"},
            {"id": "s3", "reason": "too long: 8 frames"},
        ),
        warnings=(f"utterances resampled: 3 {ATTACK}",),
    )
    return path


@pytest.fixture(scope="module")
def page_text(directory, tmp_path_factory):
    output = tmp_path_factory.mktemp("page") / "report.html"
    options = ("--outliers", 2, "--clip-seconds", 4, "--rare-below", 20)
    assert run(directory, output, *options) == 0
    return output.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(page_text):
    return Page(page_text)


def test_nothing_comes_from_elsewhere(page, page_text):
    assert page.tags["script"] == page.tags["link"] == page.tags["iframe"] == 0
    (policy,) = [v for v in page.values("meta", "content") if "default-src" in v]
    assert "default-src 'none'" in policy
    sources = [v for _, name, v in page.attributes if name in ("src", "href")]
    assert all(v.startswith(("data:audio/", "#")) for v in sources)
    for url in re.findall(r"url\((.*?)\)", page_text):
        assert url.startswith("#")
    assert not [n for _, n, _ in page.attributes if n.startswith("on")]


def test_text_from_the_corpus_stays_text(page, page_text):
    assert page.tags["script"] == 0
    # In quoted attributes it is text as it stands.
    assert "<script" not in re.sub(r'aria-label="[^"]*"', "", page_text)
    assert "\x1b" not in page_text
    shown = ATTACK.replace("\x1b", "\N{REPLACEMENT CHARACTER}")
    # Its text, id, speaker, skipped id, warning, and the folder: all as written.
    assert sum(shown in text for text in page.texts) >= 5
    assert any("records <b>" in text for text in page.texts)


def test_every_id_is_unique_and_every_reference_leads_somewhere(page, page_text):
    ids = [v for _, name, v in page.attributes if name == "id"]
    assert len(set(ids)) == len(ids)
    references = [v[1:] for _, n, v in page.attributes if n == "href" and v[:1] == "#"]
    references += re.findall(r"url\(#(.*?)\)", page_text)
    for labels in page.values("svg", "aria-labelledby"):
        references += labels.split()
    assert references
    assert set(references) <= set(ids)


def test_page_is_accessible(page):
    assert page.values("html", "lang") == ["en"]
    assert page.tags["title"] >= 1
    assert page.tags["h1"] == page.tags["main"] == 1
    assert page.tags["svg"] == 7
    assert page.values("svg", "role") == ["img"] * 7
    assert page.tags["desc"] == 7
    assert page.tags["caption"] == page.tags["table"]
    assert page.values("th", "scope").count("col") >= page.tags["table"] * 2
    assert len(page.values("th", "scope")) == page.tags["th"]
    assert len(page.values("audio", "aria-label")) == page.tags["audio"]


def test_colours_follow_the_theme(page, page_text):
    assert "prefers-color-scheme: dark" in page_text
    svgs = re.findall(r"<svg.*?</svg>", page_text, re.DOTALL)
    for svg in svgs:
        assert "currentColor" in svg
        assert not re.search(r"#0103|#010203", svg)
    assert all("var(--bar)" in svg for svg in svgs)


def test_numbers_are_those_of_the_corpus(page, directory):
    text = "\n".join(page.texts)
    train = 7 * 312 + 12 * 312
    rows = f"train\n8\n{train / 200 / 3600:.3f}\n{train / 200 / 8:.2f}\n2\n"
    assert rows in text
    assert f"validation\n1\n{312 / 200 / 3600:.3f}\n1.56\n1\n" in text
    # ann has 3 of the 5 numbered utterances, the attacks and the long one.
    assert f"ann\n6\n{(5 + 12) * 312 / 200 / 3600:.3f}\n1\n" in text
    assert "too long\n2\n" in text
    assert "s1: 9 frames" in text
    # AA1, B, D and S three times an utterance, the comma once, in 7 and 12 of them.
    assert "AA1\n57\n3\n" in text
    assert "<pad>\n0\n0\n" in text
    assert (
        "empty-text\nan utterance without its text\n1\nval: its text is empty" in text
    )


def test_rare_phonemes_are_named(page, directory):
    text = "\n".join(page.texts)
    # 57 of each sound, 19 commas and 19 ends, 38 silences in training.
    assert "Fewer than 20 times in training:\n<eos> (19), , (19)\n" in text
    assert "Never in training" not in text
    info = DatasetInfo.load(directory)
    counts = np.array([info.phoneme_counts[symbol] for symbol in info.phonemes])
    assert rare_phonemes(info, counts, 19) == {}
    assert rare_phonemes(info, counts - 19, 1) == {"<eos>": 0, ",": 0}
    assert list(rare_phonemes(info, counts, 39)) == ["<eos>", ",", "sil"]


def test_players_play_the_outliers(page):
    found = clips(page)
    assert {mime for mime, _, _ in found} == {"audio/mpeg"}
    assert {rate_hz for _, _, rate_hz in found} == {8000}
    # MP3 pads with up to two of its frames.
    assert max(len(audio) for _, audio, _ in found) < 4 * 8000 + 3000
    titles = [extreme.title for extreme in EXTREMES if extreme.title in page.texts]
    assert len(titles) >= 10
    assert len(found) == 2 * len(titles)
    text = "\n".join(page.texts)
    assert re.search(r"clip: \d+\.\d s to \d+\.\d s of it", text)


def test_a_clip_of_a_loud_utterance_is_that_utterance(page):
    titles = [text for text in page.texts if text in {e.title for e in EXTREMES}]
    _, audio, _ = clips(page)[2 * titles.index("Loudest")]
    expected = handmade.record("a").audio * 3 / 32768
    # The codec delays; where they agree best, they agree well.
    both = np.correlate(audio, expected[4000:8000], "valid")
    start = int(np.argmax(both))
    match = audio[start : start + 4000]
    assert np.corrcoef(match, expected[4000:8000])[0, 1] > 0.8  # of other noise: 0.1


@pytest.mark.parametrize(("rate_hz", "mime"), [(16000, "mpeg"), (20000, "flac")])
def test_rates_that_mp3_lacks_get_flac(rate_hz, mime):
    audio = handmade.record("any").audio
    uri = sound_clips.data_uri(audio, rate_hz)
    head, _, data = uri.partition(",")
    assert head == f"data:audio/{mime};base64"
    decoded, decoded_hz = soundfile.read(
        io.BytesIO(base64.b64decode(data)), dtype="int16"
    )
    assert decoded_hz == rate_hz
    if mime == "flac":
        np.testing.assert_array_equal(decoded, audio)


def test_summary_keeps_the_most_extreme_whatever_the_order(directory):
    info = DatasetInfo.load(directory)
    generator = np.random.default_rng(3)
    records = [
        handmade.record(
            f"r-{i}", audio=(handmade.record("x").audio * gain).astype("i2")
        )
        for i, gain in enumerate(generator.uniform(0.1, 2, 30))
    ]
    loudness = {r.id: measure(r, info).rms_dbfs for r in records}
    loudest = sorted(loudness, key=loudness.get, reverse=True)[:3]
    quietest = sorted(loudness, key=loudness.get)[:3]
    extremes = {extreme.title: extreme for extreme in EXTREMES}
    for _ in range(3):
        generator.shuffle(records)
        summary = CorpusSummary(info, 3, 0.5)
        for record in records:
            summary.add(record, measure(record, info), "train")
        for title, ids in (("Loudest", loudest), ("Quietest", quietest)):
            outliers = summary.outliers(extremes[title])
            assert [outlier.id for outlier in outliers] == ids
            assert {len(outlier.audio) for outlier in outliers} == {4000}
        # The pause begins at 0.68 s and lasts 0.2 s; it is in the middle of the clip.
        (outlier, *_) = summary.outliers(extremes["Longest pause"])
        assert outlier.clip_start_seconds == pytest.approx(0.78 - 0.25)


def test_histogram_agrees_with_numpy():
    generator = np.random.default_rng(0)
    values = generator.normal(5, 2, 20000)
    values[:3] = (-7.0, 12.0, 30.0)
    histogram = Histogram(0, 10, 100)
    for part in np.array_split(values, 13):
        histogram.add(part)
    inside = values[(values >= 0) & (values < 10)]
    np.testing.assert_array_equal(
        histogram.counts, np.histogram(inside, 100, (0, 10))[0]
    )
    assert histogram.num_below == np.sum(values < 0)
    assert histogram.num_above == np.sum(values >= 10)
    assert histogram.mean == pytest.approx(values.mean())
    for fraction in (0.05, 0.5, 0.95):
        expected = np.quantile(values, fraction)
        assert histogram.quantile(fraction) == pytest.approx(expected, abs=0.1)
    edges, counts = histogram.condensed(30)
    assert len(counts) <= 30
    np.testing.assert_array_equal(counts, np.histogram(inside, edges)[0])
    assert counts.sum() == histogram.counts.sum()


def test_histogram_of_nothing_and_of_one_value():
    histogram = Histogram(0, 1, 10)
    histogram.add(np.array([]))
    assert np.isnan(histogram.mean)
    assert np.isnan(histogram.quantile(0.5))
    histogram.add(0.35)
    assert histogram.quantile(0.5) == 0.35
    edges, counts = histogram.condensed(5)
    assert counts.tolist() == [1]
    np.testing.assert_allclose(edges, [0.3, 0.4])


def test_same_dataset_gives_the_same_page(directory, page_text, tmp_path):
    options = ("--outliers", 2, "--clip-seconds", 4, "--rare-below", 20)
    assert run(directory, tmp_path / "again.html", *options) == 0
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page_text


def test_damaged_dataset_is_reported_as_far_as_it_can_be_read(tmp_path, capsys):
    records = [handmade.record(f"utt-{i}") for i in range(6)]
    handmade.write(tmp_path / "r", records, records[:0], shard_size=3)
    path = tmp_path / "r" / "train-00000.tfrecord"
    path.write_bytes(path.read_bytes()[:-40])
    assert run(tmp_path / "r", tmp_path / "report.html", "--outliers", 1) == 0
    assert "1 errors" in capsys.readouterr().out
    text = "\n".join(Page((tmp_path / "report.html").read_text()).texts)
    assert "damaged-shard" in text
    assert "train-00000.tfrecord: record 2, at byte" in text
    assert "train\n5\n" in text


def test_dataset_of_unreadable_records_makes_a_page_without_plots(tmp_path):
    info = handmade.write(tmp_path / "r", [handmade.record("only")])
    (info.directory / "train-00000.tfrecord").unlink()
    assert run(tmp_path / "r", tmp_path / "report.html") == 0
    page = Page((tmp_path / "report.html").read_text())
    assert page.tags["audio"] == 0
    assert "missing-shard" in "\n".join(page.texts)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--outliers", -1], ("--outliers", "-1")),
        (["--clip-seconds", 0], ("--clip-seconds", "0")),
        (["--clip-seconds", "nan"], ("--clip-seconds", "nan")),
        (["--rare-below", -3], ("--rare-below", "-3")),
        (["--limit", "nothing=1"], ("nothing=1",)),
    ],
)
def test_bad_options_are_one_line(directory, tmp_path, capsys, options, parts):
    assert run(directory, tmp_path / "report.html", *options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("report: ")
    for part in parts:
        assert part in line
    assert list(tmp_path.iterdir()) == []


def test_folder_without_dataset_is_one_line(tmp_path, capsys, monkeypatch):
    assert run(tmp_path / "nothing", tmp_path / "report.html") == 2
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run(tmp_path, tmp_path / "report.html") == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "nothing" in first
    assert "pip install matplotlib" in second


def test_config_on_the_page_is_that_of_the_dataset(page, directory):
    config = json.loads((directory / "dataset.json").read_text())["config"]
    shown = [text for text in page.texts if text.startswith("{") and "audio" in text]
    clean = json.dumps(config).replace("\\u001b", "\N{REPLACEMENT CHARACTER}")
    assert any(
        json.loads(text.replace("\\u001b", "\N{REPLACEMENT CHARACTER}"))
        == json.loads(clean)
        for text in shown
    )
