"""Written forms that the dictionary, or spelling them, would misread."""

from __future__ import annotations

from wg2.text.rules.rule import Rule, RuleGroup

RESPELLED = RuleGroup(
    "respelled",
    (
        # One word, however it is written; the lexicon has it.
        Rule(r"\b[Ww]i-[Ff]i\b", "wifi"),
        Rule(r"\b(?:JPE?G|jpg)(s?)\b", r"jpeg\1"),
        Rule(r"\biOS\b", "~i ~o ~s"),
        Rule(r"\bmacOS\b", "mac ~o ~s"),
        Rule(r"\bpH\b", "~p ~h"),
        Rule(r"</?[a-z]{1,6}\d?>", " "),
        Rule(r"&amp;", "&"),
        Rule(r"&(?:nbsp|quot|lt|gt|#\d+);", " "),
        Rule(r"\bA--?Z\b", "~A to ~Z"),
        Rule(r"(^|[.?!] )([QA])[.:] ", r"\1~\2, "),
        Rule(r"\b([A-Z])&([A-Z])s\b", r"~\1 and ~\2's"),
        Rule(r"\.NET\b", " dot net"),
        Rule(r"(^|[ (\"])\.([A-Za-z]{2,})", r"\1dot \2"),
        Rule(r"^/([A-Za-z])", r"slash \1"),
        # Of messages.
        Rule(r"(^| )[:;]-?[()DPp]($| )", r"\1 \2"),
        Rule(r"\b([Tt])hx\b", r"\1hanks"),
        Rule(r"\b([Pp])l[sz]\b", r"\1lease"),
        Rule(r"\b(?:[Tt]bh|TBH)\b", "to be honest"),
        Rule(r"\b(?:[Bb]tw|BTW)\b", "by the way"),
        Rule(r"\b(?:[Ii]mh?o|IMH?O)\b", "in my opinion"),
        Rule(r"\b(?:[Ii]dk|IDK)\b", "i don't know"),
        # Sounds, however long they are written.
        Rule(r"\b([Hh])m{2,}\b", r"\1mm"),
        Rule(r"\b[Mm]m{2,}\b", "mm"),
        Rule(r"\b([Ss])h{2,}\b", r"\1h"),
        Rule(r"\b([AaOo])h{2,}\b", r"\1h"),
        Rule(r"\b([Nn]|[Ss])o{3,}\b", r"\1o"),
        Rule(r"\b[Yy]e(?:s{3,}|ss)\b", "yes"),
    ),
    guard=(
        r"</?[a-z]|&[a-z#]+;|\bA--?Z|\b[QA][.:] |[A-Z]&[A-Z]s|\.NET|"
        r"(?:^|[ (\"])\.[A-Za-z]|^/|[:;]-?[()DPp]|\b(?:[Ww]i-[Ff]i|JP|jp|"
        r"iOS|macOS|pH|[Tt]hx|[Pp]l[sz]|[Tt]bh|TBH|[Bb]tw|BTW|"
        r"[Ii]mh?o|IMH?O|[Ii]dk|IDK|"
        r"[Hh]mm|[Mm]mm|[Ss]hh|[AaOo]hh|[NnSs]ooo|[Yy]ess)"
    ),
)
