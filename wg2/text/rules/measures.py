"""Money, units and percent."""

from __future__ import annotations

from wg2.text.rules.rule import Rule, RuleGroup, alternatives

_SCALE = r"(?:hundred|thousand|million|billion|trillion|lakh|crore)"
_SHORT_SCALES = {
    "[kK]": "thousand",
    "(?:MM|ml?n|[mM])": "million",
    "(?:bn|[bB])": "billion",
    "tr?n": "trillion",
}
_WHOLE = r"\d+(?:,\d{3})*"
_NUMBER = rf"{_WHOLE}(?:\.\d+)?"

# Symbol: one, many, one hundredth, hundredths.
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
}


# Before a dollar sign.
_DOLLARS = {
    "(?:CA|CAD|CDN|C)": "Canadian", "(?:AU|A)": "Australian", "NZ": "New Zealand",
    "HK": "Hong Kong", "S": "Singapore",
}  # fmt: skip
_CODES = {"USD": "$", "GBP": "£", "EUR": "€", "JPY": "¥", "INR": "₹"}


def _currency(sign: str, one: str, many: str, cent: str, cents: str) -> list[Rule]:
    symbol = rf"\{sign}" if sign == "$" else sign
    return [
        # One dollar of many: a $5 million house, a $1.2bn bid, a $300 fine.
        Rule(
            rf"\b([Aa]n?|[Aa]nother) {symbol} ?({_NUMBER})[ -]({_SCALE})[ -]([a-z])",
            rf"\1 \2 \3 {one} \4",
        ),
        *(
            Rule(
                rf"\b([Aa]n?|[Aa]nother) {symbol} ?({_NUMBER}) ?{short} ([a-z])",
                rf"\1 \2 {scale} {one} \3",
            )
            for short, scale in _SHORT_SCALES.items()
        ),
        Rule(
            rf"\b([Aa]n?|[Aa]nother) {symbol} ?({_WHOLE}) ([a-z])",
            rf"\1 \2 {one} \3",
        ),
        Rule(rf"{symbol} ?({_NUMBER})-({_SCALE}) ([a-z])", rf"\1 \2 {one} \3"),
        Rule(rf"{symbol} ?({_NUMBER}) ?--? ?{symbol}?({_NUMBER})\b", rf"{sign}\2@\1"),
        Rule(rf"{symbol} ?({_NUMBER})@({_NUMBER})", rf"\2 to {sign}\1"),
        Rule(rf"{symbol} ?({_NUMBER})[ -]({_SCALE})\b", rf"\1 \2 {many}"),
        *(
            Rule(rf"{symbol} ?({_NUMBER}) ?{short}\b", rf"\1 {scale} {many}")
            for short, scale in _SHORT_SCALES.items()
        ),
        # Four digits are no year here.
        Rule(rf"{symbol} ?(\d)(\d{{3}})\b", rf"{sign}\1,\2"),
        Rule(rf"{symbol} ?({_WHOLE})\.00\b", rf"{sign}\1"),
        Rule(rf"{symbol} ?0?\.01\b", f"1 {cent}"),
        Rule(rf"{symbol} ?0?\.0([2-9])\b", rf"\1 {cents}"),
        Rule(rf"{symbol} ?0?\.(\d\d)\b", rf"\1 {cents}"),
        Rule(rf"{symbol} ?({_WHOLE})\.01\b", rf"{sign}\1, one {cent}"),
        Rule(rf"{symbol} ?({_WHOLE})\.0([2-9])\b", rf"{sign}\1, \2 {cents}"),
        Rule(rf"{symbol} ?({_WHOLE})\.(\d\d)\b", rf"{sign}\1, \2 {cents}"),
        # Before a noun: a $5 bill, a $20-a-day habit.
        Rule(rf"{symbol} ?({_WHOLE})-([a-z])", rf"\1 {one} \2"),
        Rule(rf"{symbol} ?({_WHOLE}) (bills?|notes?|coins?)\b", rf"\1 {one} \2"),
        Rule(rf"{symbol} ?1([^\d.,]|[.,][^\d]|[.,]?$)", rf"one {one}\1"),
        Rule(rf"{symbol} ?({_NUMBER})", rf"\1 {many}"),
        Rule(symbol, f" {one} "),
        Rule(rf"({many}) ?--? ?(\d)", r"\1 to \2"),
        Rule(rf"\b({alternatives({one, many, cents})})/([a-z])", r"\1 per \2"),
    ]


