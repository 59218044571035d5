"""Addresses of the web and of e-mail, and characters that later rules use as marks."""

from __future__ import annotations

from wg2.text.rules.rule import Rule, RuleGroup, alternatives, repeat

_TOP_LEVEL_DOMAINS = (
    "com", "org", "net", "edu", "gov", "mil", "int", "info", "biz", "io", "ai", "dev",
    "app", "co", "uk", "us", "de", "fr", "eu", "ca", "au", "jp", "ch", "nl", "tv", "me",
)  # fmt: skip
_FILE_SUFFIXES = (
    "txt", "pdf", "csv", "html", "htm", "php", "json", "yaml", "xml", "zip", "wav",
    "mp3", "png", "jpg", "py", "exe", "doc", "docx", "md", "js", "ts", "css", "sh",
    "yml", "toml", "log", "sql", "tar", "gz", "ini", "cfg",
)  # fmt: skip

_HOST = rf"([A-Za-z0-9-]+)\.({alternatives(_TOP_LEVEL_DOMAINS)})"

WEB = RuleGroup(
    "web",
    (
        Rule(r"\b[Hh][Tt][Tt][Pp][Ss]?://", ""),
        Rule(r"\b[Ww][Ww][Ww]\.", "~w ~w ~w dot "),
        # The part before an at sign: every dot, underscore and hyphen in it is spoken.
        *repeat(Rule(r"([A-Za-z0-9])\.([A-Za-z0-9._+-]*@)", r"\1 dot \2"), 4),
        *repeat(Rule(r"([A-Za-z0-9])_([A-Za-z0-9._+-]*@)", r"\1 underscore \2"), 4),
        *repeat(Rule(r"([A-Za-z0-9])-([A-Za-z0-9._+-]*@)", r"\1 dash \2"), 4),
        Rule(r"([A-Za-z0-9])@([A-Za-z0-9])", r"\1 at \2"),
        # From the last dot to the first: mail.example.co.uk.
        *repeat(
            Rule(rf"\b{_HOST}((?: dot [a-z]+)*)(/|\b)", r"\1 dot \2\3\4"),
            3,
        ),
        *repeat(Rule(r"\b([A-Za-z0-9-]+)\.([A-Za-z0-9-]+ dot )", r"\1 dot \2"), 2),
        # The path behind a host, and what is in it.
        *repeat(
            Rule(
                rf"( dot {alternatives(_TOP_LEVEL_DOMAINS)}(?: slash [\w-]+)*)"
                r"/([\w-]+)",
                r"\1 slash \2",
            ),
            5,
        ),
        Rule(
            rf"( dot {alternatives(_TOP_LEVEL_DOMAINS)}(?: slash [\w-]+)*)/($|[^\w])",
            r"\1\2",
        ),
        Rule(
            rf"([A-Za-z0-9_-])\.({alternatives(_FILE_SUFFIXES)})\b",
            r"\1 dot \2",
        ),
        *(
            Rule(rf" dot {domain}\b", f" dot ~{domain[0]} ~{domain[1]}")
            for domain in _TOP_LEVEL_DOMAINS
            if len(domain) == 2 and domain not in ("me", "co", "us")
        ),
        Rule(r" dot us\b", " dot ~u ~s"),
        Rule(r" dot (j|t)s\b", r" dot ~\1 ~s"),
        Rule(r" dot html?\b", " dot ~h ~t ~m ~l"),
        Rule(r" dot mp(\d)\b", r" dot ~m ~p \1"),
    ),
    guard=r"[@/]|[A-Za-z0-9]\.[a-z]|[Ww]\.",
)
"""Host names, paths, e-mail addresses and file names, part by part."""

FREED = RuleGroup(
    "freed characters",
    (
        Rule(r"~ ?([\d$])", r" about \1"),
        Rule(r"[\\`~|]", " "),
        # Superscripts: many digits, minus, notes behind words.
        Rule(r"\^-\^", "^-"),
        *repeat(Rule(r"(\^-?\d+)\^(\d)", r"\1\2"), 3),
        Rule(r"([a-z]{3}[.,;:)\"]*)\^\d+", r"\1"),
        Rule(r"\^2\b", " squared"),
        Rule(r"\^3\b", " cubed"),
        Rule(r"\^(-?\d)", r" to the power of \1"),
        Rule(r"\^", " "),
    ),
    guard=r"[\\`~|^]",
)
"""Frees the characters ~ and ^ for the rules that follow (see `rules`)."""

AT_SIGNS = RuleGroup(
    "at signs",
    (Rule(r"@", " at "), Rule(r"_", " ")),
    guard="[@_]",
)
"""Handles and lone at signs; frees the characters @ and _."""
