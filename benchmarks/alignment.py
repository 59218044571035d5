"""Our aligner against the TextGrids of another one.

python -m benchmarks.alignment --corpus ljspeech_mini --reference ljspeech_mini/TextGrid

How boundaries are matched: the words of both are paired by their labels, in order
(`difflib`). A pair gives two word boundaries, its start and its end. If it has the same
phones in both, stress aside, it also gives the start of each phone and the end of the
last; words with other phones count at word level only. An error is ours less theirs.

"Bias" is the median error: half a window that one aligner counts and the other not,
say, rather than a mistake; "less bias" is the mean of what remains without it. Nothing
is fitted: ours puts a boundary between the middles of two analysis windows
(`tfrecords_tools.alignment.forced`), so exact times should show almost no bias.

With `--swap`, every text is also aligned with the next recording, and one word of it is
replaced by one of the next text: what the limits of the aligner reject, and what not.
"""

from __future__ import annotations

import argparse
import difflib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.measuring import positive, run, table
from tfrecords_tools.alignment import confidence, forced, textgrid, words
from tfrecords_tools.alignment.words import AlignedWord
from tfrecords_tools.audio import reading
from tfrecords_tools.corpora import read
from tfrecords_tools.decoding import SAMPLE_RATE_HZ
from tfrecords_tools.utterance import SkipUtterance
from wg2.audio import wav
from wg2.text.frontend import Frontend, Word

_WITHIN_MS = (10, 20, 50)


def build_parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(
        prog="python -m benchmarks.alignment",
        description="Errors of our boundaries, seconds of sound a second.",
    )
    result.add_argument("--corpus", type=Path, required=True, metavar="DIR")
    result.add_argument(
        "--reference", type=Path, required=True, metavar="DIR", help="its TextGrids"
    )
    result.add_argument(
        "--every", type=positive, default=1, metavar="N", help="every N-th utterance"
    )
    result.add_argument("--swap", action="store_true", help="wrong texts as well")
    return result


@dataclass
class Errors:
    """Seconds, ours less theirs."""

    words: list[float] = field(default_factory=list)
    phones: list[float] = field(default_factory=list)
    num_words: int = 0
    num_paired: int = 0
    num_same_phones: int = 0

    def add(self, ours: Sequence[AlignedWord], theirs: Sequence[AlignedWord]) -> None:
        """Compares the words of one utterance."""
        self.num_words += len(theirs)
        for mine, other in _paired(ours, theirs):
            self.num_paired += 1
            end = mine.end_seconds - other.end_seconds
            self.words += [mine.start_seconds - other.start_seconds, end]
            if list(map(_plain, mine.phones)) == list(map(_plain, other.phones)):
                self.num_same_phones += 1
                self.phones += [
                    a.start_seconds - b.start_seconds
                    for a, b in zip(mine.phones, other.phones, strict=True)
                ]
                self.phones.append(end)


def _paired(
    ours: Sequence[AlignedWord], theirs: Sequence[AlignedWord]
) -> Iterator[tuple[AlignedWord, AlignedWord]]:
    labels = [[word.label.lower() for word in side] for side in (ours, theirs)]
    matcher = difflib.SequenceMatcher(None, *labels, autojunk=False)
    for a, b, size in matcher.get_matching_blocks():
        yield from zip(ours[a : a + size], theirs[b : b + size], strict=True)


def _plain(phone: textgrid.Interval) -> str:
    return phone.label.upper().rstrip("012")


@dataclass(frozen=True, eq=False)
class Clip:
    id: str
    samples: np.ndarray
    words: tuple[Word, ...]
    reference: tuple[AlignedWord, ...]

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ


def load(corpus: Path, reference: Path, every: int) -> tuple[list[Clip], list[str]]:
    """Clips with a reference, and why the others cannot be compared."""
    clips, left_out = [], []
    frontend = Frontend()
    for utterance in read(corpus)[0][::every]:
        try:
            grid = textgrid.read(reference / f"{utterance.id}.TextGrid")
            clip = Clip(
                utterance.id,
                wav.to_int16(reading.read(utterance.wav_path, SAMPLE_RATE_HZ).audio)[0],
                frontend.transcribe(utterance.text).words,
                tuple(words.align_words(grid)),
            )
        except (ValueError, FileNotFoundError, SkipUtterance) as error:
            left_out.append(f"{utterance.id}: {error}")
            continue
        clips.append(clip)
    if not clips:
        raise ValueError(f"nothing to compare; the first: {left_out[:1]}")
    return clips, left_out


