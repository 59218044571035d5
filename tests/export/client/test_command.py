"""`python -m export.client` as a process, against fake servers in this one."""

import contextlib
import os
import signal
import struct
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from export.client.pcm import PcmWriter
from tests.export.client import fakes
from tests.export.client.fakes import RATE_HZ, FakeModel, Refused, spoken
from wg2.audio.wav import check_complete, to_int16

ROOT = Path(__file__).resolve().parents[3]
COMMAND = (sys.executable, "-m", "export.client")
NO_PROXY = {**os.environ, "no_proxy": "*", "NO_PROXY": "*"}


def run(*arguments, **options) -> subprocess.CompletedProcess:
    options.setdefault("env", NO_PROXY)
    options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        **options,
    )


BOTH = pytest.mark.parametrize("serve", ["grpc", "rest"], indirect=True)


@pytest.fixture
def serve(request):
    """serve(model) -> the arguments that reach a server of that model, by gRPC unless
    a test is marked with `BOTH`."""
    kind = getattr(request, "param", "grpc")
    start = {"grpc": fakes.grpc_server, "rest": fakes.rest_server}[kind]
    with contextlib.ExitStack() as stack:

        def serving(model):
            server = stack.enter_context(start(model))
            flags = ("--rest",) if kind == "rest" else ()
            return ("--server", server, *flags)

        yield serving


