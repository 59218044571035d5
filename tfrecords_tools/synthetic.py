"""Makes a corpus with exact alignments: flite reads a text file, a line at a time.

The command speaks what the folder lacks, in several processes, and lists what cannot
be spoken or labelled; `synthetic_corpus` has the folder, `flite_labels` the labels.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import concurrent.futures.process
import os
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tfrecords_tools import flite, flite_labels, parallel
from tfrecords_tools.alignment import textgrid
from tfrecords_tools.inspection.terminal_text import one_line
from tfrecords_tools.synthetic_corpus import Corpus, Job, read_jobs, write_wav
from wg2 import terminal
from wg2.text.characters import clean, unspoken
from wg2.text.frontend import Frontend
from wg2.text.lexicon import Lexicon

_SAVE_EVERY = 50
_SHOWN = 200  # characters of a text or reason


@dataclass(frozen=True)
class Outcome:
    """What became of a job: spoken text and counts, or the reason why not.

    Counts of words: all, those labelled with one of the front end's pronunciations, and
    those with the one that it chooses.
    """

    id: str
    spoken: str = ""
    reason: str = ""
    counts: tuple[int, int, int] = (0, 0, 0)


def to_flite(text: str) -> str:
    """`text` in the characters that flite knows: ASCII, with commas for dashes."""
    text = clean(text)
    text = re.sub(r"\s*([,;:.?!]?)\s*(?:[–—―‒]|--+|(?<!\S)-(?!\S))\s*", r"\1, ", text)
    text = re.sub(r"([,;:.?!]), ", r"\1 ", text)  # a dash after a mark adds nothing
    return " ".join(text.split()).lstrip(", ")


class Speaker:
    """Speaks and writes utterances; every worker process has one."""

    def __init__(self, corpus: Corpus):
        self._corpus = corpus
        self._flite = flite.Flite(corpus.voice)
        self._lexicon = Lexicon()
        self._frontend = Frontend(self._lexicon)

    def __call__(self, job: Job) -> Outcome:
        if "|" in job.text:
            return Outcome(job.id, reason="vertical bar: metadata.csv cannot hold it")
        text = to_flite(job.text)
        strange = sorted({*unspoken(job.text), *(c for c in text if not c.isascii())})
        if strange:
            reason = f"characters unknown to flite: {' '.join(map(repr, strange))}"
            return Outcome(job.id, reason=reason)
        try:
            # The seed makes a resumed corpus equal to one made in one go.
            speech = self._flite.speak(text, seed=zlib.crc32(text.encode()))
            labels = flite_labels.label(text, speech, self._lexicon)
        except ValueError as error:
            return Outcome(job.id, reason=str(error))
        wav_path, textgrid_path = self._corpus.paths(job.id)
        write_wav(wav_path, speech.samples, speech.sample_rate_hz)
        textgrid.write(textgrid_path, labels.grid())
        return Outcome(job.id, labels.text, counts=self._count(labels))

    def _count(self, labels: flite_labels.Labels) -> tuple[int, int, int]:
        words = self._frontend.transcribe(labels.text, strict=False).words
        found = [
            (word.pronunciations, said)
            for word, (_, said) in zip(words, labels.pronunciations, strict=True)
        ]
        return (
            len(found),
            sum(said in known for known, said in found),
            sum(said in known[:1] for known, said in found),
        )


_speaker: Speaker | None = None


def _start_worker(corpus: Corpus, parent_id: int) -> None:
    global _speaker
    parallel.start_worker(parent_id)
    _speaker = Speaker(corpus)


def _speak(job: Job) -> Outcome:
    return _speaker(job)


def speak_all(corpus: Corpus, jobs: Sequence[Job], workers: int) -> Iterator[Outcome]:
    """Speaks `jobs` in this process, or in several; outcomes in any order.

    Raises:
        ValueError: If a process dies, as it would where flite crashes.
    """
    if workers == 1 or len(jobs) < 2:
        yield from map(Speaker(corpus), jobs)
        return
    pool = concurrent.futures.ProcessPoolExecutor(
        workers, initializer=_start_worker, initargs=(corpus, os.getpid())
    )
    try:
        futures = {pool.submit(_speak, job): job for job in jobs}
        for future in concurrent.futures.as_completed(futures):
            yield future.result()
    except concurrent.futures.process.BrokenProcessPool:
        raise ValueError(
            "a worker process died. Run the same command again with --workers 1 to"
            " see at which utterance; what is complete is kept"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {value}")
    return value


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tfrecords_tools.synthetic",
        description="Has flite read a text file into a corpus with TextGrids. Run"
        " again, it continues where it was stopped.",
    )
    parser.add_argument(
        "--text", required=True, help="UTF-8 text file, one utterance per line"
    )
    parser.add_argument("--output", required=True, help="folder of the corpus")
    parser.add_argument("--voice", choices=tuple(flite.VOICES), default="slt")
    parser.add_argument("--limit", type=_positive, help="use the first LIMIT lines")
    parser.add_argument(
        "--workers",
        type=_positive,
        default=len(os.sched_getaffinity(0)),
        help="number of processes (default: one per core)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    try:
        jobs = read_jobs(args.text, args.limit)
        flite.Flite(args.voice)  # complains here, rather than in every worker
        corpus = Corpus(args.output, args.voice)
        outcomes = _run(corpus, jobs, args.workers)
        _report(corpus, jobs, outcomes)
    except BrokenPipeError:
        raise  # for `terminal.run`
    except (ValueError, OSError) as error:
        print(f"synthetic: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "synthetic: stopped; the same command continues from here",
            file=sys.stderr,
        )
        return 130
    return 0 if len(corpus) else 2


def _run(corpus: Corpus, jobs: Sequence[Job], workers: int) -> list[Outcome]:
    """Speaks what is missing, and keeps `metadata.csv` up with it."""
    import tqdm

    missing = {job.id: job for job in corpus.missing(jobs)}
    spoken = speak_all(corpus, list(missing.values()), workers)
    progress = tqdm.tqdm(
        spoken, "synthetic", len(missing), unit=" utterances", disable=None
    )
    outcomes = []
    try:
        for outcome in progress:
            outcomes.append(outcome)
            if not outcome.reason:
                corpus.add(missing[outcome.id], outcome.spoken)
            if len(outcomes) % _SAVE_EVERY == 0:
                corpus.save()
    finally:
        corpus.save()
    return sorted(outcomes, key=lambda outcome: outcome.id)


def _report(corpus: Corpus, jobs: Sequence[Job], outcomes: Sequence[Outcome]) -> None:
    failures = [outcome for outcome in outcomes if outcome.reason]
    texts = {job.id: job.text for job in jobs}
    for failure in failures:
        fields = (failure.id, failure.reason, texts[failure.id])
        print("failed", *(one_line(field, _SHOWN) for field in fields), sep="\t")
    for kind, count in Counter(f.reason.partition(":")[0] for f in failures).items():
        print(f"{count} failed: {kind}")
    if len(outcomes) > len(failures):
        counts = zip(*(outcome.counts for outcome in outcomes), strict=True)
        words, exact, first = map(sum, counts)
        print(
            f"{words} words spoken: {exact / words:.1%} labelled with one of the front"
            f" end's pronunciations, {first / words:.1%} with the one that it chooses"
        )
    print(
        f"{corpus.directory}\t{len(corpus)} utterances"
        f" ({len(outcomes) - len(failures)} new, {len(failures)} failed),"
        f" {corpus.seconds() / 3600:.2f} h"
    )


if __name__ == "__main__":
    sys.exit(terminal.run("synthetic", main))
