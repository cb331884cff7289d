"""The endpoints of the catalogue: one method each, from a query to the reply of a healthy API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .catalog import GROUPS, Catalog, Credit
from .config import SimulatorConfig
from .distortions import GHOST, NULL, Distortion, slots_of
from .ids import is_well_formed
from .objects import MARKETS, Shapes, compact
from .paging import BadRequest, Page, page_bounds
from .profiles import ProfileRules
from .releases import Release, Track
from .routes import Route
from .search import matching_artists, parsed_query

__all__ = ["JSON_TYPE", "Endpoints", "Reply", "Request", "error_reply"]

JSON_TYPE = "application/json; charset=utf-8"
_TYPES = ("album", "artist", "playlist", "track", "show", "episode", "audiobook")
_TRACK_LIMIT = (20, 50)
_NEW_RELEASE_DAYS = 14


class Reply(NamedTuple):
    """An HTTP answer before it is sent."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What an endpoint may know; `base` is the address the client used, `day` the simulated one."""

    route: Route
    query: Mapping[str, str]
    day: int
    base: str
    distortions: Sequence[Distortion] = field(default=())


def error_reply(
    status: int, message: str, *, reason: str | None = None, headers: tuple[tuple[str, str], ...] = ()
) -> Reply:
    """The ordinary error body, with `reason` where given."""
    error: dict[str, object] = {"status": status, "message": message}
    if reason:
        error["reason"] = reason
    return Reply(status, compact({"error": error}).encode(), headers=headers)


