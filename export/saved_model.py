"""Command line: a voice as a SavedModel that a stock TensorFlow Serving takes.

python -m export.saved_model --voice voices/slt --output models/slt

It is written under a name that is no number, verified in a process of its own, and then
renamed to its version: a server loads a numeric folder as soon as it is there.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wg2 import files, subprocesses, terminal

if TYPE_CHECKING:
    from export.served_voice import ServedVoice

SERVING_FILE = "serving.json"


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m export.saved_model",
        description="Exports a voice for TensorFlow Serving.",
    )
    parser.add_argument("--voice", "-m", type=Path, required=True, help="a directory")
    parser.add_argument(
        "--output",
        "-o",
        type=Path,
        required=True,
        help="the model's folder (the server's base path); the export goes to "
        "OUTPUT/VERSION",
    )
    parser.add_argument(
        "--version", type=int, help="default: one more than the largest in --output"
    )
    parser.add_argument(
        "--sampler",
        help="ddpm, ddim or dpmpp, for all requests (default: the voice's own)",
    )
    parser.add_argument(
        "--lexicon", type=Path, help="a user lexicon, built in: word  PH ON EMES"
    )
    return parser


def export(
    voice_dir: Path,
    output: Path,
    version: int | None = None,
    sampler: str | None = None,
    lexicon: Path | None = None,
) -> Path:
    """Exports a voice.

    Args:
        voice_dir: The voice's directory.
        output: The model's folder.
        version: int >= 0; None: one more than the largest there.
        sampler: One of `wg2.config.SAMPLERS`; None: the voice's own.
        lexicon: A user lexicon to build in.

    Returns:
        The version's folder.
    Raises:
        ValueError, FileNotFoundError: No such voice, sampler or lexicon; the version
            exists.
        RuntimeError: The export did not pass its verification.
        OSError: Not writable, or no space.
    """
    target = output / str(_choose_version(output, version))
    from wg2.voice import Voice

    voice = Voice.load(voice_dir)
    with _unpublished(output, target) as temporary:
        _write(temporary, voice, voice_dir, sampler, lexicon)
        _verify(temporary)
    return target


def _choose_version(output: Path, version: int | None) -> int:
    if version is not None and not 0 <= version < 2**63:
        raise ValueError(f"--version must be a whole number >= 0. Received: {version}")
    existing = []
    if output.is_dir():
        numbers = [int(p.name) for p in output.iterdir() if p.name.isdecimal()]
        existing = [number for number in numbers if number < 2**63]
    if version is None:
        return max(existing, default=0) + 1
    if version in existing:
        raise ValueError(
            f"{output} has a version {version} already, and a server may be using it. "
            "Choose another --version, or leave it out"
        )
    return version


@contextlib.contextmanager
def _unpublished(output: Path, target: Path) -> Iterator[Path]:
    """A folder beside `target` that takes its name if all goes well."""
    output.mkdir(parents=True, exist_ok=True)
    name = f".export-{target.name}."
    temporary = Path(tempfile.mkdtemp(dir=output, prefix=name))
    try:
        yield temporary
        if target.exists():
            raise ValueError(f"{target} was made by another export meanwhile")
        files.publish_directory(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _write(directory: Path, voice, voice_dir: Path, sampler, lexicon) -> None:
    import tensorflow as tf

    from export import request_logs
    from export.golden import golden_requests, warmup_requests
    from export.served_voice import ServedVoice
    from wg2.inference import Synthesizer
    from wg2.text.lexicon import Lexicon

    served = ServedVoice(voice, sampler, Lexicon(lexicon))
    with tempfile.TemporaryDirectory() as folder:
        served.assets = [
            tf.saved_model.Asset(str(path))
            for path in _assets(Path(folder), served, voice_dir)
        ]
        tf.saved_model.save(served, str(directory), signatures=served.signatures())
    synthesizer = Synthesizer(voice, lexicon)
    extra = directory / request_logs.EXTRA_FOLDER
    request_logs.write(
        extra / request_logs.GOLDEN_FILE, golden_requests(synthesizer, served.sampler)
    )
    request_logs.write(extra / request_logs.WARMUP_FILE, warmup_requests(synthesizer))


def _assets(folder: Path, served: ServedVoice, voice_dir: Path) -> list[Path]:
    """What goes with the graph: the voice's config and card, licences, facts."""
    from wg2 import voice

    paths = [folder / SERVING_FILE]
    text = json.dumps(served.describe(), indent=2, ensure_ascii=False)
    paths[0].write_text(text + "\n", encoding="utf-8")
    root = Path(__file__).resolve().parent.parent
    copied = {
        voice.CONFIG_FILE: voice_dir / voice.CONFIG_FILE,
        voice.CARD_FILE: voice_dir / voice.CARD_FILE,
        "LICENSE": root / "LICENSE",
        # The dictionary and the tagger's model are part of the graph.
        **{path.name: path for path in (root / "wg2/text/data").glob("*.LICENSE")},
    }
    for name, source in copied.items():
        if source.is_file():  # an installed package has its licence elsewhere
            shutil.copyfile(source, folder / name)
            paths.append(folder / name)
    return paths


def _verify(directory: Path) -> None:
    """Runs `export.verify` in a fresh process.

    Raises:
        RuntimeError: It found something.
    """
    result = subprocess.run(
        subprocesses.command("export.verify", str(directory)),
        env=subprocesses.environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if result.returncode not in (0, 1):
        raise RuntimeError(
            f"the verification ended with code {result.returncode}, and the export was "
            "removed"
        )
    if result.returncode:
        last = (result.stdout.strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(
            f"the export did not pass its verification and was removed: {last}"
        )


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes
    started = time.monotonic()
    try:
        path = export(args.voice, args.output, args.version, args.sampler, args.lexicon)
    except BrokenPipeError:
        raise  # for `terminal.run`
    except (ValueError, RuntimeError, OSError) as error:
        print(f"saved_model: {error}", file=sys.stderr)
        return 2
    print(path)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    print(
        f"{size / 1e6:.0f} MB, verified, in {time.monotonic() - started:.0f} s",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(terminal.run("saved_model", main))
