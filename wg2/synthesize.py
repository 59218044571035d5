"""Command line: speaks text with a voice.

python -m wg2.synthesize --voice voices/slt --text "Hello world." --output out.wav
python -m wg2.synthesize --voice voices/slt --stream < text | aplay -f S16_LE -r 16000
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wg2 import terminal

if TYPE_CHECKING:
    from wg2.inference import Synthesizer


_LINES_AT_A_TIME = 64
"""Enough for batches of like lengths, and little enough for the memory."""


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m wg2.synthesize", description="Speaks text with a voice."
    )
    parser.add_argument("--voice", "-m", type=Path, required=True, help="a directory")
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
    parser.add_argument("--sampler", help="ddpm, ddim or dpmpp")
    parser.add_argument(
        "--schedule",
        "-n",
        default="voice",
        help="voice (default: what the voice stores for --steps, else derived), "
        "derived, linear, fibonacci, comma-separated betas, or a .json, .npy or .txt "
        "file of betas",
    )
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
    return parser


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


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "steps": args.steps,
        "sampler": args.sampler,
        "schedule": args.schedule,
        "seed": args.seed,
        "length_scale": args.length_scale,
        "speaker": args.speaker,
        "phonemes": args.phonemes,
    }


def _write_files(
    voice: Synthesizer, args: argparse.Namespace, lines: list[str]
) -> float:
    """Seconds of speech that were written."""
    from wg2.audio import wav

    settings = _settings(args)
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


def _write_stream(voice: Synthesizer, args: argparse.Namespace) -> float:
    """Seconds of speech that were written."""
    from wg2.audio import wav

    rate = voice.sample_rate_hz
    print(f"streaming 16-bit mono PCM at {rate} Hz", file=sys.stderr)
    num_samples = num_clipped = 0
    for line in _input_lines(args):
        started = time.monotonic()
        for i, piece in enumerate(voice.stream(line, **_settings(args))):
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


def main(argv: Sequence[str] | None = None) -> int:
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.stream and args.times:
        parser.error("--times goes with files, not with --stream")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes
    logging.basicConfig(level=logging.WARNING, format="synthesize: %(message)s")
    try:
        if args.stream and sys.stdout.isatty():
            raise ValueError(
                "--stream writes samples, and standard output is a terminal. Pipe it "
                "into a player, e.g. | aplay -f S16_LE -r 16000, or use --output"
            )
        lines = [] if args.stream else _read_utterances(args)
        from wg2.inference import Synthesizer

        voice = Synthesizer.load(args.voice, lexicon=args.lexicon)
        started = time.monotonic()
        if args.stream:
            total = _write_stream(voice, args)
        else:
            total = _write_files(voice, args, lines)
        elapsed = time.monotonic() - started
    except BrokenPipeError:
        raise  # for `terminal.run`
    except (ValueError, FileNotFoundError, OSError) as error:
        print(f"synthesize: {error}", file=sys.stderr)
        return 2
    print(
        f"{total:.1f} s of speech in {elapsed:.1f} s "
        f"(real-time factor {elapsed / max(total, 1e-9):.2f})",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(terminal.run("synthesize", main))