@pytest.fixture
def heard_interrupts():
    """Tests in the background are made to ignore them, and processes inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def samples(text: str, **settings) -> np.ndarray:
    return to_int16(spoken(text, **settings))[0]


def read(path) -> tuple[np.ndarray, int]:
    check_complete(path)
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        data = file.readframes(file.getnframes())
        return np.frombuffer(data, "<i2"), file.getframerate()


def one_line(result: subprocess.CompletedProcess) -> str:
    (line,) = result.stderr.decode().splitlines()
    assert line.startswith("client: ")
    return line


def test_writes_a_wav_and_says_so(serve, tmp_path):
    path = tmp_path / "new" / "out.wav"
    result = run(
        *serve(FakeModel()),
        *("--text", "Hi there.", "--output", path, "--seed", 4, "--steps", 2),
    )
    assert result.returncode == 0, result.stderr
    audio, rate_hz = read(path)
    assert rate_hz == RATE_HZ
    np.testing.assert_array_equal(audio, samples("Hi there.", seed=4, steps=2))
    seconds = len(audio) / RATE_HZ
    assert result.stdout.decode() == f"{path}\t{seconds:.2f} s\n"
    assert b"real-time factor" in result.stderr


def test_standard_input_to_standard_output_as_wav(serve, tmp_path):
    text = "Grüße.\n\nZwei."
    result = run(*serve(FakeModel()), "-o", "-", "--pause", 0, input=text.encode())
    assert result.returncode == 0, result.stderr
    path = tmp_path / "out.wav"
    path.write_bytes(result.stdout)
    expected = np.concatenate([samples("Grüße."), samples("Zwei.")])
    np.testing.assert_array_equal(read(path)[0], expected)


@BOTH
def test_streams_raw_samples_to_standard_output(serve, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("x" * 300, encoding="utf-8-sig")
    result = run(*serve(FakeModel()), "-i", text, "-o", "-", "--stream", "--seed", 3)
    assert result.returncode == 0, result.stderr
    np.testing.assert_array_equal(
        np.frombuffer(result.stdout, "<i2"), samples("x" * 300, seed=3)
    )
    assert b"first sound after" in result.stderr


def test_streams_into_a_wav(serve, tmp_path):
    path = tmp_path / "out.wav"
    result = run(*serve(FakeModel()), "--text", "x" * 300, "-o", path, "--stream")
    assert result.returncode == 0, result.stderr
    np.testing.assert_array_equal(read(path)[0], samples("x" * 300))


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="no pipes as POSIX has them")
@BOTH
def test_reader_that_goes_ends_a_stream_quietly(serve):
    model = FakeModel(seconds=0.05)
    text = "x" * 1000 + ". " + "Yes. " * 500
    process = subprocess.Popen(
        [*COMMAND, *serve(model), "--text", text, "-o", "-", "--stream"],
        cwd=ROOT,
        env=NO_PROXY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert len(process.stdout.read(100)) == 100
    process.stdout.close()
    error = process.stderr.read().decode()
    assert process.wait(30) == 141
    rate, first = error.splitlines()
    assert str(RATE_HZ) in rate and "first sound after" in first
    assert len(model.calls) < 200


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="POSIX only")
@BOTH
def test_interrupt_does_not_wait_for_the_server(serve, heard_interrupts):
    model = FakeModel(seconds=30.0)
    process = subprocess.Popen(
        [*COMMAND, *serve(model), "--text", "Hi.", "-o", "-"],
        cwd=ROOT,
        env=NO_PROXY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 30
    while not model.calls and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20)[1] == b"client: interrupted\n"
    assert process.returncode == 130


def test_failed_sentence_is_one_line_and_leaves_no_file(serve, tmp_path):
    path = tmp_path / "out.wav"
    model = FakeModel(bad_word="Two")
    result = run(*serve(model), "--text", "One. Two. Three.", "-o", path)
    assert result.returncode == 2 and result.stdout == b""
    assert one_line(result) == (
        "client: sentence 2 ('Two.') failed: INVALID_ARGUMENT: this word cannot be "
        "spoken"
    )
    assert not path.exists()


def test_failed_sentence_of_a_stream_says_what_was_written(serve, tmp_path):
    path = tmp_path / "out.wav"
    model = FakeModel(bad_word="Two")
    result = run(*serve(model), "--text", "One. Two.", "-o", path, "--stream")
    assert result.returncode == 2 and result.stdout == b""
    audio, _ = read(path)  # what is there is a valid file
    np.testing.assert_array_equal(audio, samples("One."))
    last = result.stderr.decode().splitlines()[-1]
    assert "sentence 2 ('Two.')" in last
    assert f"only {len(audio) / RATE_HZ:.2f} s were written" in last


@BOTH
def test_other_kind_of_port_is_one_line_with_a_hint(serve):
    server, *rest = serve(FakeModel())[1:]
    flags = () if rest else ("--rest",)  # the other one
    result = run("--server", server, *flags, "--text", "Hi.", "-o", "-", "--retries", 0)
    assert result.returncode == 2
    line = one_line(result)
    assert "is this its" in line and line.isprintable()


def test_unknown_model_is_one_line(serve):
    result = run(*serve(FakeModel()), "--model", "slt", "--text", "Hi.", "-o", "-")
    assert result.returncode == 2
    assert "'slt'" in one_line(result) and "--model" in one_line(result)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--text", " "), "no text"),
        (("-i", "none.txt"), "no text file at none.txt"),
        (("--text", "Hi.", "--steps", 0), "1..1000"),
        (("--text", "Hi.", "--length-scale", "nan"), "length_scale"),
        (("--text", "Hi.", "--pause", -1), "pause"),
        (("--text", "Hi.", "--server", "a:b"), "host:port"),
        (("--text", "Hi.", "-o", "."), "is a folder"),
    ],
)
def test_bad_arguments_are_one_line(arguments, said):
    result = run("-o", "-", *arguments)
    assert result.returncode == 2
    assert said in one_line(result)


def test_input_that_is_not_utf_8_is_one_line():
    result = run("-o", "-", input=b"caf\xe9")
    assert result.returncode == 2
    assert "standard input is not UTF-8" in one_line(result)


def test_retries_are_quiet(serve, tmp_path):
    model = FakeModel(refusals=[Refused("UNAVAILABLE", "full")] * 2)
    result = run(*serve(model), "--text", "Hi.", "-o", tmp_path / "out.wav")
    assert result.returncode == 0, result.stderr
    assert len(result.stderr.splitlines()) == 1


@BOTH
def test_no_tensorflow_is_imported(serve, tmp_path):
    """And REST does without gRPC, gRPC without requests."""
    arguments = [*serve(FakeModel()), "--text", "Hi.", "-o", str(tmp_path / "out.wav")]
    code = (
        "import sys\n"
        "from export.client.__main__ import main\n"
        f"assert main({arguments!r}) == 0\n"
        f"assert main({[*arguments, '--stream']!r}) == 0\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=NO_PROXY, capture_output=True
    )
    assert result.returncode == 0, result.stderr.decode()
    modules = set(result.stdout.decode().splitlines()[-1].split())
    assert "numpy" in modules
    assert modules.isdisjoint(
        {"tensorflow", "keras", "tensorflow_serving", "soundfile"}
    )
    assert ("requests" in modules) == ("--rest" in arguments)
    assert ("grpc" in modules) == ("--rest" not in arguments)


def test_client_and_tensorflow_serving_live_in_one_process():
    """Both bring messages of the same names. The other tests load theirs first."""
    code = (
        "from export.client import messages\n"
        "from tensorflow_serving.apis import predict_pb2, get_model_metadata_pb2\n"
        "assert messages.PredictRequest is not predict_pb2.PredictRequest"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True)
    assert result.returncode == 0, result.stderr.decode()


def test_wav_is_readable_while_it_is_written(tmp_path):
    path = tmp_path / "out.wav"
    with PcmWriter(str(path), RATE_HZ) as out:
        out.write(np.full(5, 0.25, np.float32))
        check_complete(path)
        assert path.read_bytes()[44:] == struct.pack("<5h", *[8192] * 5)
        out.write(np.array([2.0, -3.0, -1.0], np.float32))
    audio, rate_hz = read(path)
    assert rate_hz == RATE_HZ
    assert audio.tolist() == [8192] * 5 + [32767, -32768, -32768]
    assert (out.num_samples, out.num_clipped) == (8, 2)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX only")
def test_wav_into_a_pipe_keeps_an_unknown_length(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    with PcmWriter(str(pipe), RATE_HZ) as out:
        out.write(np.zeros(3, np.float32))
    content = reader.communicate(timeout=20)[0]
    assert content[40:44] == b"\xff" * 4 and len(content) == 44 + 6
