"""JSON as the model server's parser reads it, within limits.

What differs from Python's: NaN, Infinity and Inf with a sign are numbers, of equal keys
the first counts, and text need not be UTF-8: bytes come through as surrogates (PEP
383), which `to_bytes` turns back.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from export.standin.errors import invalid

_MAX_QUOTED = 256

# Also matches whole strings, so that nothing within one is taken for a token.
_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|-NaN\b|\bInf\b', re.DOTALL)
_STRUCTURE = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]', re.DOTALL)
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class JsonLimits:
    """Ours; the model server has none and can be brought down by nesting.

    Args:
        max_depth: Of lists and objects within each other.
        max_values: Values in a document.
    """

    max_depth: int = 64
    max_values: int = 4_000_000


class Number(float):
    """A number that stood there as NaN or Infinity, not as digits too large."""


def parse(body: bytes, limits: JsonLimits) -> dict:
    """The object in `body`.

    Raises:
        ServingError: INVALID_ARGUMENT.
    """
    if not body.strip():
        raise invalid("JSON Parse error: The document is empty")
    _check(body, limits)
    text = body.decode("utf-8", "surrogateescape")
    escaped_bytes = _SURROGATES.search(text) is not None
    if "Inf" in text or "-NaN" in text:
        text = _TOKENS.sub(_token, text)
    try:
        document = json.loads(
            text, parse_constant=Number, object_pairs_hook=_first_of_equal_keys
        )
    except json.JSONDecodeError as error:
        what = "Invalid value."
        if error.msg == "Extra data":
            what = "The document root must not be followed by other values."
        raise invalid(f"JSON Parse error: {what} at offset: {error.pos}") from None
    except ValueError:  # an integer of thousands of digits
        raise invalid(
            "JSON Parse error: Number too big to be stored in double."
        ) from None
    except RecursionError:
        raise invalid("JSON Parse error: nested too deeply") from None
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {quote(document)} Is not object")
    if not escaped_bytes and re.search(rb"\\u[dD][89a-fA-F]", body):
        _refuse_lone_surrogates(document)
    return document


def to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def quote(value: object) -> str:
    """A value for an error message, cut like the model server's from 2.18 on."""
    text = json.JSONEncoder(default=str).iterencode(value)
    quoted = ""
    for piece in text:  # in pieces: the value may be huge
        quoted += piece
        if len(quoted) > _MAX_QUOTED:
            return f"{quoted[:_MAX_QUOTED]}...TRUNCATED"
    return quoted


def type_name(value: object) -> str:
    """The JSON type, as the model server's errors call it."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return str(value)
    kinds = {dict: "Object", list: "Array", str: "String"}
    return kinds.get(type(value), "Number")


def _check(body: bytes, limits: JsonLimits) -> None:
    """Before anything is built from it. Commas in strings count, too: cheap."""
    num_values = body.count(b",") + 1
    if num_values > limits.max_values:
        raise invalid(
            f"JSON Parse error: about {num_values} values, more than the limit of "
            f"{limits.max_values} (--max-json-values)"
        )
    if body.count(b"[") + body.count(b"{") <= limits.max_depth:
        return
    depth = 0
    for match in _STRUCTURE.finditer(body):
        first = match[0][:1]
        if first in b"[{":
            depth += 1
            if depth > limits.max_depth:
                raise invalid(
                    "JSON Parse error: nested deeper than the limit of "
                    f"{limits.max_depth} (--max-json-depth), at offset: {match.start()}"
                )
        elif first in b"]}":
            depth -= 1


def _token(match: re.Match) -> str:
    if match[0].startswith('"'):
        return match[0]
    return "NaN" if match[0] == "-NaN" else "Infinity"


def _first_of_equal_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result: dict[str, object] = {}
    for key, value in pairs:
        result.setdefault(key, value)
    return result


def _refuse_lone_surrogates(value: object) -> None:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            if _SURROGATES.search(item):
                raise invalid(
                    "JSON Parse error: The surrogate pair in string is invalid."
                )
        elif isinstance(item, list):
            pending += item
        elif isinstance(item, dict):
            pending += [*item.keys(), *item.values()]
