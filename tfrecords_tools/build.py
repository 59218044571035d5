"""Command line: a corpus and its alignments -> TFRecords and `dataset.json`.

    python -m tfrecords_tools.build --config small --input LJSpeech-1.1 \\
        --alignments TextGrid --output records
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import functools
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tfrecords_tools.utterance import Skipped

if TYPE_CHECKING:
    from wg2.config import Config
    from wg2.data.dataset import DatasetInfo

_SKIPS_PRINTED = 10
_UTTERANCES_WORTH_A_WORKER = 64  # one starts in about a second


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
    parser.add_argument(
        "--input",
        required=True,
        type=Path,
        metavar="DIR",
        help="corpus in LJSpeech layout: metadata.csv and wavs/",
    )
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
        "--validation-percent",
        type=float,
        default=2.0,
        metavar="P",
        help="share of the utterances kept for validation (default: %(default)s)",
    )
    parser.add_argument(
        "--shard-size",
        type=int,
        default=256,
        metavar="N",
        help="utterances in a file (default: %(default)s)",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes (default: one per core)"
    )
    parser.add_argument(
        "--skip-unknown-words",
        action="store_true",
        help="leave out utterances with words that the aligner did not know (spn), "
        "instead of pronouncing them by the dictionary",
    )
    parser.add_argument("--corpus-name", help="default: the name of the input folder")
    parser.add_argument("--language", help="default: that of the config")
    parser.add_argument("--licence", default="unknown", help="default: %(default)s")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes
    from wg2.presets import load_config

    try:
        config = load_config(args.config, tuple(args.set))
        info = build(
            config,
            args.input,
            args.alignments,
            args.output,
            overwrite=args.overwrite,
            validation_percent=args.validation_percent,
            shard_size=args.shard_size,
            num_workers=args.workers,
            skip_unknown_words=args.skip_unknown_words,
            corpus_name=args.corpus_name,
            language=args.language,
            licence=args.licence,
        )
    except (ValueError, OSError) as error:
        print(f"build: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"build: interrupted; {args.output} is as it was", file=sys.stderr)
        return 130
    for skipped in info.skipped[:_SKIPS_PRINTED]:
        print(f"build: skipped {skipped['id']}: {skipped['reason']}", file=sys.stderr)
    if len(info.skipped) > _SKIPS_PRINTED:
        more = len(info.skipped) - _SKIPS_PRINTED
        print(f"build: {more} more skipped, see dataset.json", file=sys.stderr)
    for warning in info.warnings:
        print(f"build: {_shorten(warning)}", file=sys.stderr)
    print(summary(info, args.output))
    return 0


def build(
    config: Config,
    corpus_directory: Path,
    alignments_directory: Path,
    output: Path,
    *,
    overwrite: bool = False,
    validation_percent: float = 2.0,
    shard_size: int = 256,
    num_workers: int | None = None,
    skip_unknown_words: bool = False,
    corpus_name: str | None = None,
    language: str | None = None,
    licence: str = "unknown",
) -> DatasetInfo:
    """Builds the records of a corpus; see `build_parser` for the arguments.

    `output` appears when everything is in it; until then, what was there stays.

    Raises:
        FileNotFoundError, ValueError: Bad input, or no utterance is left.
        OSError: If the records cannot be written.
    """
    from tfrecords_tools import parallel
    from tfrecords_tools.corpora import ljspeech
    from tfrecords_tools.prepare import prepare
    from wg2 import files
    from wg2.data.dataset import Corpus

    if num_workers is not None and num_workers < 1:
        raise ValueError(f"--workers must be at least 1. Received: {num_workers}")
    check_output(output, overwrite, corpus_directory, alignments_directory)
    utterances, malformed = ljspeech.read(corpus_directory)
    alignments = find_alignments(alignments_directory)
    prepare_one = functools.partial(
        prepare, config=config, skip_unknown_words=skip_unknown_words
    )
    tasks = [(utterance, alignments.get(utterance.id)) for utterance in utterances]
    if num_workers is None:
        wanted = -(-len(tasks) // _UTTERANCES_WORTH_A_WORKER)
        num_workers = max(1, min(_num_cores(), wanted))
    corpus = Corpus(
        name=corpus_name or corpus_directory.resolve().name,
        language=language or config.text.language,
        licence=licence,
        source=str(corpus_directory.resolve()),
    )

    with files.atomic_directory(output) as directory:
        from tfrecords_tools.writer import DatasetWriter  # loads TensorFlow

        writer = DatasetWriter(
            directory, config, corpus, validation_percent, shard_size
        )
        for skipped in malformed:
            writer.skip(skipped)
        results = parallel.map_in_order(prepare_one, tasks, num_workers)
        num_built = 0
        for result in _progress(results, len(tasks)):
            if isinstance(result, Skipped):
                writer.skip(result)
            else:
                writer.add(result)
                num_built += 1
        if not num_built:
            first = writer.skipped[0]
            raise ValueError(
                f"no utterance of {corpus_directory} is usable: all "
                f"{len(writer.skipped)} were skipped; the first, {first.id}: "
                f"{first.reason}"
            )
        info = writer.finish()
    return dataclasses.replace(info, directory=output)


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


def _num_cores() -> int:
    """Cores that this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _progress(results: Iterable, total: int) -> Iterable:
    """A progress bar on terminals, nothing elsewhere."""
    import tqdm

    return tqdm.tqdm(results, "build", total, unit=" utterances", disable=None)


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


def _shorten(warning: str, length: int = 300) -> str:
    return warning if len(warning) <= length else warning[: length - 3] + "..."


if __name__ == "__main__":
    sys.exit(main())
