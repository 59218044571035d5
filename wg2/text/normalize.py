"""Written English to its spoken form, by the rules of `wg2.text.rules`."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable

from wg2.text import rules
from wg2.text.characters import clean
from wg2.text.rules.rule import Rule, RuleGroup


@functools.cache
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


@functools.cache
def _steps(group: RuleGroup) -> tuple[tuple[Callable, str], ...]:
    return tuple((_compile(rule.pattern).sub, rule.replacement) for rule in group.rules)


def substitute(rules: Iterable[Rule], text: str) -> str:
    """`text` after all of `rules`."""
    for rule in rules:
        text = _compile(rule.pattern).sub(rule.replacement, text)
    return text


def apply(group: RuleGroup, text: str) -> str:
    """`text` after the rules of `group`."""
    if group.guard and not _compile(group.guard).search(text):
        return text
    for substitute, replacement in _steps(group):
        text = substitute(replacement, text)
    return text


def spoken_form(text: str) -> str:
    """Words, spelled letters (`~x`), capitals (`^word`) and marks, one space between.

    >>> spoken_form("Dr. Smith paid $3 to the FBI, i.e. nothing.")
    'doctor smith paid three dollars to the ~f ~b ~i , that is nothing .'
    """
    text = clean(text)
    for group in rules.CASED:
        text = apply(group, text)
    text = text.lower()
    for group in rules.LOWER_CASED:
        text = apply(group, text)
    return text
