"""Command line: speaks with a package for phones, without TensorFlow.

python -m export.tflite_run --package phone/slt --text "Hello." --output out.wav

It needs numpy and ai-edge-litert, nothing else.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from export.mobile.package import MODES, SPLIT
from wg2 import speaking, terminal


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m export.tflite_run",
        description="Speaks text with a package that export.tflite wrote.",
    )
    parser.add_argument("--package", "-m", type=Path, required=True, help="a folder")
    speaking.add_arguments(parser)
    parser.add_argument(
        "--mode",
        choices=MODES,
        default=SPLIT,
        help="split (default): encoder, upsampler and decoder, of any length; windows: "
        "the same with the decoder of fixed size; single: all in one file",
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--block-seconds",
        type=float,
        help="how much the decoder sees at a time; less needs less memory",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    parser = build_parser()
    args = parser.parse_args(argv)

    def load():
        from export.mobile.synthesizer import MobileSynthesizer

        return MobileSynthesizer(
            args.package,
            lexicon=args.lexicon,
            mode=args.mode,
            num_threads=args.threads,
            block_seconds=args.block_seconds,
        )

    settings = speaking.common_settings(args)
    return speaking.run("tflite_run", parser, args, load, settings)


if __name__ == "__main__":
    sys.exit(terminal.run("tflite_run", main))
