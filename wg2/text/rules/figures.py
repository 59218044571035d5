"""Telephone numbers, codes, references, fractions, decimals, ranges and signs."""

from __future__ import annotations

from wg2.text.rules.rule import Rule, RuleGroup, repeat

_REFERENCE = (
    r"(?:number|numbers|page|pages|room|route|highway|flight|exhibit|suite|apartment|"
    r"bus|channel|form|interstate|boeing|airbus)"
)

_STREET = (
    r"(?:[Ss]treet|[Aa]venue|[Rr]oad|[Bb]oulevard|[Dd]rive|[Ll]ane|Place|Parkway|Way)"
)

PHONES = RuleGroup(
    "phones",
    (
        Rule(r"\b1-([2-9]\d\d-\d{3}-\d{4})\b", r"1, \1"),
        Rule(r"\b1-([89])00-([A-Z])", r"1, \1 hundred, \2"),
        Rule(
            r"\b([Cc]all|[Dd]ial|[Dd]ialed|[Pp]hone|[Tt]ext) (\d{3})($|[^\d\w]?$|"
            r"[.,;:!?]? ?[^\d\w-])",
            r"\1 _\2_\3",
        ),
        Rule(r"\b911 ([Cc]all|[Oo]perator|[Dd]ispatch)", r"_911_ \1"),
        Rule(
            r"\b((?i:account|case|code|confirmation|invoice|order|reference|serial|ticket|"
            r"tracking)(?: (?:number|no\.|is))*)[ :]*#? ?(\d{5,})\b",
            r"\1 _\2_",
        ),
        Rule(r"(\+\d{1,3})[- ]?\(0\)[- ]?", r"\1 "),
        Rule(r"\b(0\d{2,4}) (\d{3,4}) (\d{3,4})\b", r"_\1_, _\2_, _\3_"),
        Rule(r"\b(0\d{4}) (\d{6})\b", r"_\1_, _\2_"),
        Rule(r"\b(\d{3}) (\d{3,4}) (\d{4})\b", r"_\1_, _\2_, _\3_"),
        Rule(
            r"\b((?i:otp|passcode|passcode is|password|pin))([ :]+)(\d{4,})\b",
            r"\1\2_\3_",
        ),
        Rule(r"\+(\d{1,3})[- ](\d{2,4})\b", r"plus _\1_, _\2_"),
        *repeat(Rule(r"(plus _\d+_(?:, _\d+_)*)[- ](\d{2,4})\b", r"\1, _\2_"), 4),
        Rule(
            r"\((\d{3})\) ?(\d{3})[-. ](\d{4})\b",
            r"_\1_, _\2_, _\3_",
        ),
        Rule(r"\b(\d{3})([-.])(\d{3})[-.](\d{4})\b", r"_\1_, _\3_, _\4_"),
        Rule(r"\b(\d{3})-(\d\d)-(\d{4})\b", r"_\1_, _\2_, _\3_"),
        Rule(r"\b(\d{3})-(\d{4})\b", r"_\1_, _\2_"),
        # Post code behind a state; box numbers.
        Rule(r"\b([A-Z]{2}) (\d{5})\b", r"\1 _\2_"),
        Rule(r"\b([Bb]ox|[Zz]ip(?: code)?|ZIP(?: code)?) (\d{4,})\b", r"\1 _\2_"),
        # Internet addresses and versions.
        Rule(r"\b[vV](\d+\.\d)", r"version \1"),
        *repeat(Rule(r"\b(\d+)\.(\d+\.\d)", r"\1 point \2"), 3),
        Rule(r"( point \d+)\.(\d+)\b", r"\1 point \2"),
    ),
    guard=r"\d",
)

