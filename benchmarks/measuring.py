"""Interleaved timing on noisy machines; the options, ends and tables of benchmarks.

Absolute times of a shared machine mean little. So everything is run in turn, again and
again, and compared with a reference of the same turn: what disturbs one disturbs the
other. CPU seconds (of all threads) are less disturbed still.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wg2 import terminal


@dataclass
class Timing:
    """Seconds of every repetition: on the clock, and of CPU over all threads."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return statistics.median(self.wall)

    @property
    def cpu_seconds(self) -> float:
        return statistics.median(self.cpu)

    def ratio_to(self, reference: Timing) -> float:
        """Median over the repetitions of `self / reference`."""
        pairs = zip(self.wall, reference.wall, strict=True)
        return statistics.median(mine / other for mine, other in pairs)


def interleaved(
    functions: Mapping[str, Callable[[], object]],
    repetitions: int,
    warm_up: int = 1,
) -> dict[str, Timing]:
    """Times all functions in turn, `repetitions` times.

    Every other turn goes backwards, so that none always follows the same neighbour.
    A function must wait for its own result.

    Args:
        functions: By name.
        repetitions: int > 0.
        warm_up: int, untimed calls of each before (tracing, caches).
    """
    for function in functions.values():
        for _ in range(warm_up):
            function()
    timings = {name: Timing() for name in functions}
    names = list(functions)
    for turn in range(repetitions):
        for name in names if turn % 2 == 0 else names[::-1]:
            wall, cpu = time.perf_counter(), time.process_time()
            functions[name]()
            timings[name].wall.append(time.perf_counter() - wall)
            timings[name].cpu.append(time.process_time() - cpu)
    return timings


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Aligned columns: the first to the left, the others to the right."""
    lines = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def machine() -> str:
    """Processor, threads, versions and load: what a figure depends on."""
    import keras
    import numpy as np
    import tensorflow as tf

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    threads = tf.config.threading.get_intra_op_parallelism_threads() or "default"
    devices = [d.device_type for d in tf.config.list_logical_devices()]
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return (
        f"{model}, {os.cpu_count()} cores, intra-op threads {threads}, "
        f"devices {'+'.join(devices)}, load {load}\n"
        f"Python {platform.python_version()}, TensorFlow {tf.__version__}, "
        f"Keras {keras.__version__} on {keras.backend.backend()}, "
        f"NumPy {np.__version__}"
    )


def parser(name: str, description: str, repetitions: int) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    result = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}", description=description
    )
    result.add_argument(
        "--repetitions",
        type=positive,
        default=repetitions,
        help=f"of every measurement; medians are shown (default: {repetitions})",
    )
    result.add_argument(
        "--threads", type=positive, help="intra-op threads (default: TensorFlow's)"
    )
    return result


def add_data_options(parser: argparse.ArgumentParser, num_utterances: int) -> None:
    """The options of `records.dataset`, with so many utterances by default."""
    parser.add_argument("--config", default="small", help="preset or file")
    parser.add_argument(
        "--data", type=Path, help="records that fit the config (default: noise)"
    )
    parser.add_argument(
        "--utterances",
        type=positive,
        default=num_utterances,
        help=f"of noise, where --data is not (default: {num_utterances})",
    )


def positive(text: str) -> int:
    """An argument's integer above 0."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1. Received: {value}")
    return value


def run(
    parser: argparse.ArgumentParser,
    report: Callable[[argparse.Namespace], int | None],
    argv: Sequence[str] | None = None,
) -> int:
    """A benchmark as a command: what it ran on, then its report; the exit code.

    Args:
        parser: Has the prog `python -m benchmarks.NAME`, perhaps `--threads`.
        report: Measures and prints, from the parsed arguments; may return an exit code.
            Its ValueError and OSError are bad input.
        argv: Arguments; None: those of the process.
    """
    args = parser.parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _set_threads(vars(args).get("threads"))
    name = parser.prog.rpartition(".")[2]

    def main() -> int:
        print(machine())
        try:
            return report(args) or 0
        except BrokenPipeError:
            raise
        except (ValueError, OSError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 2

    return terminal.run(name, main)


def _set_threads(threads: int | None) -> None:
    """Before TensorFlow runs anything."""
    if threads is not None:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
