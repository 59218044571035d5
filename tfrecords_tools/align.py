"""Command line: a corpus -> the TextGrids that `tfrecords_tools.build` reads.

    python -m tfrecords_tools.align --input LJSpeech-1.1 --output TextGrid

Run again, it continues where it was stopped: what is complete is kept. Utterances whose
text does not fit their sound get no TextGrid; they are listed with the reason, here and
in `alignment.tsv`.
"""

from __future__ import annotations

import argparse
import collections
import functools
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tfrecords_tools import corpora, parallel
from tfrecords_tools.alignment import outcomes
from tfrecords_tools.alignment.confidence import DEFAULT_LIMITS, Limits
from tfrecords_tools.alignment.outcomes import Outcome
from tfrecords_tools.decoding import require_pocketsphinx
from tfrecords_tools.inspection.terminal_text import one_line
from tfrecords_tools.utterance import Skipped, Utterance
from wg2 import terminal
from wg2.text.lexicon import Lexicon

if TYPE_CHECKING:
    from tfrecords_tools.alignment.aligning import Settings

_REJECTED_PRINTED = 10
_SECONDS_BETWEEN_SAVES = 10.0
_UTTERANCES_WORTH_A_WORKER = 8  # one starts in about a second


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tfrecords_tools.align",
        description="Finds when every word and phone of a corpus sounds. Run again, it "
        "continues where it was stopped.",
    )
    corpora.add_arguments(parser)
    parser.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="DIR",
        help="folder for <id>.TextGrid and alignment.tsv",
    )
    parser.add_argument(
        "--lexicon",
        type=Path,
        metavar="FILE",
        help="user lexicon, lines such as: hello  HH AH0 L OW1",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes (default: one per core)"
    )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="only the first N utterances"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="align again what has a TextGrid in the output folder",
    )
    limits = parser.add_argument_group(
        "limits", "What does not keep them is rejected; see alignment.tsv."
    )
    limits.add_argument(
        "--min-confidence",
        type=float,
        default=DEFAULT_LIMITS.min_confidence,
        metavar="P",
        help="of an utterance; right texts have 0.15 to 0.5, others less than 0.03 "
        "(default: %(default)s)",
    )
    limits.add_argument(
        "--min-word-confidence",
        type=float,
        default=DEFAULT_LIMITS.min_word_confidence,
        metavar="P",
        help="of its worst word (default: %(default)s)",
    )
    limits.add_argument(
        "--max-uncovered",
        type=float,
        default=DEFAULT_LIMITS.max_uncovered_seconds,
        metavar="SECONDS",
        help="sound as loud as speech, without words (default: %(default)s)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    try:
        for name in ("workers", "limit"):
            value = getattr(args, name)
            if value is not None and value < 1:
                raise ValueError(f"--{name} must be at least 1. Received: {value}")
        limits = Limits(
            args.min_confidence, args.min_word_confidence, args.max_uncovered
        )
        check(args.output, args.lexicon)
        from tfrecords_tools.alignment.aligning import Settings

        settings = Settings(args.output, args.lexicon, limits, args.overwrite)
        utterances, malformed = corpora.read_arguments(args)
        started = time.monotonic()
        found = align_corpus(
            utterances[: args.limit], malformed, settings, args.workers, utterances
        )
        seconds = time.monotonic() - started
    except (ValueError, OSError) as error:
        print(f"align: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("align: stopped; the same command continues from here", file=sys.stderr)
        return 130
    rejected = [outcome for outcome in found if outcome.reason]
    for outcome in rejected[:_REJECTED_PRINTED]:
        line = one_line(f"rejected {outcome.id}: {outcome.reason}")
        print(f"align: {line}", file=sys.stderr)
    if len(rejected) > _REJECTED_PRINTED:
        more = len(rejected) - _REJECTED_PRINTED
        table = args.output / outcomes.FILE_NAME
        print(f"align: {more} more rejected, see {table}", file=sys.stderr)
    print(summary(found, args.output, seconds))
    if len(rejected) == len(found):
        first = rejected[0]
        print(
            f"align: no utterance of {args.input} is aligned: all {len(found)} were "
            f"rejected; the first, {one_line(f'{first.id}: {first.reason}')}",
            file=sys.stderr,
        )
        return 2
    return 0


def check(output: Path, lexicon: Path | None) -> None:
    """Raises ValueError or OSError where the aligner could not run at all."""
    require_pocketsphinx("the aligner")
    if lexicon is not None:
        Lexicon(lexicon)
    if output.exists() and not output.is_dir():
        raise ValueError(f"--output {output} is a file")


def align_corpus(
    utterances: Sequence[Utterance],
    malformed: Sequence[Skipped],
    settings: Settings,
    num_workers: int | None = None,
    whole_corpus: Sequence[Utterance] | None = None,
) -> list[Outcome]:
    """Aligns utterances, and writes TextGrids and the table of outcomes.

    Args:
        utterances: What to align.
        malformed: Lines of the corpus that are no utterances, for the table.
        settings: See `aligning.Settings`.
        num_workers: Processes; None: as many as there are cores, and as pay off.
        whole_corpus: If `utterances` is a part of it: all, whose outcomes of earlier
            runs stay in the table.

    Returns:
        The outcomes of `utterances` and `malformed`.

    Raises:
        ValueError, OSError: If the folder cannot be used, or a process died.
    """
    from tfrecords_tools.alignment.aligning import align_utterance

    previous = outcomes.load(settings.output)
    if num_workers is None:
        wanted = -(-len(utterances) // _UTTERANCES_WORTH_A_WORKER)
        num_workers = max(1, min(parallel.num_cores(), wanted))
    known = {utterance.id for utterance in whole_corpus or utterances}
    table = {id: outcome for id, outcome in previous.items() if id in known}
    done = [Outcome(skipped.id, "", skipped.reason) for skipped in malformed]
    # A malformed line may repeat the id of an utterance; that one counts.
    table = {outcome.id: outcome for outcome in done} | table
    align = functools.partial(align_utterance, settings=settings)
    tasks = [(utterance, previous.get(utterance.id)) for utterance in utterances]
    saved = time.monotonic()
    try:
        for outcome in _progress(align, tasks, num_workers):
            done.append(outcome)
            table[outcome.id] = outcome
            if time.monotonic() - saved > _SECONDS_BETWEEN_SAVES:
                outcomes.save(settings.output, table.values())
                saved = time.monotonic()
    finally:
        outcomes.save(settings.output, table.values())
    return done


def _progress(align, tasks, num_workers: int) -> Iterator[Outcome]:
    """The results, with a progress bar on terminals."""
    import tqdm

    results = parallel.map_in_order(align, tasks, num_workers)
    return tqdm.tqdm(results, "align", len(tasks), unit=" utterances", disable=None)


def summary(found: Sequence[Outcome], output: Path, seconds: float) -> str:
    """The table that `align` prints."""
    rejected = [outcome for outcome in found if outcome.reason]
    num_kept = sum(outcome.kept for outcome in found)
    counts = [
        ("aligned", len(found) - len(rejected) - num_kept),
        ("kept from before", num_kept),
        ("rejected", len(rejected)),
    ]
    kinds = collections.Counter(outcome.kind for outcome in rejected)
    counts.extend((f"  {kind}", number) for kind, number in kinds.most_common())
    width = max(len(name) for name, _ in counts)
    lines = [f"{name:<{width}}{number:>10}" for name, number in counts]
    sound = sum(outcome.seconds for outcome in found)
    if sound:
        lines.append(
            f"{sound / 3600:.2f} h of sound in {seconds:.0f} s, "
            f"{sound / seconds:.0f} times as fast as it is spoken"
        )
    return "\n".join([*lines, f"written to {output}"])


if __name__ == "__main__":
    sys.exit(terminal.run("align", main))
