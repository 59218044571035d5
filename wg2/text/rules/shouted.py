"""Text in capitals: headings and shouting, where IT and US are words."""

from __future__ import annotations

from wg2.text.rules.rule import Rule, RuleGroup, alternatives

_NAMES = (
    "January", "February", "March", "April", "May", "June", "July", "August",
    "September", "October", "November", "December",
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
    "Chapter", "Part", "Act", "Scene", "Volume", "Section", "Article", "Mrs", "Jr",
    "Sgt", "Capt", "Prof", "Ltd", "Inc", "Corp", "Blvd", "Ave", "Etc",
)  # fmt: skip
# Spelled in ordinary text.
_WORDS = ("It", "Us", "Am", "Hi", "Rip", "La")
_TITLES = ("Mr", "Dr", "St", "No", "Rev", "Gen", "Col", "Gov", "Sen", "Vs")

CAPITALS = RuleGroup(
    "names in capitals",
    (
        *(Rule(rf"\b{name.upper()}\b", name) for name in _NAMES),
        *(Rule(rf"\b{title.upper()}\. ", f"{title}. ") for title in _TITLES),
        Rule(r"\bMR ([A-Z])", r"Mr \1"),
        Rule(r"\bDR ([A-Z])", r"Dr \1"),
        Rule(r"\bIT'", "It'"),
    ),
    guard=rf"\b{alternatives(name.upper() for name in (*_NAMES, *_TITLES))}\b|IT'",
)

SHOUTED = RuleGroup(
    "shouted",
    tuple(
        rule
        for word in _WORDS
        for rule in (
            Rule(rf"([A-Z][A-Z][,;:.!?]* ){word.upper()}\b", rf"\1{word}"),
            Rule(rf"\b{word.upper()}( [A-Z][A-Z])", rf"{word}\1"),
        )
    ),
    guard="^[^a-z]+$",
)
