"""Commands as processes: nobody reads on, Ctrl-C, a full output, no input."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def start(*command: str, **options) -> subprocess.Popen:
    options.setdefault("stdout", subprocess.PIPE)
    return subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, stderr=subprocess.PIPE, **options
    )


def wrapped(body: str) -> tuple[str, str]:
    """Arguments of a process that runs a main with this body."""
    lines = (
        "import sys, time",
        "from wg2 import terminal",
        "def main():",
        textwrap.indent(body, "    "),
        "sys.exit(terminal.run('it', main))",
    )
    return "-c", "\n".join(lines)


def test_exit_code_and_output_are_those_of_main():
    process = start(*wrapped("print('said')\nreturn 3"))
    assert process.communicate() == (b"said\n", b"")
    assert process.returncode == 3


@pytest.mark.parametrize(
    "body",
    [
        "while True: print('y' * 1000)",
        "print('y')\nreturn 0",
        "print('y')\nsys.exit(2)",
    ],
)
def test_ends_without_a_word_when_nobody_reads(body):
    reading, writing = os.pipe()
    os.close(reading)
    process = start(*wrapped(body), stdout=writing)
    os.close(writing)
    assert process.communicate()[1] == b""
    assert process.returncode == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux only")
def test_full_output_is_one_line():
    with open("/dev/full", "wb") as full:
        process = start(*wrapped("print('y')\nreturn 0"), stdout=full)
        error = process.communicate()[1].decode()
    assert error == "it: [Errno 28] No space left on device\n"
    assert process.returncode == 2


def test_ctrl_c_is_one_line():
    # A shell's background job, which tests may be, ignores SIGINT and hands that on.
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = start(*wrapped("print('ready', flush=True)\ntime.sleep(60)"))
    signal.signal(signal.SIGINT, heard)
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate()[1] == b"it: interrupted\n"
    assert process.returncode == 130


def test_text_ends_without_a_word_when_nobody_reads():
    process = start("-m", "wg2.text", "--normalize", stdin=subprocess.PIPE)
    process.stdin.write(b"hello\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"hello\n"
    process.stdout.close()
    process.stdout = None
    assert process.communicate(b"hello\n" * 10)[1] == b""
    assert process.returncode == 141


def test_text_without_standard_input_is_one_line():
    process = start("-m", "wg2.text", "--normalize", preexec_fn=lambda: os.close(0))
    out, error = process.communicate()
    assert (out, error.count(b"\n"), process.returncode) == (b"", 1, 2)
    assert b"standard input" in error


@pytest.mark.parametrize("mode", ["--normalize", "--phonemes"])
def test_text_names_the_lines_that_it_cannot_speak_whole(mode):
    process = start("-m", "wg2.text", mode, stdin=subprocess.PIPE)
    lines = ["hello", "hello 日本", "", "hello " * 2000, "hello"]
    out, error = process.communicate("\n".join(lines).encode())
    shown = out.decode().splitlines()
    assert len(shown) == len(lines)
    assert shown[0] == shown[1] == shown[4]
    first, second = error.decode().splitlines()
    assert first.startswith("text: line 2: ")
    assert "日 本" in first
    assert second.startswith("text: line 4: ")
    assert "8192" in second
    assert process.returncode == 1


def test_synthesis_prints_nothing_but_its_own_lines(tmp_path):
    """TensorFlow greets every process with eight lines."""
    sound = str(tmp_path / "out.wav")
    options = ("--text", "Hi.", "--steps", "1", "--output", sound)
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    command = ("-m", "wg2.synthesize", "--voice", "voices/slt", *options)
    process = start(*command, env=environment)
    out, error = process.communicate()
    assert process.returncode == 0
    assert out.decode().startswith(sound)
    assert error.decode().splitlines()[-1].startswith(("0.", "1."))
    assert "tensorflow" not in error.decode().lower()