class Endpoints:
    """Answers requests from one catalogue in one profile."""

    def __init__(self, catalog: Catalog, rules: ProfileRules, shapes: Shapes, config: SimulatorConfig) -> None:
        self._catalog, self._rules, self._shapes, self._config = catalog, rules, shapes, config
        self._answers: dict[str, Callable[[Request], bytes]] = {
            "search": self._search,
            "artist": self._artist,
            "artists": self._artists,
            "artist_albums": self._artist_albums,
            "artist_top_tracks": self._top_tracks,
            "artist_related": self._related,
            "album": self._album,
            "albums": self._albums,
            "album_tracks": self._album_tracks,
            "track": self._track,
            "tracks": self._tracks,
            "new_releases": self._new_releases,
            "categories": self._categories,
            "markets": self._markets,
        }

    def reply(self, request: Request) -> Reply:
        """The answer of a healthy API, refusals of the profile and errors of the request included."""
        endpoint = request.route.endpoint
        if endpoint in self._rules.refused:
            return error_reply(*self._rules.refused[endpoint])
        if endpoint == "me":
            return error_reply(401, "Valid user authentication required")
        if endpoint == "unknown":
            return error_reply(404, "Service not found")
        if endpoint == "artist_related" and not self._config.old_app:
            return error_reply(404, "Not found.")
        try:
            market = request.query.get("market") or request.query.get("country")
            if market and not (len(market) == 2 and market.isalpha()):
                raise BadRequest(400, "Invalid market code")
            return Reply(200, self._answers[endpoint](request))
        except BadRequest as refusal:
            return error_reply(refusal.status, refusal.message)

    def _search(self, request: Request) -> bytes:
        text = request.query.get("q") or request.query.get("query") or ""
        types = [kind for kind in request.query.get("type", "").split(",") if kind]
        if not text.strip():
            raise BadRequest(400, "No search query")
        if not types:
            raise BadRequest(400, "Missing parameter type")
        if unknown := [kind for kind in types if kind not in _TYPES]:
            raise BadRequest(400, f"Bad search type field {unknown[0]}")
        cap = self._config.search_cap
        limit, offset = page_bounds(request.query, self._rules.search_limit, cap)
        if offset >= cap:
            raise BadRequest(404, "Not found.")
        pages = [f'"{kind}s":'.encode() + self._found(request, text, kind, limit, offset) for kind in types]
        return b"{" + b",".join(pages) + b"}"

    def _found(self, request: Request, text: str, kind: str, limit: int, offset: int) -> bytes:
        found = matching_artists(self._catalog, parsed_query(text), request.day) if kind == "artist" else []
        extra = {"query": text, "type": request.query.get("type", kind)} | _market(request)
        size = min(limit, self._config.search_cap - offset)

        def shown(place: int) -> bytes:
            return self._shapes.artist_json(found[place], request.day, request.base)

        slots = self._slots(request, f"search {text}", len(found))
        page = Page(f"{request.base}/v1/search", len(slots), limit, offset, extra)
        return page.json(_items(slots[offset : offset + size], shown))

    def _artist(self, request: Request) -> bytes:
        return self._shapes.artist_json(self._known_artist(request.route.id), request.day, request.base)

    def _artists(self, request: Request) -> bytes:
        shown = [
            b"null" if index is None else self._shapes.artist_json(index, request.day, request.base)
            for index in map(self._catalog.by_id.get, _ids(request, 50))
        ]
        return b'{"artists":[' + b",".join(shown) + b"]}"

    def _artist_albums(self, request: Request) -> bytes:
        wanted = [group for group in request.query.get("include_groups", "").split(",") if group]
        if any(group not in GROUPS for group in wanted):
            raise BadRequest(400, "Invalid album type")
        limit, offset = page_bounds(request.query, self._rules.artist_albums_limit)
        index = self._known_artist(request.route.id)
        found = [
            credit for credit in self._catalog.discography(index, request.day) if not wanted or credit[0] in wanted
        ]

        def shown(place: int) -> bytes:
            credit: Credit = found[place]
            return compact(self._shapes.simple_album(credit[1], request.base, credit[0])).encode()

        extra = ({"include_groups": ",".join(wanted)} if wanted else {}) | _market(request)
        slots = self._slots(request, f"albums {request.route.id} {wanted}", len(found))
        page = Page(f"{request.base}/v1/artists/{request.route.id}/albums", len(slots), limit, offset, extra)
        return page.json(_items(slots[offset : offset + limit], shown))

    def _top_tracks(self, request: Request) -> bytes:
        owned = [
            release for _, release in self._catalog.discography(self._known_artist(request.route.id), request.day)
        ][:12]
        found = [track for release in owned for track in self._catalog.tracks(release)[:3]]
        found.sort(
            key=lambda track: (-self._shapes.track_popularity(track, request.day), self._catalog.track_id(track))
        )
        return compact(
            {"tracks": [self._shapes.track(track, request.day, request.base) for track in found[:10]]}
        ).encode()

    def _related(self, request: Request) -> bytes:
        index = self._known_artist(request.route.id)
        others = list(dict.fromkeys(other for other in self._catalog.partners(index) if other != index))[:20]
        shown = [self._shapes.artist_json(other, request.day, request.base) for other in others]
        return b'{"artists":[' + b",".join(shown) + b"]}"

    def _album(self, request: Request) -> bytes:
        return compact(self._shapes.album(self._known_album(request), request.day, request.base)).encode()

    def _albums(self, request: Request) -> bytes:
        found = [self._catalog.release(album_id, request.day) for album_id in _ids(request, 20)]
        shown = [self._shapes.album(release, request.day, request.base) if release else None for release in found]
        return compact({"albums": shown}).encode()

    def _album_tracks(self, request: Request) -> bytes:
        limit, offset = page_bounds(request.query, _TRACK_LIMIT)
        found = self._catalog.tracks(self._known_album(request))

        def shown(place: int) -> bytes:
            return compact(self._shapes.simple_track(found[place], request.base)).encode()

        slots = self._slots(request, f"tracks {request.route.id}", len(found))
        href = f"{request.base}/v1/albums/{request.route.id}/tracks"
        page = Page(href, len(slots), limit, offset, _market(request))
        return page.json(_items(slots[offset : offset + limit], shown))

    def _track(self, request: Request) -> bytes:
        track = self._catalog.track(_well_formed(request.route.id), request.day)
        if track is None:
            raise BadRequest(404, "Resource not found")
        return compact(self._shapes.track(track, request.day, request.base)).encode()

    def _tracks(self, request: Request) -> bytes:
        found: list[Track | None] = [self._catalog.track(track_id, request.day) for track_id in _ids(request, 50)]
        shown = [self._shapes.track(track, request.day, request.base) if track else None for track in found]
        return compact({"tracks": shown}).encode()

    def _new_releases(self, request: Request) -> bytes:
        limit, offset = page_bounds(request.query, _TRACK_LIMIT)
        found = self._catalog.fresh(request.day, _NEW_RELEASE_DAYS)[:100]
        page = Page(f"{request.base}/v1/browse/new-releases", len(found), limit, offset, {})
        chosen = found[offset : offset + limit]
        shown = [compact(self._shapes.simple_album(release, request.base)).encode() for release in chosen]
        return b'{"albums":' + page.json(shown) + b"}"

    def _categories(self, request: Request) -> bytes:
        limit, offset = page_bounds(request.query, _TRACK_LIMIT)
        names = sorted({genre for artist in self._catalog.artists for genre in artist.genres})
        page = Page(f"{request.base}/v1/browse/categories", len(names), limit, offset, {})
        shown = []
        for name in names[offset : offset + limit]:
            key = name.replace(" ", "-")
            shown.append(compact({"href": f"{page.href}/{key}", "icons": [], "id": key, "name": name}).encode())
        return b'{"categories":' + page.json(shown) + b"}"

    def _markets(self, _: Request) -> bytes:
        return compact({"markets": MARKETS}).encode()

    def _known_artist(self, found: str) -> int:
        index = self._catalog.by_id.get(_well_formed(found))
        if index is None:
            raise BadRequest(404, "Resource not found")
        return index

    def _known_album(self, request: Request) -> Release:
        release = self._catalog.release(_well_formed(request.route.id), request.day)
        if release is None:
            raise BadRequest(404, "Resource not found")
        return release

    def _slots(self, request: Request, key: str, count: int) -> Sequence[int]:
        return slots_of(self._catalog.dice, key, count, request.distortions)


def _items(slots: Sequence[int], shown: Callable[[int], bytes]) -> list[bytes]:
    return [b"null" if slot == NULL else shown(slot) for slot in slots if slot != GHOST]


def _well_formed(text: str) -> str:
    if not is_well_formed(text):
        raise BadRequest(400, "invalid id")
    return text


def _ids(request: Request, most: int) -> list[str]:
    found = [text for text in request.query.get("ids", "").split(",") if text]
    if not found:
        raise BadRequest(400, "Missing required field: ids")
    if len(found) > most:
        raise BadRequest(400, "Too many ids requested")
    return [_well_formed(text) for text in found]


def _market(request: Request) -> dict[str, str]:
    market = request.query.get("market") or request.query.get("country")
    return {"market": market} if market else {}
