"""Command line: prints one record, and plots or extracts its audio.

python -m tfrecords_tools.show --data records --id LJ001-0001 --plot record.png
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wg2.data.dataset import DatasetInfo


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tfrecords_tools.show",
        description="Prints one record: its phonemes, when they start, how long.",
    )
    parser.add_argument(
        "--data", required=True, type=Path, metavar="DIR", help="folder with records"
    )
    parser.add_argument("--split", default="train", help="default: %(default)s")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--id", help="name of the utterance")
    which.add_argument(
        "--index",
        type=int,
        default=0,
        metavar="N",
        help="position in the split, from 0 (default: %(default)s)",
    )
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="PNG",
        help="picture of waveform, mel spectrogram and phoneme boundaries",
    )
    parser.add_argument("--wav", type=Path, metavar="WAV", help="the record's audio")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes
    from wg2.audio import wav
    from wg2.data.dataset import DatasetInfo

    try:
        info = DatasetInfo.load(args.data)
        record = find_record(info, args.split, id=args.id, index=args.index)
        print(table(record, info))
        if args.wav:
            wav.write(args.wav, record["audio"], info.sample_rate_hz)
        if args.plot:
            plot(record, info, args.plot)
    except (ValueError, OSError) as error:
        print(f"show: {error}", file=sys.stderr)
        return 2
    return 0


def find_record(
    info: DatasetInfo, split: str, *, id: str | None = None, index: int = 0
) -> dict[str, Any]:
    """One record of a split, by its id or else by its position.

    Returns:
        What `wg2.data.schema.parse` gives, as NumPy values and strings.

    Raises:
        ValueError: If there is no such record, or a shard is damaged.
        FileNotFoundError: If a shard is missing.
    """
    import tensorflow as tf

    from wg2.data import schema

    num_utterances = info.split(split).num_utterances
    if id is None and not 0 <= index < num_utterances:
        raise ValueError(
            f"--index must lie in [0, {num_utterances - 1}] in the split {split!r}. "
            f"Received: {index}"
        )
    records = tf.data.TFRecordDataset([str(p) for p in info.shard_paths(split)])
    try:
        for position, serialized in enumerate(records):
            if id is None and position != index:
                continue
            record = schema.parse(serialized)
            if id is None or record["id"].numpy().decode("utf-8") == id:
                return {name: _plain(value.numpy()) for name, value in record.items()}
    except tf.errors.OpError as error:
        info.check_shards(split)
        raise ValueError(f"{info.directory}: {_first_line(error.message)}") from None
    others = ", ".join(name for name in info.splits if name != split)
    raise ValueError(
        f"no utterance {id!r} in the split {split!r}; try --split {others}"
    )


def table(record: dict[str, Any], info: DatasetInfo) -> str:
    """The record in words and numbers, one phoneme a line."""
    num_frames = record["num_frames"]
    seconds = num_frames / info.frames_per_second
    speaker = info.speakers[record["speaker_id"]] if info.speakers else "-"
    lines = [
        f"id       {record['id']}",
        f"text     {record['text']}",
        f"speaker  {speaker}",
        f"length   {seconds:.3f} s, {num_frames} frames of "
        f"{info.samples_per_frame} samples at {info.sample_rate_hz} Hz",
        "",
        f"{'phoneme':<8}{'start s':>8}{'frames':>8}",
    ]
    start = 0
    for symbol, duration in _phonemes(record, info):
        lines.append(f"{symbol:<8}{start / info.frames_per_second:>8.3f}{duration:>8}")
        start += duration
    return "\n".join(lines)


def plot(record: dict[str, Any], info: DatasetInfo, path: Path) -> None:
    """Draws waveform and log-mel spectrogram with the phoneme boundaries."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from wg2 import files
    from wg2.audio import spectral
    from wg2.config import Config

    config = Config.from_dict(info.config)
    audio = record["audio"]
    hop = info.samples_per_frame
    mel = np.asarray(spectral.log_mel(audio[None], config.audio, hop))[0]
    seconds = record["num_frames"] / info.frames_per_second
    figure = Figure(figsize=(max(8.0, 3.2 * seconds), 6.0), layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2))

    upper.plot(np.arange(len(audio)) / info.sample_rate_hz, audio, linewidth=0.4)
    upper.set_ylim(-1, 1)
    upper.set_ylabel("full scale")
    upper.set_title(f"{record['id']}: {record['text']}", fontsize=9, pad=24)
    lower.imshow(
        mel.T,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        extent=(0, seconds, 0, config.audio.num_mel_bands),
    )
    lower.set_ylabel("mel band")
    lower.set_xlabel("s")
    lower.set_xlim(0, seconds)

    end = shown = 0
    for symbol, duration in _phonemes(record, info):
        end += duration
        if not duration:  # most word boundaries; labels would hide each other
            continue
        for axes, color in ((upper, "black"), (lower, "white")):
            axes.axvline(end / info.frames_per_second, color=color, linewidth=0.5)
        upper.text(
            (end - duration / 2) / info.frames_per_second,
            1.05 + 0.14 * (shown % 2),  # two rows, so that short neighbours fit
            symbol,
            ha="center",
            va="bottom",
            fontsize=7,
        )
        shown += 1
    with files.atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=110)


def _phonemes(record: dict[str, Any], info: DatasetInfo) -> list[tuple[str, int]]:
    """Symbol and duration of each phoneme."""
    symbols = [info.phonemes[i] for i in record["phoneme_ids"]]
    return list(zip(symbols, record["durations"].tolist(), strict=True))


def _plain(value: Any) -> Any:
    """Strings for bytes, Python numbers for scalars."""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return value if value.ndim else value.item()


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
