"""States behind a place, post codes, and the points of the compass in addresses."""

from __future__ import annotations

from wg2.text.rules.rule import Rule, RuleGroup, alternatives

_STATES = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas",
    "CA": "California", "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware",
    "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois",
    "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana",
    "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan",
    "MN": "Minnesota", "MS": "Mississippi", "MO": "Missouri", "MT": "Montana",
    "NE": "Nebraska", "NV": "Nevada", "NH": "New Hampshire", "NJ": "New Jersey",
    "NM": "New Mexico", "NY": "New York", "NC": "North Carolina",
    "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon",
    "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina",
    "SD": "South Dakota", "TN": "Tennessee", "TX": "Texas", "UT": "Utah",
    "VT": "Vermont", "VA": "Virginia", "WA": "Washington", "WV": "West Virginia",
    "WI": "Wisconsin", "WY": "Wyoming",
}  # fmt: skip
# Something else too (a degree, a word, a city): a state only before a post code.
_AMBIGUOUS = frozenset(("HI", "ID", "IN", "LA", "ME", "MD", "MS", "OH", "OK", "OR"))

_SHORT_STATES = {
    "Ala": "Alabama", "Ariz": "Arizona", "Calif": "California", "Colo": "Colorado",
    "Conn": "Connecticut", "Fla": "Florida", "Minn": "Minnesota", "Nev": "Nevada",
    "Okla": "Oklahoma", "Tenn": "Tennessee", "Wis": "Wisconsin", "Wyo": "Wyoming",
}  # fmt: skip
# Words or names too: only behind a comma, a hyphen or a parenthesis.
_SHORT_STATES_BEHIND_A_MARK = {
    "Ark": "Arkansas", "Del": "Delaware", "Ga": "Georgia", "Ill": "Illinois",
    "Ind": "Indiana", "Kan": "Kansas", "Ky": "Kentucky", "La": "Louisiana",
    "Mass": "Massachusetts", "Md": "Maryland", "Mich": "Michigan",
    "Miss": "Mississippi", "Mo": "Missouri", "Mont": "Montana", "Neb": "Nebraska",
    "Ore": "Oregon", "Pa": "Pennsylvania", "Tex": "Texas", "Va": "Virginia",
    "Vt": "Vermont", "Wash": "Washington",
}  # fmt: skip
_COMPASS = {"N": "north", "S": "south", "E": "east", "W": "west"}
_STREET = (
    r"(?:St|Ave|Blvd|Rd|Dr|Ln|Pl|Ct|Pkwy|Hwy|Street|Avenue|Boulevard|Road|Drive|Lane|"
    r"Place|Court|Parkway|Highway)"
)
_NAME = r"(?:\d+(?:st|nd|rd|th)|[A-Z][a-z]+(?: [A-Z][a-z]+)?)"


def _short(short: str, state: str, before: str) -> tuple[Rule, ...]:
    return (
        Rule(rf"{before}{short}\.([\"')]*) *$", rf"\1{state}.\2"),
        Rule(rf"{before}{short}\.", rf"\1{state}"),
    )


PLACES = RuleGroup(
    "places",
    (
        Rule(r"(, (?:[A-Z]{2}|D\.C\.)),? (\d{5})-(\d{4})\b", r"\1 _\2_, _\3_"),
        Rule(r"(, (?:[A-Z]{2}|D\.C\.)),? (\d{5})\b", r"\1 _\2_"),
        *(Rule(rf", {code} _", f", {state} _") for code, state in _STATES.items()),
        *(
            Rule(rf"([a-z]), {code}\b", rf"\1, {state}")
            for code, state in _STATES.items()
            if code not in _AMBIGUOUS
        ),
    ),
    guard=r", (?:[A-Z]{2}\b|D\.C\.)",
)

SHORT_PLACES = RuleGroup(
    "short places",
    (
        *(
            rule
            for short, state in _SHORT_STATES.items()
            for rule in _short(short, state, r"(^|[ ,(-])")
        ),
        *(
            rule
            for short, state in _SHORT_STATES_BEHIND_A_MARK.items()
            for rule in _short(short, state, r"(, |\(|\b[DRI]-)")
        ),
    ),
    guard=rf"[ ,(-]{alternatives((*_SHORT_STATES, *_SHORT_STATES_BEHIND_A_MARK))}\.",
)

COMPASS = RuleGroup(
    "compass",
    tuple(
        Rule(rf"(^|[ (]){letter}\.? ({_NAME} {_STREET})\b", rf"\1{name} \2")
        for letter, name in _COMPASS.items()
    ),
    guard=rf"\b[NESW]\.? {_NAME} {_STREET}\b",
)
