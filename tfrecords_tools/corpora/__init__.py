"""Readers of speech corpora: one module per layout, one function for all."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tfrecords_tools.corpora import libritts, ljspeech, plain, vctk
from tfrecords_tools.utterance import Skipped, Utterance

LAYOUTS = ("ljspeech", "vctk", "libritts", "plain")


def recognise(directory: str | Path) -> str:
    """Which of `LAYOUTS` a corpus has.

    Raises:
        FileNotFoundError: If there is no such folder, or it has none of them.
    """
    directory = Path(directory)
    if not directory.exists():
        raise FileNotFoundError(f"No corpus folder at {directory}")
    if directory.is_dir():
        # A file of metadata someone wrote for VCTK counts for more than its folders.
        for name, layout in (("vctk", vctk), ("libritts", libritts)):
            if plain.find_metadata(directory) is None and layout.recognises(directory):
                return name
    if plain.find_metadata(directory) is not None:
        return "plain"
    raise FileNotFoundError(
        f"{directory} is no corpus that is known: expected metadata.csv (lines "
        "`id|text`) with wavs/, VCTK's txt/ and wav48_silence_trimmed/, or LibriTTS' "
        "speaker/chapter/*.normalized.txt; name a file of `id|text` lines, or see "
        "--layout"
    )


def read(
    directory: str | Path,
    layout: str | None = None,
    *,
    columns: Sequence[str] | None = None,
    mic: int | None = None,
) -> tuple[list[Utterance], list[Skipped]]:
    """Lists the utterances of a corpus without reading its audio.

    Args:
        directory: Folder of the corpus, or a file of pipe-separated metadata.
        layout: One of `LAYOUTS`; None recognises it.
        columns: What the fields of pipe-separated metadata are; see `plain.read`.
        mic: VCTK's microphone, 1 (if None) or 2.

    Returns:
        Utterances sorted by id, and what was left out, with the reason.

    Raises:
        FileNotFoundError: If a folder or file is missing, or no layout fits.
        ValueError: If the contents or an argument make no sense.
    """
    if layout is not None and layout not in LAYOUTS:
        raise ValueError(f"--layout must be one of {', '.join(LAYOUTS)}: {layout!r}")
    layout = layout or recognise(directory)
    if columns is not None and layout != "plain":
        raise ValueError(f"--columns is for --layout plain, this one is {layout}")
    if mic is not None and layout != "vctk":
        raise ValueError(f"--mic is for --layout vctk, this one is {layout}")
    if layout == "plain":
        return plain.read(directory, columns)
    if layout == "vctk":
        return vctk.read(directory, mic or 1)
    return {"libritts": libritts, "ljspeech": ljspeech}[layout].read(directory)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of every command that reads a corpus; see `read_arguments`."""
    parser.add_argument(
        "--input",
        required=True,
        type=Path,
        metavar="CORPUS",
        help="folder in the layout of LJSpeech (metadata.csv, wavs/), VCTK or "
        "LibriTTS, or a file of lines such as id|text",
    )
    parser.add_argument(
        "--layout", choices=LAYOUTS, help="default: recognised from the folder"
    )
    parser.add_argument(
        "--columns",
        type=lambda text: tuple(text.split(",")),
        metavar="NAMES",
        help="the fields of pipe-separated metadata, if they are not told right: "
        "id,text or id,speaker,text; ignored stands for one without use",
    )
    parser.add_argument(
        "--mic", type=int, choices=(1, 2), help="VCTK's microphone (default: 1)"
    )


def read_arguments(
    args: argparse.Namespace,
) -> tuple[list[Utterance], list[Skipped]]:
    """`read` with the options of `add_arguments`."""
    return read(args.input, args.layout, columns=args.columns, mic=args.mic)
