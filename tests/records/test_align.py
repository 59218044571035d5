"""The command that aligns a corpus, on two clips of real speech."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tfrecords_tools import align, corpora, prepare
from tfrecords_tools.alignment import outcomes, textgrid
from wg2.config import Config
from wg2.presets import TINY
from wg2.text.frontend import Frontend

CORPUS = Path(__file__).parent / "ljspeech"
IDS = ["LJ001-0008", "LJ001-0020"]
TEXTS = [
    "has never been surpassed.",
    'the "lower-case" being in fact invented in the early Middle Ages.',
]
ROOT = Path(__file__).resolve().parents[2]


def make(directory, lines):
    """A corpus of `lines`; an id such as `b-LJ001-0008` has the sound of that clip."""
    (directory / "wavs").mkdir(parents=True)
    (directory / "metadata.csv").write_text(
        "".join(f"{id}|{text}\n" for id, text in lines), encoding="utf-8"
    )
    for id, _ in lines:
        source = CORPUS / "wavs" / f"{id[-10:]}.flac"
        if source.is_file():
            shutil.copy(source, directory / "wavs" / f"{id}.flac")
    return directory


def run(corpus, output, *options):
    arguments = ["--input", corpus, "--output", output, "--workers", 1, *options]
    return align.main([str(argument) for argument in arguments])


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.fixture(scope="module")
def aligned(tmp_path_factory):
    """The TextGrids of the two clips. Do not write to them."""
    output = tmp_path_factory.mktemp("aligned") / "TextGrid"
    assert run(CORPUS, output) == 0
    return output


def test_every_clip_becomes_a_textgrid_that_records_are_built_from(aligned):
    names = [f"{id}.TextGrid" for id in IDS]
    assert sorted(contents(aligned)) == [*names, outcomes.FILE_NAME]
    config = Config.from_dict(
        TINY.to_dict()
        | {"training": TINY.to_dict()["training"] | {"max_frames": 10**5}}
    )
    utterances, _ = corpora.read(CORPUS)
    for utterance in utterances:
        path = aligned / f"{utterance.id}.TextGrid"
        prepared = prepare.prepare(utterance, path, config)
        assert isinstance(prepared, prepare.Prepared), prepared
        # Nothing but the choice of pronunciations is left to the aligner.
        transcription = Frontend().transcribe(utterance.text)
        symbols = [config.text.phonemes[i] for i in prepared.phoneme_ids]
        at = 1
        for word, boundary in zip(
            transcription.words, transcription.boundaries[1:], strict=True
        ):
            end = symbols.index(boundary, at)
            assert tuple(symbols[at:end]) in word.pronunciations
            at = end + 1


def test_table_has_figures_and_text_of_every_utterance(aligned):
    found = outcomes.load(aligned)
    assert list(found) == IDS
    for text, outcome in zip(TEXTS, found.values(), strict=True):
        assert (outcome.text, outcome.reason) == (text, "")
        assert 0.05 < outcome.confidence < 1
        assert 0.001 < outcome.word_confidence < 1
        assert outcome.uncovered_seconds < 0.25


def test_second_run_does_nothing(aligned, tmp_path, capsys, monkeypatch):
    output = shutil.copytree(aligned, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in output.glob("*.TextGrid")}
    capsys.readouterr()
    monkeypatch.setattr("tfrecords_tools.alignment.forced.align", None)
    assert run(CORPUS, output) == 0
    assert {p: p.stat().st_mtime_ns for p in output.glob("*.TextGrid")} == before
    assert contents(output) == contents(aligned)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines[:3]] == ["0", "2", "0"]


def test_broken_textgrid_is_replaced_and_overwrite_replaces_all(aligned, tmp_path):
    output = shutil.copytree(aligned, tmp_path / "out")
    path = output / f"{IDS[0]}.TextGrid"
    path.write_bytes(path.read_bytes()[:300])
    assert run(CORPUS, output) == 0
    assert contents(output) == contents(aligned)
    before = path.stat().st_ino
    assert run(CORPUS, output, "--overwrite") == 0
    assert contents(output) == contents(aligned)
    assert path.stat().st_ino != before


def test_textgrid_of_another_aligner_is_kept_without_figures(tmp_path):
    output = tmp_path / "out"
    shutil.copytree(CORPUS / "TextGrid", output)
    before = contents(output)
    assert run(CORPUS, output) == 0
    assert contents(output).items() >= before.items()
    assert {o.confidence for o in outcomes.load(output).values()} == {None}


def test_changed_text_is_aligned_again_and_loses_a_stale_textgrid(aligned, tmp_path):
    output = shutil.copytree(aligned, tmp_path / "out")
    exchanged = list(zip(IDS, TEXTS[::-1], strict=True))
    assert run(make(tmp_path / "a", exchanged), output) == 2  # both are wrong
    assert list(contents(output)) == [outcomes.FILE_NAME]
    assert run(make(tmp_path / "b", list(zip(IDS, TEXTS, strict=True))), output) == 0
    shorter = list(zip(IDS, [TEXTS[0], TEXTS[1].replace("early ", "")], strict=True))
    kept = (output / f"{IDS[0]}.TextGrid").stat().st_ino
    assert run(make(tmp_path / "c", shorter), output, "--max-uncovered", "9") == 0
    assert (output / f"{IDS[0]}.TextGrid").stat().st_ino == kept
    words = textgrid.read(output / f"{IDS[1]}.TextGrid").tier("words")
    assert "early" not in [word.label for word in words]


def test_textgrids_outlive_sounds_that_are_away(aligned, tmp_path):
    """An unmounted disk, say; nothing says that they are wrong."""
    output = shutil.copytree(aligned, tmp_path / "out")
    corpus = make(tmp_path / "corpus", list(zip(IDS, TEXTS, strict=True)))
    for path in (corpus / "wavs").iterdir():
        path.unlink()
    assert run(corpus, output) == 2
    for id in IDS:
        path = output / f"{id}.TextGrid"
        assert path.read_bytes() == (aligned / path.name).read_bytes()


def broken_corpus(directory):
    lines = [
        ("a-LJ001-0008", TEXTS[0]),
        ("wrong-text-LJ001-0008", TEXTS[1]),
        ("wrong-text-LJ001-0020", TEXTS[0]),
        ("more-words-LJ001-0008", f"{TEXTS[0]} But see the note on page four."),
        ("fewer-words-LJ001-0020", "the lower case being in fact"),
        ("no-text-LJ001-0008", ""),
        ("missing", TEXTS[0]),
        ("truncated-LJ001-0008", TEXTS[0]),
        ("short", TEXTS[0]),
        ("long", TEXTS[0]),
        ("low-rate", TEXTS[0]),
        ("noise", TEXTS[0]),
        ("music", TEXTS[0]),
        ("silence", TEXTS[0]),
        ("almost-silence", TEXTS[0]),
        ("z-LJ001-0020", TEXTS[1]),
    ]
    make(directory, lines)
    generator = np.random.default_rng(0)
    times = np.arange(2 * 16000) / 16000
    noise = generator.normal(size=len(times))
    sounds = {
        "noise": (0.1 * noise, 16000),
        "music": (0.1 * sum(np.sin(2 * np.pi * f * times) for f in (220, 277)), 16000),
        "silence": (0 * times, 16000),
        "almost-silence": (1e-4 * noise, 16000),
        "short": (0.1 * noise[:3000], 16000),
        "long": (0.01 * generator.normal(size=101 * 16000), 16000),
        "low-rate": (0.1 * noise, 8000),
    }
    for id, (samples, rate) in sounds.items():
        soundfile.write(directory / "wavs" / f"{id}.flac", samples, rate)
    path = directory / "wavs" / "truncated-LJ001-0008.flac"
    path.write_bytes(path.read_bytes()[:20000])
    return directory


def test_utterances_that_do_not_align_are_listed_and_the_rest_is_aligned(
    tmp_path, capsys
):
    corpus = broken_corpus(tmp_path / "corpus")
    with open(corpus / "metadata.csv", "a", encoding="utf-8") as file:
        file.write("z-LJ001-0020|once more\n")
    output = tmp_path / "out"
    assert run(corpus, output) == 0
    ids = ["a-LJ001-0008", "z-LJ001-0020"]
    assert sorted(path.stem for path in output.glob("*.TextGrid")) == ids
    found = outcomes.load(output)
    kinds = {id: outcome.kind for id, outcome in found.items() if outcome.reason}
    unfit = {"does not align", "low confidence", "doubtful word", "sound without words"}
    expected = {
        "no-text-LJ001-0008": "empty text",
        "missing": "missing audio",
        "truncated-LJ001-0008": "unreadable",
        "short": "too short",
        "long": "too long",
        "low-rate": "sample rate too low",
        "silence": "silent audio",
    }
    assert kinds.pop("truncated-LJ001-0008") in ("unreadable", "truncated")
    assert kinds.items() >= (
        expected.items() - {("truncated-LJ001-0008", "unreadable")}
    )
    others = kinds.keys() - expected.keys()
    assert others == {
        "wrong-text-LJ001-0008",
        "wrong-text-LJ001-0020",
        "more-words-LJ001-0008",
        "fewer-words-LJ001-0020",
        "noise",
        "music",
        "almost-silence",
    }
    assert {kinds[id] for id in others} <= unfit
    for id in others:
        assert found[id].confidence is not None
    captured = capsys.readouterr()
    rows = captured.out.splitlines()
    assert [row.split()[-1] for row in rows[:3]] == ["2", "0", "15"]
    assert "  duplicate id" in captured.out
    assert len(captured.err.splitlines()) == 11
    assert captured.err.splitlines()[-1].startswith("align: 5 more rejected, see ")


def test_limits_are_those_asked_for(tmp_path, capsys):
    for option, value, kind in (
        ("--min-confidence", "0.9", "low confidence"),
        ("--min-word-confidence", "0.9", "doubtful word"),
    ):
        assert run(CORPUS, tmp_path / option, option, value) == 2
        found = outcomes.load(tmp_path / option)
        assert {outcome.kind for outcome in found.values()} == {kind}
    corpus = make(tmp_path / "c", [(IDS[1], "the lower case being in fact")])
    assert run(corpus, tmp_path / "a") == 2
    loose = ["--min-confidence", 0, "--min-word-confidence", 0, "--max-uncovered", 9]
    assert run(corpus, tmp_path / "a", *loose) == 0


def test_user_lexicon_pronounces(tmp_path):
    (tmp_path / "words.txt").write_text("zurpazd  S ER0 P AE2 S T\n")
    corpus = make(tmp_path / "c", [(IDS[0], "has never been zurpazd.")])
    output = tmp_path / "out"
    assert run(corpus, output, "--lexicon", tmp_path / "words.txt") == 0
    grid = textgrid.read(output / f"{IDS[0]}.TextGrid")
    assert "zurpazd" in [word.label for word in grid.tier("words")]
    labels = [phone.label for phone in grid.tier("phones") if phone.label]
    assert labels[-6:] == ["S", "ER0", "P", "AE2", "S", "T"]


def test_limit_leaves_the_rest_for_later(tmp_path):
    output = tmp_path / "out"
    assert run(CORPUS, output, "--limit", 1) == 0
    assert [p.stem for p in output.glob("*.TextGrid")] == IDS[:1]
    assert run(CORPUS, output) == 0
    assert run(CORPUS, output, "--limit", 1) == 0
    assert list(outcomes.load(output)) == IDS


def test_workers_change_nothing_and_load_no_tensorflow(aligned, tmp_path):
    """In a process of its own, whose imports are those of its workers too."""
    code = (
        "import sys; from tfrecords_tools import align;"
        "status = align.main(sys.argv[1:]);"
        "loaded = {name.partition('.')[0] for name in sys.modules};"
        "assert not loaded & {'tensorflow', 'tensorflow_io', 'keras'}, loaded;"
        "from tfrecords_tools.alignment import aligning; sys.exit(status)"
    )
    output = tmp_path / "out"
    arguments = ["--input", CORPUS, "--output", output, "--workers", "2"]
    subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, check=True)
    assert contents(output) == contents(aligned)


def test_killed_run_leaves_no_broken_file_and_continues(tmp_path):
    lines = [(f"{i:02d}-{IDS[0]}", TEXTS[0]) for i in range(40)]
    corpus, output = make(tmp_path / "corpus", lines), tmp_path / "out"
    arguments = ["--input", corpus, "--output", output, "--workers", "1"]
    command = [sys.executable, "-m", "tfrecords_tools.align", *arguments]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        deadline = time.monotonic() + 60
        while len(list(output.glob("*.TextGrid"))) < 3 and time.monotonic() < deadline:
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    before = {path: path.stat().st_ino for path in output.glob("*.TextGrid")}
    assert 3 <= len(before) < 40
    for path in before:
        textgrid.read(path)
    assert run(corpus, output) == 0
    after = {path: path.stat().st_ino for path in output.glob("*.TextGrid")}
    assert len(after) == 40
    assert after.items() >= before.items()
    assert len({path.read_bytes() for path in after}) == 1
    assert len(outcomes.load(output)) == 40


def assert_one_line(capsys, *parts):
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("align: ")
    for part in parts:
        assert part in line


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--input", "/nowhere/at/all"], ["/nowhere/at/all"]),
        (["--workers", "0"], ["--workers", "0"]),
        (["--limit", "0"], ["--limit", "0"]),
        (["--lexicon", "/nowhere/words.txt"], ["/nowhere/words.txt"]),
        (["--min-confidence", "1.5"], ["--min-confidence", "1.5"]),
        (["--min-word-confidence", "nan"], ["--min-word-confidence", "nan"]),
        (["--max-uncovered", "-1"], ["--max-uncovered", "-1"]),
    ],
)
def test_bad_options_are_one_line(tmp_path, capsys, options, parts):
    assert run(CORPUS, tmp_path / "out", *options) == 2
    assert_one_line(capsys, *parts)
    assert list(tmp_path.iterdir()) == []


def test_output_that_cannot_be_used_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run(CORPUS, tmp_path / "file") == 2
    assert_one_line(capsys, "is a file")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / outcomes.FILE_NAME).write_text("my own table\n")
    assert run(CORPUS, tmp_path / "out") == 2
    assert_one_line(capsys, outcomes.FILE_NAME, "Choose another")
    assert (tmp_path / "out" / outcomes.FILE_NAME).read_text() == "my own table\n"


def test_missing_pocketsphinx_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    assert run(CORPUS, tmp_path / "out") == 2
    assert_one_line(capsys, "pip install pocketsphinx")


def test_table_survives_strange_texts(tmp_path):
    found = [
        outcomes.Outcome("b", 'a "quoted"\ttab', "why: a\tb", 0.5, 0.25, 1.5),
        outcomes.Outcome("a", "", confidence=0.125),
    ]
    outcomes.save(tmp_path, found)
    assert list(outcomes.load(tmp_path).values()) == found[::-1]
