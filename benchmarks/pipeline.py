"""The input pipeline against a plain read of the same shards.

python -m benchmarks.pipeline --config small
python -m benchmarks.pipeline --config small --data RECORDS
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring import interleaved, machine, parser, positive, table

_PLAIN = "TFRecordDataset, not parsed"
_PARSED = "TFRecordDataset, parsed"
_BATCHES = "training batches"
_EPOCHS = 3


def build_parser():
    result = parser("pipeline", "Records a second.", repetitions=7)
    result.add_argument("--config", default="small", help="preset or file")
    result.add_argument(
        "--data", type=Path, help="records that fit the config (default: noise)"
    )
    result.add_argument(
        "--utterances", type=positive, default=512, help="of noise, where --data is not"
    )
    return result


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from benchmarks.measuring import set_threads
    from benchmarks.records import dataset

    set_threads(args.threads)
    try:
        with tempfile.TemporaryDirectory(prefix="wg2-benchmark-") as folder:
            info, config = dataset(
                args.config, (), args.data, args.utterances, Path(folder)
            )
            print(machine())
            _report(args, info, config)
    except (ValueError, FileNotFoundError) as error:
        print(f"pipeline: {error}", file=sys.stderr)
        return 2
    return 0


def _report(args, info, config) -> None:
    import tensorflow as tf

    from wg2.data import pipeline, schema

    split = info.split("train")
    paths = [str(path) for path in info.shard_paths("train")]
    plain = tf.data.TFRecordDataset(paths)
    parsed = plain.map(schema.parse, num_parallel_calls=tf.data.AUTOTUNE)
    # Endless: consecutive epochs of one iterator, as training reads them.
    batches = iter(pipeline.training_batches(info, config, seed=0))
    # Many: a few are prefetched while the others run.
    num_batches = _EPOCHS * pipeline.batches_per_epoch(info, config)

    def count(records) -> int:
        return records.reduce(0, lambda n, _: n + 1).numpy()  # outside of Python

    def read_batches() -> None:
        for _ in range(num_batches):
            next(batches)

    records = {
        _PLAIN: split.num_utterances,
        _PARSED: split.num_utterances,
        _BATCHES: num_batches * config.training.batch_size,
    }
    timings = interleaved(
        {
            _PLAIN: lambda: count(plain),
            _PARSED: lambda: count(parsed),
            _BATCHES: read_batches,
        },
        args.repetitions,
    )
    hours_each = split.hours / split.num_utterances
    rows = []
    for name, timing in timings.items():
        ratio = timing.ratio_to(timings[_PLAIN]) * records[_PLAIN] / records[name]
        rate = records[name] / timing.seconds
        rows.append(
            (
                name,
                f"{rate:.0f}",
                f"{rate * hours_each:.2f}",
                f"{timing.cpu_seconds / records[name] * 1e3:.3f}",
                f"{1 / ratio:.3f}",
            )
        )
    print(
        f"{split.num_utterances} records in {len(paths)} shards, {split.hours:.2f} h, "
        f"batches of {config.training.batch_size}; medians of {args.repetitions}\n"
    )
    header = ("", "records/s", "audio h/s", "CPU ms a record", "of the plain read")
    print(table(header, rows))


if __name__ == "__main__":
    sys.exit(main())
