"""Written to spoken form: a table by hand, all cardinals against a closed form."""

from __future__ import annotations

import random
import re

import pytest

from tests.text import cases
from wg2.text.frontend import spoken_text
from wg2.text.normalize import spoken_form

ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = [
    "zero",
    "ten",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
]
SPOKEN = re.compile(r"(?:(?:\^?[a-z']+|~[a-z](?:'s)?|[,;:.?!])(?: |$))*")


def cardinal(number: int) -> str:
    """English by recursion, independent of the rules."""
    for size, name in (
        (10**15, "quadrillion"), (10**12, "trillion"), (10**9, "billion"),
        (10**6, "million"), (1000, "thousand"), (100, "hundred"),
    ):  # fmt: skip
        if number >= size:
            rest = f" {cardinal(number % size)}" if number % size else ""
            return f"{cardinal(number // size)} {name}{rest}"
    if number < 20:
        return ONES[number]
    return TENS[number // 10] + (f" {ONES[number % 10]}" if number % 10 else "")


@pytest.mark.parametrize(("written", "spoken"), cases.read())
def test_table(written, spoken):
    assert spoken_text(written) == spoken


def test_table_has_400_cases():
    assert len(cases.read()) >= 400


def test_cardinals_with_commas_equal_the_recursion():
    draw = random.Random(1)
    numbers = [
        *range(1000),
        *(draw.randrange(10 ** draw.randint(4, 18)) for _ in range(500)),
    ]
    numbers += [10**n + d for n in range(3, 18) for d in (-1, 0, 1)]
    for number in numbers:
        assert spoken_form(f"x {number:,} x") == f"~x {cardinal(number)} ~x".replace(
            "~x", "x"
        ), number


def test_every_year_is_read_in_two_halves():
    for year in range(1100, 2100):
        century, rest = divmod(year, 100)
        if 2000 <= year < 2010:
            expected = cardinal(year)
        elif rest == 0:
            expected = f"{cardinal(century)} hundred"
        elif rest < 10:
            expected = f"{cardinal(century)} oh {cardinal(rest)}"
        else:
            expected = f"{cardinal(century)} {cardinal(rest)}"
        assert spoken_form(f"in {year} we") == f"in {expected} we"


def test_output_has_nothing_but_words_letters_and_marks():
    draw = random.Random(2)
    pieces = [written for written, _ in cases.read()]
    alphabet = "aAbZ019 .,;:?!'\"()[]-–—%$£€#&@/\\+=<>*_~^|`°½²éßΩ中😀\u200b\t\n\x00"
    texts = ["".join(draw.choices(alphabet, k=40)) for _ in range(400)]
    texts += [" ".join(draw.sample(pieces, 3)) for _ in range(100)]
    for text in texts:
        assert SPOKEN.fullmatch(spoken_form(text).strip()), text
