"""Command line: sound files -> what a recogniser hears in them.

    python -m tfrecords_tools.recognize --units both clip.wav

prints one line for each file: its name, the words, and the phones, between tabs. With
`--stream`, programs send recordings to standard input, in the form of
`wg2.audio.stream`, and read JSON lines: first `{"ready": true}`, then one object such
as `{"words": ["hello"]}` for each recording.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfrecords_tools import parallel, recognition
from tfrecords_tools.audio import probe, reading
from tfrecords_tools.decoding import require_pocketsphinx
from tfrecords_tools.inspection.terminal_text import one_line
from tfrecords_tools.recognition import Recognizer
from tfrecords_tools.utterance import SkipUtterance
from wg2 import terminal
from wg2.audio import stream

_BOTH = "both"


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tfrecords_tools.recognize",
        description="Prints what pocketsphinx hears in sound files of English speech, "
        "one line for each file. Exit code 2: some file could not be read.",
    )
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="WAV, FLAC, MP3, Ogg; several channels are averaged",
    )
    parser.add_argument(
        "--stream",
        action="store_true",
        help="for programs, in place of files: recordings from standard input, JSON "
        "lines to standard output",
    )
    parser.add_argument(
        "--units",
        choices=(*recognition.UNITS, _BOTH),
        default=recognition.WORDS,
        help="what to hear (default: %(default)s)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    units = recognition.UNITS if args.units == _BOTH else (args.units,)
    try:
        if bool(args.files) == args.stream:
            raise ValueError("expected sound files, or --stream without files")
        require_pocketsphinx("the recogniser")
        if args.stream:
            _hear_stream(units)
            return 0
        return _hear_files(args.files, units)
    except BrokenPipeError:
        raise  # for `terminal.run`
    except (ValueError, OSError) as error:
        print(f"recognize: {error}", file=sys.stderr)
        return 2


def _hear_files(paths: Sequence[Path], units: Sequence[str]) -> int:
    """Prints a line for each file that can be read; the exit code."""
    recognizers = [Recognizer(one) for one in units]
    status = 0
    for path in paths:
        try:
            recording = _read(path)
        except SkipUtterance as skip:
            print(f"recognize: {one_line(f'{path}: {skip}')}", file=sys.stderr)
            status = 2
            continue
        heard = (r.hear(recording.audio, recording.sample_rate_hz) for r in recognizers)
        line = "\t".join([one_line(str(path)), *map(" ".join, heard)])
        print(line, flush=True)
    return status


def _read(path: Path) -> reading.Recording:
    if not path.is_file():
        raise SkipUtterance("no such file")
    # At its own rate: the recogniser's may be higher.
    return reading.read(path, probe.probe(path).sample_rate_hz)


def _hear_stream(units: Sequence[str]) -> None:
    """Answers recordings from standard input until it ends."""
    parallel.start_worker(os.getppid())
    recognizers = [Recognizer(one) for one in units]
    _answer({"ready": True})
    while (recording := stream.read(sys.stdin.buffer)) is not None:
        _answer({r.units: r.hear(*recording) for r in recognizers})


def _answer(values: dict[str, Any]) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    sys.exit(terminal.run("recognize", main))
