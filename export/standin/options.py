"""The command's options, without TensorFlow: --help is instant."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

_WHAT = (
    "A small stand-in for tensorflow_model_server, for machines without Docker. It "
    "serves any SavedModel over gRPC and REST with the real server's rules; it has no "
    "batching and no TLS. In production run TensorFlow Serving itself."
)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m export.serve",
        description=_WHAT,
        epilog="TensorFlow Serving's own spellings (--model_base_path, ..) work, too.",
        allow_abbrev=False,
    )
    _add_models(parser)
    _add_addresses(parser)
    _add_loading(parser)
    _add_limits(parser)
    _add_tensorflow(parser)
    parser.add_argument(
        "--verbose", "-v", action="store_true", help="log loads and unloads"
    )
    return parser


def _add(group, name: str, **options) -> None:
    """An option, and the same with underscores."""
    names = dict.fromkeys((name, f"--{name[2:].replace('-', '_')}"))
    group.add_argument(*names, **options)


def _add_models(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("models")
    _add(
        group,
        "--model-base-path",
        type=Path,
        metavar="DIR",
        help="holds a folder per version, named by its number",
    )
    _add(
        group, "--model-name", metavar="NAME", help="default: the base path's last part"
    )
    _add(
        group,
        "--model-config-file",
        type=Path,
        metavar="FILE",
        help="text ModelServerConfig, instead of the two",
    )
    _add(
        group,
        "--model-config-file-poll-wait-seconds",
        type=_seconds,
        default=0.0,
        metavar="S",
        help="how often the file is read again (default: never)",
    )
    _add(
        group,
        "--allow-version-labels-for-unavailable-models",
        **_flag("labels in the first config, or of versions that are not loaded yet"),
    )


def _add_addresses(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "addresses (port 0: a free one, which is printed)"
    )
    _add(
        group,
        "--host",
        default="127.0.0.1",
        help="address to bind; 0.0.0.0 is all, for everybody (default: %(default)s)",
    )
    _add(group, "--port", type=_port, default=8500, help="gRPC (default: %(default)s)")
    _add(
        group,
        "--rest-api-port",
        type=_port,
        default=8501,
        help="REST (default: %(default)s)",
    )
    _add(group, "--rest-api-enable-cors-support", **_flag("send CORS headers"))


def _add_loading(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("loading")
    _add(
        group,
        "--file-system-poll-wait-seconds",
        type=_seconds,
        default=1.0,
        metavar="S",
        help="how often new versions are looked for (default: %(default)s; 0: once)",
    )
    _add(
        group,
        "--max-num-load-retries",
        type=_count,
        default=5,
        metavar="N",
        help="of a failed load (default: %(default)s)",
    )
    _add(
        group,
        "--load-retry-interval-micros",
        type=_count,
        default=60_000_000,
        metavar="US",
        help="between two tries (default: %(default)s); a changed directory is tried "
        "at once",
    )
    _add(
        group,
        "--saved-model-tags",
        default="serve",
        help="comma-separated tags of the graph (default: %(default)s)",
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("limits (the real server has only the first)")
    _add(
        group,
        "--rest-api-timeout-in-ms",
        type=_positive,
        default=30_000,
        metavar="MS",
        help="then 504 (default: %(default)s); gRPC has the client's deadline",
    )
    _add(
        group,
        "--max-concurrent-requests",
        type=_positive,
        default=max(2, os.cpu_count() or 1),
        metavar="N",
        help="that run at a time (default: the number of cores, at least 2)",
    )
    _add(
        group,
        "--max-queued-requests",
        type=_count,
        default=64,
        metavar="N",
        help="that wait; any more are UNAVAILABLE, 503 (default: %(default)s)",
    )
    _add(
        group,
        "--max-request-bytes",
        type=_positive,
        default=64 * 2**20,
        metavar="N",
        help="of a body or message as sent (default: 64 MiB)",
    )
    _add(
        group,
        "--max-unpacked-bytes",
        type=_positive,
        default=100 * 2**20,
        metavar="N",
        help="of a gzip body when it is unpacked (default: 100 MiB)",
    )
    _add(
        group,
        "--max-tensor-bytes",
        type=_positive,
        default=2**30,
        metavar="N",
        help="of a gRPC request's inputs in memory, where one value may stand for many "
        "(default: 1 GiB)",
    )
    _add(
        group,
        "--max-json-depth",
        type=_positive,
        default=64,
        metavar="N",
        help="of nesting (default: %(default)s)",
    )
    _add(
        group,
        "--max-json-values",
        type=_positive,
        default=4_000_000,
        metavar="N",
        help="in a body, commas in texts included (default: %(default)s)",
    )
    _add(
        group,
        "--shutdown-seconds",
        type=_seconds,
        default=30.0,
        metavar="S",
        help="for running requests at SIGTERM (default: %(default)s)",
    )


def _add_tensorflow(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("TensorFlow's threads (0: as many as cores)")
    for name, text in (
        ("--tensorflow-session-parallelism", "both of the others"),
        ("--tensorflow-intra-op-parallelism", "within an op"),
        ("--tensorflow-inter-op-parallelism", "ops side by side"),
    ):
        _add(group, name, type=_count, default=0, metavar="N", help=text)


def _flag(text: str) -> dict:
    """`--name`, and TensorFlow Serving's `--name=true`."""
    return {
        "nargs": "?",
        "const": True,
        "default": False,
        "type": _boolean,
        "metavar": "true|false",
        "help": text,
    }


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"must be true or false. Received: {text}")
    return text.lower() == "true"


def _count(text: str) -> int:
    return _number(text, int, 0)


def _positive(text: str) -> int:
    return _number(text, int, 1)


def _seconds(text: str) -> float:
    return _number(text, float, 0)


def _port(text: str) -> int:
    port = _number(text, int, 0)
    if port > 65535:
        raise argparse.ArgumentTypeError(f"must be at most 65535. Received: {text}")
    return port


def _number(text: str, kind: type, least: int):
    try:
        value = kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a number. Received: {text}"
        ) from None
    if not least <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be at least {least}. Received: {text}")
    return value
