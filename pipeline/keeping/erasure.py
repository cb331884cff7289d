"""What is left of a text, an answer or a row when an artist is taken out of it: pure functions, no files.

An artist goes with everything that is its alone: releases and tracks that credit nobody else. Where others are credited
too the release stays, without the artist's credit (docs/decisions/0026). Imports nothing of ours.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

__all__ = ["REMOVED", "Subject", "without"]

REMOVED = "(removed)"
_GONE = object()
_GENRES = ("genre", "genres")  # a genre may be called as the artist is


@dataclass(frozen=True)
class Subject:
    """An artist, and what goes with it: ids of releases and tracks that are its alone, and names they were shown by."""

    artist_id: str
    albums: frozenset[str] = frozenset()
    tracks: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    @cached_property
    def all_ids(self) -> frozenset[str]:
        """The artist's id and those that go with it."""
        return self.albums | self.tracks | {self.artist_id}

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Finds any of the ids, as a word."""
        return re.compile(rf"(?<![0-9A-Za-z])(?:{'|'.join(map(re.escape, sorted(self.all_ids)))})(?![0-9A-Za-z])")

    @cached_property
    def said(self) -> re.Pattern[str]:
        """Finds a name where it stands as words of their own; names of one or two letters only when alone."""
        long = sorted((re.escape(name) for name in self.names if len(name) > 2), key=len, reverse=True)
        short = [re.escape(name) for name in self.names if 0 < len(name) <= 2]
        words = [rf"(?<!\w)(?:{'|'.join(long)})(?!\w)"] * bool(long)
        words += [rf"\A(?:{'|'.join(short)})(?= \+\d+\Z|\Z)"] * bool(short)
        return re.compile("|".join(words) or r"(?!)")

    def is_mentioned(self, text: str) -> bool:
        """Whether a text names any of the ids, or the artist by name."""
        return bool(self.pattern.search(text) or self.said.search(text))

    def redacted(self, text: str) -> str:
        """A text of the ledger without them: JSON keeps its form, calls that ask for them go."""
        if text[:1] in ("[", "{"):
            try:
                return json.dumps(self._unsaid(_without_calls(json.loads(text), self)), ensure_ascii=False)
            except ValueError:
                pass
        return self._unsaid(text)  # type: ignore[no-any-return]

    def _unsaid(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self._unsaid(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self._unsaid(each, key) for each in value]
        if not isinstance(value, str):
            return value
        text = self.pattern.sub(REMOVED, value)
        return text if key in _GENRES else self.said.sub(REMOVED, text)


def without(line: str, subject: Subject) -> str | None:
    """A line of a raw file without the subject: the line itself where it does not name it, None where nothing is left.

    Nothing is left of an answer that was asked for the subject, but for others' releases; of one that cannot be read,
    and of one without objects.
    """
    if not subject.pattern.search(line):
        return line
    try:
        answer = json.loads(line)
        request = _asked(answer["request"], subject)
        kept = {name: _pruned(value, subject) for name, value in answer.items() if name != "request"}
        order = {name: request if name == "request" else kept[name] for name in answer}
        if request is None:
            order = _of_others(answer, kept)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not order or _GONE in order.values():
        return None
    text = json.dumps(order, ensure_ascii=False, separators=(",", ":"))
    return None if subject.pattern.search(text) else text


def _of_others(answer: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    """Releases of others in the subject's discography, as if these had been asked for; empty where there are none."""
    page = kept.get("artist_albums")
    items = page.get("items") if isinstance(page, dict) else None
    releases = [each for each in items if isinstance(each, dict) and "id" in each] if isinstance(items, list) else []
    if not releases:
        return {}
    asked = {"ids": [each["id"] for each in releases]}
    return {"fetched_at": answer["fetched_at"], "endpoint": "albums", "request": asked, "albums": {"albums": releases}}


def _asked(request: dict[str, Any], subject: Subject) -> dict[str, Any] | None:
    """A request without the ids; None when it was for them alone."""
    if any(isinstance(value, str) and subject.pattern.search(value) for value in request.values()):
        return None
    lists = {name: value for name, value in request.items() if isinstance(value, list)}
    kept = {name: [each for each in value if each not in subject.all_ids] for name, value in lists.items()}
    return None if any(value and not kept[name] for name, value in lists.items()) else {**request, **kept}


def _pruned(value: Any, subject: Subject) -> Any:
    """The value without objects of the subject, links to it, and objects that credited it alone.

    In a list null is left of an object, as Spotify itself leaves it: places and counts of the others stay.
    """
    if isinstance(value, str):
        return _GONE if subject.pattern.search(value) else value
    if isinstance(value, list):
        both = [(item, _pruned(item, subject)) for item in value]
        return [None if each is _GONE else each for item, each in both if each is not _GONE or isinstance(item, dict)]
    if not isinstance(value, dict):
        return value
    if value.get("id") in subject.all_ids:
        return _GONE
    kept = {name: each for name, each in ((name, _pruned(own, subject)) for name, own in value.items())
            if each is not _GONE}  # fmt: skip
    return _GONE if "id" in value and value.get("artists") and not any(kept.get("artists", ())) else kept


def _without_calls(value: Any, subject: Subject) -> Any:
    """A list of calls to be made without those for the subject; any other value as it is."""
    if not isinstance(value, list) or not all(isinstance(each, dict) and "params" in each for each in value):
        return value
    asked = [(call, _asked(call["params"], subject)) for call in value]
    return [{**call, "params": params} for call, params in asked if params is not None]
