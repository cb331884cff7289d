"""What this app really gets from the source: page limits, batch reads, fields; probed, dated, believed over any label.

`probe` asks for them, `observe` learns from every batch. Imports `asking`, `calls`, `capability_rows`, `ledger`,
`probing`, `sightings`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.records.capability_rows import capability_rows, set_capability
from pipeline.records.ledger import Ledger
from pipeline.source.asking import IDS_PER_CALL
from pipeline.source.calls import SAFE_LIMIT, Source
from pipeline.source.probing import find_out
from pipeline.source.sightings import KNOWN_FIELDS, Sightings

__all__ = ["WATCHED_FIELDS", "Capabilities", "is_stale", "load_capabilities", "observe", "probe", "save"]

log = logging.getLogger(__name__)
Row = Mapping[str, Any]

CHECK_EVERY = timedelta(days=7)
ENOUGH_OBJECTS = 5  # absence from fewer proves nothing: single objects may lack a field
MOST_UNKNOWN = 50  # names of unknown fields that are kept; more is noise

# Fields that come with some profiles only, or that a table is made of: a change of one is a dated note.
WATCHED_FIELDS: dict[str, frozenset[str]] = {
    kind: frozenset(names.split())
    for kind, names in {
        "artist": "external_urls followers genres images name popularity",
        "album": "album_type artists available_markets external_ids images label name popularity release_date tracks",
        "listed_album": "album_group album_type artists available_markets images name release_date",
        "track": "artists available_markets duration_ms explicit external_ids name popularity track_number",
    }.items()
}
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Capabilities:
    """What may be asked for; without a probe, the least that every profile offers.

    `fields`: object type -> fields that come with values. `incomplete`: a question stayed open, or an answer
    contradicted what was found, so that the next run probes again.
    """

    search_limit: int = SAFE_LIMIT
    albums_limit: int = SAFE_LIMIT
    artists_per_call: int = 1
    albums_per_call: int = 1
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    checked_at: datetime = NEVER
    incomplete: bool = True

    @property
    def profile(self) -> str:
        """A label for people, from what was seen: extended where artists can be read in batches, else development."""
        return "extended" if self.artists_per_call > 1 else "development"

    @property
    def has_numbers(self) -> bool:
        """Whether artists come with followers or popularity."""
        return not {"followers", "popularity"}.isdisjoint(self.fields.get("artist", ()))


def is_stale(known: Capabilities, now: datetime) -> bool:
    """Whether it is time to probe: after a week, or when something stayed open or was contradicted."""
    return known.incomplete or not timedelta(0) <= now - known.checked_at < CHECK_EVERY


def load_capabilities(ledger: Ledger) -> Capabilities | None:
    """What is known, or None before the first probe."""
    return _from_rows(capability_rows(ledger))


def probe(source: Source, ledger: Ledger, *, genre: str) -> Capabilities:
    """What the source offers now, asked in five or six requests and recorded; raises what its search raises.

    A question that stays open unlearns nothing: what was known of it before still holds.
    """
    found, before = find_out(source, genre), load_capabilities(ledger) or Capabilities()
    seen = {
        kind: tuple(sorted(WATCHED_FIELDS[kind].intersection(names))) for kind, names in found.sightings.fields.items()
    }
    known = Capabilities(
        found.search_limit,
        before.albums_limit if found.albums_limit is None else found.albums_limit,
        before.artists_per_call if found.reads_artists is None else _per_call("artists", reads=found.reads_artists),
        before.albums_per_call if found.reads_albums is None else _per_call("albums", reads=found.reads_albums),
        {**before.fields, **seen},
        ledger.now(),
        incomplete=not found.complete,
    )
    save(ledger, known, found.evidence)
    log.info("probe_finished profile=%s evidence=%r", known.profile, found.evidence)
    return known


def save(ledger: Ledger, known: Capabilities, evidence: str) -> None:
    """Record what a probe found: one row per limit, endpoint and field, each with its evidence and date."""
    facts: dict[str, object] = {
        "limit:search": known.search_limit,
        "limit:artist_albums": known.albums_limit,
        "endpoint:artists": known.artists_per_call > 1,
        "endpoint:albums": known.albums_per_call > 1,
        "probe": {"incomplete": known.incomplete},
    }
    for kind, given in known.fields.items():
        facts.update({_field(kind, name): name in given for name in WATCHED_FIELDS[kind]})
    before = capability_rows(ledger)
    for name, value in facts.items():
        set_capability(ledger, name, value, evidence, _lost_since(before.get(name), value, ledger.now()))


def observe(ledger: Ledger, seen: Sightings, now: datetime) -> Capabilities | None:
    """What is known after a batch's answers, or None when they changed nothing.

    What vanished is dated, what nobody knew is warned of once.
    """
    rows = capability_rows(ledger)
    if "probe" not in rows:
        return None
    contradicted = _contradicted(rows, seen)
    changes = {**contradicted, **_fields_changed(rows, seen)}
    if contradicted:
        changes["probe"] = {"incomplete": True}
    for name, value in changes.items():
        set_capability(ledger, name, value, "seen in a run", _lost_since(rows.get(name), value, now))
        _announce(ledger, name, value, rows.get(name))
    return _from_rows(capability_rows(ledger)) if changes else None


def _contradicted(rows: Mapping[str, Row], seen: Sightings) -> dict[str, object]:
    """Limits and endpoints that were refused although they are on record."""
    limits = {f"limit:{endpoint}": limit for endpoint, limit in seen.refused_limits}
    refused: dict[str, object] = {
        name: SAFE_LIMIT for name, limit in limits.items() if _value(rows, name, SAFE_LIMIT) >= limit
    }
    gone = {f"endpoint:{endpoint}" for endpoint in seen.withdrawn}
    return refused | {name: False for name in gone if _value(rows, name, True)}


def _fields_changed(rows: Mapping[str, Row], seen: Sightings) -> dict[str, object]:
    changes: dict[str, object] = {}
    unknown = sum(name.startswith("field:") and not _is_watched(name) for name in rows)
    for kind, count in seen.objects.items():
        given = set(seen.fields.get(kind, ()))
        new = sorted(given - KNOWN_FIELDS[kind])[: max(0, MOST_UNKNOWN - unknown)]
        present = {_field(kind, name): True for name in (given & WATCHED_FIELDS[kind]).union(new)}
        absent = {_field(kind, name): False for name in WATCHED_FIELDS[kind] - given if count >= ENOUGH_OBJECTS}
        changes.update(
            {name: value for name, value in (present | absent).items() if _value(rows, name, None) is not value}
        )
    return changes


def _lost_since(row: Row | None, value: object, now: datetime) -> datetime | None:
    """Since when a thing once seen is gone; None while it is there, and where it never was."""
    if value is not False or row is None:
        return None
    since: datetime | None = row["withdrawn_since"]
    return since or (now if row["value"] is True else None)


def _announce(ledger: Ledger, name: str, value: object, row: Row | None) -> None:
    """One event when a thing goes, comes back, or was never heard of."""
    if value is False and row is not None:
        ledger.add_event(
            "WARNING", "capability_withdrawn", f"{name} is no longer answered; what is stored stays as it was"
        )
    elif value is True and row is not None:
        ledger.add_event("INFO", "capability_returned", f"{name} is answered again")
    elif value is True and not _is_watched(name):
        ledger.add_event("WARNING", "field_unknown", f"{name} is new: it is kept in the raw answers and in no table")
    elif name.startswith("limit:"):
        ledger.add_event("WARNING", "limit_lowered", f"{name} is now {value}")


def _from_rows(rows: Mapping[str, Row]) -> Capabilities | None:
    if "probe" not in rows:
        return None
    fields: dict[str, tuple[str, ...]] = {}
    for name, row in rows.items():
        if name.startswith("field:"):
            kind, _, column = name.removeprefix("field:").partition(".")
            fields[kind] = fields.get(kind, ()) + ((column,) if row["value"] else ())
    return Capabilities(
        _value(rows, "limit:search", SAFE_LIMIT),
        _value(rows, "limit:artist_albums", SAFE_LIMIT),
        _per_call("artists", reads=_value(rows, "endpoint:artists", False)),
        _per_call("albums", reads=_value(rows, "endpoint:albums", False)),
        fields,
        rows["probe"]["checked_at"],
        rows["probe"]["value"]["incomplete"],
    )


def _per_call(endpoint: str, *, reads: bool) -> int:
    return IDS_PER_CALL[endpoint] if reads else 1


def _value(rows: Mapping[str, Row], name: str, default: object) -> Any:
    return rows[name]["value"] if name in rows else default


def _field(kind: str, name: str) -> str:
    return f"field:{kind}.{name}"


def _is_watched(name: str) -> bool:
    kind, _, column = name.removeprefix("field:").partition(".")
    return column in WATCHED_FIELDS.get(kind, ())
