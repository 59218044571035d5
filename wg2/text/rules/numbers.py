"""Cardinals, ordinals, decades and digit strings; the last step of all numbers.

Rules of other files prepare: `5 @th` is an ordinal, `60 @s` a plural, `_305_` is read
digit by digit.
"""

from __future__ import annotations

from wg2.text.rules.rule import Rule, RuleGroup, repeat

_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
)  # fmt: skip
_TEENS = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen",
    "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = (
    (15, "quadrillion"),
    (12, "trillion"),
    (9, "billion"),
    (6, "million"),
    (3, "thousand"),
)
_IRREGULAR_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth",
    "eight": "eighth", "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip

_SCALE = r"(?:hundred|thousand|million|billion|trillion|quadrillion)"

GROUPED = (
    # One comma at a time; that of "in 1963,1964" has four digits behind it.
    *repeat(Rule(r"(\d),(\d{3}(?:,\d{3})*)\b", r"\1\2"), 5),
)
"""Takes the commas out of numbers; after the years, which have none."""

NUMBERS = RuleGroup(
    "numbers",
    (
        *GROUPED,
        # Leading zeros, and more digits than there are words for: one by one.
        Rule(r"\b(0\d+)\b", r"_\1_"),
        # Thousands, leaving groups of three digits.
        *(
            Rule(rf"\b(\d{{1,3}})(\d{{{digits}}})\b", rf"\1 {name} \2")
            for digits, name in _SCALES
        ),
        *repeat(Rule(r"\b000 (?:trillion|billion|million|thousand) (\d)", r"\1"), 4),
        Rule(rf"({_SCALE}) 000\b", r"\1"),
        Rule(r"\b0{0,2}([1-9])\b", r"\1"),
        Rule(r"\b0([1-9]\d)\b", r"\1"),
        Rule(r"\b([1-9])00\b", r"\1 hundred"),
        Rule(r"\b([1-9])0([1-9])\b", r"\1 hundred \2"),
        Rule(r"\b([1-9])([1-9]\d)\b", r"\1 hundred \2"),
        *(Rule(rf"\b1{i}\b", word) for i, word in enumerate(_TEENS)),
        *(Rule(rf"\b{i}0\b", word) for i, word in enumerate(_TENS, start=2)),
        *(
            Rule(rf"\b{i}([1-9])\b", rf"{word} \1")
            for i, word in enumerate(_TENS, start=2)
        ),
        # What is left is read digit by digit.
        *(Rule(rf"{i}", f" {word} ") for i, word in enumerate(_UNITS)),
        Rule(r"_", " "),
        Rule(r" +", " "),
        *(
            Rule(rf"\b{cardinal} @th", ordinal)
            for cardinal, ordinal in _IRREGULAR_ORDINALS.items()
        ),
        Rule(r"e? @ers", "ers"),
        Rule(r"ty @th", "tieth"),
        Rule(r" @th", "th"),
        Rule(r"([a-z])@s", r"\1s"),
        Rule(r"ty @s", "ties"),
        Rule(r"x @s", "xes"),
        Rule(r" @s", "s"),
    ),
    guard=r"[\d@]",
)
