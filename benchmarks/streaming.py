"""Windows against the whole: time to the first sound, cost, difference, memory.

    python -m benchmarks.streaming --voice voices/slt --seconds 30 --steps 6 50
    python -m benchmarks.streaming --seconds 600 --length-scale 1.3 --steps 6

The reference is `Synthesizer.speak` of the same text in the same run.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring import parser, positive, run, table

_SENTENCE = "A somewhat longer sentence, which nobody ever said, is spoken once more. "


def build_parser():
    result = parser("streaming", "Windows against the whole.", repetitions=1)
    result.add_argument("--voice", type=Path, default=Path("voices/slt"))
    result.add_argument(
        "--seconds", type=positive, default=30, help="of speech, about (default: 30)"
    )
    result.add_argument("--steps", type=positive, nargs="+", default=[6, 50])
    result.add_argument(
        "--length-scale",
        type=float,
        default=1.0,
        help="above 1 is slower, and a text of 8192 bytes lasts longer",
    )
    result.add_argument("--sampler", default=None, help="default: the voice's own")
    return result


def main(argv: Sequence[str] | None = None) -> int:
    return run(build_parser(), _report, argv)


def _report(args) -> None:
    from wg2.inference import Synthesizer

    voice = Synthesizer.load(args.voice)
    settings = {
        "sampler": args.sampler,
        "steps": 1,
        "length_scale": args.length_scale,
    }
    (sentence,) = voice.speak([_SENTENCE], **settings)
    for _ in voice.stream(_SENTENCE, **settings):
        pass  # traces
    seconds = len(sentence.audio) / voice.sample_rate_hz
    text = _SENTENCE * max(1, round(args.seconds / seconds))
    rows = []
    for steps in args.steps:
        settings["steps"] = steps
        for _ in range(args.repetitions):
            rows.append(_measure(voice, text, settings))
    header = (
        "steps",
        "audio s",
        "whole s",
        "first sound s",
        "first / whole",
        "all windows / whole",
        "difference",
        "whole MB",
        "windows MB",
    )
    print(f"memory: the peak above what was in use before\n\n{table(header, rows)}")


def _measure(voice, text: str, settings: dict) -> tuple:
    import numpy as np

    before = _restart_peak()
    started = time.perf_counter()
    (whole,) = voice.speak([text], **settings)
    whole_seconds = time.perf_counter() - started
    whole_memory = _peak_megabytes() - before

    before = _restart_peak()
    started = time.perf_counter()
    first_seconds = None
    position, difference = 0, 0.0
    for piece in voice.stream(text, **settings):
        if first_seconds is None:
            first_seconds = time.perf_counter() - started
        expected = whole.audio[position : position + len(piece)]
        difference = max(difference, float(np.abs(piece - expected).max()))
        position += len(piece)
    stream_seconds = time.perf_counter() - started
    if position != len(whole.audio):
        raise ValueError(f"{position} samples in windows, {len(whole.audio)} at once")
    return (
        settings["steps"],
        f"{len(whole.audio) / voice.sample_rate_hz:.1f}",
        f"{whole_seconds:.2f}",
        f"{first_seconds:.2f}",
        f"{first_seconds / whole_seconds:.3f}",
        f"{stream_seconds / whole_seconds:.2f}",
        f"{difference:.1e}",
        f"{whole_memory:.0f}",
        f"{_peak_megabytes() - before:.0f}",
    )


def _restart_peak() -> float:
    """Forgets the peak of memory so far (Linux); megabytes in use."""
    ctypes.CDLL(None).malloc_trim(0)  # what was freed and kept belongs to no one
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status("VmRSS")


def _peak_megabytes() -> float:
    return _status("VmHWM")


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return float(next(x for x in lines if x.startswith(name)).split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
