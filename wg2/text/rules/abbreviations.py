"""Abbreviations with a period, initials, and acronyms.

Letters that are spelled out become `~x`; a short word in capitals becomes `^WORD`, for
the dictionary to decide whether it is one.
"""

from __future__ import annotations

from wg2.text.rules.rule import Rule, RuleGroup, alternatives, repeat

# Before a name; the period is optional.
_TITLES = {
    "Mr": "mister", "Mrs": "missus", "Ms": "miz", "Mme": "madam", "Messrs": "messieurs",
    "Dr": "doctor", "Drs": "doctors", "Prof": "professor", "Capt": "captain",
    "Lt": "lieutenant", "Lieut": "lieutenant", "Sgt": "sergeant", "Cmdr": "commander",
    "Mt": "mount", "Ft": "fort",
}  # fmt: skip
# Before a name, with the period.
_POINTED_TITLES = {
    "Rev": "reverend", "Hon": "honorable", "Gen": "general", "Col": "colonel",
    "Maj": "major", "Gov": "governor", "Sen": "senator", "Rep": "representative",
    "Adm": "admiral", "Cpl": "corporal", "Pvt": "private", "Supt": "superintendent",
    "Pres": "president", "Sr": "senior", "Fr": "father", "Br": "brother",
    "Pt": "point", "Insp": "inspector", "Det": "detective", "Atty": "attorney",
}  # fmt: skip

# After a name, or anywhere; the period ends a sentence too where one ends there.
_ENDINGS = {
    "Jr": "junior", "Sr": "senior", "Esq": "esquire", "Co": "company",
    "Corp": "corporation", "Inc": "incorporated", "Ltd": "limited", "Bros": "brothers",
    "Assn": "association", "Dept": "department", "Univ": "university",
    "Inst": "institute",
    "Ave": "avenue", "Blvd": "boulevard", "Rd": "road", "Ln": "lane", "Hwy": "highway",
    "Pkwy": "parkway", "Apt": "apartment", "Bldg": "building", "Govt": "government",
    "etc": "et cetera", "vs": "versus", "approx": "approximately", "est": "established",
    "ca": "circa", "cf": "compare", "viz": "namely", "al": "al", "ibid": "ibidem",
    "dept": "department", "misc": "miscellaneous", "max": "maximum", "min": "minimum",
    "incl": "including", "excl": "excluding", "tel": "telephone", "Vol": "volume",
    "Avg": "average", "avg": "average", "Attn": "attention", "mtg": "meeting",
    "Cir": "circuit", "Tel": "telephone", "Pl": "place", "Ct": "court", "Sq": "square",
    "vol": "volume", "Vols": "volumes", "ext": "extension", "Sept": "September",
}  # fmt: skip

# Before a number; the period is optional.
_BEFORE_NUMBERS = {
    "No": "number", "no": "number", "Nos": "numbers", "nos": "numbers", "Fig": "figure",
    "Figs": "figures", "fig": "figure", "Eq": "equation", "Ch": "chapter",
    "ch": "chapter",
    "Sec": "section", "sec": "section", "p": "page", "pp": "pages", "Art": "article",
    "Ex": "exhibit", "Pt": "part", "Rte": "route", "Rt": "route", "Ser": "series",
    "para": "paragraph", "paras": "paragraphs", "Ste": "suite", "Fl": "floor",
    "Op": "opus", "Nr": "number", "Ver": "version", "ver": "version",
    "Eqs": "equations",
    "Secs": "sections", "art": "article", "Para": "paragraph", "Tab": "table",
}  # fmt: skip

# Where the next word begins a sentence although a single letter came before.
SENTENCE_STARTERS = alternatives(
    ("The", "It", "He", "She", "They", "This", "That", "We", "But", "And", "In", "You",
     "There", "His", "Her", "When", "If", "At", "On", "For", "As", "What", "So", "Then",
     "Now", "No", "Yes", "Who", "How", "Where", "Why", "My", "Our", "Your", "Their",
     "All", "After", "Before", "By", "From", "To", "With", "These", "Those", "Not",
     "Its", "An", "Here", "Some", "Such", "Is", "Are", "Was", "Were", "Do", "Did",
     "Does")
)  # fmt: skip

NO_SENTENCE_END = frozenset((*_TITLES, *_POINTED_TITLES, *_BEFORE_NUMBERS, "St", "Mt"))
"""Abbreviations whose period does not end a sentence."""

BEFORE_NUMBERS = frozenset((*_ENDINGS, *_BEFORE_NUMBERS))
"""Abbreviations whose period does not end a sentence before a number."""


