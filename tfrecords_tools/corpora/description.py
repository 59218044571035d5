"""`corpus.json`: what a corpus says of itself, for datasets and voices made of it."""

from __future__ import annotations

import json
from pathlib import Path

from wg2.data.dataset import Corpus

FILE_NAME = "corpus.json"
_FIELDS = ("name", "language", "licence", "source")


def describe(
    path: Path,
    language: str,
    name: str | None = None,
    licence: str | None = None,
) -> Corpus:
    """Name, language, licence and source of a corpus.

    Args:
        path: The corpus: a folder, or its metadata file.
        language: Where neither `corpus.json` nor the caller says otherwise.
        name, licence: The caller's word, before that of `corpus.json`.

    Raises:
        ValueError: If there is a `corpus.json` that is not one.
    """
    folder = path if path.is_dir() else path.parent
    told = _read(folder / FILE_NAME)
    return Corpus(
        name=name or told.get("name") or path.resolve().stem,
        language=told.get("language") or language,
        licence=licence or told.get("licence") or "unknown",
        source=told.get("source") or str(path.resolve()),
    )


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(told, dict):
        raise ValueError(f"{path} must hold an object with {', '.join(_FIELDS)}")
    for field in _FIELDS:
        if not isinstance(told.get(field, ""), str):
            raise ValueError(f"{path}: {field!r} must be text, not {told[field]!r}")
    return told
