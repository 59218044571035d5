"""Command line: lists records, prints them, plots them and extracts their audio.

python -m tfrecords_tools.show RECORDS --id LJ001-0001 --output record.png
"""

from __future__ import annotations

import argparse
import os
import sys
import urllib.parse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tfrecords_tools.inspection.terminal_text import one_line
from wg2 import terminal

if TYPE_CHECKING:
    from wg2.data.dataset import DatasetInfo
    from wg2.data.schema import Record


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tfrecords_tools.show",
        description="Prints records: their phonemes, when they start, how long they "
        "last. Without --id, --index, --random or --list it shows the first.",
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "records", nargs="?", type=Path, metavar="RECORDS", help="folder with records"
    )
    where.add_argument(
        "--data", type=Path, metavar="DIR", help="another way to name the folder"
    )
    parser.add_argument(
        "--split", help="default: train; --id and --list look at every split"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--id", nargs="+", help="names of utterances")
    which.add_argument(
        "--index",
        type=int,
        metavar="N",
        help="position in the split, from 0",
    )
    which.add_argument("--random", type=int, metavar="N", help="this many, by --seed")
    which.add_argument(
        "--list", action="store_true", help="one line for each utterance"
    )
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument(
        "--output",
        "--plot",
        type=Path,
        metavar="PNG",
        help="picture of waveform, mel spectrogram, phonemes and text; of several "
        "utterances a folder of pictures",
    )
    parser.add_argument(
        "--wav",
        type=Path,
        metavar="WAV",
        help="the record's audio; of several utterances a folder",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes
    try:
        _show(args)
    except BrokenPipeError:
        raise  # for `terminal.run`
    except (ValueError, OSError) as error:
        print(f"show: {error}", file=sys.stderr)
        return 2
    return 0


def _show(args: argparse.Namespace) -> None:
    from wg2.data.dataset import DatasetInfo

    if args.output:
        from wg2.reporting.plotting import require_matplotlib

        require_matplotlib()
    info = DatasetInfo.load(args.records or args.data)
    if args.list:
        if args.output or args.wav:
            raise ValueError("--list writes no files; choose utterances with --id")
        for split, record in _records(info, args.split):
            print(line(record, split, info))
        return
    records = _chosen(info, args)
    several = args.random is not None or len(args.id or ()) > 1
    for i, record in enumerate(records):
        if i:
            print()
        print(table(record, info))
        _write(record, info, several, args.output, args.wav)


def _chosen(info: DatasetInfo, args: argparse.Namespace) -> Iterator[Record]:
    if args.id:
        return find_ids(info, args.id, args.split)
    split = args.split or "train"
    if args.random is not None:
        return find_random(info, split, args.random, args.seed)
    return iter([find_record(info, split, index=args.index or 0)])


def _write(
    record: Record,
    info: DatasetInfo,
    several: bool,
    plot_path: Path | None,
    wav_path: Path | None,
) -> None:
    """The files of one record; of several, in folders and named after the ids."""
    from wg2.audio import wav

    name = urllib.parse.quote(record.id, safe=" ")  # an id may have a slash
    if plot_path:
        from tfrecords_tools.inspection import record_plot

        path = plot_path / f"{name}.png" if several else plot_path
        record_plot.plot(record, info, path)
        print(f"written: {path}")
    if wav_path:
        path = wav_path / f"{name}.wav" if several else wav_path
        wav.write(path, wav.from_int16(record.audio), info.sample_rate_hz)
        print(f"written: {path}")


def find_record(
    info: DatasetInfo, split: str, *, id: str | None = None, index: int = 0
) -> Record:
    """One record of a split, by its id or else by its position.

    Raises:
        ValueError: If there is no such record, or a shard is damaged before it.
        FileNotFoundError: If a shard is missing.
    """
    if id is not None:
        return next(find_ids(info, [id], split))
    return next(_at(info, split, [index]))


def find_ids(
    info: DatasetInfo, ids: Sequence[str], split: str | None = None
) -> Iterator[Record]:
    """Records by their ids, in the order of the dataset, read until all are found.

    Args:
        info: The dataset.
        ids: Names; each is wanted once.
        split: Where to look; None: everywhere.

    Raises:
        ValueError: If one is nowhere, or a shard is damaged.
        FileNotFoundError: If a shard is missing.
    """
    missing = dict.fromkeys(ids)
    for _, record in _records(info, split):
        if record.id in missing:
            del missing[record.id]
            yield record
            if not missing:
                return
    where = f"the split {split!r}" if split else "any split"
    also = "" if split is None else "; without --split all of them are searched"
    names = ", ".join(repr(id) for id in missing)
    raise ValueError(f"no utterance {names} in {where}{also}; --list lists them")


def find_random(
    info: DatasetInfo, split: str, count: int, seed: int
) -> Iterator[Record]:
    """Records drawn without repetition, in the order of the dataset.

    Raises:
        ValueError: If there are not so many, or a shard is damaged.
        FileNotFoundError: If a shard is missing.
    """
    import numpy as np

    num_utterances = info.split(split).num_utterances
    if not 1 <= count <= num_utterances:
        raise ValueError(
            f"--random must lie in [1, {num_utterances}] in the split {split!r}. "
            f"Received: {count}"
        )
    if seed < 0:
        raise ValueError(f"--seed must be at least 0. Received: {seed}")
    generator = np.random.default_rng(seed)
    return _at(info, split, generator.choice(num_utterances, count, replace=False))


def _at(info: DatasetInfo, split: str, positions: Sequence[int]) -> Iterator[Record]:
    """Records by their positions in a split, in order; skips shards that have none."""
    from tfrecords_tools.inspection import shards
    from wg2.data import schema

    num_utterances = info.split(split).num_utterances
    for position in positions:
        if not 0 <= position < num_utterances:
            raise ValueError(
                f"--index must lie in [0, {num_utterances - 1}] in the split {split!r}."
                f" Received: {position}"
            )
    wanted = sorted(positions)
    paths = info.shard_paths(split)
    start = 0
    for path, shard in zip(paths, info.split(split).shards, strict=True):
        inside = {
            p - start for p in wanted if start <= p < start + shard.num_utterances
        }
        if inside:
            for i, serialized in enumerate(shards.read(path)):
                if i in inside:
                    inside.remove(i)
                    yield schema.decode(serialized)
                if not inside:
                    break
        if inside:
            raise ValueError(
                f"{path} is damaged: it has fewer than {shard.num_utterances} records"
            )
        start += shard.num_utterances


def _records(
    info: DatasetInfo, split: str | None = None
) -> Iterator[tuple[str, Record]]:
    """All records of a split, or of every split, with its name."""
    from tfrecords_tools.inspection import shards
    from wg2.data import schema

    filled = [name for name, value in info.splits.items() if value.num_utterances]
    for name in [split] if split else filled:
        for path in info.shard_paths(name):
            for serialized in shards.read(path):
                yield name, schema.decode(serialized)


def line(record: Record, split: str, info: DatasetInfo) -> str:
    """The record in a line: id, split, seconds, phonemes, speaker, text, with tabs."""
    seconds = record.num_frames / info.frames_per_second
    fields = (
        record.id,
        split,
        f"{seconds:.2f}",
        str(len(record.phoneme_ids)),
        _speaker(record, info),
        record.text,
    )
    return "\t".join(one_line(field) for field in fields)


def table(record: Record, info: DatasetInfo) -> str:
    """The record in words and numbers, one phoneme a line."""
    num_frames = record.num_frames
    seconds = num_frames / info.frames_per_second
    lines = [
        f"id       {one_line(record.id)}",
        f"text     {one_line(record.text)}",
        f"speaker  {_speaker(record, info)}",
        f"length   {seconds:.3f} s, {num_frames} frames of "
        f"{info.samples_per_frame} samples at {info.sample_rate_hz} Hz",
        "",
        f"{'phoneme':<8}{'start s':>8}{'frames':>8}",
    ]
    start = 0
    for i, duration in zip(record.phoneme_ids, record.durations, strict=True):
        seconds = start / info.frames_per_second
        lines.append(f"{info.phonemes[i]:<8}{seconds:>8.3f}{duration:>8}")
        start += int(duration)
    return "\n".join(lines)


def _speaker(record: Record, info: DatasetInfo) -> str:
    return info.speakers[record.speaker_id] if info.speakers else "-"


if __name__ == "__main__":
    sys.exit(terminal.run("show", main))
