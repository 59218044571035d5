"""The recogniser's processes: their answers, and how they end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.speech import white_noise
from tests.processes import alive, all_end, needs_proc
from tfrecords_tools import recognition
from wg2 import subprocesses
from wg2.audio import wav
from wg2.evaluation.recognizer import Recognizer

ROOT = Path(__file__).parents[2]
CLIP = ROOT / "tests" / "records" / "ljspeech" / "wavs" / "LJ001-0008.flac"


@pytest.fixture(scope="module")
def clip():
    return wav.read(CLIP)


def processes(recognizer: Recognizer) -> list[subprocess.Popen]:
    return [child._process for child in recognizer._children]


def test_both_hear_what_decoders_of_this_process_hear(clip):
    noise = white_noise(8000, -30, seed=0).astype(np.float32), 8000
    empty = np.zeros(0, np.float32), 16000
    with Recognizer() as recognizer:
        for sent in (clip, noise, empty, clip):
            recognizer.start(*sent)
            heard = recognizer.result()
            for units, found in heard._asdict().items():
                assert found == recognition.Recognizer(units).hear(*sent)
        assert heard.words and heard.phones
        running = processes(recognizer)
        assert [process.poll() for process in running] == [None, None]
    assert None not in [process.poll() for process in running]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_processes_end_with_what_uses_them(clip, error):
    with pytest.raises(error), Recognizer() as recognizer:
        recognizer.start(np.tile(clip[0], 20), clip[1])  # they are at work
        raise error
    assert None not in [process.poll() for process in processes(recognizer)]


@pytest.mark.parametrize("number", [0, 1])
def test_a_process_that_died_is_one_line(clip, number):
    with pytest.raises(OSError) as caught, Recognizer() as recognizer:
        dying = processes(recognizer)[number]
        dying.kill()
        dying.wait()
        recognizer.start(*clip)
        recognizer.result()
    units = recognition.UNITS[number]
    assert str(caught.value) == (
        f"the recogniser of {units} ended with code -9: without a message; the same "
        "command goes on from what is measured"
    )
    assert not isinstance(caught.value, BrokenPipeError)  # `wg2.terminal` hides those
    assert None not in [process.poll() for process in processes(recognizer)]


def test_what_it_says_before_it_ends_is_passed_on(tmp_path, monkeypatch):
    (tmp_path / "pocketsphinx.py").write_text("raise ImportError('broken')")
    environment = subprocesses.environment()
    environment["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{environment['PYTHONPATH']}"
    monkeypatch.setattr(subprocesses, "environment", lambda: environment)
    with pytest.raises(OSError, match="of words ended with code 2: the recogniser nee"):
        Recognizer()


@needs_proc
def test_processes_end_when_the_command_is_killed(tmp_path):
    program = (
        "import sys, time\n"
        "from wg2.audio import wav\n"
        "from wg2.evaluation.recognizer import Recognizer\n"
        "recognizer = Recognizer()\n"
        "recognizer.start(*wav.read(sys.argv[1]))\n"
        "print(*(c._process.pid for c in recognizer._children), flush=True)\n"
        "time.sleep(120)\n"
    )
    command = [sys.executable, "-c", program, str(CLIP)]
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    children = [int(number) for number in parent.stdout.readline().split()]
    assert len(children) == 2 and all(map(alive, children))
    parent.kill()
    parent.wait()
    assert all_end(children)
