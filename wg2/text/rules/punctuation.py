"""Marks of punctuation, apostrophes and hyphens; the last of the rules.

What is left is words, spelled letters and the marks `, ; : . ? !`, with one space
between them.
"""

from __future__ import annotations

from wg2.text.packed import PAUSE
from wg2.text.rules.rule import Rule, RuleGroup, repeat

# Without their g, and often without the apostrophe.
_CLIPPED = (
    r"(?:any|every|no|some)th|(?:th|dr)ink|(?:ask|be|com|cry|danc|do|dy|eat|feel|fight|"
    r"fish|fuck|freak|gett|giv|go|hav|hop|hunt|kidd|leav|liv|look|los|lov|mak|mov|"
    r"play|putt|runn|say|see|sing|sitt|smok|stand|start|tak|talk|tell|try|wait|walk|"
    r"want|work)"
)
_CONTRACTED = r"(?:tis|twas|twere|em|til|cause|bout|n)"

# Where several marks meet, as in `?!` or `."`, the last of these that occurs stands.
STRENGTH = (",", ";", ":", ".", "!", "?")


def _merge_marks() -> tuple[Rule, ...]:
    """`, ?` becomes `?`, from the weakest mark to the strongest.

    One mark of each row, then none beside a stronger one: no rule looks further than
    its neighbours, whatever the length of the row.
    """
    rules = []
    for i, mark in enumerate(STRENGTH):
        rules.append(Rule(rf"[{mark}](?: *[{mark}])+", mark))
        if stronger := "".join(STRENGTH[i + 1 :]):
            rules.append(Rule(rf"[{mark}] *([{stronger}])", r"\1"))
            rules.append(Rule(rf"([{stronger}]) *[{mark}]", r"\1"))
    return tuple(rules)


ELLIPSIS = RuleGroup(
    "ellipsis",
    (
        Rule(r"\.(?: ?\.)+", ".."),
        Rule(r"\.\.([\"')]{0,2} ?[\"'(]{0,2}[a-z])", r" , \1"),
        Rule(r"\.\.", ". "),
    ),
    guard=r"\. ?\.",
)
"""Dots before a small letter are a pause; before the case is lost."""

PUNCTUATION = RuleGroup(
    "punctuation",
    (
        # Apostrophes inside words stay, and those of a few contractions; the others
        # are quotes.
        *repeat(Rule(r"([a-z])'([a-z])", r"\1`\2"), 2),
        Rule(rf"\b({_CLIPPED}in)'?([ ,.;:?!\"-]|$)", r"\1`\2"),
        Rule(rf"(^|[^a-z`])'({_CONTRACTED})\b", r"\1`\2"),
        Rule(r"[\"']", " "),
        Rule(r"`", "'"),
        # Dashes, parentheses and dots inside a sentence are pauses.
        Rule(r"-{2,}|(^| )-( |$)", " , "),
        Rule(r"([a-z])[(\[]([a-z]{1,3})[)\]]", r"\1 \2"),  # word(s)
        Rule(r"[(\[)\]]", " , "),
        Rule(r"[-{}]", " "),
        Rule(r"([,;:.?!])", r" \1 "),
        Rule(r" +", " "),
    ),
)

ROW = RuleGroup(
    "row",
    (
        # A pause comes after the mark that it prolongs.
        *repeat(Rule(rf"({PAUSE}(?: +{PAUSE})*)((?: +[,;:.?!])+)", r"\2 \1"), 2),
        *_merge_marks(),
        Rule(rf"^((?: *{PAUSE})*) *[,;:.?!][ ,;:.?!]*", r"\1 "),
        Rule(r" +", " "),
        Rule(r"^ | $", ""),
    ),
)
"""What holds between ordinary text and the controls in it."""