MONEY = RuleGroup(
    "money",
    (
        Rule(r"\b(?:US|U\.S\.) ?\$", "$"),
        *(
            Rule(
                rf"\b{country}\$ ?({_NUMBER})((?:[ -]{_SCALE})?)\b",
                rf"\1\2 {name} dollars",
            )
            for country, name in _DOLLARS.items()
        ),
        *(
            rule
            for code, sign in _CODES.items()
            for rule in (
                Rule(rf"\b{code} ?(\d)", rf"{sign}\1"),
                Rule(rf"\b({_NUMBER}(?: {_SCALE}|[mkMK]|bn)?) ?{code}\b", rf"{sign}\1"),
            )
        ),
        # Behind the number, and with a comma as the decimal point: 3,50 €.
        Rule(rf"\b({_NUMBER}(?:,\d\d)?) ?([€£])( ?[^\d ]|$)", r"\2\1\3"),
        Rule(r"€ ?(\d+)\.(\d{3}),(\d\d)\b", r"€\1,\2.\3"),
        Rule(r"€ ?(\d+),(\d\d)\b", r"€\1.\2"),
        *(
            rule
            for sign, names in _CURRENCIES.items()
            for rule in _currency(sign, *names)
        ),
        Rule(r"(^|[^\d.,])1 ?¢", r"\1one cent"),
        Rule(r"(\d) ?¢", r"\1 cents"),
        Rule("¢", " cents "),
    ),
    guard=rf"[$£€¥₹¢]|\b{alternatives(_CODES)}|\d{alternatives(_CODES)}",
)

