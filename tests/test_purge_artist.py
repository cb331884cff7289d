"""Removal of one artist: nothing of it is left on the disk, and nothing of anybody else is lost."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
from contextlib import closing
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
import zstandard

from pipeline.errors import DamagedFile, SettingsError
from pipeline.keeping.erasure import Subject, without
from pipeline.keeping.exchange import Exchange
from pipeline.keeping.purge import purge_artist
from pipeline.keeping.recovery import recover
from pipeline.keeping.replay import replay
from pipeline.lake.store import sweep
from pipeline.published.generations import open_generation
from pipeline.published.publish import publish
from pipeline.records.followed import follow, followed_ids
from pipeline.records.ledger import Ledger
from pipeline.watching.notify import Notifier
from pipeline.workspace import Workspace
from tests.conftest import Clock
from tests.copies import made_once
from tests.payloads import album, albums_line, artist, commit, line, payload, search_line
from tests.stores import RUN

GONE, NAME = "0Gone0000000000000000A", "Zelia Vanishing"
SIGNS = (GONE, NAME, "0Solo00000000000000000", "Solo Title", "0SoloTrack000000000000")
CREDIT, OTHER = {"id": GONE, "name": NAME}, {"id": "a1", "name": "Artist a1"}


def collected(workspace: Workspace, ledger: Ledger) -> None:
    """The artist among others: found, asked for, credited alone and with another, named in the ledger."""
    for day in ("2026-11-21", "2026-11-22"):
        found = search_line(artist("a1"), artist(GONE, name=NAME, uri=f"spotify:artist:{GONE}"), day=day)
        tracks = {"items": [{"id": "0SoloTrack000000000000", "name": "S", "artists": [CREDIT]}], "next": None}
        solo = album("0Solo00000000000000000", name="Solo Title", artists=[CREDIT], tracks=tracks)
        both = album("both", artists=[CREDIT, OTHER], href=f"https://api.example/artists/{GONE}")
        ids = line("artists", {"artists": [artist("a2"), artist(GONE, name=NAME)]}, day, ids=["a2", GONE])
        asked = albums_line(solo, both, day=day, artist_id=GONE)
        commit(workspace, ledger, f"b-{day}", found, ids, asked, line("album", solo, day, id="0Solo00000000000000000"),
               albums_line(both, day=day))  # fmt: skip
        publish(workspace, ledger)
    with ledger.write() as connection:
        calls = [
            {"endpoint": "artists", "params": {"ids": ["a2", GONE]}},
            {"endpoint": "artist", "params": {"id": GONE}},
        ]
        connection.execute(
            "INSERT INTO items (run_id, item_id, batch_id, task, item, planned_at, max_requests, calls) "
            "VALUES ('run-1', 'i', 'i', 't', ?, 0, 1, ?)",
            (f"{NAME} +3", json.dumps(calls)),
        )
    ledger.add_event("INFO", "item_finished", f"{NAME} was read", item=NAME, ids=[GONE])
    follow(ledger, [GONE, "a1"])
    told = {"0Solo00000000000000000": f"Solo Title ({NAME})", "both": f"Album ({NAME}, Artist a1)"}
    Notifier(ledger, "test", lambda *_told: True).releases_seen(told)


def texts(workspace: Workspace) -> dict[str, str]:
    """All that the files of a workspace say, unpacked, and their bytes."""
    found = {}
    for path in [each for each in workspace.root.rglob("*") if each.is_file()]:
        said = path.read_bytes().decode("latin-1")
        if path.suffix == ".zst":
            said += zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().decode()
        elif path.suffix == ".parquet":
            said += str(pq.read_table(path).to_pylist())
        elif path.suffix == ".duckdb":
            with closing(duckdb.connect(str(path), read_only=True)) as con:
                names = [row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
                said += str([con.execute(f"FROM {name}").fetchall() for name in names])
        elif path.name == "ledger.sqlite":
            with closing(sqlite3.connect(path)) as con:
                said += "\n".join(con.iterdump())
        found[path.relative_to(workspace.root).as_posix()] = said
    return found


def others(workspace: Workspace) -> dict[str, list[Any]]:
    """What is published of everybody else; their numbers are dealt anew."""
    generation = open_generation(workspace)
    queries = {
        "artists": f"SELECT * EXCLUDE artist_no FROM artists WHERE artist_id <> '{GONE}' ORDER BY ALL",
        "history": f"FROM artist_snapshots WHERE artist_id <> '{GONE}' ORDER BY ALL",
        "releases": "FROM releases WHERE album_id = 'both'",
        "credits": f"SELECT * EXCLUDE artist_no FROM release_artists WHERE artist_id <> '{GONE}' ORDER BY ALL",
        "pages": "FROM search_pages ORDER BY ALL",
    }
    return {name: generation.rows(query) for name, query in queries.items()}


def test_nothing_is_left(workspace: Workspace, ledger: Ledger) -> None:
    """No file says its id, its name, or what was its alone: unpacked or not, free pages and logs included."""
    made_once(workspace, ledger, collected)
    before = others(workspace)
    assert [sign for sign in SIGNS if not any(sign in said for said in texts(workspace).values())] == []
    done = purge_artist(workspace, ledger, GONE)
    assert (done.raw_files, done.raw_lines, done.releases, done.tracks) == (2, 10, 1, 1)
    assert done.rows == {"artists": 2, "artist_snapshots": 2, "artist_genres": 2, "releases": 2, "release_artists": 4,
                         "tracks": 2, "track_artists": 2, "release_pages": 2, "album_pages": 2}  # fmt: skip
    assert [(sign, path) for path, said in texts(workspace).items() for sign in SIGNS if sign in said] == []
    assert (others(workspace), sweep(workspace, ledger)) == (before, 0)
    assert followed_ids(ledger) == ("a1",)


def test_file_without_others_goes(workspace: Workspace, ledger: Ledger) -> None:
    """Answers that were the artist's alone leave no file, and why it went is kept."""
    commit(workspace, ledger, "b1", line("artist", artist(GONE), "2026-11-22", id=GONE))
    purge_artist(workspace, ledger, GONE)
    assert ledger.read("SELECT * FROM raw_files") == []
    assert ledger.read("SELECT batch_id, layer, reason FROM withdrawals WHERE layer = 'raw'") == [
        {"batch_id": "b1", "layer": "raw", "reason": "request"}
    ]


