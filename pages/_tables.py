"""Tables as HTML: on a narrow screen each row is a small card whose cells say their own titles."""

from __future__ import annotations

from collections.abc import Iterable

from pages._html import Html, tag

__all__ = ["table"]


def table(about: str, heads: Iterable[str], rows: Iterable[Iterable[str]], kind: str = "") -> Html:
    """Rows under their heads, the first cell of each its name; `about` is heard, `kind` is a class of its own."""
    first, *others = heads
    titles = tag("tr", *(tag("th", each, scope="col") for each in (first, *others)))
    lines = [
        tag(
            "tr",
            tag("th", name, scope="row"),
            *(tag("td", cell, data_head=head) for head, cell in zip(others, cells, strict=True)),
        )
        for name, *cells in rows
    ]
    whole = tag("table", tag("thead", titles), tag("tbody", *lines), cls=f"g-table {kind}".strip())
    return tag("div", whole, cls="g-scroll", tabindex="0", role="region", aria_label=about)
