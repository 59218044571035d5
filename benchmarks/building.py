"""Building records: decoding, preparing, and the whole command, in hours of audio.

python -m benchmarks.building --config small --input CORPUS --alignments TEXTGRIDS
"""

from __future__ import annotations

import functools
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.measuring import interleaved, parser, positive, run, table

_PIECE = 64


def build_parser():
    result = parser("building", "Hours of audio an hour.", repetitions=3)
    result.add_argument("--config", default="small", help="preset or file")
    result.add_argument("--input", type=Path, required=True, help="corpus")
    result.add_argument("--alignments", type=Path, required=True, help="TextGrids")
    result.add_argument(
        "--utterances", type=positive, default=640, help="the first ones (default: 640)"
    )
    result.add_argument(
        "--workers", type=positive, default=2, help="of the last row (default: 2)"
    )
    return result


def main(argv: Sequence[str] | None = None) -> int:
    return run(build_parser(), _report, argv)


def _report(args) -> None:
    with tempfile.TemporaryDirectory(prefix="wg2-benchmark-") as folder:
        _time(args, Path(folder))


def _time(args, folder: Path) -> None:
    import soundfile

    from tfrecords_tools import corpora
    from tfrecords_tools.build import find_alignments

    utterances, _ = corpora.read(args.input)
    utterances = utterances[: args.utterances]
    alignments = find_alignments(args.alignments)
    paths = [u.wav_path for u in utterances]
    hours = sum(soundfile.info(str(path)).duration for path in paths) / 3600
    functions = _functions(args, folder, utterances, alignments)
    timings = interleaved(functions, args.repetitions)
    print(f"{len(paths)} utterances, {hours:.2f} h; medians of {args.repetitions}\n")
    rows = []
    for name, timing in timings.items():
        cpu = f"{timing.cpu_seconds / len(paths) * 1e3:.2f}"
        rows.append(
            (
                name,
                f"{hours / timing.seconds * 3600:.0f}",
                f"{timing.seconds:.2f}",
                "-" if "processes" in name else cpu,  # those of others do not count
            )
        )
    print(table(("", "audio h/h", "s", "CPU ms an utterance"), rows))


def _functions(
    args, folder: Path, utterances, alignments
) -> dict[str, Callable[[], None]]:
    from tfrecords_tools import building
    from tfrecords_tools.audio import reading
    from tfrecords_tools.prepare import Options
    from tfrecords_tools.writer import Sizes
    from wg2.data.dataset import Corpus
    from wg2.presets import load_config

    config = load_config(args.config)
    rate_hz = config.audio.sample_rate_hz
    paths = [utterance.wav_path for utterance in utterances]
    decoder, note = reading.usable_decoder(None)
    if note:
        print(note, file=sys.stderr)

    def read(decoder: str) -> None:
        for at in range(0, len(paths), _PIECE):
            for _ in reading.read_all(paths[at : at + _PIECE], rate_hz, decoder):
                pass

    def build(num_workers: int) -> None:
        building.build(
            utterances,
            (),
            alignments,
            folder / "records",
            config,
            Corpus("benchmark", "en-US", "unknown", str(args.input)),
            Options(decoder=decoder),
            Sizes(),
            {},
            num_workers,
        )

    functions = {
        f"read by {name}": functools.partial(read, name)
        for name in dict.fromkeys((decoder, reading.LIBSNDFILE))
    }
    functions["build in this process"] = functools.partial(build, 1)
    several = f"build by {args.workers} processes, their start included"
    functions[several] = functools.partial(build, args.workers)
    return functions


if __name__ == "__main__":
    sys.exit(main())
