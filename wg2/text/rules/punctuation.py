"""Marks of punctuation, apostrophes and hyphens; the last of the rules.

What is left is words, spelled letters and the marks `, ; : . ? !`, with one space
between them.
"""

from __future__ import annotations

from wg2.text.packed import PAUSE
from wg2.text.rules.rule import Rule, RuleGroup, repeat

_CONTRACTED = r"(?:tis|twas|twere|em|til|cause|bout|n)"

# Where several marks meet, as in `?!` or `."`, the last of these that occurs stands.
STRENGTH = (",", ";", ":", ".", "!", "?")


def _merge_marks() -> tuple[Rule, ...]:
    """`, ?` becomes ` ? `, from the strongest mark to the weakest."""
    rules = []
    for i in range(len(STRENGTH) - 1, -1, -1):
        weaker = "".join(STRENGTH[: i + 1])
        mark = STRENGTH[i]
        rules.append(Rule(rf"[ {weaker}]*[{mark}][ {weaker}]*", f"_{mark}_"))
    return (*rules, Rule("_", " "))


ELLIPSIS = RuleGroup(
    "ellipsis",
    (
        *repeat(Rule(r"\. \.", ".."), 2),
        Rule(r"\.{2,}( ?[\"'(]*[a-z])", r" , \1"),
        Rule(r"\.{2,}", ". "),
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
