"""What every batch teaches about the source: refusals contradict a probe, fields go and come."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.records.capability_rows import capability_rows
from pipeline.records.ledger import Ledger
from pipeline.source.capabilities import WATCHED_FIELDS, Capabilities, is_stale, load_capabilities, observe, save
from pipeline.source.sightings import KNOWN_FIELDS, Sightings, Watcher
from tests.loopback import NOW

LATER = NOW + timedelta(days=2)
ARTIST = tuple(sorted(WATCHED_FIELDS["artist"]))
EXTENDED = Capabilities(50, 50, 50, 20, {"artist": ARTIST}, NOW, incomplete=False)


@pytest.fixture
def ledger(tmp_path):
    """A ledger after a probe that found everything."""
    opened = Ledger(tmp_path / "ledger.sqlite", lambda: NOW)
    save(opened, EXTENDED, "probe")
    yield opened
    opened.close()


def events(ledger: Ledger) -> list[tuple[str, str, str]]:
    """Level, event and message of everything that was told."""
    return [tuple(row.values()) for row in ledger.read("SELECT level, event, message FROM events ORDER BY id")]


def artists(count: int, *fields: str) -> Sightings:
    """So many artists with these fields."""
    return Sightings({"artist": fields}, {"artist": count})


def test_nothing_new_changes_nothing(ledger):
    """Answers as expected leave no trace."""
    assert observe(ledger, artists(50, *ARTIST), LATER) is None
    assert (load_capabilities(ledger), events(ledger)) == (EXTENDED, [])


def test_vanished_field_is_dated(ledger):
    """A field that no artist has any more is withdrawn since now, told once, and stays so dated."""
    without = tuple(name for name in ARTIST if name != "followers")
    changed = observe(ledger, artists(50, *without), LATER)
    assert changed is not None
    assert changed.fields["artist"] == without
    assert observe(ledger, artists(50, *without), LATER + timedelta(days=1)) is None
    assert capability_rows(ledger)["field:artist.followers"]["withdrawn_since"] == LATER
    assert events(ledger) == [
        (
            "WARNING",
            "capability_withdrawn",
            "field:artist.followers is no longer answered; what is stored stays as it was",
        )
    ]


def test_returned_field_is_told(ledger):
    """A field that comes back is no longer withdrawn."""
    observe(ledger, artists(50, *(name for name in ARTIST if name != "genres")), LATER)
    changed = observe(ledger, artists(1, "genres"), LATER)
    assert changed is not None
    assert "genres" in changed.fields["artist"]
    assert capability_rows(ledger)["field:artist.genres"]["withdrawn_since"] is None
    assert [event for _, event, _ in events(ledger)] == ["capability_withdrawn", "capability_returned"]


def test_few_objects_prove_nothing(ledger):
    """A handful of artists without a field is chance."""
    assert observe(ledger, artists(4, "name"), LATER) is None


def test_both_numbers_gone(ledger):
    """Without followers and popularity artists have no numbers; with one of them they have."""
    one = observe(ledger, artists(9, *(name for name in ARTIST if name != "followers")), LATER)
    none = observe(ledger, artists(9, *(name for name in ARTIST if name not in ("followers", "popularity"))), LATER)
    assert (one.has_numbers, none.has_numbers) == (True, False)


def test_unknown_field_warns_once(ledger):
    """A field nobody knew is told of the first time only, and watched fields are not affected."""
    for _ in range(2):
        observe(ledger, artists(50, *ARTIST, "aura"), LATER)
    assert events(ledger) == [
        ("WARNING", "field_unknown", "field:artist.aura is new: it is kept in the raw answers and in no table")
    ]


def test_flood_of_fields_is_bounded(ledger):
    """A source that invents fields without end fills neither the ledger nor the log."""
    for start in range(0, 200, 20):
        observe(ledger, artists(50, *ARTIST, *(f"new{number}" for number in range(start, start + 20))), LATER)
    assert 20 <= len(events(ledger)) <= 70


def test_withdrawn_endpoint_contradicts(ledger):
    """A refused endpoint is on record as gone since now, and the next run probes again."""
    changed = observe(ledger, Sightings(withdrawn=("artists", "artists")), LATER)
    assert changed is not None
    assert (changed.artists_per_call, changed.albums_per_call, is_stale(changed, NOW)) == (1, 20, True)
    assert capability_rows(ledger)["endpoint:artists"]["withdrawn_since"] == LATER
    assert observe(ledger, Sightings(withdrawn=("artists",)), LATER) is None


def test_unprobed_endpoint_goes(ledger):
    """An endpoint that nobody ever doubted can be withdrawn too."""
    assert observe(ledger, Sightings(withdrawn=("search",)), LATER) is not None
    assert capability_rows(ledger)["endpoint:search"]["value"] is False


def test_refused_limit_contradicts(ledger):
    """A refused page limit is lowered, told, and the next run probes again."""
    changed = observe(ledger, Sightings(refused_limits=(("search", 50), ("search", 50))), LATER)
    assert changed is not None
    assert (changed.search_limit, changed.albums_limit, changed.incomplete) == (10, 50, True)
    assert events(ledger) == [("WARNING", "limit_lowered", "limit:search is now 10")]
    assert observe(ledger, Sightings(refused_limits=(("search", 50),)), LATER) is None


def test_before_a_probe_nothing_is_learnt(tmp_path):
    """Without a probe there is nothing to contradict."""
    empty = Ledger(tmp_path / "empty.sqlite", lambda: NOW)
    assert observe(empty, Sightings(withdrawn=("artists",)), NOW) is None
    empty.close()


def test_every_object_is_seen():
    """Fields are noted for each kind of object, where its endpoint puts it; null is no value."""
    watcher = Watcher()
    watcher.look("search", {"artists": {"items": [{"id": "a", "genres": []}, None, {"name": "x", "popularity": None}]}})
    watcher.look("artists", {"artists": [{"uri": "u"}, None]})
    watcher.look("artist", {"type": "artist"})
    watcher.look("artist_albums", {"items": [{"album_group": "single"}]})
    watcher.look("albums", {"albums": [{"label": "l", "tracks": {"items": [{"explicit": True}]}}, None]})
    watcher.look("album", {"name": "b", "tracks": {"items": [{"name": "t"}]}})
    watcher.look("album_tracks", {"items": [{"isrc": "x"}]})
    seen = watcher.sightings()
    assert seen.objects == {"artist": 4, "listed_album": 1, "album": 2, "track": 3}
    assert seen.fields == {
        "artist": ("genres", "id", "name", "type", "uri"),
        "listed_album": ("album_group",),
        "album": ("label", "name", "tracks"),
        "track": ("explicit", "isrc", "name"),
    }


@pytest.mark.parametrize("name", ["x" * 61, "a b", "\ud800", "drop\ntable", ""])
def test_odd_names_are_not_noted(name):
    """A field name that is no plain word is left in the raw answer."""
    watcher = Watcher()
    watcher.look("artist", {name: 1, "id": "a"})
    assert watcher.sightings().fields == {"artist": ("id",)}


def test_many_names_are_bounded():
    """An object with a hundred thousand keys costs no more than twenty."""
    watcher = Watcher()
    watcher.look("artist", {f"k{number}": 1 for number in range(100_000)})
    assert len(watcher.sightings().fields["artist"]) == 20


def test_watched_fields_are_known():
    """Every field that is watched is a documented one."""
    assert {kind: sorted(names - KNOWN_FIELDS[kind]) for kind, names in WATCHED_FIELDS.items()} == {
        kind: [] for kind in KNOWN_FIELDS
    }
