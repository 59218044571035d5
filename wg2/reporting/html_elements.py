"""HTML as a tree of elements; the standard library's serializer escapes all text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

Element = ElementTree.Element
Child = Element | str


def element(tag: str, *children: Child, **attributes: str) -> Element:
    """An element. Attributes: `class_` for `class`, `aria_label` for `aria-label`."""
    made = Element(tag)
    for name, value in attributes.items():
        made.set(name.rstrip("_").replace("_", "-"), visible(value))
    for child in children:
        append(made, child)
    return made


def append(parent: Element, child: Child) -> None:
    """Adds a last child, an element or text."""
    if isinstance(child, Element):
        parent.append(child)
    elif len(parent):
        parent[-1].tail = (parent[-1].tail or "") + visible(child)
    else:
        parent.text = (parent.text or "") + visible(child)


def table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[Child]],
    numeric: Sequence[int] = (),
) -> Element:
    """A table whose first cells are the headings of their rows.

    Args:
        caption: What it shows.
        head: Headings of the columns.
        rows: Cells.
        numeric: Columns to set flush right.
    """

    def classes(column: int) -> dict[str, str]:
        return {"class_": "number"} if column in numeric else {}

    body = element("tbody")
    for row in rows:
        cells = [element("th", row[0], scope="row")]
        cells += [
            element("td", cell, **classes(i)) for i, cell in enumerate(row[1:], 1)
        ]
        body.append(element("tr", *cells))
    titles = [
        element("th", title, scope="col", **classes(i)) for i, title in enumerate(head)
    ]
    whole = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *titles)),
        body,
    )
    # Wide tables scroll by themselves, not the page; by keyboard, too.
    return element(
        "div", whole, class_="wide", tabindex="0", role="region", aria_label=caption
    )


def details(summary: str, *children: Child) -> Element:
    """Something to open."""
    return element("details", element("summary", summary), *children)


def section(id: str, title: str, *children: Child) -> Element:
    """A part of a page, with its heading."""
    return element("section", element("h2", title), *children, id=id)


def shorten(text: str, length: int = 200) -> str:
    """`text`, or its beginning."""
    return text if len(text) <= length else text[: length - 1] + "…"


def parse_svg(text: str) -> Element:
    """An SVG document as elements of an HTML page, which has no prefixes."""
    root = ElementTree.fromstring(text)
    for part in root.iter():
        part.tag = part.tag.rpartition("}")[2]
    return root


def document(root: Element) -> str:
    """The text of a whole page."""
    return "<!DOCTYPE html>\n" + ElementTree.tostring(root, "unicode", method="html")


def visible(text: str) -> str:
    """Without characters that HTML does not allow."""
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(c) == "Cc" and c not in "\n\t"
        else c
        for c in text
    )
