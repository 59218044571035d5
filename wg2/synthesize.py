"""Command line: speaks text with a voice.

python -m wg2.synthesize --voice voices/slt --text "Hello world." --output out.wav
python -m wg2.synthesize --voice voices/slt --stream < text | aplay -f S16_LE -r 16000
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from wg2 import speaking, terminal


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m wg2.synthesize", description="Speaks text with a voice."
    )
    parser.add_argument("--voice", "-m", type=Path, required=True, help="a directory")
    speaking.add_arguments(parser)
    parser.add_argument("--sampler", help="ddpm, ddim or dpmpp")
    parser.add_argument(
        "--schedule",
        "-n",
        default="voice",
        help="voice (default: what the voice stores for --steps, else derived), "
        "derived, linear, fibonacci, comma-separated betas, or a .json, .npy or .txt "
        "file of betas",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    parser = build_parser()
    args = parser.parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes

    def load():
        from wg2.inference import Synthesizer

        return Synthesizer.load(args.voice, lexicon=args.lexicon)

    settings = speaking.common_settings(args)
    settings |= {"sampler": args.sampler, "schedule": args.schedule}
    return speaking.run("synthesize", parser, args, load, settings)


if __name__ == "__main__":
    sys.exit(terminal.run("synthesize", main))
