"""Command line: speaks text by a server.

python -m export.client --model slt --text "Hello world." --output out.wav
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from wg2 import terminal


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m export.client",
        description="Speaks text by a wg2 export on a TensorFlow model server.",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--text", help="what to say (default: standard input)")
    source.add_argument(
        "--input-file", "-i", type=Path, help="a text file; a blank line is a paragraph"
    )
    parser.add_argument(
        "--output",
        "-o",
        required=True,
        help="a WAV file; -: standard output, as WAV, or as raw 16-bit little-endian "
        "samples with --stream",
    )
    parser.add_argument(
        "--stream", action="store_true", help="write sound as it comes, the first early"
    )
    server = parser.add_argument_group("server")
    server.add_argument(
        "--server",
        default="localhost",
        help="host:port (default: localhost:8500, with --rest localhost:8501)",
    )
    server.add_argument("--rest", action="store_true", help="REST instead of gRPC")
    server.add_argument(
        "--model", "-m", default="default", help="its name there (default: default)"
    )
    which = server.add_mutually_exclusive_group()
    which.add_argument("--version", type=int, help="of the model (default: the newest)")
    which.add_argument("--label", help="of a version, such as stable")
    server.add_argument("--tls", action="store_true", help="encrypted")
    server.add_argument(
        "--ca-file",
        type=Path,
        help="PEM certificates to trust (default: the public ones)",
    )
    server.add_argument(
        "--timeout",
        type=float,
        default=120.0,
        metavar="SECONDS",
        help="for each attempt at a request (default: 120)",
    )
    server.add_argument(
        "--retries",
        type=int,
        default=4,
        help="attempts after the first where the server is unavailable (default: 4)",
    )
    server.add_argument(
        "--in-flight", type=int, default=4, help="requests at a time (default: 4)"
    )
    voice = parser.add_argument_group("voice")
    voice.add_argument("--steps", type=int, help="refinement steps, 1..1000")
    voice.add_argument("--seed", type=int, help="each sentence's is derived from it")
    voice.add_argument("--length-scale", type=float, help="above 1 is slower, 0.1..10")
    voice.add_argument("--speaker", help="where the voice has several")
    voice.add_argument(
        "--pause",
        type=float,
        default=0.25,
        metavar="SECONDS",
        help="silence between sentences, 2.5 times as much between paragraphs "
        "(default: 0.25)",
    )
    return parser


def _read_text(args: argparse.Namespace) -> str:
    """What to say.

    Raises:
        ValueError, FileNotFoundError: Not readable.
    """
    if args.text is not None:
        return args.text
    if args.input_file is not None:
        if not args.input_file.is_file():
            raise FileNotFoundError(f"no text file at {args.input_file}")
        raw = args.input_file.read_bytes()
    elif sys.stdin is None:
        raise ValueError("there is no --text, no --input-file, no standard input")
    else:
        raw = sys.stdin.buffer.read()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        name = args.input_file or "standard input"
        raise ValueError(f"{name} is not UTF-8: {error}") from None


def _speak(client, text: str, args: argparse.Namespace, settings: dict) -> float:
    """Writes the whole sound; its length in seconds."""
    from wg2.audio import wav

    audio, rate_hz = client.speak(text, **settings)
    seconds = len(audio) / rate_hz
    if args.output != "-":
        wav.write(args.output, audio, rate_hz)
        print(f"{args.output}\t{seconds:.2f} s")
        return seconds
    samples, num_clipped = wav.to_int16(audio)
    _warn_clipped(num_clipped, len(samples))
    sys.stdout.buffer.write(wav.to_bytes(samples, rate_hz))
    return seconds


def _stream(client, text: str, args: argparse.Namespace, settings: dict) -> float:
    """Writes the sound as it comes; its length in seconds."""
    from export.client.errors import SentenceError
    from export.client.pcm import PcmWriter

    started = time.monotonic()
    stream = client.stream(text, **settings)
    rate_hz = stream.sample_rate_hz
    if args.output == "-":
        print(f"streaming 16-bit mono PCM at {rate_hz} Hz", file=sys.stderr)
    try:
        with PcmWriter(args.output, rate_hz) as out:
            for chunk in stream:
                if not out.num_samples and len(chunk):
                    elapsed = time.monotonic() - started
                    print(f"first sound after {elapsed:.2f} s", file=sys.stderr)
                out.write(chunk)
    except SentenceError as error:
        seconds = out.num_samples / rate_hz
        raise RuntimeError(f"{error}; only {seconds:.2f} s were written") from None
    finally:
        stream.close()
    _warn_clipped(out.num_clipped, out.num_samples)
    seconds = out.num_samples / rate_hz
    if args.output != "-":
        print(f"{args.output}\t{seconds:.2f} s")
    return seconds


def _warn_clipped(num_clipped: int, num_samples: int) -> None:
    if num_clipped:
        logging.warning("clipped %d of %d samples", num_clipped, num_samples)


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # errors come as our own lines
    logging.basicConfig(level=logging.WARNING, format="client: %(message)s")
    from export.client.client import Client
    from export.client.errors import ServerError

    settings = {
        "steps": args.steps,
        "seed": args.seed,
        "length_scale": args.length_scale,
        "speaker": args.speaker,
    }
    try:
        if args.output == "-" and sys.stdout.isatty():
            raise ValueError("--output - writes sound, and this is a terminal")
        if Path(args.output).is_dir():  # said now, not after the synthesis
            raise ValueError(f"--output {args.output} is a folder, not a file")
        text = _read_text(args)
        started = time.monotonic()
        with Client(
            args.server,
            model=args.model,
            version=args.version,
            label=args.label,
            rest=args.rest,
            tls=args.tls,
            ca_file=args.ca_file,
            timeout_seconds=args.timeout,
            retries=args.retries,
            in_flight=args.in_flight,
            pause_seconds=args.pause,
        ) as client:
            seconds = (_stream if args.stream else _speak)(client, text, args, settings)
    except BrokenPipeError:
        raise  # for `terminal.run`
    except (ValueError, OSError, RuntimeError) as error:
        hint = _hint(error, args) if isinstance(error, ServerError) else ""
        print(f"client: {error}{hint}", file=sys.stderr)
        return 2
    except ImportError as error:
        print(f"client: {error}: pip install {error.name}", file=sys.stderr)
        return 2
    elapsed = time.monotonic() - started
    print(
        f"{seconds:.1f} s of speech in {elapsed:.1f} s "
        f"(real-time factor {elapsed / max(seconds, 1e-9):.2f})",
        file=sys.stderr,
    )
    return 0


def _hint(error: Exception, args: argparse.Namespace) -> str:
    if error.code == "NOT_FOUND":
        return "; --model, --version and --label say which model is meant"
    if error.code == "UNAVAILABLE":
        kind = "REST port (8501" if args.rest else "gRPC port (8500"
        return f"; does it run, and is this its {kind} by default)?"
    return ""


if __name__ == "__main__":
    sys.exit(terminal.run("client", main))
