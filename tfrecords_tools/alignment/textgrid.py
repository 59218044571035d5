"""Praat TextGrid files, as forced aligners write them: reader and writer.

Read are the long and the short text form, UTF-8 or UTF-16. As in Praat, only
free-standing numbers, quoted strings and <flags> count; everything else ("xmin =",
"[1]:") is decoration. Written is the long form in UTF-8.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from wg2 import files

# Aligners round to milliseconds or to 10 ms; neighbours may miss each other by less.
_TOLERANCE_SECONDS = 1e-3

_TOKEN = re.compile(
    r'"(?P<string>[^"]*(?:""[^"]*)*)"'
    r"|<(?P<flag>\w+)>"
    r"|(?<!\S)(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?!\S)"
    r"|(?<!\S)!.*"
)


class TextGridError(ValueError):
    """A TextGrid that cannot be read; the message begins with its path."""


class Interval(NamedTuple):
    start_seconds: float
    end_seconds: float
    label: str

    @property
    def middle_seconds(self) -> float:
        return 0.5 * (self.start_seconds + self.end_seconds)


@dataclass(frozen=True)
class TextGrid:
    """Interval tiers by name, of a recording from 0 to `end_seconds`."""

    end_seconds: float
    tiers: dict[str, tuple[Interval, ...]]

    def tier(self, name: str) -> tuple[Interval, ...]:
        """The tier "words" or "phones"; MFA also writes "<speaker> - words".

        Raises:
            TextGridError: If there is none, or several.
        """
        found = [
            tier
            for tier in self.tiers
            if tier.lower() == name or tier.lower().endswith(f"- {name}")
        ]
        if len(found) != 1:
            have = ", ".join(map(repr, self.tiers)) or "none"
            raise TextGridError(f"expected one tier {name!r}. It has the tiers: {have}")
        return self.tiers[found[0]]


def read(path: str | Path) -> TextGrid:
    """Reads a TextGrid file.

    Raises:
        FileNotFoundError: If there is none.
        TextGridError: If it is not a whole, consistent TextGrid.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        return parse(_decode(path.read_bytes()))
    except TextGridError as error:
        raise TextGridError(f"{path}: {error}") from None


def parse(text: str) -> TextGrid:
    """Reads the text of a TextGrid file.

    Raises:
        TextGridError: If it is not a whole, consistent TextGrid.
    """
    tokens = _Tokens(text)
    if tokens.string("file type") not in ("ooTextFile", "ooTextFile short"):
        raise TextGridError('not a TextGrid: it should begin with "ooTextFile"')
    if tokens.string("object class") != "TextGrid":
        raise TextGridError('not a TextGrid: the object class is not "TextGrid"')
    start, end = tokens.number("xmin"), tokens.number("xmax")
    if abs(start) > _TOLERANCE_SECONDS or end <= start:
        raise TextGridError(f"expected times from 0 to the end, got {start} to {end}")
    tiers = {}
    if tokens.flag() == "exists":
        for _ in range(tokens.count("number of tiers")):
            name, intervals = _parse_tier(tokens, end)
            if intervals is None:
                continue
            if name in tiers:
                raise TextGridError(f"two tiers are named {name!r}")
            tiers[name] = intervals
    return TextGrid(end, tiers)


def write(path: str | Path, grid: TextGrid) -> None:
    """Writes a TextGrid, whole or not at all. What is read back is the same.

    Raises:
        ValueError: If the intervals of a tier are not from 0 to the end without a gap.
        OSError: If it cannot be written.
    """
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    lines += ["xmin = 0", f"xmax = {grid.end_seconds!r}", "tiers? <exists>"]
    lines += [f"size = {len(grid.tiers)}", "item []:"]
    for i, (name, intervals) in enumerate(grid.tiers.items(), start=1):
        _check_contiguous(name, intervals, grid.end_seconds)
        lines += [
            f"    item [{i}]:",
            '        class = "IntervalTier"',
            f"        name = {_quoted(name)}",
            "        xmin = 0",
            f"        xmax = {grid.end_seconds!r}",
            f"        intervals: size = {len(intervals)}",
        ]
        for j, interval in enumerate(intervals, start=1):
            lines += [
                f"        intervals [{j}]:",
                f"            xmin = {interval.start_seconds!r}",
                f"            xmax = {interval.end_seconds!r}",
                f"            text = {_quoted(interval.label)}",
            ]
    with files.atomic_write(path, "w") as file:
        file.write("\n".join(lines) + "\n")


def _check_contiguous(name: str, intervals: Sequence[Interval], end: float) -> None:
    ends = [0.0, *(interval.end_seconds for interval in intervals)]
    starts = [*(interval.start_seconds for interval in intervals), end]
    if starts != ends or any(i.end_seconds <= i.start_seconds for i in intervals):
        raise ValueError(f"tier {name!r} must go from 0 to {end} s: {intervals}")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _parse_tier(tokens: _Tokens, end: float) -> tuple[str, tuple | None]:
    """Name and intervals of the next tier; None for a tier of points."""
    kind = tokens.string("tier class")
    name = tokens.string("tier name")
    tokens.number("xmin"), tokens.number("xmax")
    size = tokens.count("number of intervals")
    if kind == "TextTier":
        for _ in range(size):
            tokens.number("time"), tokens.string("mark")
        return name, None
    if kind != "IntervalTier":
        raise TextGridError(f"tier {name!r} is of the unknown class {kind!r}")
    intervals = []
    previous_end = 0.0
    for i in range(1, size + 1):
        interval = Interval(
            tokens.number("xmin"), tokens.number("xmax"), tokens.string("text").strip()
        )
        if interval.start_seconds < previous_end - _TOLERANCE_SECONDS:
            raise TextGridError(
                f"interval {i} of tier {name!r} starts at {interval.start_seconds} s, "
                f"before the end of the one before it ({previous_end} s)"
            )
        if interval.end_seconds < interval.start_seconds:
            raise TextGridError(
                f"interval {i} of tier {name!r} ends at {interval.end_seconds} s, "
                f"before its start ({interval.start_seconds} s)"
            )
        previous_end = interval.end_seconds
        intervals.append(interval)
    if previous_end > end + _TOLERANCE_SECONDS:
        raise TextGridError(
            f"tier {name!r} ends at {previous_end} s, the TextGrid at {end} s"
        )
    return name, tuple(intervals)


class _Tokens:
    """The meaningful tokens of a TextGrid, in order, with their kind checked."""

    def __init__(self, text: str):
        self._text = text
        self._matches: Iterator[re.Match] = _TOKEN.finditer(text)

    def _next(self, kind: str, what: str) -> str:
        for match in self._matches:
            if match.lastgroup is None:  # a comment
                continue
            if match.lastgroup == kind:
                return match[kind]
            line = self._text.count("\n", 0, match.start()) + 1
            raise TextGridError(
                f"line {line}: expected {what} (a {kind}), got {match[0][:40]!r}"
            )
        raise TextGridError(f"the file ends where {what} (a {kind}) should follow")

    def string(self, what: str) -> str:
        return self._next("string", what).replace('""', '"')

    def flag(self) -> str:
        return self._next("flag", "whether there are tiers")

    def number(self, what: str) -> float:
        return float(self._next("number", what))

    def count(self, what: str) -> int:
        value = self._next("number", what)
        if not value.isdigit():
            raise TextGridError(f"expected {what} (a whole number), got {value}")
        return int(value)


def _decode(data: bytes) -> str:
    encoding = "utf-8-sig"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise TextGridError(
            f"neither UTF-8 nor UTF-16 (byte {error.start} is "
            f"0x{data[error.start]:02x})"
        ) from None