CODES = RuleGroup(
    "codes",
    (
        # 24/7 and 9/11 are names, not fractions.
        Rule(r"\b24[-/]7\b", "twenty four seven"),
        Rule(r"\b9/11\b", "nine eleven"),
        Rule(r"\b50[-/]50\b", "fifty fifty"),
        Rule(r"\b(10|20)/(?:10|20)\b", r"\1 \1"),
        Rule(r"\b([1-9]0)/([1-9]0)\b", r"\1 \2"),
        Rule(r"(\d)(?:st|nd|rd|th)s\b", r"\1 @th@s"),
        # In capitals ordinals stand in headings.
        Rule(r"(\d)(?:st|nd|rd|th|ST|ND|RD|TH)\b", r"\1 @th"),
        Rule(rf"\b([1-9])([1-9]\d)([A-Z] (?:[A-Z]\w+ ){{1,2}}{_STREET})\b", r"\1 \2\3"),
        # Jets, and what has a year behind it: FY2021.
        Rule(r"\b7([1-8]7)s?\b(?:'s)?( [Jj]et|s)", r"seven \1\2"),
        Rule(r"\b([A-Z]{2,4})[- ]?((?:19|20)\d\d)\b", r"~~\1 \2"),
        # Serial numbers: C2766, VC836; but B-52, MP3, 4K.
        Rule(r"\b([A-Z]{1,4})(\d{3,})\b", r"~~\1 _\2_"),
        Rule(r"\b([A-Z]{1,4})-?(\d{1,3})(?:-?([A-Z]))?\b", r"~~\1 \2 ~~\3"),
        Rule(r"\b([A-Z]{1,4})-(\d{3,})\b", r"~~\1 _\2_"),
        Rule(r"\b(\d+)-?([A-Z]{1,3})\b", r"\1 ~~\2"),
        # Three digits that name something: page 249.
        Rule(
            r"\b([Pp]ages|[Nn]umbers) ([1-9])([1-9]\d) ?--? ?([1-9])([1-9]\d)\b",
            r"\1 \2 \3 to \4 \5",
        ),
        Rule(
            rf"\b((?i:{_REFERENCE})) ([1-9])00\b",
            r"\1 \2 hundred",
        ),
        Rule(rf"\b((?i:{_REFERENCE})) ([1-9])0([1-9])\b", r"\1 \2 oh \3"),
        Rule(rf"\b((?i:{_REFERENCE})) ([1-9])([1-9]\d)\b", r"\1 \2 \3"),
        # House numbers: 214 Neely Street.
        Rule(rf"\b([1-9])([1-9]\d) ((?:[A-Z]\w+ ){{1,2}}{_STREET})\b", r"\1 \2 \3"),
        Rule(rf"\b([1-9])0([1-9]) ((?:[A-Z]\w+ ){{1,2}}{_STREET})\b", r"\1 oh \2 \3"),
        Rule(r"~~ ?(\W|$)", r"\1"),
        *repeat(Rule(r"~~([A-Za-z])", r" ~\1~~"), 4),
        Rule(r"~~", " "),
    ),
    guard=r"\d",
)