def main(argv: Sequence[str] | None = None) -> int:
    return run(build_parser(), _report, argv)


def _report(args) -> None:
    clips, left_out = load(args.corpus, args.reference, args.every)
    for line in left_out:
        print(f"alignment: left out {line}", file=sys.stderr)
    _report_errors(clips)
    if args.swap:
        _report_wrong_texts(clips)


def _report_errors(clips: Sequence[Clip]) -> None:
    errors = Errors()
    cpu_seconds = 0.0
    for clip in clips:
        started = time.process_time()
        alignment = forced.align(clip.samples, clip.words)
        if alignment is not None:
            confidence.measure(alignment, clip.samples)
        cpu_seconds += time.process_time() - started
        if alignment is None:
            print(f"{clip.id} does not align")
            continue
        errors.add([word.word for word in alignment.words], clip.reference)
    seconds = sum(clip.seconds for clip in clips)
    print(
        f"{len(clips)} clips, {seconds:.0f} s, {errors.num_words} words: "
        f"{errors.num_paired} paired, {errors.num_same_phones} with the same phones; "
        f"{seconds / cpu_seconds:.0f} s of sound a CPU second\n"
    )
    header = ("boundaries", "number", "mean ms", "median", "bias", "mean less bias")
    header += (*(f"<= {limit} ms" for limit in _WITHIN_MS), "largest")
    rows = [("words", *_row(errors.words)), ("phones", *_row(errors.phones))]
    print(table(header, rows))


def _row(errors: Sequence[float]) -> tuple[str, ...]:
    """The figures of a line, errors in seconds."""
    signed_ms = 1e3 * np.asarray(errors)
    size_ms = np.abs(signed_ms)
    bias_ms = np.median(signed_ms)
    return (
        str(len(size_ms)),
        f"{np.mean(size_ms):.1f}",
        f"{np.median(size_ms):.1f}",
        f"{bias_ms:+.1f}",
        f"{np.mean(np.abs(signed_ms - bias_ms)):.1f}",
        *(f"{np.mean(size_ms <= limit):.1%}" for limit in _WITHIN_MS),
        f"{np.max(size_ms):.0f}",
    )


def _report_wrong_texts(clips: Sequence[Clip]) -> None:
    cases = {"right text": [], "text of another": [], "one word replaced": []}
    for clip, other in zip(clips, (*clips[1:], clips[0]), strict=True):
        middle = len(clip.words) // 2
        foreign = max(other.words, key=lambda word: len(word.pronunciations[0]))
        replaced = (*clip.words[:middle], foreign, *clip.words[middle + 1 :])
        cases["right text"].append(_judge(clip, clip.words))
        cases["text of another"].append(_judge(clip, other.words))
        cases["one word replaced"].append(_judge(clip, replaced))
    rows = []
    for name, judged in cases.items():
        found = [figures for figures, _ in judged if figures is not None]
        rows.append(
            (
                name,
                len(judged),
                len(judged) - len(found),
                sum(accepted for _, accepted in judged),
                _range([figures.utterance for figures in found]),
                _range([figures.word for figures in found]),
                _range([figures.uncovered_seconds for figures in found]),
            )
        )
    header = ("", "clips", "no path", "accepted", "confidence", "of the worst word")
    print("\n" + table((*header, "uncovered s"), rows))


def _judge(
    clip: Clip, said: Sequence[Word]
) -> tuple[confidence.Confidence | None, bool]:
    alignment = forced.align(clip.samples, said)
    if alignment is None:
        return None, False
    found = confidence.measure(alignment, clip.samples)
    try:
        found.check(confidence.DEFAULT_LIMITS)
    except SkipUtterance:
        return found, False
    return found, True


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.2g} to {max(values):.2g}" if values else "-"


if __name__ == "__main__":
    sys.exit(main())
