"""Command line: measures a voice against held-out recordings.

python -m wg2.evaluate --voice voices/slt --data RECORDS --output DIR --steps 6,12
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from wg2 import terminal


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m wg2.evaluate",
        description="Measures a voice against held-out recordings: spectra, pitch, "
        "durations, noise in pauses, intelligibility and speed, for every combination "
        "of steps, sampler, schedule and durations. Writes evaluation.json and "
        "report.html. The same command goes on where it was stopped; other "
        "combinations are added to what is there.",
    )
    parser.add_argument("--voice", "-m", type=Path, required=True, help="a directory")
    parser.add_argument("--data", type=Path, required=True, help="folder of records")
    parser.add_argument(
        "--output", "-o", type=Path, required=True, help="a folder for the results"
    )
    parser.add_argument(
        "--steps", metavar="N,N", help="such as 4,6,12 (default: the voice's own)"
    )
    parser.add_argument(
        "--samplers",
        metavar="A,B",
        help="of ddpm, ddim, dpmpp (default: the voice's own)",
    )
    parser.add_argument(
        "--schedules",
        metavar="A,B",
        default="voice",
        help="of voice, derived, linear, fibonacci, or .json, .npy, .txt files of "
        "betas, which have steps of their own (default: %(default)s)",
    )
    parser.add_argument(
        "--durations",
        choices=("predicted", "true", "both"),
        default="both",
        help="of the phonemes; true ones are the recording's (default: %(default)s)",
    )
    parser.add_argument(
        "--split", default="validation", help="of the records (default: %(default)s)"
    )
    parser.add_argument(
        "--utterances", type=int, default=50, metavar="N", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--longest-seconds",
        type=float,
        metavar="S",
        help="longer utterances are passed over (default: none is)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the noise")
    parser.add_argument(
        "--listen",
        type=int,
        default=4,
        metavar="N",
        help="utterances to hear in the report (default: %(default)s)",
    )
    parser.add_argument(
        "--no-intelligibility",
        action="store_true",
        help="leave out the recogniser, which takes a third of real time",
    )
    parser.add_argument("--no-progress", action="store_true", help="no progress line")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes
    logging.basicConfig(level=logging.WARNING, format="evaluate: %(message)s")
    try:
        from wg2.evaluation import extras

        extras.require(extras.SIGNAL)
        if not args.no_intelligibility:
            extras.require(extras.INTELLIGIBILITY)
        from wg2.evaluation.command import evaluate

        return evaluate(args)
    except BrokenPipeError:
        raise  # for `terminal.run`
    except (ValueError, FileNotFoundError, OSError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(terminal.run("evaluate", main))
