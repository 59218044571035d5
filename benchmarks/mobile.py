"""Packages for phones against TensorFlow: size, speed, quality, memory.

    python -m benchmarks.mobile --packages packages --threads 1
    python -m benchmarks.mobile --packages packages --threads 2 --memory

The reference is `Synthesizer.speak` of the same text, with as many threads, in the same
run. Packages that are not there yet are exported first. Needs LiteRT.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measuring import interleaved, parser, positive, run, table
from export.mobile.package import MODES, PRECISIONS, Package

_SENTENCE = "A somewhat longer sentence, which nobody ever said, is spoken once more. "
_TENSORFLOW = ("TensorFlow graph", "")
_QUIET_SHARE = 0.05
_LAUNCHER = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
               check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def build_parser():
    result = parser("mobile", "Packages for phones.", repetitions=3)
    result.add_argument("--voice", type=Path, default=Path("voices/slt"))
    result.add_argument(
        "--packages", type=Path, required=True, help="a folder for one of each kind"
    )
    result.set_defaults(threads=1)
    result.add_argument("--steps", type=positive, default=6)
    result.add_argument("--seconds", type=positive, default=5, help="of speech, about")
    result.add_argument(
        "--memory", action="store_true", help="only the peaks of memory, 5 s and 60 s"
    )
    return result


def main(argv: Sequence[str] | None = None) -> int:
    threads = build_parser().parse_args(argv).threads
    # Two operations at a time would use two cores, however many threads each has.
    os.environ["TF_NUM_INTEROP_THREADS"] = str(threads)
    return run(build_parser(), _report, argv)


def _report(args) -> None:
    from export.tflite import export

    for precision in PRECISIONS:
        if not (args.packages / precision).is_dir():
            export(args.voice, args.packages / precision, precision)
    if args.memory:
        print(_memory(args))
        return
    print(f"{_compare(args)}\n\nOutside of XNNPACK:\n\n{_outside(args)}")


def _compare(args) -> str:
    from export.mobile.synthesizer import MobileSynthesizer
    from wg2.evaluation.distances import log_mel_l1
    from wg2.inference import Synthesizer

    voice = Synthesizer.load(args.voice)
    config, size = voice.config, voice.config.samples_per_frame
    text = _text(args.seconds)
    sounds = {}

    def speak(name, synthesizer):
        def function():
            sounds[name] = synthesizer.speak([text], steps=args.steps)[0].audio

        return function

    functions = {_TENSORFLOW: speak(_TENSORFLOW, voice)}
    for precision in PRECISIONS:
        for mode in MODES:
            mobile = MobileSynthesizer(
                args.packages / precision, mode=mode, num_threads=args.threads
            )
            name = precision, mode
            functions[name] = speak(name, mobile)
    timings = interleaved(functions, args.repetitions)
    expected = sounds[_TENSORFLOW]
    seconds = len(expected) / voice.sample_rate_hz
    rows = []
    for name, timing in timings.items():
        precision, mode = name
        actual = sounds[name]
        same_length = len(actual) == len(expected)
        rows.append(
            (
                *name,
                f"{_megabytes(args.packages / precision, mode):.1f}" if mode else "",
                f"{timing.seconds / seconds:.2f}",
                f"{timing.ratio_to(timings[_TENSORFLOW]):.2f}",
                f"{log_mel_l1(expected, actual, config.audio, size):.4f}"
                if same_length
                else "other length",
                f"{_signal_to_noise(actual, expected):.0f}" if same_length else "",
                f"{_quiet_level(actual, size):.1f}",
            )
        )
    header = (
        "weights",
        "mode",
        "MB",
        "RTF",
        "/ TensorFlow",
        "log-mel L1",
        "SNR dB",
        "quietest 5 % dBFS",
    )
    return (
        f"{seconds:.1f} s of speech, {args.steps} steps, {args.threads} threads, "
        f"medians of {args.repetitions}\n\n{table(header, rows)}"
    )


def _text(seconds: float) -> str:
    return _SENTENCE * max(1, round(seconds / 5))


def _megabytes(package: Path, mode: str) -> float:
    """Of the flat files that a mode needs."""
    from export.mobile import package as names

    if mode == names.SINGLE:
        needed = [names.SPEECH]
    else:
        decoder = names.DECODER_WINDOW if mode == names.WINDOWS else names.DECODER
        needed = [names.ENCODER, names.UPSAMPLER, names.NOISE, decoder]
    return sum((package / names.file_of(n)).stat().st_size for n in needed) / 1e6


def _signal_to_noise(actual, expected) -> float:
    import numpy as np

    noise = np.square(actual - expected).mean()
    return 10 * np.log10(np.square(expected).mean() / max(noise, 1e-20))


def _quiet_level(audio, size: int) -> float:
    """Mean power of the quietest frames of `size` samples, dBFS."""
    import numpy as np

    frames = audio[: len(audio) // size * size].reshape(-1, size)
    powers = np.sort(np.square(frames).mean(axis=1))
    quiet = powers[: max(1, round(_QUIET_SHARE * len(powers)))].mean()
    return 10 * np.log10(max(quiet, 1e-12))


def _outside(args) -> str:
    from export.mobile import package as names

    rows = []
    for precision in PRECISIONS:
        for name in (names.ENCODER, names.UPSAMPLER, names.DECODER):
            path = args.packages / precision / names.file_of(name)
            total, outside = operations_outside(path)
            listed = ", ".join(f"{count} {op}" for op, count in outside.most_common(6))
            rows.append((precision, name, total, sum(outside.values()), listed))
    return table(("weights", "file", "operations", "outside", "which"), rows)


def operations_outside(path: Path) -> tuple[int, Counter[str]]:
    """Operations of a flat file's main graph, and those that no delegate took."""
    from ai_edge_litert.interpreter import Interpreter

    size = Package.load(path.parent).samples_per_frame
    interpreter = Interpreter(str(path), num_threads=1)
    for entry in interpreter.get_input_details():
        shape = [size if size > 0 else 64 for size in entry["shape_signature"]]
        if entry["name"] == "audio":
            shape[1] = 64 * size if entry["shape_signature"][1] < 0 else shape[1]
        interpreter.resize_tensor_input(entry["index"], shape)
    interpreter.allocate_tensors()
    operations = interpreter._get_ops_details()
    own = [entry for entry in operations if entry["op_name"] != "DELEGATE"]
    # What a delegate makes, it makes without the operations that are in its place.
    makers = {index: entry for entry in own for index in entry["outputs"]}
    for entry in operations:
        if entry["op_name"] == "DELEGATE":
            makers.update((index, entry) for index in entry["outputs"])
    wanted = [entry["index"] for entry in interpreter.get_output_details()]
    seen, outside = set(), Counter()
    while wanted:
        entry = makers.get(wanted.pop())
        if entry is None or entry["index"] in seen:
            continue
        seen.add(entry["index"])
        if entry["op_name"] != "DELEGATE":
            outside[entry["op_name"]] += 1
        wanted += [index for index in entry["inputs"] if index >= 0]
    return len(own), outside


def _memory(args) -> str:
    rows = []
    for precision in PRECISIONS:
        for mode in MODES:
            peaks = [
                _peak_megabytes(args, precision, mode, text)
                for text in ("Oh.", _text(5), _text(60))
            ]
            rows.append((precision, mode, *(f"{peak:.0f}" for peak in peaks)))
    return "Peak of the whole process, MB\n\n" + table(
        ("weights", "mode", "a word", "5 s", "60 s"), rows
    )


def _peak_megabytes(args, precision: str, mode: str, text: str) -> float:
    command = [sys.executable, "-m", "export.tflite_run"]
    command += ["--package", str(args.packages / precision), "--mode", mode]
    command += ["--steps", str(args.steps), "--threads", str(args.threads)]
    command += ["--text", text, "--output", str(args.packages / "memory.wav")]
    # A child's peak begins with its parent's: TensorFlow must not be the parent.
    launcher = [sys.executable, "-c", _LAUNCHER, *command]
    done = subprocess.run(launcher, stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout.split()[-1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
