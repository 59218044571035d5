"""Roman numerals after names, headings and wars."""

from __future__ import annotations

from wg2.text.rules.rule import Rule, RuleGroup, alternatives

_RULERS = (
    "Charles", "George", "Henry", "Edward", "James", "William", "Richard", "Elizabeth",
    "Mary", "Napoleon", "Louis", "Philip", "Frederick", "Alexander", "Nicholas",
    "Peter", "Catherine", "Ivan", "Otto", "Ferdinand", "Francis", "Leopold", "Wilhelm",
    "Pope",
    "Pius", "Leo", "Gregory", "Benedict", "Innocent", "Clement", "Urban", "Boniface",
    "Paul", "John Paul", "Alfonso", "Umberto", "Victor", "Emmanuel", "Gustav",
    "Christian", "Haakon", "Harald", "Olav", "Margaret", "Rameses", "Ramses",
    "Ptolemy", "Darius",
    "Xerxes", "Constantine", "Justinian", "Theodosius", "Robert",
    "Maximilian", "Rudolf", "Joseph", "Franz", "Sigismund", "Casimir", "Vladimir",
)  # fmt: skip
_TITLE = r"(?:Pope|King|Queen|Emperor|Empress|Tsar|Czar|Kaiser)"
_HEADINGS = (
    "Chapter", "Part", "Act", "Scene", "Volume", "Book", "Section", "Article", "Title",
    "Appendix", "Type", "Phase", "Class", "Table", "Figure", "Plate", "Lesson", "Canto",
    "World War", "Mark", "Rocky", "Apollo", "Saturn", "Division", "Grade", "Stage",
)  # fmt: skip
_TENS = {0: "", 1: "X", 2: "XX", 3: "XXX", 4: "XL", 5: "L"}
_ONES = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")

NUMERALS = {
    tens * 10 + ones: _TENS[tens] + _ONES[ones]
    for tens in _TENS
    for ones in range(10)
    if tens or ones
}

_ANY = alternatives(NUMERALS.values())
_LONG = alternatives(
    numeral
    for numeral in NUMERALS.values()
    if len(numeral) > 1 and numeral not in ("XXX", "XL", "LI", "LIV")
)
_UNMISTAKABLE = alternatives(
    numeral
    for numeral in NUMERALS.values()
    if numeral == "II" or (len(numeral) > 2 and numeral not in ("XXX", "LIV", "LVI"))
)
# In small letters: page xii, Scene ii, (iii).
_SMALL = (
    "ii",
    "iii",
    "iv",
    "vi",
    "vii",
    "viii",
    "ix",
    "xi",
    "xii",
    "xiii",
    "xiv",
    "xvi",
)
_LONG_NUMERAL = rf"({_LONG})\b"

# The period after a numeral ends a sentence only before a capital or at the end.
ROMAN = RuleGroup(
    "roman",
    (
        Rule(r"\bWW ?(III|II|I)\b", r"World War \1"),
        Rule(rf"\b({_LONG}|V|X)(?:th|st)?( [Cc]entur)", r"@\1@ @th\2"),
        *(
            Rule(rf"\b{numeral.lower()}\b", str(number))
            for number, numeral in NUMERALS.items()
            if numeral.lower() in _SMALL
        ),
        Rule(rf"\b({alternatives(_RULERS)}) ({_ANY})\.( [a-z]|[,;:])", r"\1 \2\3"),
        Rule(rf"\b({_TITLE} [A-Z][a-z]+) ({_ANY})\b", r"\1 the @\2@ @th"),
        Rule(rf"\b({alternatives(_RULERS)}) ({_ANY})\b", r"\1 the @\2@ @th"),
        Rule(rf"\b((?i:{alternatives(_HEADINGS)})s?) ({_ANY})\b", r"\1 @\2@"),
        # These are nothing else.
        Rule(rf"(^|[^@\w])({_UNMISTAKABLE})\b", r"\1@\2@"),
        # After any other name only a numeral of several letters.
        Rule(rf"\b([A-Z][a-z]+) {_LONG_NUMERAL}", r"\1 @\2@"),
        *(Rule(rf"@{numeral}@", str(number)) for number, numeral in NUMERALS.items()),
    ),
    guard=r"\b(?:[IVXL]+|[xiv]{2,}|WW ?I+)\b",
)
