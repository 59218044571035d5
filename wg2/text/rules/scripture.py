"""Chapter and verse: John 3:16 is no time of day."""

from __future__ import annotations

from wg2.text.rules.rule import Rule, RuleGroup, alternatives

_BOOKS = (
    "Genesis", "Exodus", "Leviticus", "Numbers", "Deuteronomy", "Joshua", "Judges",
    "Ruth", "Samuel", "Kings", "Chronicles", "Ezra", "Nehemiah", "Esther", "Job",
    "Psalms?", "Proverbs", "Ecclesiastes", "Isaiah", "Jeremiah", "Lamentations",
    "Ezekiel", "Daniel", "Hosea", "Joel", "Amos", "Obadiah", "Jonah", "Micah", "Nahum",
    "Habakkuk", "Zephaniah", "Haggai", "Zechariah", "Malachi", "Matthew", "Mark",
    "Luke", "John", "Acts", "Romans", "Corinthians", "Galatians", "Ephesians",
    "Philippians", "Colossians", "Thessalonians", "Timothy", "Titus", "Philemon",
    "Hebrews", "James", "Peter", "Jude", "Revelation", "Quran", "Surah",
)  # fmt: skip
_SHORT = {
    "Gen": "Genesis", "Exod?": "Exodus", "Lev": "Leviticus", "Num": "Numbers",
    "Deut": "Deuteronomy", "Josh": "Joshua", "Judg": "Judges", "Sam": "Samuel",
    "Chron?": "Chronicles", "Psa?": "Psalm", "Prov": "Proverbs", "Eccl": "Ecclesiastes",
    "Isa": "Isaiah", "Jer": "Jeremiah", "Ezek": "Ezekiel", "Dan": "Daniel",
    "Mt": "Matthew", "Matt": "Matthew", "Mk": "Mark", "Lk": "Luke", "Jn": "John",
    "Rom": "Romans", "Cor": "Corinthians", "Gal": "Galatians", "Eph": "Ephesians",
    "Phil": "Philippians", "Col": "Colossians", "Thess": "Thessalonians",
    "Tim": "Timothy", "Heb": "Hebrews", "Jas": "James", "Pet": "Peter",
    "Rev": "Revelation",
}  # fmt: skip
_BOOK = alternatives(_BOOKS)

SCRIPTURE = RuleGroup(
    "scripture",
    (
        *(
            Rule(rf"\b{short}\b\.? (\d{{1,3}}:\d)", rf"{book} \1")
            for short, book in _SHORT.items()
        ),
        *(
            Rule(rf"\b{number} ({_BOOK} \d{{1,3}}:\d)", rf"{name} \1")
            for number, name in ((1, "first"), (2, "second"), (3, "third"))
        ),
        Rule(
            rf"\b({_BOOK} \d{{1,3}}):(\d{{1,3}}) ?--? ?(\d{{1,3}}):(\d{{1,3}})",
            r"\1 \2 to \3 \4",
        ),
        Rule(rf"\b({_BOOK} \d{{1,3}}):(\d{{1,3}})", r"\1 \2"),
    ),
    guard=r"[A-Za-z]\.? \d{1,3}:\d",
)
