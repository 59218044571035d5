"""From recordings and text to a speaking voice, command by command, offline."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from tests.training.setup import MINI
from wg2.data.dataset import DatasetInfo
from wg2.text.frontend import Frontend

ROOT = Path(__file__).resolve().parent.parent.parent
CLIPS = ROOT / "tests" / "records" / "ljspeech"
SMALL = [
    f"--set={override}"
    for override in (*MINI, "training.batch_size=2", "training.max_frames=2000")
]

_BLOCK = """
import socket

def refuse(*args, **kwargs):
    raise AssertionError("a connection was attempted")

socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = socket.create_connection = refuse
"""


@functools.cache
def isolated() -> list[str]:
    """A prefix that gives a process no network, where the system lets us."""
    unshare = shutil.which("unshare")
    prefix = [unshare or "", "-rn"]
    if (
        unshare
        and not subprocess.run([*prefix, "true"], capture_output=True).returncode
    ):
        return prefix
    return []


def run(*argv: object, folder: Path) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [*isolated(), sys.executable, *map(str, argv)]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done


@pytest.mark.slow
def test_recordings_and_text_become_a_voice_that_speaks(tmp_path):
    shutil.copytree(
        CLIPS, tmp_path / "corpus", ignore=shutil.ignore_patterns("TextGrid")
    )
    go = functools.partial(run, folder=tmp_path)
    go("-m", "tfrecords_tools.align", "--input", "corpus", "--output", "grids")
    build = ["-m", "tfrecords_tools.build", "--config", "tiny"]
    build += SMALL
    go(*build, "--input", "corpus", "--alignments", "grids", "--output", "records")
    info = DatasetInfo.load(tmp_path / "records")
    assert info.num_utterances == 2 and not info.skipped
    go("-m", "tfrecords_tools.validate", "records")
    train = ["-m", "wg2.train", "--config", "tiny", *SMALL, "--no-progress"]
    go(*train, "--data", "records", "--run-dir", "run", "--steps", "2")
    text = "Zorblax paid $3 [400ms] in 1984."
    go("-m", "wg2.synthesize", "--voice", "run/voice", "--text", text, "-o", "out.wav")
    assert soundfile.info(tmp_path / "out.wav").duration > 0.4


@pytest.mark.slow
def test_phonemes_of_own_alignments_are_those_of_synthesis(tmp_path):
    """What was trained is what is served, word by word."""
    from tfrecords_tools.alignment import textgrid, words
    from tfrecords_tools.corpora import ljspeech

    corpus = CLIPS
    run(
        "-m",
        "tfrecords_tools.align",
        "--input",
        corpus,
        "--output",
        "g",
        folder=tmp_path,
    )
    utterances, _ = ljspeech.read(corpus)
    frontend = Frontend()
    for utterance in utterances:
        grid = textgrid.read(tmp_path / "g" / f"{utterance.id}.TextGrid")
        spoken = frontend.transcribe(utterance.text).words
        aligned = words.align_words(grid)
        assert len(aligned) == len(spoken)
        for word, known in zip(aligned, spoken, strict=True):
            phones = tuple(phone.label for phone in word.phones)
            assert phones in known.pronunciations


def test_no_import_and_no_text_opens_a_connection(tmp_path):
    modules = [
        "wg2.text.frontend", "wg2.text.graph", "wg2.text.__main__", "wg2.inference",
        "wg2.train", "wg2.synthesize", "wg2.evaluation.command",
        "wg2.evaluation.report_page", "wg2.schedule", "wg2.schedule_search.command",
        "tfrecords_tools.build", "tfrecords_tools.align", "tfrecords_tools.recognize",
        "tfrecords_tools.validate", "tfrecords_tools.report", "tfrecords_tools.show",
        "tfrecords_tools.synthetic", "tfrecords_tools.building",
        "tfrecords_tools.alignment.aligning", "tfrecords_tools.audio.graph",
    ]  # fmt: skip
    lines = [_BLOCK, *(f"import {name}" for name in modules)]
    lines.append("from wg2.text.frontend import Frontend")
    lines.append("Frontend().encode('I read zorblaxian lead for $5.')")
    run("-c", "\n".join(lines), folder=tmp_path)


def test_the_python_front_end_needs_no_tensorflow(tmp_path):
    code = (
        "import sys; from wg2.text.frontend import Frontend;"
        "Frontend().encode('I read zorblaxian lead for $5.');"
        "heavy = {'tensorflow', 'keras', 'nltk', 'g2p_en', 'pocketsphinx'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    run("-c", code, folder=tmp_path)
