"""One pass over a built dataset: what is in it, and what is wrong with it.

Records are read one at a time; memory does not grow with the corpus.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

from tfrecords_tools.inspection import shards
from tfrecords_tools.inspection.findings import Findings, Limits
from tfrecords_tools.inspection.totals import Totals
from tfrecords_tools.inspection.utterance_index import UtteranceIndex
from tfrecords_tools.inspection.utterance_statistics import UtteranceStatistics, measure
from wg2.config import Config
from wg2.data import dataset, schema
from wg2.data.dataset import DatasetInfo, Shard
from wg2.text import symbols

Observer = Callable[[schema.Record, UtteranceStatistics, str], None]
"""Called with every sound record, its figures and its split."""


def examine(
    info: DatasetInfo,
    findings: Findings,
    limits: Limits | None = None,
    observer: Observer | None = None,
    progress: Callable[[Iterable], Iterable] = iter,
) -> None:
    """Applies every check to a dataset.

    A damaged file ends where the damage begins, and the other files are read all the
    same; figures of the whole dataset are then not compared, which `findings.notes`
    says.

    Args:
        info: Of the dataset.
        findings: Takes what is found.
        limits: From where on something is worth a warning.
        observer: Sees every record that is sound.
        progress: Wraps the list of shards, one step each.

    Raises:
        OSError: If a file cannot be read at all.
    """
    limits = limits or Limits()
    index = UtteranceIndex()
    try:
        _check_config(info, findings)
        _check_unlisted(info, findings)
        totals = Totals(info)
        listed = [
            (split, s) for split in info.splits for s in info.splits[split].shards
        ]
        for split, shard in progress(listed):
            for record, serialized in _records(info, split, shard, totals, findings):
                statistics = measure(record, info)
                check_utterance(record, statistics, split, info, findings, limits)
                rate = statistics.phonemes_per_second
                if statistics.num_phonemes < limits.rate_phonemes:
                    rate = None
                index.add(record, split, serialized, rate)
                totals.add(record, split)
                if observer:
                    observer(record, statistics, split)
        _check_shared(index, findings)
        _check_rates(index, findings, limits)
        totals.check_coverage(findings)
        if totals.complete:
            totals.check_figures(findings)
            _check_corpus_hash(info, index, findings)
        else:
            findings.notes.append(
                "records are missing or unreadable, so that the figures in "
                "dataset.json were not compared, and phonemes and speakers may be "
                "reported that only those have"
            )
    finally:
        index.close()


def check_utterance(
    record: schema.Record,
    statistics: UtteranceStatistics,
    split: str,
    info: DatasetInfo,
    findings: Findings,
    limits: Limits,
) -> None:
    """What can be told from one record alone."""

    def found(check: str, message: str) -> None:
        findings.add(check, message, id=record.id, split=split)

    names = [info.phonemes[i] for i in record.phoneme_ids]
    num_padding = names.count(symbols.PAD)
    if num_padding:
        found("padding", f"{num_padding} times {symbols.PAD}")
    if not record.text.strip():
        found("empty-text", "its text is empty")
    if statistics.peak_dbfs == -math.inf:
        found("all-zero", f"all {len(record.audio)} samples are zero")
    elif statistics.rms_dbfs < limits.quiet_dbfs:
        found("nearly-silent", f"RMS {statistics.rms_dbfs:.1f} dBFS")
    else:  # the silence of a silent utterance needs no mention of its own
        _check_silence(statistics, limits, found)
    if statistics.longest_full_scale >= limits.full_scale_samples:
        found(
            "clipping",
            f"{statistics.longest_full_scale} samples in a row at full scale, "
            f"{statistics.num_full_scale} in all",
        )
    if abs(statistics.dc_offset) > limits.dc_offset:
        found("dc-offset", f"the mean sample is {statistics.dc_offset:+.4f}")
    if statistics.num_unspoken:
        found(
            "zero-phoneme",
            f"{statistics.num_unspoken} of {statistics.num_phonemes} speech sounds "
            "have no frames",
        )
    longest = statistics.longest_phoneme
    if longest.seconds > limits.phoneme_seconds:
        found(
            "long-phoneme",
            f"{longest.symbol} of {longest.seconds:.2f} s at "
            f"{longest.start_seconds:.2f} s",
        )
    if statistics.loudest_pause_db > limits.pause_db:
        pause = statistics.loudest_pause
        found(
            "sound-in-pause",
            f"the pause {pause.symbol!r} of {pause.seconds:.2f} s at "
            f"{pause.start_seconds:.2f} s has {statistics.loudest_pause_db:+.1f} dB "
            "against the speech",
        )


def _check_silence(
    statistics: UtteranceStatistics, limits: Limits, found: Callable[[str, str], None]
) -> None:
    start, end = statistics.start_silence_seconds, statistics.end_silence_seconds
    if max(start, end) > limits.end_silence_seconds:
        found("silence-at-ends", f"{start:.2f} s before the speech, {end:.2f} s after")
    inner = statistics.inner_silence
    if inner.seconds > limits.inner_silence_seconds:
        found(
            "silence-inside", f"{inner.seconds:.2f} s from {inner.start_seconds:.2f} s"
        )


def _check_config(info: DatasetInfo, findings: Findings) -> None:
    try:
        info.check_config(Config.from_dict(info.config))
    except ValueError as error:
        findings.add("dataset-config", str(error))


def _check_unlisted(info: DatasetInfo, findings: Findings) -> None:
    listed = {s.file for split in info.splits.values() for s in split.shards}
    for path in sorted(info.directory.iterdir()):
        if path.name not in listed and path.name != dataset.FILE_NAME:
            findings.add("unlisted-file", f"{path.name} is not in {dataset.FILE_NAME}")


def _records(
    info: DatasetInfo, split: str, shard: Shard, totals: Totals, findings: Findings
) -> Iterator[tuple[schema.Record, bytes]]:
    """The sound records of a shard, with their bytes; reports all others."""
    path = info.directory / shard.file
    where = {"split": split, "shard": shard.file}
    if not path.is_file():
        totals.complete = False
        findings.add(
            "missing-shard", f"{shard.num_utterances} utterances are lost", **where
        )
        return
    same = dataset.file_sha256(path) == shard.sha256
    num_records = 0
    damage = None
    try:
        for serialized in shards.read(path):
            num_records += 1
            try:
                record = schema.decode(serialized)
                record.check(
                    samples_per_frame=info.samples_per_frame,
                    num_phonemes=len(info.phonemes),
                    num_speakers=max(1, len(info.speakers)),
                )
            except schema.RecordError as error:
                totals.complete = False
                place = f"{shard.file}, record {num_records - 1}"
                findings.add(error.kind, f"{place}: {error}", id=error.id, **where)
            else:
                yield record, serialized
    except shards.DamagedShardError as error:
        damage = error
    # One cause, one finding: a damaged file has another checksum and fewer records.
    listed = shard.num_utterances
    if damage:
        message = (
            f"record {damage.position}, at byte {damage.offset}, is {damage.reason}; "
            f"{max(0, listed - damage.position)} of {listed} utterances are lost"
        )
    elif not same:
        message = (
            "its checksum is not the one in dataset.json, though all of its "
            f"{num_records} records can be read ({listed} are listed)"
        )
    elif num_records != listed:
        totals.complete = False
        findings.add("shard-count", f"{num_records} records, {listed} listed", **where)
        return
    else:
        return
    totals.complete = False
    findings.add("damaged-shard", message, **where)


def _check_corpus_hash(
    info: DatasetInfo, index: UtteranceIndex, findings: Findings
) -> None:
    found = dataset.corpus_hash(index.record_digests())
    if found != info.corpus_hash:
        findings.add(
            "dataset-figures",
            f"corpus_hash is {found}, dataset.json says {info.corpus_hash}",
        )


def _check_shared(index: UtteranceIndex, findings: Findings) -> None:
    """Ids, recordings and texts that occur more than once."""
    for id, count, both in index.shared_ids():
        if both:
            findings.add(
                "id-in-both-splits",
                f"{count} records in training and validation",
                id=id,
            )
        else:
            findings.add("duplicate-id", f"{count} records", id=id)
    for shared in index.shared_audio():
        if shared.in_train and shared.in_validation:
            findings.add(
                "audio-in-both-splits",
                f"the recording of {shared.in_train} in training",
                id=shared.in_validation,
                split="validation",
            )
        else:
            others = f" and {shared.count - 2} more" if shared.count > 2 else ""
            findings.add(
                "duplicate-audio",
                f"the same recording as {shared.other}{others}",
                id=shared.first,
            )
    for train, validation in index.shared_texts():
        findings.add(
            "text-in-both-splits",
            f"the text of {train} in training",
            id=validation,
            split="validation",
        )


def _check_rates(index: UtteranceIndex, findings: Findings, limits: Limits) -> None:
    median = index.median_rate()
    if median is None:
        return
    lowest = max(limits.slowest, median / limits.rate_factor)
    highest = min(limits.fastest, median * limits.rate_factor)
    for id, split, rate in index.rates_outside(lowest, highest):
        findings.add(
            "speaking-rate",
            f"{rate:.1f} speech sounds per second, expected {lowest:.1f} to "
            f"{highest:.1f} (median {median:.1f})",
            id=id,
            split=split,
        )
