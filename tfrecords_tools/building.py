"""A corpus and its alignments -> a dataset: in parts, by processes, resumable."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import logging
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import wg2
from tfrecords_tools import parallel
from tfrecords_tools.audio import reading
from tfrecords_tools.prepare import Options, prepare
from tfrecords_tools.utterance import Skipped, Utterance
from wg2.config import Config

if TYPE_CHECKING:
    from tfrecords_tools.partial import PartialBuild
    from tfrecords_tools.writer import Sizes
    from wg2.data.dataset import Corpus, DatasetInfo

UTTERANCES_PER_PART = 64
_UTTERANCES_WORTH_A_WORKER = 2048  # one starts in 5 s, with TensorFlow

_log = logging.getLogger(__name__)

Task = tuple[Utterance, Path | None]


def build(
    utterances: Sequence[Utterance],
    left_out: Sequence[Skipped],
    alignments: dict[str, Path],
    output: Path,
    config: Config,
    corpus: Corpus,
    options: Options,
    sizes: Sizes,
    recorded: dict[str, Any],
    num_workers: int | None = None,
) -> DatasetInfo:
    """Builds the records of a corpus into `output`.

    `output` appears when everything is in it; until then, what was there stays, and
    what has been done is in `OUTPUT.partial`, where the same build goes on after it
    was interrupted or killed. The dataset is the same, to the byte, however often that
    happened and however many processes there were.

    Args:
        utterances, left_out: From `corpora.read`.
        alignments: TextGrids by utterance id.
        output: Where the dataset will be; one that is there is replaced.
        config: Of the records.
        corpus, recorded: For `dataset.json`.
        options, sizes: See there.
        num_workers: Processes; None: as many as there are cores, if it is worth it.

    Raises:
        ValueError: If no utterance is usable, or `OUTPUT.partial` is of another build
            or in use.
        OSError: If something cannot be written.
    """
    from tfrecords_tools.partial import PartialBuild
    from wg2.data.dataset import DatasetInfo

    tasks = [(utterance, alignments.get(utterance.id)) for utterance in utterances]
    plan = {
        "wg2_version": wg2.__version__,
        "config": config.to_dict(),
        **recorded,
        "corpus": dataclasses.asdict(corpus),
        "files": _fingerprint(tasks, left_out),
    }
    partial = PartialBuild(output, plan)
    try:
        if not partial.complete:
            _write_parts(partial, tasks, config, options, num_workers)
            _assemble(partial, len(tasks), left_out, config, corpus, sizes, recorded)
        partial.publish()
    except OSError as error:
        raise OSError(
            f"{error}; what is done is in {partial.directory}, and the same command "
            "goes on from there"
        ) from None
    finally:
        partial.release()
    return DatasetInfo.load(output)


def _pieces(tasks: Sequence[Task]) -> list[Sequence[Task]]:
    size = UTTERANCES_PER_PART
    return [tasks[at : at + size] for at in range(0, len(tasks), size)]


def _write_parts(
    partial: PartialBuild,
    tasks: Sequence[Task],
    config: Config,
    options: Options,
    num_workers: int | None,
) -> None:
    """Writes the parts that are missing."""
    missing = [
        (index, piece)
        for index, piece in enumerate(_pieces(tasks))
        if not partial.has_part(index)
    ]
    num_missing = sum(len(piece) for _, piece in missing)
    if num_missing < len(tasks):
        _log.warning(
            "continuing %s: %d of %d utterances are done",
            partial.directory,
            len(tasks) - num_missing,
            len(tasks),
        )
    if num_workers is None:
        wanted = -(-num_missing // _UTTERANCES_WORTH_A_WORKER)
        num_workers = max(1, min(parallel.num_cores(), wanted))
    write = functools.partial(
        write_part, partial.directory, config=config, options=options
    )
    with _progress(len(tasks), len(tasks) - num_missing) as bar:
        for num_done in parallel.map_in_order(write, missing, num_workers):
            bar.update(num_done)


def write_part(
    directory: Path,
    index: int,
    tasks: Sequence[Task],
    *,
    config: Config,
    options: Options,
) -> int:
    """Prepares some utterances and writes them as one part; the number of them."""
    if multiprocessing.parent_process() is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # GPUs have better to do
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from tfrecords_tools.parts import PartWriter

    recordings = reading.read_all(
        [utterance.wav_path for utterance, _ in tasks],
        config.audio.sample_rate_hz,
        options.decoder,
        options.resampler,
    )
    writer = PartWriter(directory, index, config)
    try:
        for (utterance, alignment), recording in zip(tasks, recordings, strict=True):
            result = prepare(utterance, alignment, config, options, recording)
            if isinstance(result, Skipped):
                writer.skip(result)
            else:
                writer.add(result)
        writer.finish()
    except BaseException:
        writer.discard()
        raise
    return len(tasks)


def _assemble(
    partial: PartialBuild,
    num_tasks: int,
    left_out: Sequence[Skipped],
    config: Config,
    corpus: Corpus,
    sizes: Sizes,
    recorded: dict[str, Any],
) -> None:
    """Makes shards of the parts, or gives up if there are no records at all."""
    from tfrecords_tools import parts, writer

    num_parts = len(_pieces(range(num_tasks)))
    read = [
        parts.read_part(partial.directory, index, config.text.num_phonemes)
        for index in range(num_parts)
    ]
    if not any(part.entries for part in read):
        skipped = [*left_out, *(skip for part in read for skip in part.skipped)]
        partial.remove()
        raise ValueError(
            f"no utterance of {corpus.source} is usable: all {len(skipped)} were "
            f"skipped; the first, {skipped[0].id}: {skipped[0].reason}"
        )
    writer.assemble(
        partial.dataset, read, config, corpus, sizes, left_out, build_options=recorded
    )


def _fingerprint(tasks: Sequence[Task], left_out: Sequence[Skipped]) -> str:
    """Changes with every text, and with the size or time of every file."""
    digest = hashlib.sha256()
    for utterance, alignment in tasks:
        line = [
            utterance.id,
            utterance.text,
            utterance.speaker,
            _state(utterance.wav_path),
            alignment and _state(alignment),
        ]
        digest.update(json.dumps(line).encode("utf-8"))
    for skipped in left_out:
        digest.update(json.dumps([skipped.id, skipped.reason]).encode("utf-8"))
    return digest.hexdigest()


def _state(path: Path) -> list:
    try:
        status = path.stat()
    except OSError:
        return [str(path)]
    return [str(path), status.st_size, status.st_mtime_ns]


@contextlib.contextmanager
def _progress(total: int, initial: int) -> Iterator:
    """A progress bar on terminals, nothing elsewhere."""
    import tqdm

    with tqdm.tqdm(
        desc="build", total=total, initial=initial, unit=" utterances", disable=None
    ) as bar:
        yield bar
