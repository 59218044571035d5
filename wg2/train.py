"""Command line: trains a voice from records.

python -m wg2.train --config small --data DIR --run-dir DIR --steps 5000
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m wg2.train",
        description="Trains WaveGrad 2 on records made by tfrecords_tools.build.",
    )
    parser.add_argument(
        "--config", help="preset (base, large, ljspeech, small, tiny) or a config file"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of records")
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument(
        "--steps", type=int, required=True, help="train until this step, from 0"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="A.B=C",
        dest="overrides",
        help="override a config value, e.g. training.batch_size=32; repeatable",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on exactly with the run in --run-dir"
    )
    parser.add_argument(
        "--init-from",
        type=Path,
        metavar="VOICE_OR_RUN",
        help="fine-tune: start at step 0 from these weights; other phonemes or "
        "speakers are fine, what could not be taken over is listed",
    )
    parser.add_argument("--seed", type=int, help="of a new run (default: 0)")
    parser.add_argument(
        "--strategy",
        default="auto",
        help="auto, one, mirrored, multi-worker (from TF_CONFIG) or tpu",
    )
    parser.add_argument("--tpu", default="", help="TPU name or address")
    parser.add_argument("--name", help="the voice's name (default: the run folder's)")
    parser.add_argument("--no-progress", action="store_true", help="no progress line")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr
    )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes
    from wg2.training.commands import UserError, train

    try:
        return train(args)
    except (UserError, ValueError, FileNotFoundError, OSError) as error:
        print(f"train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("train: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