def _ending(short: str, word: str) -> list[Rule]:
    end = [
        Rule(rf"\b{short}\. *$", f"{word}."),
        Rule(rf"\b{short}\.([\"')]) *$", rf"{word}.\1"),
    ]
    if short in ("etc", "Esq"):
        end.append(Rule(rf"\b{short}\.( [A-Z])", rf"{word}.\1"))
    return [*end, Rule(rf"\b{short}\.", word)]


ABBREVIATIONS = RuleGroup(
    "abbreviations",
    (
        Rule(r"\b[Ee]\.? ?g\.?,", "for example,"),
        Rule(r"\b[Ee]\.g\.", "for example,"),
        Rule(r"\b[Ii]\. ?e\.,?", "that is,"),
        Rule(r"\b[Aa]\.[Kk]\.[Aa]\b\.?|\baka\b", "also known as"),
        Rule(r"\bP\.?S\. ", "~p ~s, "),
        Rule(r"\bPh\.? ?D\.?'?s\b", "~p ~h ~d's"),
        Rule(r"\bPh\.? ?D\. *$", "~p ~h ~d."),
        Rule(r"\bPh\.? ?D\b\.?", "~p ~h ~d"),
        Rule(r"\b([BM])\.? ?Sc\b\.?", r"~\1 ~s ~c"),
        Rule(r"\b([BM])\.? ?Ed\b\.?", r"~\1 ~e ~d"),
        Rule(r"\bLL\.? ?([BDM])\b\.?", r"~l ~l ~\1"),
        Rule(r"\bop\. ?cit\.", "op cit"),
        Rule(r"\bRt\. ?Hon\.", "right honorable"),
        Rule(r"\bMaj\.? Gen\b\.?", "major general"),
        Rule(r"\bLt\.? Col\b\.?", "lieutenant colonel"),
        Rule(r"\bLt\.? Gen\b\.?", "lieutenant general"),
        Rule(r"\bLt\.? Gov\b\.?", "lieutenant governor"),
        Rule(r"\bLt\.? Cmdr\b\.?", "lieutenant commander"),
        Rule(r"\bBrig\.? Gen\b\.?", "brigadier general"),
        Rule(r"\bRev\.? Dr\b\.?", "reverend doctor"),
        Rule(r"(\d(?:st|nd|rd|th)) Fl\b\.?", r"\1 floor"),
        # Roe v. Wade.
        Rule(r"([A-Za-z.]) v\. ([A-Z])", r"\1 versus \2"),
        Rule(r"\bM\.D\. *$", "~m ~d."),
        Rule(r"\bM\.D\.", "~m ~d"),
        Rule(r"\b(No|Nos|no|nos)\. ?(\d|[A-Z]{0,3}-?\d)", r"@\1 \2"),
        *(
            Rule(rf"\b{short}\. ?(\d)", rf"{word} \1")
            for short, word in _BEFORE_NUMBERS.items()
            if short.lower() not in ("no", "nos")
        ),
        Rule(r"@[Nn]o\b", "number"),
        Rule(r"\b[Nn]o\. ?_", "number _"),
        Rule(r"@[Nn]os\b", "numbers"),
        # Doctor or drive, saint or street: by what stands before and behind.
        Rule(
            r"\b(Wall|Main|High|Elm|Oak|State|Market|Bond|Fleet|Bourbon|Downing)"
            r" St\. ([A-Za-z])",
            r"\1 street \2",
        ),
        Rule(r"([a-z0-9]) Dr\. *$", r"\1 drive."),
        Rule(r"([a-z0-9]) St\. *$", r"\1 street."),
        Rule(r"([a-z0-9]) Dr\b\.?( *$|[,;:])", r"\1 drive\2"),
        Rule(r"(\d(?: [A-Z]\w+)+) Dr\b\.?", r"\1 drive"),
        Rule(
            r"([A-Z][a-z]+|\d(?:st|nd|rd|th)) St\b\.?( *$|[,;:]| [a-z])", r"\1 street\2"
        ),
        Rule(r"(\d(?: [A-Z]\w+)+|\d(?:st|nd|rd|th)) St\b\.?", r"\1 street"),
        Rule(r"\bSt\b\.? ?([A-Z])", r"saint \1"),
        Rule(r"\bSts\.? ([A-Z])", r"saints \1"),
        Rule(r"\bSte\. ([A-Z])", r"saint \1"),
        *(
            Rule(rf"\b{short}\b\.? ?([A-Z~])", rf"{word} \1")
            for short, word in _TITLES.items()
        ),
        *(
            Rule(rf"\b{short}\. ?([A-Z~])", rf"{word} \1")
            for short, word in _POINTED_TITLES.items()
        ),
        *(
            Rule(rf"\b{short}\b\.?", word)
            for short, word in _TITLES.items()
            if short not in ("Mt", "Ft", "Mme")
        ),
        *(rule for short, word in _ENDINGS.items() for rule in _ending(short, word)),
        Rule(r"\bvs\b", "versus"),
        Rule(r"\bBros\b", "brothers"),
        Rule(r"\b(?:Jr)\b", "junior"),
    ),
    guard=r"[A-Za-z]\.|\b(?:Mrs?|Ms|Dr|St|vs|Prof|Sgt|Capt|Mme|Mt|Ft|Jr|Bros|Lt|aka|Messrs|Drs|Lieut|Cmdr|PhD?|PhDs|[BM]Sc|[BM]Ed)\b",
)