@pytest.mark.slow
def test_others_can_be_derived_again(workspace: Workspace, ledger: Ledger) -> None:
    """From the answers that are left a replay gives the rows of everybody else, and nothing comes back."""
    made_once(workspace, ledger, collected)
    purge_artist(workspace, ledger, GONE)
    before = others(workspace)
    replay(workspace, ledger)
    assert others(workspace) == before
    assert open_generation(workspace).rows("FROM artists WHERE artist_id = ?", [GONE]) == []


def removed(workspace: Workspace, ledger: Ledger, *, earlier: bool) -> None:
    """An artist whose discography alone told of a release of others, removed; by an earlier program, where said."""
    shared = album("both", artists=[CREDIT, OTHER])
    asked = [albums_line(shared, artist_id=GONE), albums_line(album("own"))]
    commit(workspace, ledger, "discover-1", search_line(artist("a1"), artist(GONE)), *asked, run_id=RUN)
    publish(workspace, ledger)
    purge_artist(workspace, ledger, GONE)
    if earlier:
        [row], exchange = ledger.read("SELECT * FROM raw_files"), Exchange(workspace, ledger)
        exchange.replace_raw(row, payload(search_line(artist("a1"), None), "", asked[1]), 2)
        exchange.carry_out()


@pytest.fixture(params=[False, True], ids=["today", "earlier program"])
def purged(request: pytest.FixtureRequest, workspace: Workspace, ledger: Ledger) -> Workspace:
    """After such a removal. An earlier program let that whole answer go; parts tell more than answers then."""
    return made_once(workspace, ledger, removed, earlier=request.param)


def test_replay_keeps_releases_of_others(purged: Workspace, ledger: Ledger) -> None:
    """Their rows stay as they were."""
    before = others(purged)
    assert len(before["releases"]) == 1
    assert (replay(purged, ledger).changed, others(purged)) == (0, before)


def test_lost_ledger_keeps_releases_of_others(purged: Workspace, ledger: Ledger, clock: Clock) -> None:
    """So do they where ledger and database are lost, and both are made anew."""
    before = others(purged)
    ledger.close()
    purged.ledger_file.unlink()
    shutil.rmtree(purged.db)
    assert all(each.mended for each in recover(purged, clock.now))
    assert others(purged) == before


def test_purged_batch_is_derived_again(workspace: Workspace, ledger: Ledger) -> None:
    """What another program made of answers is made anew also where an artist was taken out of them."""
    commit(workspace, ledger, "discover-1", search_line(artist("a1"), artist(GONE)), run_id=RUN)
    purge_artist(workspace, ledger, GONE)
    [row], exchange = ledger.read("SELECT * FROM parts WHERE table_name = 'artists'"), Exchange(workspace, ledger)
    buffer = io.BytesIO()
    pq.write_table(pq.read_table(workspace.root / row["path"]), buffer, compression="gzip")
    exchange.replace_part(row, buffer.getvalue(), row["rows"], 1)
    exchange.carry_out()
    assert replay(workspace, ledger).changed == 1
    assert ledger.read("SELECT sha256 FROM parts WHERE table_name = 'artists'") == [{"sha256": row["sha256"]}]


@pytest.mark.slow
def test_dry_run_changes_nothing(workspace: Workspace, ledger: Ledger) -> None:
    """It says the same numbers, and every byte stays."""
    made_once(workspace, ledger, collected)
    ledger.close()
    before = {path: path.read_bytes() for path in workspace.root.rglob("*") if path.suffix in (".zst", ".parquet")}
    planned = purge_artist(workspace, ledger, GONE, dry_run=True)
    assert {path: path.read_bytes() for path in before} == before
    assert open_generation(workspace).number == 2
    done = purge_artist(workspace, ledger, GONE)
    assert (planned.raw_lines, planned.rows, planned.ledger_rows) == (done.raw_lines, done.rows, done.ledger_rows)