# One, many. The case counts: mW is not MW.
_UNITS = {
    "kph": ("kilometer per hour", "kilometers per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "km": ("kilometer", "kilometers"),
    "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"),
    "µm": ("micrometer", "micrometers"),
    "nm": ("nanometer", "nanometers"),
    "m": ("meter", "meters"),
    "kg": ("kilogram", "kilograms"),
    "mg": ("milligram", "milligrams"),
    "µg": ("microgram", "micrograms"),
    "g": ("gram", "grams"),
    "lb": ("pound", "pounds"),
    "lbs": ("pounds", "pounds"),
    "oz": ("ounce", "ounces"),
    "pts": ("points", "points"),
    "tsp": ("teaspoon", "teaspoons"),
    "tbsp": ("tablespoon", "tablespoons"),
    "Tsp": ("teaspoon", "teaspoons"),
    "Tbsp": ("tablespoon", "tablespoons"),
    "mmHg": ("millimeter of mercury", "millimeters of mercury"),
    "mpg": ("mile per gallon", "miles per gallon"),
    "ppm": ("part per million", "parts per million"),
    "bpm": ("beat per minute", "beats per minute"),
    "fps": ("frame per second", "frames per second"),
    "psi": ("pound per square inch", "pounds per square inch"),
    "bps": ("basis point", "basis points"),
    "hPa": ("hectopascal", "hectopascals"),
    "mAh": ("milliamp hour", "milliamp hours"),
    "MWh": ("megawatt hour", "megawatt hours"),
    "GWh": ("gigawatt hour", "gigawatt hours"),
    "Wh": ("watt hour", "watt hours"),
    "kJ": ("kilojoule", "kilojoules"),
    "Mbit": ("megabit", "megabits"),
    "Gbit": ("gigabit", "gigabits"),
    "dL": ("deciliter", "deciliters"),
    "cl": ("centiliter", "centiliters"),
    "mo": ("month", "months"),
    "ft": ("foot", "feet"),
    "yd": ("yard", "yards"),
    "yds": ("yards", "yards"),
    "mi": ("mile", "miles"),
    "ha": ("hectare", "hectares"),
    "ml": ("milliliter", "milliliters"),
    "mL": ("milliliter", "milliliters"),
    "l": ("liter", "liters"),
    "L": ("liter", "liters"),
    "gal": ("gallon", "gallons"),
    "qt": ("quart", "quarts"),
    "pt": ("pint", "pints"),
    "GHz": ("gigahertz", "gigahertz"),
    "MHz": ("megahertz", "megahertz"),
    "kHz": ("kilohertz", "kilohertz"),
    "Hz": ("hertz", "hertz"),
    "TB": ("terabyte", "terabytes"),
    "GB": ("gigabyte", "gigabytes"),
    "MB": ("megabyte", "megabytes"),
    "KB": ("kilobyte", "kilobytes"),
    "kB": ("kilobyte", "kilobytes"),
    "Gbps": ("gigabit per second", "gigabits per second"),
    "Mbps": ("megabit per second", "megabits per second"),
    "kbps": ("kilobit per second", "kilobits per second"),
    "dB": ("decibel", "decibels"),
    "kWh": ("kilowatt hour", "kilowatt hours"),
    "kW": ("kilowatt", "kilowatts"),
    "MW": ("megawatt", "megawatts"),
    "GW": ("gigawatt", "gigawatts"),
    "mW": ("milliwatt", "milliwatts"),
    "W": ("watt", "watts"),
    "kV": ("kilovolt", "kilovolts"),
    "mV": ("millivolt", "millivolts"),
    "V": ("volt", "volts"),
    "mA": ("milliampere", "milliamperes"),
    "kPa": ("kilopascal", "kilopascals"),
    "kcal": ("kilocalorie", "kilocalories"),
    "rpm": ("revolution per minute", "revolutions per minute"),
    "µs": ("microsecond", "microseconds"),
    "ms": ("millisecond", "milliseconds"),
    "ns": ("nanosecond", "nanoseconds"),
    "sec": ("second", "seconds"),
    "secs": ("seconds", "seconds"),
    "s": ("second", "seconds"),
    "min": ("minute", "minutes"),
    "mins": ("minutes", "minutes"),
    "hr": ("hour", "hours"),
    "hrs": ("hours", "hours"),
    "h": ("hour", "hours"),
    "yr": ("year", "years"),
    "yrs": ("years", "years"),
    "sq in": ("square inch", "square inches"),
    "sq yd": ("square yard", "square yards"),
    "sq m": ("square meter", "square meters"),
    "cu ft": ("cubic foot", "cubic feet"),
    "cu in": ("cubic inch", "cubic inches"),
    "sq ft": ("square foot", "square feet"),
    "sq mi": ("square mile", "square miles"),
    "sq km": ("square kilometer", "square kilometers"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
}
# Their period belongs to them before a lower-case word: 5 ft. tall.
POINTED_UNITS = frozenset(
    ("lb", "lbs", "oz", "ft", "yd", "yds", "mi", "gal", "qt", "pt", "sec", "secs",
     "min", "mins", "hr", "hrs", "yr", "yrs", "tsp", "tbsp", "Tsp", "Tbsp",
     "sq ft", "sq mi", "sq in", "cu ft", "cu in")
)  # fmt: skip
_POINTED = alternatives(POINTED_UNITS)
_UNIT = alternatives(_UNITS)
# Behind a unit: an earlier rule has not told one (@1) from many (@2).
_UNMARKED = r"([^\w@]|$)"
_PER = (
    r"(?:second|minute|hour|day|night|week|month|year|person|serving|share|head|page)"
)
_EXTENT = r"(?:tall|high|wide|long|deep|thick|across|in diameter)"

UNITS = RuleGroup(
    "units",
    (
        Rule(
            r"(\d)m (copies|people|users|viewers|jobs|homes|tonnes|barrels|votes|"
            r"customers|children|workers|listeners|readers|visitors|passengers|subscribers)\b",
            r"\1 million \2",
        ),
        Rule(r"\b0x([0-9A-Fa-f]+)\b", r"zero x _\1_"),
        Rule(r"° ([CF])\b", r"°\1"),
        *(
            Rule(rf"° ?{letter}\b", f" degrees {name}")
            for letter, name in zip(
                "NSEW", ("north", "south", "east", "west"), strict=True
            )
        ),
        Rule(r"(\d\.\d) ?([CF])\b", r"\1°\2"),
        Rule(rf"(\d ?[A-Za-z]{{0,4}})\.?/({_PER})\b", r"\1 per \2"),
        Rule(r"(\d)x per\b", r"\1 times per"),
        Rule(r"(\d) ?% ?--? ?(\d)", r"\1 percent to \2"),
        Rule(r"(\d)(?: deg\.?| degrees) ?([CF])\b", r"\1°\2"),
        Rule(r"\b[Ss]q\.? (ft|mi|km|in|yd|m)\b", r"sq \1"),
        Rule(r"\b[Cc]u\.? (ft|in)\b", r"cu \1"),
        # Feet and inches: 6'2", a 65" TV.
        Rule(r"(\d)-(\d/\d)", r"\1 \2"),
        Rule(r"(\d)'[ -]?(\d{1,2})(?:\"|''|\b)", r"\1 foot \2"),
        Rule(rf"(\d)' ({_EXTENT})\b", r"\1 feet \2"),
        Rule(r"(\d)' ?[x×] ?(\d+)'", r"\1 by \2 feet"),
        Rule(rf"(\d)\" ({_EXTENT})\b", r"\1 inches \2"),
        Rule(r"(\d)\" ?[x×] ?(\d+)\"", r"\1 by \2 inches"),
        Rule(
            r"(\d)\" (TVs?|screens?|displays?|monitors?|pipes?|disks?)\b", r"\1 inch \2"
        ),
        Rule(r"(\d/\d+)\"", r"\1 inch"),
        Rule(r"(\d)-in\. ", r"\1 inch "),
        Rule(r"(\d) ?in\. ([A-Za-z0-9])", r"\1 inches \2"),
        Rule(r"(\d) ?in\.([,;:)]|$)", r"\1 inches\2"),
        Rule(r"(\d) ?h (\d{1,2}) ?m\b", r"\1 h \2 min"),
        # Jets and players, not seconds.
        Rule(r"([A-Za-z]-?)(\d{1,3})s\b", r"\1\2 @s"),
        Rule(r"(^|[^\d.,=])(\d{3,})s\b", r"\1\2 @s"),
        Rule(rf"(\d)-({_POINTED})\.([ )])", r"\1-\2\3"),
        # One foot of many: a 60 km/h limit, a 5 ft. pole, a 100 km race.
        Rule(
            rf"\b([Aa]n?) ({_NUMBER}(?: to \d+|--?\d+)?) ?({_UNIT})/({_UNIT}) ([a-z])",
            r"\1 \2 \3@1 per \4@1 \5",
        ),
        Rule(rf"(\d)-({_UNIT})/({_UNIT}){_UNMARKED}", r"\1 \2@1 per \3@1\4"),
        Rule(
            rf"\b([Aa]n?) ({_NUMBER}(?: to \d+|--?\d+)?) ?({_UNIT})\.? ([a-z]{{3,}})",
            r"\1 \2 \3@1 \4",
        ),
        Rule(r"\b([Aa]n?) (\d+) ?° ?([a-z])", r"\1 \2 degree \3"),
        Rule(rf"\bper ({_POINTED}|mo)\.( [(a-z\d]|[,;:])", r"per \1@1\2"),
        Rule(rf"\bper ({_POINTED}|mo)($|[^\w@])", r"per \1@1\2"),
        Rule(
            rf"(^|[^\d.,])1 ?({_UNIT})/({_UNIT}){_UNMARKED}",
            r"\1one \2@1 per \3@1\4",
        ),
        Rule(rf"(\d) ?({_UNIT})/({_UNIT}){_UNMARKED}", r"\1 \2@2 per \3@1\4"),
        Rule(rf"(\d) ?({_POINTED})\.( [a-z\d]|[,;:])", r"\1 \2\3"),
        # A part of one mile, but one and a half miles.
        Rule(rf"(\d \d/\d+) ?({_UNIT})\b", r"\1 \2@2"),
        Rule(rf"\b(\d{{1,2}}/\d{{1,2}}) ?({_UNIT}){_UNMARKED}", r"\1 \2@1\3"),
        Rule(r"(\d) ?(km|m|cm|mm|ft|mi) squared\b", r"\1 square \2"),
        Rule(r"(\d) ?(km|m|cm|mm|ft) cubed\b", r"\1 cubic \2"),
        Rule(rf"\b(1|0\.\d+) (square|cubic) ({_UNIT})\b", r"\1 \2 \3@1"),
        Rule(rf"(\d) (square|cubic) ({_UNIT}){_UNMARKED}", r"\1 \2 \3@2\4"),
        # Four digits are no year here.
        Rule(rf"(^|[^\d.,])(\d)(\d{{3}}) ?({_UNIT})\b", r"\1\2,\3 \4"),
        Rule(rf"(^|[^\d.,])1 ?({_UNIT}){_UNMARKED}", r"\1one \2@1\3"),
        Rule(rf"(\d)-({_UNIT})\b", r"\1 \2@1"),  # a 5-km run
        Rule(rf"(\d) ?({_UNIT}){_UNMARKED}", r"\1 \2@2\3"),
        *(
            Rule(rf"{symbol}@{number}", words)
            for symbol in sorted(_UNITS, key=len, reverse=True)
            for number, words in enumerate(_UNITS[symbol], start=1)
        ),
        Rule(r"\b1 ?°", "one degree "),
        Rule(r"(\d) ?°", r"\1 degrees "),
        Rule(r"(\d) ?%", r"\1 percent"),
        Rule(r"(\d) ?[x×] ?(\d+) ?=", r"\1 times \2 ="),
        Rule(r"(\d) ?[x×] ?(10 to the)", r"\1 times \2"),
        Rule(r"([a-z]) [x×] (\d)", r"\1 by \2"),
        Rule(r"(\d) ?[x×] ?(\d)", r"\1 by \2"),
        Rule(r"(\d) ?± ?(\d)", r"\1 plus or minus \2"),
    ),
    guard=r"\d",
)