# Read letter by letter although the dictionary has a word of these letters, or lacks
# the letters.
_SPELLED = (
    "AI", "AP", "AR", "CAD", "CEO", "CIO", "COO", "CIA", "EU", "FAQ", "GI", "HI", "ID",
    "IE", "IP", "IT", "LA", "OS", "PA", "PE", "PI", "RAF", "RIP", "SOS", "UAE", "UFO",
    "UN", "UPS", "US", "USA", "USSR", "VIP", "AA", "AAA", "UK", "AC", "DC", "AM", "PM",
    "API", "URL", "USB", "USS", "GPU", "CPU", "IQ", "IOU", "TV", "IRA", "AG", "OK",
    "EST", "FYI", "NGO", "MIT",
)  # fmt: skip

LETTERS = RuleGroup(
    "letters",
    (
        # U.S.S.R., p.m.: two letters or more, each with its period.
        Rule(
            r"\b([A-Za-z])\.([A-Za-z])\.([A-Za-z])\.([A-Za-z])\.", r"~\1 ~\2 ~\3 ~\4="
        ),
        Rule(r"\b([A-Za-z])\. ?([A-Z])\. ?([A-Z])\.", r"~\1 ~\2 ~\3="),
        Rule(r"\b([A-Za-z])\.([A-Za-z])\.([A-Za-z])\.", r"~\1 ~\2 ~\3="),
        Rule(r"\b([A-Za-z])\.([A-Za-z])\.", r"~\1 ~\2="),
        Rule(rf"= ({SENTENCE_STARTERS})\b", r". \1"),
        Rule(r"=(['\")]*) *$", r".\1"),
        Rule(r"='s\b", "'s"),
        Rule(r"=", " "),
        # Initials: J. R. R. Tolkien, but not: vitamin C. The ...
        Rule(rf"\b([A-Z])\. ({SENTENCE_STARTERS})\b", r"\1 . \2"),
        *repeat(Rule(r"(^|[ (\"])([A-Z])\. ?([A-Z~])", r"\1~\2 \3"), 3),
        Rule(r"(^|[ (\"])([A-HJ-Z])\.( [a-z\d]|[,;:])", r"\1~\2\3"),
        # Capitals without a vowel, and those in the list, are spelled.
        Rule(r"\b([B-DF-HJ-NP-TV-XZ]{2,6})\b", r"~~\1"),
        Rule(r"\b([B-DF-HJ-NP-TV-XZ]{2,6})(?:'s|s)\b", r"~~\1's"),
        Rule(rf"\b({alternatives(_SPELLED)})\b", r"~~\1"),
        Rule(rf"\b({alternatives(_SPELLED)})(?:s)\b", r"~~\1's"),
        Rule(r"\b([A-Z]{2,5})s\b", r"~~\1's"),
        *repeat(Rule(r"~~([A-Z])([A-Z])", r"~\1 ~~\2"), 6),
        Rule(r"~~", "~"),
        Rule(r"(^|[^~A-Za-z])([A-Z]{2,5})\b", r"\1^\2"),
        # A letter by itself; A and I are words, at the start of a sentence and in it.
        *repeat(Rule(r"(^|[ (\"-])([B-HJ-Z])($|[^'\w])", r"\1~\2\3"), 2),
        Rule(r"\b([B-Z])'s\b", r"~\1's"),
        Rule(r"~([A-Za-z])-([A-Z])\b", r"~\1 ~\2"),
        Rule(r"([a-z] )A( ?[.,;:?!]|$)", r"\1~A\2"),
        Rule(
            r"\b([Aa]n|[Gg]roup|[Tt]ype|[Pp]lan|[Vv]itamin|[Hh]epatitis|[Tt]eam|[Ss]ection|"
            r"[Ee]xhibit|[Aa]ppendix|[Gg]rade|[Cc]lass|[Ss]eries|[Oo]ption|[Pp]oint)"
            r" A\b",
            r"\1 ~A",
        ),
        Rule(r"~+", "~"),
    ),
    guard=r"[A-Z]|\b[a-z]\.[a-z]\.",
)
"""Initials, acronyms and single letters."""
