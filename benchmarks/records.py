"""Records of noise with the sizes of real speech: lengths count, sounds do not."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tfrecords_tools.prepare import Prepared
from tfrecords_tools.writer import DatasetWriter
from wg2.config import Config
from wg2.data.dataset import Corpus, DatasetInfo
from wg2.presets import load_config

# LJSpeech: clips of 1.1 to 10.1 s, 6.6 s on average; a symbol lasts about 70 ms (about
# 14 a second, word boundaries included).
_SECONDS = (1.1, 6.6, 10.1)
_SYMBOLS_PER_SECOND = 14.0


def write_records(
    directory: Path, config: Config, num_utterances: int, seed: int = 0
) -> DatasetInfo:
    """Writes a dataset into the existing folder `directory`.

    Args:
        directory: Empty.
        config: Rates, inventory, speakers.
        num_utterances: int > 1.
        seed: int.
    """
    generator = np.random.default_rng(seed)
    corpus = Corpus("noise", config.text.language, "CC0-1.0", "benchmarks")
    writer = DatasetWriter(directory, config, corpus, shard_size=64)
    rate_hz, samples_per_frame = config.audio.sample_rate_hz, config.samples_per_frame
    for i in range(num_utterances):
        seconds = generator.triangular(_SECONDS[0], _SECONDS[1] + 2, _SECONDS[2])
        num_frames = round(seconds * config.frames_per_second)
        num_symbols = min(round(seconds * _SYMBOLS_PER_SECOND), num_frames)
        inner = generator.choice(num_frames - 1, num_symbols - 1, replace=False) + 1
        bounds = np.concatenate([[0], np.sort(inner), [num_frames]])
        audio = generator.normal(0.0, 2000.0, num_frames * samples_per_frame)
        writer.add(
            Prepared(
                id=f"noise-{i:05d}",
                text="",
                speaker_id=int(generator.integers(config.text.num_speakers)),
                phoneme_ids=generator.integers(
                    1, config.text.num_phonemes, num_symbols
                ),
                durations=np.diff(bounds),
                num_frames=num_frames,
                audio=audio.astype(np.int16),
                source_rate_hz=rate_hz,
                num_clipped=0,
            )
        )
    return writer.finish()


@contextlib.contextmanager
def dataset(
    config: str, overrides: Sequence[str], data: Path | None, num_utterances: int
) -> Iterator[tuple[DatasetInfo, Config]]:
    """The records at `data`, or records of noise, with a config that fits them.

    Args:
        config: Preset or file.
        overrides: `a.b=c`.
        data: Folder of records; None: noise, which is gone when the context ends.
        num_utterances: int, of noise.

    Raises:
        ValueError, FileNotFoundError: No such config or records, or no fit.
    """
    chosen = load_config(config, tuple(overrides))
    if data is None:
        with tempfile.TemporaryDirectory(prefix="wg2-benchmark-") as folder:
            yield write_records(Path(folder), chosen, num_utterances), chosen
        return
    info = DatasetInfo.load(data)
    values = chosen.to_dict()
    values["text"] |= {"phonemes": info.phonemes, "speakers": info.speakers}
    chosen = Config.from_dict(values)
    info.check_config(chosen)
    yield info, chosen
