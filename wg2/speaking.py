"""What commands that speak share: text that comes in, files and streams that go out.

Without TensorFlow: `export.tflite_run` uses it, too.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from wg2.audio import wav
from wg2.utterance import Utterance

_LINES_AT_A_TIME = 64
"""Enough for batches of like lengths, and little enough for the memory."""


class Voice(Protocol):
    """What speaks: `wg2.inference.Synthesizer`, or a package for phones."""

    sample_rate_hz: int

    def speak(self, texts: Sequence[str], **settings) -> list[Utterance]: ...

    def stream(self, text: str, **settings) -> Iterator[np.ndarray]: ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where text comes from, where sound goes, and how it is spoken."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--text", help="what to say (default: standard input)")
    source.add_argument(
        "--input-file", "-i", type=Path, help="a text file, one utterance per line"
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--output", "-o", "-f", type=Path, help="a WAV file")
    target.add_argument(
        "--output-dir", "-d", type=Path, help="a folder: 0001.wav, 0002.wav, .."
    )
    target.add_argument(
        "--stream",
        action="store_true",
        help="16-bit mono PCM to standard output while it is made, one line of text "
        "after the other: pipe it into a player",
    )
    parser.add_argument("--steps", type=int, help="refinement steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--length-scale",
        "--length_scale",
        type=float,
        default=1.0,
        help="above 1 is slower",
    )
    parser.add_argument("--speaker", help="where the voice has several")
    parser.add_argument(
        "--phonemes",
        action="store_true",
        help='the input is phonemes: "HH AH0 L OW1 sil W ER1 L D ."',
    )
    parser.add_argument("--lexicon", type=Path, help="a user lexicon: word  PH ON EMES")
    parser.add_argument(
        "--times", action="store_true", help="print each phoneme's end time in seconds"
    )


def common_settings(args: argparse.Namespace) -> dict:
    """What `Voice.speak` is asked for, of the arguments above."""
    return {
        "steps": args.steps,
        "seed": args.seed,
        "length_scale": args.length_scale,
        "speaker": args.speaker,
        "phonemes": args.phonemes,
    }


def run(
    name: str,
    parser: argparse.ArgumentParser,
    args: argparse.Namespace,
    load: Callable[[], Voice],
    settings: dict,
) -> int:
    """Speaks what `args` ask for; the exit code.

    Args:
        name: What the command calls itself in its messages.
        parser: With `add_arguments`.
        args: From it.
        load: Loads the voice.
        settings: For `Voice.speak` and `Voice.stream`.
    """
    if args.stream and args.times:
        parser.error("--times goes with files, not with --stream")
    logging.basicConfig(level=logging.WARNING, format=f"{name}: %(message)s")
    try:
        if args.stream and sys.stdout.isatty():
            raise ValueError(
                "--stream writes samples, and standard output is a terminal. Pipe it "
                "into a player, e.g. | aplay -f S16_LE -r 16000, or use --output"
            )
        lines = [] if args.stream else _read_utterances(args)
        voice = load()
        started = time.monotonic()
        if args.stream:
            total = _write_stream(voice, args, settings)
        else:
            total = _write_files(voice, args, settings, lines)
        elapsed = time.monotonic() - started
    except BrokenPipeError:
        raise  # for `terminal.run`
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    print(
        f"{total:.1f} s of speech in {elapsed:.1f} s "
        f"(real-time factor {elapsed / max(total, 1e-9):.2f})",
        file=sys.stderr,
    )
    return 0


def _input_lines(args: argparse.Namespace) -> Iterator[str]:
    """Lines of text as they come, without those that are empty.

    Raises:
        ValueError, FileNotFoundError: Nothing to say, or not readable.
    """
    if args.text is not None:
        yield args.text
        return
    if args.input_file is not None:
        if not args.input_file.is_file():
            raise FileNotFoundError(f"No text file at {args.input_file}")
        source = args.input_file.open("rb")
    else:
        source = contextlib.nullcontext(sys.stdin.buffer)
    name = args.input_file or "standard input"
    found = False
    with source as file:
        for number, raw in enumerate(file, 1):
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise ValueError(
                    f"{name} is not UTF-8, line {number}: {error}"
                ) from None
            for line in text.splitlines():
                if line.strip():
                    found = True
                    yield line.strip()
    if not found:
        raise ValueError(f"There is no text in {name}")


def _read_utterances(args: argparse.Namespace) -> list[str]:
    """What goes into files, one text each."""
    lines = list(_input_lines(args))
    if args.output is None or len(lines) == 1:
        return lines
    if args.input_file is not None:
        raise ValueError(
            f"{args.input_file} has {len(lines)} lines, one utterance each: use "
            "--output-dir for several files"
        )
    return [" ".join(lines)]


def _write_files(
    voice: Voice, args: argparse.Namespace, settings: dict, lines: list[str]
) -> float:
    """Seconds of speech that were written."""
    width = max(4, len(str(len(lines))))
    total = 0.0
    # What is spoken is written, whatever comes later.
    for start in range(0, len(lines), _LINES_AT_A_TIME):
        utterances = voice.speak(lines[start : start + _LINES_AT_A_TIME], **settings)
        for number, utterance in enumerate(utterances, start + 1):
            path = args.output or args.output_dir / f"{number:0{width}d}.wav"
            wav.write(path, utterance.audio, utterance.sample_rate_hz)
            seconds = len(utterance.audio) / utterance.sample_rate_hz
            total += seconds
            print(f"{path}\t{seconds:.2f} s")
            if args.times:
                for symbol, end in zip(
                    utterance.phonemes, utterance.end_seconds, strict=True
                ):
                    print(f"{symbol}\t{end:.3f}")
    return total


def _write_stream(voice: Voice, args: argparse.Namespace, settings: dict) -> float:
    """Seconds of speech that were written."""
    rate = voice.sample_rate_hz
    print(f"streaming 16-bit mono PCM at {rate} Hz", file=sys.stderr)
    num_samples = num_clipped = 0
    for line in _input_lines(args):
        started = time.monotonic()
        for i, piece in enumerate(voice.stream(line, **settings)):
            samples, clipped = wav.to_int16(piece)
            sys.stdout.buffer.write(samples.astype("<i2").tobytes())
            sys.stdout.buffer.flush()
            if i == 0:
                elapsed = time.monotonic() - started
                print(f"first sound after {elapsed:.2f} s", file=sys.stderr)
            num_samples += len(samples)
            num_clipped += clipped
    if num_clipped:
        logging.warning("clipped %d of %d samples", num_clipped, num_samples)
    return num_samples / rate
