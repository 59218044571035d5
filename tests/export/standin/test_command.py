"""`python -m export.serve`: its options, and how it says what is wrong."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from export import serve
from export.standin import runtime
from export.standin.options import build_parser
from tests.export.standin import toy


def complaint(capsys, *arguments: str) -> str:
    """The one line of a start that fails."""
    assert serve.main([*arguments]) == 2
    lines = capsys.readouterr().err.splitlines()
    return next(line for line in lines if "stand-in" not in line)


@pytest.fixture(autouse=True)
def _xla_stays_on(monkeypatch):
    monkeypatch.setattr(runtime, "disable_xla", lambda: None)


@pytest.fixture
def options():
    return lambda *arguments: build_parser().parse_args(
        ["--model-base-path", "m", *arguments]
    )


def test_defaults_are_the_real_servers(options):
    args = options()
    assert (args.port, args.rest_api_port) == (8500, 8501)
    assert (args.host, args.rest_api_timeout_in_ms) == ("127.0.0.1", 30_000)
    assert args.file_system_poll_wait_seconds == 1
    assert (args.max_num_load_retries, args.load_retry_interval_micros) == (
        5,
        60_000_000,
    )


def test_tensorflow_servings_spellings():
    args = build_parser().parse_args(
        [
            "--model_name=n",
            "--model_base_path=/m",
            "--port=1",
            "--rest_api_port=2",
            "--rest_api_timeout_in_ms=3",
            "--file_system_poll_wait_seconds=4",
            "--allow_version_labels_for_unavailable_models=true",
            "--rest_api_enable_cors_support",
            "--model_config_file_poll_wait_seconds",
            "5",
            "--tensorflow_session_parallelism=6",
            "--saved_model_tags=a,b",
        ]
    )
    assert (args.model_name, str(args.model_base_path), args.port) == ("n", "/m", 1)
    assert (args.rest_api_port, args.rest_api_timeout_in_ms) == (2, 3)
    assert args.allow_version_labels_for_unavailable_models is True
    assert args.rest_api_enable_cors_support is True
    assert args.tensorflow_session_parallelism == 6


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "65536"),
        ("--port", "x"),
        ("--max-concurrent-requests", "0"),
        ("--shutdown-seconds", "-1"),
        ("--shutdown-seconds", "nan"),
        ("--rest-api-enable-cors-support=perhaps",),
        ("--enable_batching",),  # there is none: not accepted and ignored
    ],
)
def test_bad_options_are_refused(options, arguments, capsys):
    with pytest.raises(SystemExit):
        options(*arguments)
    assert "error:" in capsys.readouterr().err


def test_help_is_instant_and_says_what_it_is():
    code = "import sys; from export.serve import main\ntry: main(['--help'])\n"
    code += "except SystemExit: print('tensorflow' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=toy.ROOT, capture_output=True, text=True
    )
    assert "stand-in for tensorflow_model_server" in " ".join(result.stdout.split())
    assert result.stdout.endswith("False\n")


def test_no_such_directory(capsys, tmp_path):
    line = complaint(capsys, "--model-base-path", str(tmp_path / "none"))
    assert line.startswith(f"serve: No directory at {tmp_path / 'none'}.")


def test_a_saved_model_instead_of_the_folder_above(capsys, toy_path):
    line = complaint(capsys, "--model-base-path", str(toy_path / "3"))
    assert "is a SavedModel itself" in line


def test_neither_path_nor_config(capsys):
    assert "--model-base-path or --model-config-file" in complaint(capsys)


def test_path_and_config(capsys, tmp_path):
    both = ("--model-base-path", str(tmp_path), "--model-config-file", "x")
    assert "give either" in complaint(capsys, *both)


def test_no_saved_model_in_the_version(capsys, tmp_path):
    (tmp_path / "1").mkdir()
    line = complaint(capsys, "--model-base-path", str(tmp_path))
    assert line.endswith(f"directory path: {tmp_path / '1'}")


def test_other_tags_than_the_models(capsys, toy_path):
    line = complaint(
        capsys, *("--model-base-path", str(toy_path), "--saved-model-tags", "serve,gpu")
    )
    assert "{ gpu serve }" in line


@pytest.mark.parametrize("option", ["--port", "--rest-api-port"])
def test_port_in_use(capsys, toy_path, option):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        free = {"--port": "0", "--rest-api-port": "0"} | {option: port}
        arguments = [part for pair in free.items() for part in pair]
        line = complaint(capsys, "--model-base-path", str(toy_path), *arguments)
    assert line.startswith(f"serve: Port {port} on 127.0.0.1 cannot be opened")
    assert option in line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense", "does not read as a text ModelServerConfig"),
        ("", "names no models"),
        (
            "model_config_list { config { name: 'a' base_path: '/m' } }",
            "unsupported platform",
        ),
        (
            "model_config_list { config { name: 'a' base_path: '/m' model_platform: "
            "'tensorflow' version_labels { key: 'x' value: 1 } } }",
            "Request to assign label to version 1",
        ),
    ],
)
def test_bad_config_files(capsys, tmp_path, text, says):
    file = tmp_path / "models.config"
    file.write_text(text)
    assert says in complaint(capsys, "--model-config-file", str(file))