FIGURES = RuleGroup(
    "figures",
    (
        Rule(r"# ?(\d)", r"number \1"),
        *repeat(Rule(r"(\d) 000\b", r"\1,000"), 2),
        Rule(r"(\d)(bn|BN)\b", r"\1 billion"),
        Rule(r"(\d)(?:mn|MM)\b", r"\1 million"),
        Rule(r"(\d)(?:tn|trn)\b", r"\1 trillion"),
        Rule(
            r"(\d)x (as|faster|slower|more|better|larger|bigger|cheaper|higher|lower|"
            r"smaller|less|longer|the)\b",
            r"\1 times \2",
        ),
        Rule(r"\+(\d)", r"plus \1"),
        # Calibres are said like cardinals: a .22 rifle.
        Rule(
            r"(^|[ (\"-])\.(\d\d)[ -]?"
            r"(caliber|calibre|rifles?|pistols?|revolvers?|automatic|magnum|handguns?)",
            r"\1\2 \3",
        ),
        # Fractions.
        Rule(r"(\d) (1/\d)", r"\1 and a @\2"),
        Rule(r"(\d) (\d/\d)", r"\1 and \2"),
        Rule(r"@1/2\b", "half"),
        Rule(r"@1/4\b", "quarter"),
        Rule(r"a @1/(8|11|18)\b", r"an \1 @th"),
        Rule(r"@1/(\d{1,2})\b", r"\1 @th"),
        Rule(r"\b1/2\b", "one half"),
        Rule(r"\b1/4\b", "one quarter"),
        Rule(r"\b3/4\b", "three quarters"),
        Rule(r"\b1/(\d{1,2}|100|1,?000)\b(?: @th)?", r"1 \1 @th"),
        Rule(r"\b(\d{1,2})/2\b", r"\1 halves"),
        Rule(
            r"\b(\d{1,2})/([3-9]|10|12|15|16|20|24|25|30|32|36|40|48|50|60|64)\b",
            r"\1 \2 @th@s",
        ),
        Rule(r"\b(\d{1,2})/(\d{1,2})\b", r"\1 \2"),
        Rule(r"(\d)/(\d)", r"\1 over \2"),
        Rule(r"(\d)[eE]([-+]?\d+)\b", r"\1 times 10 to the power of \2"),
        Rule(r"\b([a-z]\d+)-(\d)", r"\1 \2"),
        # Decimals, digit by digit.
        Rule(r"(\d\.\d+)([A-Za-z])", r"\1 \2"),
        Rule(r"(\d)\.(\d+)\b", r"\1 point _\2_"),
        Rule(r"(^|[^\w.])\.(\d+)\b", r"\1point _\2_"),
        Rule(r"(^|[ (\"])-(\d|point)", r"\1minus \2"),
        # Ranges; three numbers are none.
        Rule(r"\b(\d{1,2})-(\d{1,2})-(\d{1,2})\b", r"\1 \2 \3"),
        Rule(r"(\d) ?--? ?(\d)", r"\1 to \2"),
        Rule(r"(\d)'?s\b", r"\1 @s"),
        Rule(r"(\d)'?ers\b", r"\1 @ers"),
        Rule(r"(\d)([A-Za-z])", r"\1 \2"),
        Rule(r"([A-Za-z])(\d)", r"\1 \2"),
    ),
    guard=r"\d",
)

SYMBOLS = RuleGroup(
    "symbols",
    (
        Rule(r"&c\b\.?", " et cetera "),
        Rule(r"\b([A-Z]{1,3})&([A-Z]{1,2})\b", r"~~\1 and ~~\2"),
        Rule(r"&", " and "),
        Rule(r"\b([CF])#", r"~\1 sharp"),
        Rule(r"%", " percent "),
        Rule(r"\+", " plus "),
        Rule(r"(^|[ (])< ?(\d)", r"\1less than \2"),
        Rule(r"(^|[ (])> ?(\d)", r"\1greater than \2"),
        Rule(r"<=|≤", " less than or equal to "),
        Rule(r">=|≥", " greater than or equal to "),
        Rule(r"≠|!=", " is not equal to "),
        Rule(r"=+", " equals "),
        Rule(r"≈", " about "),
        Rule(r"(\w) ?<-+ ?(\w)", r"\1, \2"),
        Rule(r"-+>", ", "),
        Rule(r"(\w) ?< ?(\w)", r"\1 less than \2"),
        Rule(r"(\w) ?> ?(\w)", r"\1 greater than \2"),
        Rule(r"×", " times "),
        Rule(r"÷", " divided by "),
        Rule(r"±", " plus or minus "),
        Rule(r"√", " square root of "),
        Rule(r"∞", " infinity "),
        Rule(r"π", " pi "),
        Rule(r"µ", " micro "),
        Rule(r"§§+", " sections "),
        Rule(r"§", " section "),
        Rule(r"¶", " paragraph "),
        Rule(r"©", " copyright "),
        Rule(r"[®™]", " "),
        Rule(r"°", " degrees "),
        Rule(r"\band/or\b", "and or"),
        Rule(r"\b([wW])/o(?:ut)?\b", "without"),
        Rule(r"\bb/c\b", "because"),
        Rule(r"\bc/o\b", "care of"),
        Rule(r"\b[nN]/[aA]\b", "~n ~a"),
        Rule(r"\b([wW])/ ?", "with "),
        Rule(r"([A-Za-z0-9]) ?/ ?([A-Za-z0-9])", r"\1 slash \2"),
        Rule(r"#([A-Za-z])", r" hashtag \1"),
        Rule(r"[#/<>*]", " "),
    ),
    guard=r"[&%+=<>≤≥≠≈×÷±√∞πµ§¶©®™°/#*]",
)
