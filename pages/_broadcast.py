"""Live parts of pages: HTML that changes by itself, made once for all who look, fetched by `live.js` each second.

A page puts its parts into places that name an address; the launcher answers there with what `broadcast` gives. For that
no script of a page runs and no session is needed: whoever may reach the app may read (docs/decisions/0034).
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlencode

from pages import _live, _run_data
from pages._html import Html, tag
from pages._run_parts import Wanted, draw_parts
from pages._text import LANGUAGES, Text
from pipeline.records.events import LEVELS

__all__ = ["SCRIPT", "broadcast", "going_address", "place", "run_address", "script_tag"]

SCRIPT = (Path(__file__).parent / "live.js").read_text(encoding="utf-8")
PACKING = 3  # once for all; the server would pack each answer by itself
MOST_CHARACTERS = 200  # of a value in an address


def script_tag() -> Html:
    """What loads `live.js`; constant, so that nothing that was collected can become a script."""
    return tag("script", src="live.js")


def place(name: str, html: Html, address: str) -> Html:
    """A part as it is now, in a place where it stays up to date; without an address it stands still."""
    return tag("div", html, data_part=name, data_live=address or None)


def run_address(wanted: Wanted, text: Text) -> str:
    """Where the parts of a run's page are: see `draw_parts`."""
    given = {name: str(value) for name, value in asdict(wanted).items() if value}
    return f"live/run?{urlencode(given | _spoken(text))}"


def going_address(text: Text) -> str:
    """Where the part `going` is: what goes on."""
    return f"live/going?{urlencode(_spoken(text))}"


def broadcast(what: str, query: Mapping[str, str]) -> tuple[bytes, str] | None:
    """The parts of an address as JSON in gzip, and a tag that changes with them; None where nothing has that name."""
    text = Text(query.get("language", ""), query.get("zone", "UTC")[:MOST_CHARACTERS])
    if text.language not in LANGUAGES.values():
        return None
    if what == "going":
        return _run_data.shared(("broadcast", text), lambda: _packed({"going": _going(text)}))
    wanted = _wanted(query)
    if what != "run" or wanted is None:
        return None
    look = _run_data.look_at(wanted.run_id)
    if look is None:
        return None
    return _run_data.shared(("broadcast", wanted, text, look.serial), lambda: _packed(draw_parts(look, wanted, text)))


def _going(text: Text) -> Html:
    return _live.going(_run_data.current_status(), text)


def _wanted(query: Mapping[str, str]) -> Wanted | None:
    """What an address asks for; None where its numbers are none, or its level."""

    def said(name: str) -> str:
        return query.get(name, "")[:MOST_CHARACTERS]

    try:
        pages = [max(1, int(said(name) or "1")) for name in ("items_page", "log_page")]
    except ValueError:
        return None
    if said("level") not in ("", *LEVELS):
        return None
    return Wanted(said("run_id"), said("words"), said("task"), said("state"), said("level"), *pages)


def _packed(parts: Mapping[str, Html]) -> tuple[bytes, str]:
    body = gzip.compress(json.dumps({"parts": parts}).encode(), PACKING, mtime=0)
    return body, f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def _spoken(text: Text) -> dict[str, str]:
    return {"language": text.language, "zone": text.zone}
