"""Command line: speaks text with a voice.

python -m wg2.synthesize --voice voices/slt --text "Hello world." --output out.wav
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


def _read_lines(args: argparse.Namespace) -> list[str]:
    """The utterances to speak.

    Raises:
        ValueError, FileNotFoundError: Nothing to say, or not readable.
    """
    if args.text is not None:
        return [args.text]
    if args.input_file is not None:
        if not args.input_file.is_file():
            raise FileNotFoundError(f"No text file at {args.input_file}")
        raw = args.input_file.read_bytes()
    else:
        raw = sys.stdin.buffer.read()
    name = args.input_file or "standard input"
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not UTF-8: {error}") from None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise ValueError(f"There is no text in {name}")
    if args.output is None:
        return lines
    if args.input_file is not None and len(lines) > 1:
        raise ValueError(
            f"{args.input_file} has {len(lines)} lines, one utterance each: use "
            "--output-dir for several files"
        )
    return [" ".join(lines)]


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes
    logging.basicConfig(level=logging.WARNING, format="synthesize: %(message)s")
    try:
        lines = _read_lines(args)
        from wg2.audio import wav
        from wg2.inference import Synthesizer

        voice = Synthesizer.load(args.voice, lexicon=args.lexicon)
        started = time.monotonic()
        utterances = voice.speak(
            lines,
            steps=args.steps,
            sampler=args.sampler,
            schedule=args.schedule,
            seed=args.seed,
            length_scale=args.length_scale,
            speaker=args.speaker,
            phonemes=args.phonemes,
        )
        elapsed = time.monotonic() - started
        width = max(4, len(str(len(utterances))))
        total = 0.0
        for number, utterance in enumerate(utterances, 1):
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
