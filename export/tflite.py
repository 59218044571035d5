"""Command line: a voice as a package of flat files for phones.

python -m export.tflite --voice voices/slt --output phone/slt

The files run on LiteRT (TensorFlow Lite) with built-in operations only. What they hold
is compared with the voice before the package gets its name.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.metadata
import json
import logging
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from export.mobile.package import FLOAT16, PRECISIONS
from wg2 import files, terminal

DEFAULT_PRECISION = FLOAT16
logger = logging.getLogger(__name__)

DEFAULT_STEPS = (4, 6, 8, 12, 25, 50)
DEFAULT_WINDOW_SECONDS = 1.0


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m export.tflite",
        description="Exports a voice for phones (LiteRT, TensorFlow Lite).",
    )
    parser.add_argument("--voice", "-m", type=Path, required=True, help="a directory")
    parser.add_argument(
        "--output", "-o", type=Path, required=True, help="the package's folder, new"
    )
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=DEFAULT_PRECISION,
        help="of the weights; int8 computes the decoder with 8-bit numbers, "
        f"int8-weights only stores them (default: {DEFAULT_PRECISION})",
    )
    parser.add_argument(
        "--steps",
        type=_steps,
        default=DEFAULT_STEPS,
        help="numbers of steps to have tables for (default: "
        f"{','.join(map(str, DEFAULT_STEPS))}, and the voice's own)",
    )
    parser.add_argument(
        "--sampler", help="ddpm, ddim or dpmpp (default: the voice's own)"
    )
    parser.add_argument(
        "--window-seconds",
        type=float,
        default=DEFAULT_WINDOW_SECONDS,
        help="sound that one pass of the decoder of fixed size gives (default: "
        f"{DEFAULT_WINDOW_SECONDS})",
    )
    parser.add_argument(
        "--lexicon", type=Path, help="a user lexicon, built in: word  PH ON EMES"
    )
    return parser


def _steps(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected numbers such as 6,12,50. Received: {text}"
        ) from None


def export(
    voice_dir: Path,
    output: Path,
    precision: str = DEFAULT_PRECISION,
    steps: Sequence[int] = DEFAULT_STEPS,
    sampler: str | None = None,
    window_seconds: float = DEFAULT_WINDOW_SECONDS,
    lexicon: Path | None = None,
) -> dict[str, float]:
    """Exports a voice.

    Args:
        voice_dir: The voice's directory.
        output: The package's folder; it must not exist, or be empty.
        precision: One of `PRECISIONS`.
        steps: Numbers of steps to have tables for.
        sampler: One of `wg2.config.SAMPLERS`; None: the voice's own.
        window_seconds: float, what a pass of the decoder of fixed size gives.
        lexicon: A user lexicon to build in.

    Returns:
        How far each mode of `MobileSynthesizer` is from the voice, see
        `export.mobile.verification`.
    Raises:
        ValueError, FileNotFoundError: Bad arguments.
        RuntimeError: The package does not do what the voice does.
        OSError: Not writable, or no space.
    """
    from export.mobile import verification
    from wg2.voice import Voice

    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ValueError(f"{output} exists and is not empty. Choose another --output")
    voice = Voice.load(voice_dir)
    with files.atomic_directory(output) as folder:
        _write(folder, voice, precision, steps, sampler, window_seconds, lexicon)
        return verification.verify(folder, voice, lexicon, sampler)


def _write(folder, voice, precision, steps, sampler, window_seconds, lexicon) -> None:
    from export.mobile import conversion, functions, readme
    from export.mobile import package as names
    from export.mobile.flat_file import change_precision
    from export.mobile.lexicon import write_words
    from wg2.inference import build_model

    facts = _describe(voice, precision, steps, sampler, window_seconds)
    write_words(folder, lexicon)
    model = build_model(voice)
    for function in (
        *functions.mobile_functions(model, facts["window_frames"]),
        functions.g2p_function(),
    ):
        content = change_precision(
            conversion.convert(function),
            precision,
            function.has_decoder,
            voice.config.decoder.upsampling_channels[-1],
        )
        (folder / names.file_of(function.name)).write_bytes(content)
        facts["models"][function.name] = {
            "inputs": [_describe_input(spec) for spec in function.inputs],
            "outputs": [
                {"name": name, "type": tensor.dtype.name, "shape": _shape(tensor)}
                for name, tensor in zip(
                    function.outputs, function.traced().outputs, strict=True
                )
            ],
            "operations": dict(sorted(conversion.operations(content).items())),
        }
    _copy_licences(folder)
    readme.write(folder, facts)
    facts["files"] = {
        path.name: {"bytes": path.stat().st_size, "sha256": names.sha256(path)}
        for path in sorted(folder.iterdir())
    }
    text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    (folder / names.VOICE_FILE).write_text(text, encoding="utf-8")


def _describe(voice, precision, steps, sampler, window_seconds) -> dict:
    """What `voice.json` says, but for the files."""
    from export.mobile import package as names
    from wg2.diffusion import sampler as samplers
    from wg2.diffusion.schedule import voice_schedule
    from wg2.models.receptive_field import receptive_field_frames
    from wg2.text import g2p
    from wg2.text.packed import unpack

    config = voice.config
    sampler = sampler or config.diffusion.synthesis_sampler
    default_steps = config.diffusion.synthesis_steps
    if not steps or not all(1 <= number <= 1000 for number in steps):
        raise ValueError(f"--steps must lie in [1, 1000]. Received: {steps}")
    if not 0 < window_seconds <= 60:
        raise ValueError(
            f"--window-seconds must lie in (0, 60]. Received: {window_seconds}"
        )
    margin = receptive_field_frames(config.decoder)
    tables = {}
    for number in sorted({*steps, default_steps}):
        schedule = voice_schedule(config, number)
        if warning := schedule.warning():
            logger.warning("%s", warning)
        table = samplers.step_table(schedule, sampler)
        tables[str(number)] = {
            name: table[:, index].tolist()
            for index, name in enumerate(samplers.COLUMN_NAMES)
        }
    return {
        "format": names.FORMAT,
        "format_version": names.FORMAT_VERSION,
        "name": voice.card.name,
        "language": voice.card.language,
        "licence": voice.card.licence,
        "card": dataclasses.asdict(voice.card),
        "sample_rate_hz": config.audio.sample_rate_hz,
        "samples_per_frame": config.samples_per_frame,
        "phonemes": list(config.text.phonemes),
        "speakers": list(config.text.speakers),
        "precision": precision,
        "margin_frames": margin,
        "window_frames": 2 * margin
        + max(1, round(window_seconds * config.frames_per_second)),
        "sampler": sampler,
        "default_steps": default_steps,
        "columns": list(samplers.COLUMN_NAMES),
        "tables": tables,
        "g2p_letters": list(g2p.GRAPHEMES),
        "g2p_phonemes": [" ".join(unpack(sound)) for sound in g2p.PACKED],
        "models": {},
        "files": {},
    }


def _describe_input(spec) -> dict:
    return {"name": spec.name, "type": spec.dtype.name, "shape": _shape(spec)}


def _shape(tensor) -> list[int]:
    return [-1 if size is None else size for size in tensor.shape]


def _copy_licences(folder: Path) -> None:
    """Of the dictionary, of the network for unknown words, and of wg2."""
    root = Path(__file__).resolve().parent.parent
    cmudict = "cmudict.LICENSE"
    shutil.copyfile(root / "wg2/text/data" / cmudict, folder / cmudict)
    for package in ("g2p_en", "wg2"):
        source = root / "LICENSE" if package == "wg2" else None
        if source is None or not source.is_file():  # installed: beside its metadata
            source = _licence_of(package)
        shutil.copyfile(source, folder / f"{package}.LICENSE")


def _licence_of(package: str) -> Path:
    for path in importlib.metadata.files(package) or ():
        if path.name.upper().startswith("LICENSE"):
            return Path(path.locate())
    raise FileNotFoundError(f"the installed package {package} lacks its licence file")


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes
    logging.basicConfig(level=logging.WARNING, format="tflite: %(message)s")
    try:
        distances = export(
            args.voice,
            args.output,
            args.precision,
            args.steps,
            args.sampler,
            args.window_seconds,
            args.lexicon,
        )
    except BrokenPipeError:
        raise  # for `terminal.run`
    except (ValueError, FileNotFoundError, RuntimeError, OSError) as error:
        print(f"tflite: {error}", file=sys.stderr)
        return 2
    for mode, distance in distances.items():
        print(f"{mode}\tdistance from the voice {distance:.2g} (log-mel, nepers)")
    size = sum(path.stat().st_size for path in args.output.iterdir())
    print(f"{args.output}\t{size / 1e6:.1f} MB, {args.precision}")
    return 0


if __name__ == "__main__":
    sys.exit(terminal.run("tflite", main))
