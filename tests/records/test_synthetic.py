"""The synthetic corpus command, with a stand-in for flite (and once with flite)."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
import wave
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from tests.processes import all_end, needs_proc
from tfrecords_tools import flite, synthetic
from tfrecords_tools.alignment import textgrid
from tfrecords_tools.corpora import ljspeech
from tfrecords_tools.flite import Phone, Speech, Token
from wg2.text.frontend import spoken_words

ROOT = Path(__file__).resolve().parents[2]

SOUNDS = {"we": "w iy", "see": "s iy", "no": "n ow", "day": "d ey"}


class FakeFlite:
    """Speaks the words of `SOUNDS`, 0.1 s a phone; the seed fills the samples."""

    spoken: ClassVar[list[str]] = []

    def __init__(self, voice: str):
        if voice == "rms":
            raise FileNotFoundError("flite is not installed")

    def speak(self, text: str, seed: int = 0) -> Speech:
        self.spoken.append(text)
        phones = [Phone("pau", 0.1)]
        words = spoken_words(text)
        for i, word in enumerate(words):
            for name in SOUNDS.get(word, "dx").split():
                phones.append(Phone(name, phones[-1].end_seconds + 0.1, True, i))
        phones.append(Phone("pau", phones[-1].end_seconds + 0.1))
        count = round(phones[-1].end_seconds * 16000)
        samples = np.random.default_rng(seed).integers(-999, 999, count, np.int16)
        tokens = tuple(Token(" ", "", word, "", (word,)) for word in words)
        return Speech(samples, 16000, tokens, tuple(phones))


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(flite, "Flite", FakeFlite)
    monkeypatch.setattr(FakeFlite, "spoken", [])
    return FakeFlite


def run(tmp_path: Path, text: str, *options: str, name: str = "corpus") -> int:
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    paths = ["--text", str(tmp_path / "text.txt"), "--output", str(tmp_path / name)]
    return synthetic.main([*paths, "--workers", "1", *options])


def contents(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_corpus_reads_back_with_tiers_that_fit_text_and_audio(fake, tmp_path, capsys):
    assert run(tmp_path, "We see.\n\nNo, we — day!\n") == 0
    utterances, skipped = ljspeech.read(tmp_path / "corpus")
    assert not skipped
    assert [u.id for u in utterances] == ["synth-000001", "synth-000003"]
    assert [u.text for u in utterances] == ["We see.", "No, we, day!"]
    for utterance in utterances:
        grid = textgrid.read(
            tmp_path / "corpus" / "TextGrid" / f"{utterance.id}.TextGrid"
        )
        words = [i.label for i in grid.tier("words") if i.label]
        assert words == spoken_words(utterance.text)
        with wave.open(str(utterance.wav_path)) as file:
            assert (file.getframerate(), file.getnchannels()) == (16000, 1)
            assert grid.end_seconds == file.getnframes() / 16000
        for name in ("words", "phones"):
            tier = grid.tier(name)
            assert tier[0].start_seconds == 0
            assert tier[-1].end_seconds == grid.end_seconds
            for one, following in itertools.pairwise(tier):
                assert one.end_seconds == following.start_seconds
    grid = textgrid.read(tmp_path / "corpus" / "TextGrid" / "synth-000003.TextGrid")
    phones = " ".join(i.label for i in grid.tier("phones"))
    assert phones == "sil N OW1 W IY1 D EY1 sil"
    assert grid.tier("words")[1].end_seconds == pytest.approx(0.3)
    card = json.loads((tmp_path / "corpus" / "corpus.json").read_text())
    assert card["voice"] == "slt" and "BSD" in card["licence"]
    assert "2 utterances (2 new, 0 failed)" in capsys.readouterr().out


def test_failures_are_counted_and_listed_with_reason_and_text(fake, tmp_path, capsys):
    assert run(tmp_path, "We see\nwe hum\nsee|day\nsee 日\n...\nwe sing\n") == 0
    out = capsys.readouterr().out
    assert "failed\tsynth-000002\tunknown phone: flite's 'dx'\twe hum\n" in out
    assert "failed\tsynth-000003\tvertical bar" in out
    assert "failed\tsynth-000004\tcharacters unknown to flite: '日'\tsee 日\n" in out
    assert "failed\tsynth-000005\tno words" in out
    assert "2 failed: unknown phone\n" in out
    assert "1 utterances (1 new, 5 failed)" in out
    assert list((tmp_path / "corpus" / "wavs").iterdir()) == [
        tmp_path / "corpus" / "wavs" / "synth-000001.wav"
    ]


def test_what_failed_is_one_short_line_without_escapes(fake, tmp_path, capsys):
    assert run(tmp_path, "We see\nhum \x1b[31m" + "we " * 5000 + "\n") == 0
    captured = capsys.readouterr()
    (line,) = (x for x in captured.out.splitlines() if x.startswith("failed"))
    assert len(line) < 500
    assert "\x1b" not in captured.out
    assert "utterance/s" not in captured.err  # a progress bar is for terminals


def test_nothing_spoken_is_an_error(fake, tmp_path):
    assert run(tmp_path, "hum\n") == 2


def test_resumed_corpus_equals_one_made_in_one_go(fake, tmp_path, monkeypatch):
    text = "We see.\nNo day.\nSee, we!\n"
    assert run(tmp_path, text, name="whole") == 0
    real = synthetic.speak_all

    def stop_after_one(*args):
        yield next(real(*args))
        raise KeyboardInterrupt

    monkeypatch.setattr(synthetic, "speak_all", stop_after_one)
    assert run(tmp_path, text) == 130
    monkeypatch.setattr(synthetic, "speak_all", real)
    FakeFlite.spoken.clear()
    assert run(tmp_path, text) == 0
    assert FakeFlite.spoken == ["No day.", "See, we!"]
    assert contents(tmp_path / "corpus") == contents(tmp_path / "whole")


def test_only_changed_or_lost_utterances_are_spoken_again(fake, tmp_path):
    assert run(tmp_path, "We see.\nNo day.\nSee we.\nWe.\n") == 0
    (tmp_path / "corpus" / "wavs" / "synth-000002.wav").unlink()
    FakeFlite.spoken.clear()
    assert run(tmp_path, "We see.\nNo day.\nSee no day.\nWe.\n") == 0
    assert FakeFlite.spoken == ["No day.", "See no day."]
    assert [u.text for u in ljspeech.read(tmp_path / "corpus")[0]] == [
        "We see.", "No day.", "See no day.", "We.",
    ]  # fmt: skip


def test_changed_text_that_fails_leaves_no_stale_entry(fake, tmp_path):
    assert run(tmp_path, "We see.\nNo day.\n") == 0
    assert run(tmp_path, "We see.\nhum\n") == 0
    assert [u.text for u in ljspeech.read(tmp_path / "corpus")[0]] == ["We see."]


def test_limit_takes_the_first_lines(fake, tmp_path):
    assert run(tmp_path, "\nWe see.\nNo day.\nWe.\n", "--limit", "2") == 0
    ids = [u.id for u in ljspeech.read(tmp_path / "corpus")[0]]
    assert ids == ["synth-000002", "synth-000003"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("“Café” naïve — it’s", '"Cafe" naive, it\'s'),
        ("one--two; -- three - four,", "one, two; three, four,"),
        ("well-known — ", "well-known,"),
        ("— so", "so"),
    ],
)
def test_flite_gets_plain_text_with_commas_for_dashes(text, expected):
    assert synthetic.to_flite(text).strip() == expected


def test_bad_input_is_one_line_and_exit_code_2(fake, tmp_path, capsys):
    assert run(tmp_path, "\n \n") == 2
    assert "has no text" in capsys.readouterr().err
    assert run(tmp_path, "We.", "--text", str(tmp_path / "absent.txt")) == 2
    assert "No such text file" in capsys.readouterr().err
    assert run(tmp_path, "We.", "--voice", "rms") == 2
    assert capsys.readouterr().err == "synthetic: flite is not installed\n"
    assert not (tmp_path / "corpus").exists()


def test_folder_of_another_voice_or_kind_is_refused(fake, tmp_path, capsys):
    assert run(tmp_path, "We.\n") == 0
    capsys.readouterr()
    assert run(tmp_path, "We.\n", "--voice", "awb") == 2
    assert "voice 'slt', not 'awb'" in capsys.readouterr().err
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("mine")
    assert run(tmp_path, "We.\n", name="other") == 2
    assert "not empty" in capsys.readouterr().err
    (tmp_path / "corpus" / "corpus.json").write_text("{")
    assert run(tmp_path, "We.\n") == 2
    assert "damaged" in capsys.readouterr().err


def test_missing_library_names_the_debian_package(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("no such library")

    monkeypatch.setattr(flite.ctypes, "CDLL", refuse)
    flite._library.cache_clear()
    with pytest.raises(FileNotFoundError, match="Debian package flite"):
        flite.Flite("slt")
    with pytest.raises(ValueError, match="Unknown flite voice 'bob'"):
        flite.Flite("bob")


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
def test_flite_speaks_in_several_processes_as_in_one(tmp_path):
    flite._library.cache_clear()
    text = "Hello, world.\nIt's 12 o'clock.\nThe well-known \"test\" isn't read.\n"
    assert run(tmp_path, text, name="one") == 0
    assert run(tmp_path, text, "--workers", "2", name="two") == 0
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    spoken = [u.text for u in ljspeech.read(tmp_path / "one")[0]]
    assert spoken[1] == "It's twelve o'clock."
    grid = textgrid.read(tmp_path / "one" / "TextGrid" / "synth-000001.TextGrid")
    phones = [i.label for i in grid.tier("phones") if i.label != "sil"]
    assert " ".join(phones) == "HH AH0 L OW1 W ER1 L D"


@needs_proc
def test_processes_end_with_the_command_even_if_it_is_killed(tmp_path):
    """Speaking on, they would write into a corpus that the next run makes."""
    program = (
        "import os, time\n"
        "from tfrecords_tools import synthetic\n"
        "def speaker(corpus):\n"
        "    print(os.getpid(), flush=True)\n"
        "    time.sleep(120)\n"
        "synthetic.Speaker = speaker\n"
        "list(synthetic.speak_all(None, [1, 2], 2))\n"
    )
    command = [sys.executable, "-c", program]
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    workers = [int(parent.stdout.readline()) for _ in range(2)]
    parent.kill()
    parent.wait()
    assert all_end(workers)