@pytest.mark.slow
def test_ledger_keeps_its_form(workspace: Workspace, ledger: Ledger) -> None:
    """Calls for the artist go, those for others stay; labels and messages say that something was removed."""
    made_once(workspace, ledger, collected)
    purge_artist(workspace, ledger, GONE)
    (item,) = ledger.read("SELECT item, calls FROM items")
    assert item["item"] == "(removed) +3"
    assert json.loads(item["calls"]) == [{"endpoint": "artists", "params": {"ids": ["a2"]}}]
    (event,) = ledger.read("SELECT message, fields FROM events")
    assert (event["message"], json.loads(event["fields"])) == (
        "(removed) was read", {"item": "(removed)", "ids": ["(removed)"]},
    )  # fmt: skip
    (told,) = ledger.read("SELECT cause, message FROM notices")
    assert (told["cause"], told["message"]) == ("release:both", "Album ((removed), Artist a1)")


@pytest.mark.slow
def test_interrupted_purge_ends_later(workspace: Workspace, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """When files and generations could not go at once, they go the next time."""
    made_once(workspace, ledger, collected)
    (workspace.db / ".lock").unlink(missing_ok=True)
    monkeypatch.setattr("pipeline.keeping.exchange.rebuild", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        purge_artist(workspace, ledger, GONE)
    monkeypatch.undo()
    assert purge_artist(workspace, ledger, GONE).raw_files == 0
    assert [(sign, path) for path, said in texts(workspace).items() for sign in SIGNS if sign in said] == []


def test_damage_is_refused(workspace: Workspace, ledger: Ledger) -> None:
    """A file that cannot be trusted may hold the artist: named, with the command that mends it; nothing changed."""
    made_once(workspace, ledger, collected)
    raw = workspace.root / ledger.read("SELECT path FROM raw_files")[0]["path"]
    raw.write_bytes(raw.read_bytes()[:-4])
    with pytest.raises(DamagedFile, match=r"python -m pipeline recover"):
        purge_artist(workspace, ledger, GONE)
    assert sweep(workspace, ledger) == 0


@pytest.mark.parametrize("text", ["", "a'b", "../x", "x" * 65])
def test_no_artist_has_that_id(workspace: Workspace, ledger: Ledger, text: str) -> None:
    """What is no id is refused by name."""
    with pytest.raises(SettingsError, match="is no artist's id"):
        purge_artist(workspace, ledger, text)


DISCOGRAPHY = (
    '{"fetched_at":"d","endpoint":"artist_albums","request":{"artist_id":"p"},"artist_albums":{"next":"/p/2","items":'
    '[{"id":"b","artists":[{"id":"p"}]},{"id":"c","artists":[{"id":"p"},{"id":"q"}]},5,{"x":1}]}}'
)
OTHERS_RELEASE = (
    '{"fetched_at":"d","endpoint":"albums","request":{"ids":["c"]},'
    '"albums":{"albums":[{"id":"c","artists":[null,{"id":"q"}]}]}}'
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"request":{},"x":{"id":"q"}}', '{"request":{},"x":{"id":"q"}}'),
        ('{"request":{"ids":["p"]},"x":1}', None),
        ('{"request":{"artist_id":"p"},"x":1}', None),
        (
            '{"request":{"ids":["p","q"]},"x":[{"id":"p"},{"id":"q"}]}',
            '{"request":{"ids":["q"]},"x":[null,{"id":"q"}]}',
        ),
        ('{"request":{},"x":{"id":"q","uri":"spotify:artist:p"}}', '{"request":{},"x":{"id":"q"}}'),
        ('{"request":{},"x":[{"id":"b","artists":[{"id":"p"}]}]}', '{"request":{},"x":[null]}'),
        ('{"request":{},"x":{"id":"p"}}', None),
        ('{"request":{},"unparsed":"<p> of p"}', None),
        ("no JSON about p", None),
        (DISCOGRAPHY, OTHERS_RELEASE),
    ],
)
def test_answers_without_it(before: str, after: str | None) -> None:
    """An answer loses what is of the artist; one that was asked for it, or cannot be read, goes whole."""
    assert without(before, Subject("p")) == after


def test_names_are_words() -> None:
    """A name goes where it stands by itself: not within other words, nor where a genre has the same."""
    subject = Subject("p", names=frozenset({"Samba", "Xo"}))
    assert subject.redacted("Samba Sambas Xo, Samba!") == "(removed) Sambas Xo, (removed)!"
    assert (
        subject.redacted('{"genres": ["Samba"], "item": "Samba +2"}') == '{"genres": ["Samba"], "item": "(removed) +2"}'
    )
    assert subject.redacted("Xo +1") == "(removed) +1"
