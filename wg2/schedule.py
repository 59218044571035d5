"""Command line: finds, shows and stores the noise schedules of a voice.

python -m wg2.schedule search --voice voices/slt --data RECORDS --steps 4,6,8,12,25
python -m wg2.schedule show --voice voices/slt --steps 6
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
        prog="python -m wg2.schedule",
        description="Finds, shows and stores the noise schedules of a voice: what "
        "synthesis with --steps N uses instead of the schedule derived from training.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    _add_search(commands)
    showing = commands.add_parser(
        "show",
        help="print a schedule",
        description="Prints the noise levels, log signal-to-noise ratios and betas of "
        "a schedule, in the order of synthesis.",
    )
    showing.add_argument("--voice", "-m", type=Path, required=True, help="a directory")
    showing.add_argument("--steps", type=int, help="(default: the voice's own)")
    showing.add_argument(
        "--schedule",
        "-n",
        default="voice",
        help="voice (default: what the voice stores for --steps, else derived), "
        "derived, linear, fibonacci, comma-separated betas, or a .json, .npy or .txt "
        "file of betas",
    )
    storing = commands.add_parser(
        "store",
        help="store a list of betas",
        description="Stores a schedule of your own in a voice, for as many steps as it "
        "has betas.",
    )
    _add_voices(storing)
    storing.add_argument(
        "--schedule",
        "-n",
        required=True,
        metavar="LIST|FILE",
        help="comma-separated betas, or a .json, .npy or .txt file of betas, the one "
        "next to clean speech first",
    )
    storing.add_argument(
        "--replace", action="store_true", help="what is stored for as many steps"
    )
    removing = commands.add_parser(
        "remove",
        help="go back to the derived schedule",
        description="Removes a stored schedule: the derived one is used again.",
    )
    _add_voices(removing)
    removing.add_argument("--steps", type=int, required=True)
    return parser


def _add_voices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--voice", "-m", type=Path, required=True, help="a directory")
    parser.add_argument(
        "--output",
        "-o",
        type=Path,
        metavar="VOICE",
        help="write a changed copy there (default: change the voice itself)",
    )


def _add_search(commands) -> None:
    parser = commands.add_parser(
        "search",
        help="find schedules",
        description="Finds the schedule of N steps by which a voice comes nearest to "
        "recordings (log-mel L1, durations of the recordings), from the derived one "
        "on, with both ends tied to the levels of training, and stores it if it is "
        "better, and not worse on utterances that the search has not seen. The same "
        "command goes on where it was stopped.",
    )
    _add_voices(parser)
    parser.add_argument("--data", type=Path, required=True, help="folder of records")
    parser.add_argument(
        "--steps", metavar="N,N", default="4,6,8,12,25", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--sampler",
        metavar="A,B",
        help="of ddpm, ddim, dpmpp: what to search for (default: the voice's own). "
        "All samplers use what is stored, and each wants other levels: of several, "
        "the mean counts, and none may lose",
    )
    parser.add_argument(
        "--utterances",
        type=int,
        default=4,
        metavar="N",
        help="to search with (default: %(default)s)",
    )
    parser.add_argument(
        "--held-back",
        type=int,
        default=4,
        metavar="N",
        help="utterances to check what was found (default: %(default)s)",
    )
    parser.add_argument(
        "--longest-seconds",
        type=float,
        default=6.0,
        metavar="S",
        help="longer utterances are passed over: they take time and show nothing "
        "else (default: %(default)s)",
    )
    parser.add_argument(
        "--noises",
        type=int,
        default=2,
        metavar="N",
        help="that every utterance is spoken from, averaged (default: %(default)s)",
    )
    parser.add_argument(
        "--evaluations",
        type=int,
        default=60,
        metavar="N",
        help="candidates at most, for each number of steps (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the first noise")
    parser.add_argument(
        "--split", default="validation", help="of the records (default: %(default)s)"
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="where measured candidates are kept (default: the written voice's path "
        "with .search behind it)",
    )
    parser.add_argument(
        "--replace", action="store_true", help="what is stored for as many steps"
    )
    parser.add_argument("--no-progress", action="store_true", help="no progress line")


def show(args: argparse.Namespace) -> int:
    """Prints a schedule; the exit status."""
    from wg2.diffusion.named_schedules import make_schedule
    from wg2.diffusion.schedule import training_level_range
    from wg2.schedule_search.storing import stored_steps
    from wg2.schedule_search.warping import log_snr
    from wg2.voice import load_description

    config, card = load_description(args.voice)
    schedule = make_schedule(config, args.steps, args.schedule)
    stored = stored_steps(config)
    kind = args.schedule
    if kind == "voice":
        kind = "stored" if schedule.num_steps in stored else "derived"
    high, low = training_level_range(config)
    has = ", ".join(map(str, stored)) or "none"
    print(f"voice {card.name}: stored schedules for steps: {has}")
    print(f"trained at noise levels {high:.6f} .. {low:.6f}")
    print(f"schedule of {schedule.num_steps} steps ({kind}):")
    levels = schedule.noise_level_bounds[1:]
    print(f"{'n':>6} {'level':>9} {'ln SNR':>8} {'beta':>12}")
    rows = zip(levels, log_snr(levels), schedule.betas, strict=True)
    for n, (level, ratio, beta) in reversed(list(enumerate(rows, start=1))):
        print(f"{n:6} {level:9.6f} {ratio:8.3f} {beta:12.6g}")
    print("betas " + ",".join(map(repr, schedule.betas.tolist())))
    _warn(schedule)
    return 0


def store(args: argparse.Namespace) -> int:
    """Stores a list of betas; the exit status."""
    from wg2.diffusion.named_schedules import NAMES, make_schedule
    from wg2.schedule_search.storing import base_voice, check_free, store_schedule
    from wg2.voice import load_description

    config, _ = load_description(base_voice(args.voice, args.output))
    if args.schedule in NAMES:
        raise ValueError(
            "--schedule wants betas or a file of betas to store, not a name. "
            f"Received: {args.schedule}"
        )
    schedule = make_schedule(config, None, args.schedule)
    if not args.replace:
        check_free(config, schedule.num_steps)
    _warn(schedule)
    store_schedule(args.voice, args.output, schedule, "betas given by hand.")
    print(f"{args.output or args.voice}: {schedule.num_steps} steps stored")
    return 0


def remove(args: argparse.Namespace) -> int:
    """Removes a stored schedule; the exit status."""
    from wg2.schedule_search.storing import remove_schedule

    remove_schedule(args.voice, args.output, args.steps)
    print(f"{args.output or args.voice}: {args.steps} steps removed")
    return 0


def search(args: argparse.Namespace) -> int:
    """Searches schedules; the exit status."""
    from wg2.evaluation import extras

    extras.require(("scipy",))
    from wg2.schedule_search import command

    return command.search(args)


def _warn(schedule) -> None:
    if warning := schedule.warning():
        print(f"schedule: {warning}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes
    logging.basicConfig(level=logging.WARNING, format="schedule: %(message)s")
    commands = {"search": search, "show": show, "store": store, "remove": remove}
    try:
        return commands[args.command](args)
    except BrokenPipeError:
        raise  # for `terminal.run`
    except (ValueError, FileNotFoundError, OSError) as error:
        print(f"schedule: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(terminal.run("schedule", main))
