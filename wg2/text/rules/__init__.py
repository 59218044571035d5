"""Normalisation rules as data: written English to its spoken form.

Every rule is a pattern and a replacement (`rule.Rule`) that Python's `re` and RE2 run
alike, so one set of rules serves `wg2.text.normalize` and the TensorFlow graph of
`wg2.text.graph`. The input is the ASCII of `wg2.text.characters` and the few symbols it
keeps.

Marks that rules leave for later ones: `~x` a letter to be spelled, `^word` a word in
capitals, `5 @th` an ordinal, `60 @s` a plural, `_305_` digits to be read one by one.
"""

from __future__ import annotations

from wg2.text.rules.abbreviations import ABBREVIATIONS, LETTERS
from wg2.text.rules.calendar_dates import DATES, NAMES, TIMES, YEARS
from wg2.text.rules.figures import CODES, FIGURES, PHONES, SYMBOLS
from wg2.text.rules.measures import MONEY, UNITS
from wg2.text.rules.numbers import NUMBERS
from wg2.text.rules.places import COMPASS, PLACES, SHORT_PLACES
from wg2.text.rules.punctuation import ELLIPSIS, PUNCTUATION, ROW
from wg2.text.rules.respelled import RESPELLED
from wg2.text.rules.roman import ROMAN
from wg2.text.rules.rule import RuleGroup
from wg2.text.rules.scripture import SCRIPTURE
from wg2.text.rules.shouted import CAPITALS, SHOUTED
from wg2.text.rules.web import AT_SIGNS, FREED, WEB

CASED: tuple[RuleGroup, ...] = (
    ELLIPSIS,
    FREED,
    WEB,
    AT_SIGNS,
    SHOUTED,
    CAPITALS,
    RESPELLED,
    MONEY,
    SCRIPTURE,
    TIMES,
    PLACES,
    SHORT_PLACES,
    COMPASS,
    NAMES,
    DATES,
    UNITS,
    PHONES,
    ABBREVIATIONS,
    ROMAN,
    CODES,
    YEARS,
    FIGURES,
    SYMBOLS,
    LETTERS,
    NUMBERS,
)
"""Applied first, in this order; then the text is put in lower case."""

LOWER_CASED: tuple[RuleGroup, ...] = (PUNCTUATION,)
"""Applied after that."""

__all__ = ["CASED", "LOWER_CASED", "ROW"]
