"""Command line: a corpus and its alignments -> TFRecords and `dataset.json`.

    python -m tfrecords_tools.build --config small --input LJSpeech-1.1 \\
        --alignments TextGrid --output records

Killed in the middle, the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tfrecords_tools import corpora
from tfrecords_tools.inspection.terminal_text import one_line
from tfrecords_tools.utterance import Skipped, Utterance
from wg2 import terminal

if TYPE_CHECKING:
    from wg2.config import Config
    from wg2.data.dataset import DatasetInfo

_SKIPS_PRINTED = 10
_WARNING_PRINTED = 300  # characters


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tfrecords_tools.build",
        description="Turns recordings and their alignments into training records.",
    )
    parser.add_argument("--config", required=True, help="preset, or .json/.yaml file")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="A.B=C",
        help="override a value of the config; may be repeated",
    )
    corpora.add_arguments(parser)
    parser.add_argument(
        "--alignments",
        required=True,
        type=Path,
        metavar="DIR",
        help="TextGrids with the tiers words and phones, named <id>.TextGrid",
    )
    parser.add_argument(
        "--output", required=True, type=Path, metavar="DIR", help="new folder"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an earlier dataset there"
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes (default: one per core, if there are 2048 utterances for each)",
    )
    _add_contents(parser)
    _add_sound(parser)
    parser.add_argument(
        "--corpus-name", help="default: by corpus.json, else the name of the input"
    )
    parser.add_argument(
        "--language", help="default: by corpus.json, else that of the config"
    )
    parser.add_argument(
        "--licence", help="of the recordings; default: by corpus.json, else unknown"
    )
    return parser


def _add_contents(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is built")
    group.add_argument(
        "--speakers",
        type=lambda text: tuple(text.split(",")),
        metavar="NAMES",
        help="all, or some such as p225,p226: these become the speakers of the config",
    )
    group.add_argument(
        "--skip-unknown-words",
        action="store_true",
        help="leave out utterances with words that the aligner did not know (spn), "
        "instead of pronouncing them by the front end",
    )
    group.add_argument(
        "--max-mismatch",
        type=float,
        default=50.0,
        metavar="PERCENT",
        help="leave out utterances with more words that differ between text and "
        "TextGrid (default: %(default)g)",
    )
    group.add_argument(
        "--validation-percent",
        type=float,
        default=2.0,
        metavar="P",
        help="share of the utterances kept for validation (default: %(default)s)",
    )
    group.add_argument(
        "--shard-size",
        type=int,
        default=256,
        metavar="N",
        help="most utterances of a file; files are of even size (default: %(default)s)",
    )


def _add_sound(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("sound")
    group.add_argument(
        "--loudness",
        type=float,
        metavar="LUFS",
        help="bring every utterance to this loudness, e.g. -23, but never so that it "
        "is clipped",
    )
    group.add_argument(
        "--trim-silence",
        type=float,
        metavar="DB",
        help="cut off both ends where they are this far below the loudest part, e.g. "
        "40; 50 ms of silence and all words stay",
    )
    group.add_argument(
        "--decoder",
        choices=("tensorflow-io", "libsndfile"),
        help="default: tensorflow-io where it can be imported, with libsndfile for "
        "what it does not read right",
    )
    group.add_argument(
        "--resampler",
        choices=("soxr", "tensorflow-io"),
        default="soxr",
        help="default: %(default)s, which keeps more of the treble",
    )


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes
    from wg2.presets import load_config

    try:
        info = build(load_config(args.config, tuple(args.set)), args)
    except (ValueError, OSError) as error:
        print(f"build: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("build: interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    for skipped in info.skipped[:_SKIPS_PRINTED]:
        line = one_line(f"skipped {skipped['id']}: {skipped['reason']}")
        print(f"build: {line}", file=sys.stderr)
    if len(info.skipped) > _SKIPS_PRINTED:
        more = len(info.skipped) - _SKIPS_PRINTED
        print(f"build: {more} more skipped, see dataset.json", file=sys.stderr)
    for warning in info.warnings:
        print(f"build: {one_line(warning, _WARNING_PRINTED)}", file=sys.stderr)
    print(summary(info, args.output))
    return 0


def build(config: Config, args: argparse.Namespace) -> DatasetInfo:
    """Builds the records of a corpus; see `build_parser` for the arguments.

    Raises:
        FileNotFoundError, ValueError: Bad input, or no utterance is left.
        OSError: If the records cannot be written.
    """
    from tfrecords_tools import building
    from tfrecords_tools.audio import reading
    from tfrecords_tools.corpora.description import describe
    from tfrecords_tools.prepare import Options
    from tfrecords_tools.speakers import choose_speakers
    from tfrecords_tools.writer import Sizes

    if args.workers is not None and args.workers < 1:
        raise ValueError(f"--workers must be at least 1. Received: {args.workers}")
    sizes = Sizes(args.validation_percent, args.shard_size)
    decoder, note = reading.usable_decoder(args.decoder)
    options = Options(
        skip_unknown_words=args.skip_unknown_words,
        max_mismatch_percent=args.max_mismatch,
        loudness_lufs=args.loudness,
        trim_silence_db=args.trim_silence,
        decoder=decoder,
        resampler=args.resampler,
    )
    options.check()
    check_output(args.output, args.overwrite, args.input, args.alignments)
    utterances, left_out = corpora.read_arguments(args)
    num_found = len(utterances)
    config, utterances = choose_speakers(config, utterances, args.speakers)
    if len(utterances) < num_found:
        others = num_found - len(utterances)
        print(f"build: {others} utterances are of other speakers", file=sys.stderr)
    alignments = find_alignments(args.alignments)
    utterances, rejected = leave_out_rejected(utterances, alignments, args.alignments)
    left_out = [*left_out, *rejected]
    if note:
        print(f"build: {note}", file=sys.stderr)
    recorded = {
        **dataclasses.asdict(options),
        **dataclasses.asdict(sizes),
        "layout": args.layout or corpora.recognise(args.input),
        "columns": args.columns,
        "mic": args.mic,
        "speakers": args.speakers,
        "alignments": str(args.alignments.resolve()),
    }
    corpus = describe(args.input, config.text.language, args.corpus_name, args.licence)
    if args.language:
        corpus = dataclasses.replace(corpus, language=args.language)
    return building.build(
        utterances,
        left_out,
        alignments,
        args.output,
        config,
        corpus,
        options,
        sizes,
        recorded,
        args.workers,
    )


def check_output(output: Path, overwrite: bool, *inputs: Path) -> None:
    """Refuses an output folder whose replacement would destroy something.

    Raises:
        ValueError: If it is not empty and may not be replaced.
    """
    from wg2.data.dataset import FILE_NAME

    for path in inputs:
        if path.resolve().is_relative_to(output.resolve()):
            raise ValueError(f"--output {output} would replace the input {path}")
    if not output.exists():
        return
    if not output.is_dir():
        raise ValueError(f"--output {output} is a file")
    if any(output.iterdir()):
        if not overwrite:
            raise ValueError(
                f"--output {output} is not empty; give another folder, or --overwrite"
            )
        if not (output / FILE_NAME).is_file():
            raise ValueError(
                f"--output {output} is not empty and holds no dataset ({FILE_NAME}), "
                "so --overwrite does not replace it"
            )


def find_alignments(directory: Path) -> dict[str, Path]:
    """TextGrids by utterance id; they may lie in folders of speakers.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If two are of the same utterance.
    """
    if not directory.is_dir():
        raise FileNotFoundError(f"No folder of alignments at {directory}")
    found: dict[str, Path] = {}
    for path in sorted(directory.rglob("*.TextGrid")):
        if path.stem in found:
            raise ValueError(
                f"two TextGrids of {path.stem}: {found[path.stem]} and {path}"
            )
        found[path.stem] = path
    return found


def leave_out_rejected(
    utterances: Sequence[Utterance], alignments: dict[str, Path], directory: Path
) -> tuple[list[Utterance], list[Skipped]]:
    """Utterances without those that our aligner rejected, and these with its reason."""
    from tfrecords_tools.alignment import outcomes

    told = outcomes.load(directory)
    rejected = {
        utterance.id: told[utterance.id].reason
        for utterance in utterances
        if utterance.id not in alignments
        and utterance.id in told
        and told[utterance.id].reason
    }
    kept = [utterance for utterance in utterances if utterance.id not in rejected]
    return kept, [
        Skipped(id, f"rejected by the aligner: {reason}")
        for id, reason in rejected.items()
    ]


def summary(info: DatasetInfo, output: Path) -> str:
    """The table that `build` prints."""
    rows = [("", "utterances", "hours", "shards")]
    for name, split in info.splits.items():
        shards = str(len(split.shards))
        rows.append((name, str(split.num_utterances), f"{split.hours:.3f}", shards))
    rows.append(("skipped", str(len(info.skipped)), "", ""))
    kinds = collections.Counter(Skipped(**skipped).kind for skipped in info.skipped)
    rows.extend((f"  {kind}", str(n), "", "") for kind, n in kinds.most_common())
    width = max(len(row[0]) for row in rows)
    lines = [f"{a:<{width}}{b:>12}{c:>10}{d:>8}".rstrip() for a, b, c, d in rows]
    return "\n".join([*lines, f"written to {output}"])


if __name__ == "__main__":
    sys.exit(terminal.run("build", main))
