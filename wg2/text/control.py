"""What texts may say of their pronunciation: `{HH AH0 L OW1}` and `[300ms]`."""

from __future__ import annotations

import re

from wg2.text import symbols
from wg2.text.lexicon import parse_pronunciation
from wg2.text.packed import MAX_PAUSE, pack, pack_pause
from wg2.text.rules.rule import alternatives

_SOUND = alternatives(s for s in symbols.PHONEMES if s not in symbols.BOUNDARIES)

BRACED = rf"\{{\s*(?i:{_SOUND}(?:\s+{_SOUND})*)\s*\}}"
PAUSE = r"\[\s*\d{1,6}(?:\.\d{1,6})?\s*(?i:ms|s)\s*\]"
CONTROL = f"{BRACED}|{PAUSE}"
"""Patterns for `re` and RE2. What is like them but not quite is ordinary text."""

_CONTROL = re.compile(f"({CONTROL})", re.ASCII)
_LIKE_CONTROL = re.compile(r"\{[^{}]*\}|[{}]|\[\s*[-+]?[\d.]+\s*m?s[a-z]*\s*\]", re.I)


def split(text: str) -> list[str]:
    """Ordinary text and controls in turn, ordinary text (perhaps empty) first."""
    return _CONTROL.split(text)


def parse(control: str) -> str:
    """The packed form of a control: phonemes, or a pause."""
    if control[0] == "{":
        return pack(parse_pronunciation(control[1:-1]))
    return pack_pause(_seconds(control))


def check(text: str) -> None:
    """Refuses what seems to be meant as a control but is none.

    Raises:
        ValueError: Saying what is wrong with it.
    """
    for ordinary in split(text)[::2]:
        if not (match := _LIKE_CONTROL.search(ordinary)):
            continue
        found = match.group()
        if len(found) == 1:
            raise ValueError(
                f"Brace without its partner in {' '.join(text.split())[:60]!r}."
                f" A pronunciation is written {{HH AH0 L OW1}}"
            )
        if found[0] == "{":
            parse_pronunciation(found[1:-1])  # says what is wrong
        raise ValueError(f"{found!r} is no pause. Expected e.g. [300ms] or [1.5s]")
    for control in split(text)[1::2]:
        if control[0] == "[" and _seconds(control) > MAX_PAUSE / 100:
            raise ValueError(
                f"The pause {control} is longer than {MAX_PAUSE // 100} s, the longest"
            )


def _seconds(pause: str) -> float:
    value = float(re.search(r"[\d.]+", pause).group())
    return value / 1000 if "m" in pause.lower() else value
