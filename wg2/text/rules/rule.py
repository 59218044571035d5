"""The form of normalisation rules, which two executors run: Python's `re` and RE2.

A pattern uses only what both understand alike: no look-around, no back-reference, no
possessive or lazy quantifier, no empty match; `\\b`, `\\d`, `\\w` and `\\s` are ASCII.
A replacement refers to groups by `\\1` to `\\9`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Rule(NamedTuple):
    """Every match of `pattern`, from left to right, becomes `replacement`."""

    pattern: str
    replacement: str


class RuleGroup(NamedTuple):
    """Rules in the order of their application.

    Args:
        name: For messages and tests.
        rules: Each sees what the ones before it left.
        guard: The group is skipped for texts without a match of this pattern; an empty
            one matches every text.
    """

    name: str
    rules: tuple[Rule, ...]
    guard: str = ""


def alternatives(words: Iterable[str]) -> str:
    """A group without number that matches one of `words`, the longest first."""
    ordered = sorted(words, key=lambda word: (-len(word), word))
    return "(?:" + "|".join(ordered) + ")"


def repeat(rule: Rule, times: int) -> tuple[Rule, ...]:
    """`rule` several times, for matches that share characters with their neighbours."""
    return (rule,) * times
