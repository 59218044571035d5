"""Makes wg2/text/data/tagger.json.xz from the model of textblob-aptagger.

Run once, on the files of its unpacked wheel (`pip download --no-deps
textblob-aptagger`; by Matthew Honnibal and Steven Loria, MIT licence):

    PYTHONPATH=. python tools/make_tagger.py trontagger-0.1.0.pickle METADATA

The result is JSON: `tags`, `words` (word -> tag of words that have only one, in lower
case as the front end has them) and `features` (feature -> tag and weight in turn, the
weight in units of 0.002, so that it fits 16 bits and sums are exact).
"""

from __future__ import annotations

import argparse
import json
import lzma
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path

from wg2.files import atomic_write

DATA = Path(__file__).resolve().parent.parent / "wg2" / "text" / "data"


class _PlainUnpickler(pickle.Unpickler):
    """Builds dictionaries, sets, strings and numbers, and nothing that runs code."""

    def find_class(self, module: str, name: str):
        if (module, name) in (("builtins", "set"), ("__builtin__", "set")):
            return set
        raise pickle.UnpicklingError(f"unexpected {module}.{name}")


def convert(weights: dict, words: dict[str, str], tags: set[str]) -> dict:
    """The contents of the result."""
    # Of equal scores the tag that comes last in the alphabet wins, as in the original.
    ordered = sorted(tags, reverse=True)
    single = {}
    for word in sorted(words, key=lambda word: word != word.lower()):
        single.setdefault(word.lower(), ordered.index(words[word]))
    features = {}
    for feature in sorted(weights):
        flat = []
        for tag, weight in sorted(weights[feature].items()):
            if units := round(weight * 500):
                flat += [ordered.index(tag), units]
        if flat:
            features[feature] = flat
    return {"tags": ordered, "words": single, "features": features}


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="trontagger-0.1.0.pickle")
    parser.add_argument("licence", type=Path, help="METADATA, which holds the licence")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    try:
        with open(args.model, "rb") as file:
            model = _PlainUnpickler(file, encoding="latin1").load()
        metadata = args.licence.read_text(encoding="utf-8")
    except (OSError, pickle.UnpicklingError) as error:
        print(f"make_tagger: {error}", file=sys.stderr)
        return 2
    text = json.dumps(convert(*model), separators=(",", ":"), ensure_ascii=False)
    with atomic_write(DATA / "tagger.json.xz") as file:
        file.write(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    start, end = metadata.index("Copyright"), metadata.index("Description:")
    with atomic_write(DATA / "tagger.LICENSE", "w") as file:
        licence = metadata[start:end].strip().splitlines()
        file.writelines(f"{x}\n" for x in licence if not x.startswith("Requires-Dist"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
