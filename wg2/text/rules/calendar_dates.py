"""Dates, years, decades and times of day."""

from __future__ import annotations

from wg2.text.rules.rule import Rule, RuleGroup, alternatives

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August",
    "September", "October", "November", "December",
)  # fmt: skip
_WEEKDAYS = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip
_SHORT_WEEKDAYS = {
    "Mon": "Monday", "Tues?": "Tuesday", "Wed": "Wednesday", "Thu(?:rs?)?": "Thursday",
    "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip

_MONTH = alternatives(MONTHS)
_DAY = r"0?([1-9]|[12]\d|3[01])"
_YEAR = r"(1\d{3}|20\d\d)"
_CENTURIES = {
    10: "ten", 11: "eleven", 12: "twelve", 13: "thirteen", 14: "fourteen",
    15: "fifteen", 16: "sixteen", 17: "seventeen", 18: "eighteen", 19: "nineteen",
    20: "twenty",
}  # fmt: skip


# Not months by themselves: Jan is a name, May a verb.
_NAMES_TOO = ("Jan", "Mar", "May", "Jun", "Jul")


def _names() -> tuple[Rule, ...]:
    """Months and weekdays without a number beside them: `Mon.-Fri.`, `Thurs. night`."""
    rules = []
    for short, name in (
        *_SHORT_WEEKDAYS.items(),
        *((month[:3], month) for month in MONTHS if month != "May"),
    ):
        rules += [
            Rule(rf"\b{short}\b\.?( ?--? ?[A-Z][a-z]{{2}})", rf"{name}\1"),
            Rule(rf"([yhltr] ?--? ?){short}\.([ ,;:)])", rf"\1{name}\2"),
            Rule(rf"([yhltr] ?--? ?){short}\b", rf"\1{name}"),
        ]
    with_period = {
        short: day for short, day in _SHORT_WEEKDAYS.items() if short != "Sun"
    }
    with_period |= {month[:3]: month for month in MONTHS if month[:3] not in _NAMES_TOO}
    for short, name in with_period.items():
        rules += [
            Rule(rf"\b{short}\.( [a-z]|[,;:)])", rf"{name}\1"),
            Rule(rf"\b{short}\.$", f"{name}."),
        ]
    for short, name in _SHORT_WEEKDAYS.items():
        hours = (
            r"\d+(?:-| to | o'clock| ~[ap]| \d)" if short in ("Sat", "Sun") else r"\d"
        )
        rules.append(Rule(rf"\b{short} ({hours}|closed)", rf"{name} \1"))
    for month in ("January", "March", "June", "July"):
        before = rf"\b(in|since|until|by|of|last|next) {month[:3]}\."
        rules.append(Rule(rf"{before}([\"')]*)$", rf"\1 {month}.\2"))
        rules.append(Rule(before, rf"\1 {month}"))
    names = alternatives((*_WEEKDAYS, *MONTHS))
    return (
        *rules,
        Rule(r"\bThurs\b\.?", "Thursday"),
        Rule(r"\bTues\b\.?", "Tuesday"),
        Rule(rf"\b({names}) ?--? ?({names})\b", r"\1 to \2"),
    )


NAMES = RuleGroup(
    "names of days and months",
    _names(),
    guard=(
        r"\b(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|"
        r"Oct|Nov|Dec|[A-Z][a-z]+(?:day|ber|y|ch|il|e|st) ?--? ?[A-Z][a-z]+(?:day|ber|"
        r"y|ch|il|e|st))\b"
    ),
)


def _short_months() -> tuple[Rule, ...]:
    """`Nov. 22`, `22 Nov 1963`, but not the names Jan or the verb mar."""
    rules = []
    for month in MONTHS:
        if month == "May":
            continue
        short = "Sept?" if month == "September" else month[:3]
        if month in ("June", "July"):
            short = month[:3]
        rules += [
            Rule(rf"\b{short}\b\.? (\d|'\d\d\b)", rf"{month} \1"),
            Rule(rf"(\d)-{short}-(\d)", rf"\1 {month} \2"),
            Rule(rf"(\d(?:st|nd|rd|th)?) {short}\b\.?", rf"\1 {month}"),
        ]
    return tuple(rules)


def _numeric_dates() -> tuple[Rule, ...]:
    """`2026-11-22`, `11/22/2026`; of 22/11/2026 only the month can be second."""
    rules = []
    for number, month in enumerate(MONTHS, start=1):
        digits = f"0?{number}" if number < 10 else str(number)
        rules += [
            Rule(rf"\b{_YEAR}([-/.]){digits}[-/.]{_DAY}\b", rf"{month} \3, \1"),
            Rule(rf"\b{digits}[-/]{_DAY}[-/]{_YEAR}\b", rf"{month} \1, \2"),
            Rule(rf"\b{digits}/{_DAY}/(\d\d)\b", rf"{month} \1, \2"),
        ]
    for number, month in enumerate(MONTHS, start=1):
        digits = f"0?{number}" if number < 10 else str(number)
        rules += [
            Rule(rf"\b{_DAY}[/.]{digits}[/.]{_YEAR}\b", rf"\1 {month}, \2"),
            Rule(rf"\b(1[3-9]|2\d|3[01])/{digits}/(\d\d)\b", rf"\1 {month}, \2"),
        ]
    return tuple(rules)


DATES = RuleGroup(
    "dates",
    (
        *_short_months(),
        *_numeric_dates(),
        Rule(rf"\b{_DAY}-({_MONTH})-(\d)", r"\1 \2 \3"),
        # A range of days before the days themselves.
        Rule(
            rf"\b(?:[Tt]he )?{_DAY} ?(?:--?|to|and) ?{_DAY} ({_MONTH})\b",
            r"the \1 @th to \2 @th of \3",
        ),
        Rule(
            rf"\b({_MONTH}) {_DAY} ?--? ?{_DAY}\b",
            r"\1 \2 @th to \3 @th",
        ),
        Rule(rf"\b({_MONTH}) {_DAY}(?:st|nd|rd|th)?\b", r"\1 \2 @th"),
        Rule(r"@th @th", "@th"),
        Rule(rf"(@th) ?--? ?({_MONTH} \d)", r"\1 to \2"),
        Rule(rf"\b{_DAY} ({_MONTH})\b", r"the \1 @th of \2"),
        Rule(rf"(of {_MONTH}) ?--? ?(the \d)", r"\1 to \2"),
        Rule(rf"\b[Tt]he the (\d+ @th of {_MONTH})", r"the \1"),
        Rule(
            rf"\b(?:[Tt]he )?(\d+(?:st|nd|rd|th)) ({_MONTH}),? {_YEAR}\b",
            r"the \1 of \2 \3",
        ),
        Rule(rf"\b({_MONTH} \d+ @th) {_YEAR}\b", r"\1, \2"),
        *(
            Rule(rf"\b{short}\.,? ?({_MONTH}|(?:the )?\d)", rf"{day}, \1")
            for short, day in _SHORT_WEEKDAYS.items()
        ),
        # Decades, before `s` is a second.
        Rule(r"([=:] ?|\b(?:[Aa]|after|every|for|within) )(\d+)s\b", r"\1\2 seconds"),
        Rule(r"\b(1[1-9]\d0|20\d0)(?:'s|s)\b", r"\1 @s"),
        Rule(r"'?\b([2-9]0)(?:'s|s)\b", r"\1 @s"),
        Rule(r"(\d @s) ?--? ?('?\d)", r"\1 to \2"),
        Rule(r"(\d(?:st|nd|rd|th)) ?--? ?(\d+(?:st|nd|rd|th)\b)", r"\1 to \2"),
        # AD and BC.
        Rule(r"(\d) ?B\.?C\.?E\b\.?", r"\1 ~b ~c ~e"),
        Rule(r"(\d) ?B\.?C\b\.?", r"\1 ~b ~c"),
        Rule(r"(\d) ?A\.?D\b\.?", r"\1 ~a ~d"),
        Rule(r"\bA\.?D\.? (\d)", r"~a ~d \1"),
        Rule(r"(^|[ (])(?:circa|[Cc]a?\.) ?(\d{3})", r"\1circa \2"),
        Rule(r"([( ])b\. ?(1\d{3})\b", r"\1born \2"),
        Rule(r"([( ])d\. ?(1\d{3}|20\d\d)\b", r"\1died \2"),
        Rule(r"([( ])r\. ?(\d{3})", r"\1reigned \2"),
    ),
    guard=r"\d",
)


def _year_words() -> tuple[Rule, ...]:
    """1066, 1900, 1905, 1984, 2005 and 2010 as they are said."""
    rules = [
        # Two thousand five, but twenty ten; one thousand five, but ten sixty-six.
        Rule(r"\b200(\d)\b", r"2 thousand \1"),
        Rule(r"\b2 thousand 0\b", "2 thousand"),
    ]
    for century, word in _CENTURIES.items():
        rules.append(Rule(rf"\b{century}([1-9]\d)\b", rf"{word} \1"))
        if century not in (10, 20):
            rules.append(Rule(rf"\b{century}00\b", f"{word} hundred"))
            rules.append(Rule(rf"\b{century}0([1-9])\b", rf"{word} oh \1"))
    return tuple(rules)


YEARS = RuleGroup(
    "years",
    (
        # 1914-18 and 1914--1918; 1962/63.
        Rule(
            r"\b(1[1-9]\d\d|20\d\d) ?--? ?(\d\d|1\d{3}|20\d\d)\b",
            r"\1 to \2",
        ),
        Rule(r"\b(1[1-9]\d\d|20\d\d)/(\d\d)\b", r"\1 \2"),
        Rule(r"(^|[ (\"])'0([1-9])\b", r"\1oh \2"),
        Rule(r"(^|[ (\"])'(\d\d)\b", r"\1 \2"),
        *_year_words(),
    ),
    guard=r"\d",
)
"""Four digits without a comma from 1010 to 2099, unless units or money came before."""


# What may follow p.m. in the same sentence.
_NO_SENTENCE = alternatives(
    (*MONTHS, *_WEEKDAYS, "Eastern", "Central", "Mountain", "Pacific", "Greenwich",
     r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b")
)  # fmt: skip

TIMES = RuleGroup(
    "times",
    (
        Rule(r"\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d)?(?:\.\d+)?Z?\b", r"\1, \2"),
        Rule(r"\b(1?\d)\.([0-5]\d) ?([AaPp])\.?([Mm])\b", r"\1:\2 \3\4"),
        # The half of the day first: p.m. before a new sentence ends the old one.
        Rule(
            rf"(\d) ?([AaPp])\.?[Mm]\. ({_NO_SENTENCE})",
            r"\1 ~\2 ~m \3",
        ),
        Rule(
            r"(\d) ?([AaPp])\.?[Mm]\. ([A-Z][a-z])",
            r"\1 ~\2 ~m. \3",
        ),
        Rule(r"(\d) ?([AaPp])\.?[Mm]\.?([,;:?!])", r"\1 ~\2 ~m\3"),
        Rule(r"(\d) ?([AaPp])\.?[Mm]\.([\"')]*)$", r"\1 ~\2 ~m.\3"),
        Rule(r"(\d) ?([AaPp])\.?[Mm]\b\.?", r"\1 ~\2 ~m"),
        Rule(r"(\d ~[AaPp] ~m) ?--? ?(\d|noon|midnight)", r"\1 to \2"),
        Rule(r"\b(noon|midnight) ?--? ?(\d)", r"\1 to \2"),
        Rule(r"(\d) ?--? ?(noon|midnight)\b", r"\1 to \2"),
        Rule(r"\b(\d{1,2}:\d\d) ?--? ?(\d{1,2}:\d\d)\b", r"\1 to \2"),
        Rule(r"\b0([1-9])00 (hours|hrs|GMT|UTC)\b", r"oh \1 hundred \2"),
        Rule(r"\b0([1-9])([1-5]\d) (hours|hrs|GMT|UTC)\b", r"oh \1 \2 \3"),
        Rule(r"\b([01]?\d|2[0-4]):([0-5]\d):([0-5]\d)\b", r"\1:\2 and \3 seconds"),
        Rule(r"\b0?0:00\b", "midnight"),
        Rule(r"\b0?([1-9]|1\d|2[0-4]):00 (~[aApP])", r"\1 \2"),
        Rule(r"\b0?([1-9]|1[0-2]):00 o'clock", r"\1 o'clock"),
        Rule(r"\b0?([1-9]|1[0-2]):00\b", r"\1 o'clock"),
        Rule(r"\b(1[3-9]|2[0-4]):00(?: hrs| hours)?\b", r"\1 hundred hours"),
        Rule(r"\b0?(\d|1\d|2[0-4]):0([1-9])\b", r"\1 oh \2"),
        Rule(r"\b0?(\d|1\d|2[0-4]):([1-5]\d)\b", r"\1 \2"),
        # Ratios and scores.
        Rule(r"\b(\d+):(\d+)\b", r"\1 to \2"),
    ),
    guard=r"\d",
)
