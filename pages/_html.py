"""HTML that escapes by itself: a plain text is always escaped, only what `tag` made passes as it is."""

from __future__ import annotations

from html import escape

__all__ = ["Html", "join", "marked", "tag"]

VOID = frozenset({"img", "br"})


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: str | None) -> Html:
    """One element. `cls` stands for class and `_` for `-` in names; an attribute that is None is left out."""
    given = {key.replace("cls", "class").replace("_", "-"): value for key, value in attributes.items()}
    written = "".join(f' {key}="{escape(value)}"' for key, value in given.items() if value is not None)
    return Html(f"<{name}{written}>") if name in VOID else Html(f"<{name}{written}>{join(*children)}</{name}>")


def marked(text: str) -> Html:
    """A text in which what stands between backticks is code."""
    parts = text.split("`")
    return (
        join(*(tag("code", part) if at % 2 else part for at, part in enumerate(parts)))
        if len(parts) % 2
        else join(text)
    )


def join(*children: str) -> Html:
    """Elements and texts one after the other."""
    return Html("".join(child if isinstance(child, Html) else escape(child) for child in children))
