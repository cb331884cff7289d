"""Finds out what an app really gets, in five or six requests: page limits, batch reads, fields.

Asks from the largest down and notes every outcome as evidence; decides nothing and keeps nothing. Imports `calls`,
`errors`, `sightings`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.errors import BadRequest, Deferred, EndpointWithdrawn, Skippable, SourceUnavailable
from pipeline.source.calls import SAFE_LIMIT, Answer, Call, Source
from pipeline.source.sightings import Sightings, Watcher, items_at

__all__ = ["LARGE_LIMIT", "Findings", "find_out"]

LARGE_LIMIT = 50  # the most that any profile answers (checked 2026-11-22)


@dataclass(frozen=True)
class Findings:
    """What was found; None where a question could not be put and stays open."""

    search_limit: int
    albums_limit: int | None
    reads_artists: bool | None
    reads_albums: bool | None
    sightings: Sightings
    evidence: str

    @property
    def complete(self) -> bool:
        """Whether no question stays open."""
        return None not in (self.albums_limit, self.reads_artists, self.reads_albums)


def find_out(source: Source, genre: str) -> Findings:
    """What the source offers now; raises what the search raises, since without it nothing is known."""
    probing = _Probing(source)
    search_limit, artists = probing.search(genre)
    albums_limit, albums = probing.releases(artists, search_limit)
    reads_artists = probing.reads_many("artists", artists[:2])
    reads_albums = probing.reads_many("albums", albums[:1])
    for album_id in albums[:1]:
        probing.ask(Call("album", {"id": album_id}))
    return Findings(
        search_limit,
        albums_limit,
        reads_artists,
        reads_albums,
        probing.watcher.sightings(),
        "; ".join(probing.notes),
    )


class _Probing:
    """One probe under way."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.watcher, self.notes = Watcher(), list[str]()

    def search(self, genre: str) -> tuple[int, list[str]]:
        """The page limit of a search and the ids of artists under a genre."""
        call = Call("search", {"genre": genre, "offset": 0, "limit": LARGE_LIMIT, "sweep_on": ""})
        try:
            limit, answer = LARGE_LIMIT, self._fetch(call)
        except BadRequest:
            limit, answer = SAFE_LIMIT, self._fetch(call.moved(limit=SAFE_LIMIT))
        return limit, _ids(answer, "artists", "items")

    def releases(self, artists: list[str], search_limit: int) -> tuple[int | None, list[str]]:
        """The page limit of an artist's releases and the ids of some; first tried with what the search allowed."""
        if not artists:
            return None, []
        for limit in dict.fromkeys((search_limit, SAFE_LIMIT)):
            params = {"artist_id": artists[0], "group": "album,single", "offset": 0, "limit": limit}
            answer = self.ask(Call("artist_albums", params))
            if answer is None:
                return None, []
            if answer:
                return limit, _ids(answer, "items")
        return SAFE_LIMIT, []

    def reads_many(self, endpoint: str, ids: list[str]) -> bool | None:
        """Whether several ids can be read in one request; stays open where there is no id to try it with."""
        if not ids:
            self.notes.append(f"{endpoint} not asked, no id was found")
            return None
        answer = self.ask(Call(endpoint, {"ids": ids}))
        return None if answer is None else bool(answer)

    def ask(self, call: Call) -> Answer | Literal[False] | None:
        """The answer, False when it was refused, None when it cannot be had now and the question stays open."""
        try:
            return self._fetch(call)
        except (Skippable, EndpointWithdrawn):
            return False
        except (Deferred, SourceUnavailable):
            return None

    def _fetch(self, call: Call) -> Answer:
        what = f"{call.endpoint} limit {call.params['limit']}" if "limit" in call.params else call.endpoint
        try:
            answer = self._source.fetch(call)
        except (Skippable, EndpointWithdrawn):
            self.notes.append(f"{what} refused")
            raise
        except (Deferred, SourceUnavailable):
            self.notes.append(f"{what} not answered")
            raise
        self.notes.append(f"{what} answered")
        self.watcher.look(call.endpoint, answer.data)
        return answer


def _ids(answer: Answer, *path: str) -> list[str]:
    return [item["id"] for item in items_at(answer.data, *path) if isinstance(item.get("id"), str)]
