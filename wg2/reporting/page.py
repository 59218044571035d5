"""The frame of every report: one HTML document that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from wg2.reporting.html_elements import Child, Element, document, element
from wg2.reporting.style import STYLE

# Nothing may be loaded from anywhere, and no script may run, whatever a text says.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; media-src data:; img-src data:"
)


def page(
    title: str, heading: str, lines: Sequence[Child], sections: Sequence[Element]
) -> str:
    """The text of a page.

    Args:
        title: Of the window.
        heading: Of the page.
        lines: Paragraphs below the heading.
        sections: From `html_elements.section`; all but the first are linked to.
    """
    links = [
        element("a", part.find("h2").text, href=f"#{part.get('id')}")
        for part in sections[1:]
    ]
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", **{"http-equiv": "Content-Security-Policy"}, content=_POLICY),
        element("title", title),
        element("style", STYLE),
    )
    body = element(
        "body",
        element(
            "header",
            element("h1", heading),
            *(element("p", line) for line in lines),
            element("nav", *links, aria_label="Sections"),
        ),
        element("main", *sections),
    )
    return document(element("html", head, body, lang="en"))


def tiles(items: Sequence[tuple[str, str]]) -> Element:
    """Large figures, each a value and what it is."""
    boxes = [
        element("div", element("dt", name), element("dd", value))
        for value, name in items
    ]
    return element("dl", *boxes, class_="tiles")
