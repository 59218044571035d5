"""The rules keep to what Python's `re` and RE2 run alike."""

from __future__ import annotations

import re

import pytest
import tensorflow as tf

from tests.text import cases
from wg2.text import control, frontend, normalize, packed, tagger, word_forms
from wg2.text.graph import ARRANGE
from wg2.text.rules import CASED, LOWER_CASED, ROW
from wg2.text.rules.rule import Rule, RuleGroup

GROUPS = (*CASED, *LOWER_CASED, ROW)
RULES = [
    *(rule for group in GROUPS for rule in group.rules),
    *word_forms.ENDINGS,
    *tagger.CLITICS,
    *ARRANGE,
]
PATTERNS = [
    *(rule.pattern for rule in RULES),
    *(group.guard for group in GROUPS if group.guard),
    *(stem.pattern for stem in word_forms.STEMS),
    control.CONTROL,
    packed.PAUSE,
]


def test_patterns_use_no_construct_that_only_one_engine_has():
    for pattern in PATTERNS:
        assert not re.search(
            r"\(\?[=!<P]|\\[1-9]|[*+?}]\?|[*+?}]\+|\\Z|\\A", pattern
        ), pattern
        assert not pattern.startswith("(?"), pattern  # a flag for all of it
        re.compile(pattern, re.ASCII)


def test_no_pattern_matches_nothing():
    """The engines differ in where they find empty matches."""
    for rule in RULES:
        if not rule.pattern.startswith("^ | $"):
            assert (
                not re.match(f"(?:{rule.pattern})$", "", re.ASCII)
                or "$" in rule.pattern
            )


def test_replacements_name_groups_that_exist_and_no_digit_follows():
    for pattern, replacement in RULES:
        groups = re.compile(pattern, re.ASCII).groups
        assert not re.search(r"\\\d\d|\\0|\\[^\d]", replacement), replacement
        for number in re.findall(r"\\(\d)", replacement):
            assert int(number) <= groups, (pattern, replacement)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_re2_compiles_every_pattern(group):
    text = tf.constant(["x 1"])
    for pattern in (*(rule.pattern for rule in group.rules), group.guard):
        tf.strings.regex_replace(text, pattern, "")


def family(group: RuleGroup, rule: Rule) -> tuple[str, str]:
    """What rules that are made from one table share: all but words and signs of money.

    One that a case fires speaks for the others: a case for each of 50 states would be
    the table once more.
    """
    word = r"(\\[^\d$])|\[[A-Za-z]{1,2}\]|\w+|\\?[£€¥₹$]+"
    return group.name, re.sub(word, lambda m: m.group(1) or "w", rule.pattern)


def test_every_rule_or_one_of_its_family_fires_in_a_case(monkeypatch):
    """A rule that no case needs may be wrong, or dead behind an earlier one."""
    fired = set()

    def apply(group: RuleGroup, text: str) -> str:
        if group.guard and not re.search(group.guard, text, re.ASCII):
            return text
        for rule in group.rules:
            before, text = text, normalize.substitute((rule,), text)
            if text != before:
                fired.add(family(group, rule))
        return text

    monkeypatch.setattr(normalize, "apply", apply)
    monkeypatch.setattr(frontend, "apply", apply)
    for written, _ in cases.read():
        frontend.tokenize(written)
    silent = [
        rule.pattern
        for group in GROUPS
        for rule in group.rules
        if family(group, rule) not in fired
    ]
    assert not silent
