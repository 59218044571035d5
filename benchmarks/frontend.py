"""The front end: Python against the TensorFlow graph, speed and agreement.

python -m benchmarks.frontend --text sentences.txt
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.measuring import interleaved, parser, positive, run, table

_PYTHON = "Python"
_TEXT = (
    "Dr. Smith paid $3.50 on Nov. 22, 1963 at 5 p.m.",
    "I read it yesterday; they will read the live record of Charles I. in 1832.",
    "Zorblaxian firewalkers refuse 37.5 % of the refuse, e.g. at www.example.com.",
)


def build_parser():
    result = parser("frontend", "Sentences a second, and differences.", repetitions=3)
    result.add_argument("--text", type=Path, help="one a line (default: a few)")
    result.add_argument("--limit", type=positive, default=1000, help="lines to time")
    result.add_argument("--batch-size", type=positive, default=64)
    result.add_argument(
        "--callers", type=positive, default=2, help="threads that call at a time"
    )
    return result


def main(argv: Sequence[str] | None = None) -> int:
    return run(build_parser(), _report, argv)


def _report(args) -> None:
    import tensorflow as tf

    from wg2.text.frontend import Frontend
    from wg2.text.graph import GraphFrontend

    texts = list(_TEXT) * 100
    if args.text is not None:
        texts = args.text.read_text(encoding="utf-8").splitlines()
    texts = [text for text in texts if text.strip()]
    if not texts:
        raise ValueError(f"{args.text} has no text")
    python = Frontend()
    graph = tf.function(
        GraphFrontend().__call__,
        input_signature=[tf.TensorSpec((None,), tf.string)],
        autograph=False,
    )
    different = _differences(python, graph, texts, args.batch_size)
    print(f"{len(texts)} sentences, {len(different)} with other ids in the graph")
    for text in different[:10]:
        print(f"  {text}")
    timed = texts[: args.limit]
    batches = _batches(timed, args.batch_size)

    def by(callers: int, call: Callable, work: Sequence) -> Callable[[], None]:
        def run():
            with ThreadPoolExecutor(callers) as pool:
                list(pool.map(call, work))

        return run

    def encode(text: str):
        return python.encode(text, strict=False)

    functions = {}
    for callers in dict.fromkeys((1, args.callers)):
        suffix = f", {callers} callers" if callers > 1 else ""
        functions[f"{_PYTHON}{suffix}"] = by(callers, encode, timed)
        functions[f"graph, batches of {args.batch_size}{suffix}"] = by(
            callers, graph, batches
        )
        functions[f"graph, one by one{suffix}"] = by(
            callers, graph, [[text] for text in timed]
        )
    timings = interleaved(functions, args.repetitions)
    rows = [
        (
            name,
            f"{len(timed) / timing.seconds:.0f}",
            f"{timing.cpu_seconds / len(timed) * 1e3:.2f}",
            f"{1 / timing.ratio_to(timings[_PYTHON]):.2f}",
        )
        for name, timing in timings.items()
    ]
    header = ("", "sentences/s", "CPU ms each", "of Python")
    print(f"{len(timed)} timed, medians of {args.repetitions}\n")
    print(table(header, rows))


def _batches(texts: Sequence[str], size: int) -> list[Sequence[str]]:
    return [texts[start : start + size] for start in range(0, len(texts), size)]


def _differences(python, graph, texts: Sequence[str], size: int) -> list[str]:
    different = []
    for batch in _batches(texts, size):
        ids, lengths, _ = (result.numpy() for result in graph(batch))
        for text, row, length in zip(batch, ids, lengths, strict=True):
            if row[:length].tolist() != python.encode(text, strict=False).ids:
                different.append(text)
    return different


if __name__ == "__main__":
    sys.exit(main())
