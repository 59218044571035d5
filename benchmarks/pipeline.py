"""The input pipeline against a plain read of the same shards.

python -m benchmarks.pipeline --config small
python -m benchmarks.pipeline --config small --data RECORDS
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks.measuring import add_data_options, interleaved, parser, run, table

_PLAIN = "TFRecordDataset, not parsed"
_PARSED = "TFRecordDataset, parsed"
_BATCHES = "training batches"
_EPOCHS = 3


def build_parser():
    result = parser("pipeline", "Records a second.", repetitions=7)
    add_data_options(result, num_utterances=512)
    return result


def main(argv: Sequence[str] | None = None) -> int:
    return run(build_parser(), _report, argv)


def _report(args) -> None:
    from benchmarks.records import dataset

    with dataset(args.config, (), args.data, args.utterances) as (info, config):
        _time(info, config, args.repetitions)


def _time(info, config, repetitions: int) -> None:
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
        repetitions,
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
        f"batches of {config.training.batch_size}; medians of {repetitions}\n"
    )
    header = ("", "records/s", "audio h/s", "CPU ms a record", "of the plain read")
    print(table(header, rows))


if __name__ == "__main__":
    sys.exit(main())
