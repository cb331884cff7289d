"""A bundle carries published tables to another Garimpo, which asks them like its own; a tampered one is refused."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pipeline import queries
from pipeline.errors import DamagedFile, SchemaMismatch, SettingsError
from pipeline.moving.bundles import TERMS, Filters, open_bundle, write_bundle
from pipeline.moving.exporting import export_file, require_genres
from pipeline.published.generations import Generation
from pipeline.schema import PUBLISHED
from pipeline.workspace import Workspace
from tests.harm import flip
from tests.published import every_row, publish_many, publish_rows

NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
ENDS = ["bundle", "bundle.zip"]


@pytest.fixture
def generation(workspace: Workspace) -> Generation:
    """Three artists on ten days."""
    return publish_many(workspace, 3, 10, number=7)


@pytest.mark.parametrize("end", ENDS)
def test_bundle_gives_the_same_rows(generation: Generation, tmp_path: Path, end: str) -> None:
    """Folder or ZIP: another Garimpo finds every row of every table, under the same generation number."""
    manifest = write_bundle(generation, tmp_path / end, NOW)
    opened = open_bundle(tmp_path / end)
    assert (opened.number, opened.manifest, every_row(opened)) == (7, manifest, every_row(generation))
    assert sorted(path.name for path in tmp_path.iterdir()) == [end, "data"]


@pytest.mark.parametrize("end", ENDS)
def test_queries_take_a_bundle(generation: Generation, tmp_path: Path, end: str) -> None:
    """What pages ask of a generation they can ask of a bundle, and an export reads from it."""
    write_bundle(generation, tmp_path / end, NOW)
    opened = open_bundle(tmp_path / end)
    for asked in (queries.artists, queries.genres):
        assert asked(opened).rows() == asked(generation).rows()
    assert queries.artist_history(opened, "artist000001").height == 10
    assert export_file(opened, "SELECT name FROM artists", tmp_path / "names.csv") == 3


def test_manifest_says_what_is_inside(generation: Generation, tmp_path: Path) -> None:
    """Generation, filters, rows, hashes and sizes of every file, and the terms that bind."""
    said = write_bundle(generation, tmp_path / "b", NOW, Filters(("mpb",), date(2026, 11, 20)))
    assert json.loads((tmp_path / "b" / "manifest.json").read_text(encoding="utf-8")) == said
    assert (said["generation"], said["made_at"], said["terms"]) == (7, "2026-11-22T06:00:00Z", TERMS)
    assert said["filters"] == {"genres": ["mpb"], "since": "2026-11-20", "until": None}
    content = (tmp_path / "b" / "artists.parquet").read_bytes()
    assert said["files"]["artists.parquet"] == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    schema = json.loads((tmp_path / "b" / "schema.json").read_text(encoding="utf-8"))
    assert schema["artists"]["columns"][0] == {"name": "artist_id", "type": "VARCHAR", "meaning": "Spotify id"}


def test_genres_are_known_by_name(workspace: Workspace) -> None:
    """Genres of artists and genres that were searched are known; of others each is named, with those there are."""
    generation = publish_rows(
        workspace,
        artists=[{"artist_id": "a"}],
        artist_genres=[{"artist_id": "a", "genre": "mpb"}],
        search_pages=[{"genre": "rock"}],
    )
    require_genres(generation, ("mpb", "rock"))
    with pytest.raises(SettingsError, match=r"Nothing is known of polka, axé; genres are: mpb, rock. Nothing was"):
        require_genres(generation, ("mpb", "polka", "axé"))


def test_filters_follow_the_artists(workspace: Workspace, tmp_path: Path) -> None:
    """A genre brings but its artists: the words of their names, numbers, releases, credits; days bound the numbers."""
    generation = publish_rows(
        workspace,
        artists=[{"artist_id": "a", "name": "Ana"}, {"artist_id": "b", "name": "Bia"}],
        artist_genres=[{"artist_id": "a", "genre": "mpb"}, {"artist_id": "b", "genre": "rock"}],
        artist_snapshots=[
            {"artist_id": name, "observed_on": date(2026, 11, day)} for name in "ab" for day in (19, 20, 21, 22)
        ],
        releases=[{"album_id": "A"}, {"album_id": "B"}],
        release_artists=[{"album_id": "A", "artist_id": "a"}, {"album_id": "B", "artist_id": "b"}],
        tracks=[{"track_id": "t", "album_id": "A"}, {"track_id": "u", "album_id": "B"}],
        track_artists=[{"track_id": "t", "artist_id": "guest"}, {"track_id": "u", "artist_id": "b"}],
        search_pages=[{"genre": "mpb", "observed_on": date(2026, 11, 20)}, {"genre": "rock"}],
        runs=[{"run_id": "run-1", "message": "in /srv/somebody"}],
    )
    write_bundle(generation, tmp_path / "rock", NOW, Filters(("rock",)))
    assert queries.artists(open_bundle(tmp_path / "rock"), search="bia")["artist_id"].to_list() == ["b"]
    write_bundle(generation, tmp_path / "b", NOW, Filters(("mpb",), date(2026, 11, 20), date(2026, 11, 21)))
    opened = open_bundle(tmp_path / "b")
    known = queries.coverage(opened)
    assert (known["days"], known["days_from"]) == (2, date(2026, 11, 20))
    keys = {name: opened.rows(f"SELECT {table.key[0]} FROM {name}") for name, table in PUBLISHED.items()}
    assert {name: [value for (value,) in found] for name, found in keys.items()} == {
        "artists": ["a"],
        "artist_snapshots": ["a", "a"],
        "artist_genres": ["a"],
        "releases": ["A"],
        "release_artists": ["A"],
        "tracks": ["t"],
        "track_artists": ["t"],
        "search_pages": ["mpb"],
        "artist_growth": [],
        "name_tokens": [0],
        "genre_days": ["mpb", "mpb"],
        "genre_growth": [],
        "genre_coverage": ["mpb"],
        "genre_membership": [],
        "runs": [],
        "task_runs": [],
    }


def shorten(path: Path) -> None:
    """Cut the last byte."""
    path.write_bytes(path.read_bytes()[:-1])


def packed(folder: Path) -> Path:
    """The files of a folder as a ZIP."""
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as out:
        for path in folder.iterdir():
            out.write(path, path.name)
    return folder.with_suffix(".zip")


@pytest.mark.parametrize("name", ["artists.parquet", "task_runs.parquet", "schema.json", "manifest.json"])
@pytest.mark.parametrize("damage", [flip, shorten, Path.unlink])
@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
def test_tampered_file_is_named(
    generation: Generation, tmp_path: Path, name: str, damage: Callable[[Path], None], *, zipped: bool
) -> None:
    """A bit, a byte or a file that is missing: the bundle is refused and the file is named."""
    write_bundle(generation, tmp_path / "b", NOW)
    damage(tmp_path / "b" / name)
    expected = SettingsError if (name, damage) == ("manifest.json", Path.unlink) else DamagedFile
    with pytest.raises(expected, match=name.replace(".", r"\.")):
        open_bundle(packed(tmp_path / "b") if zipped else tmp_path / "b")


@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
def test_stranger_is_named(generation: Generation, tmp_path: Path, *, zipped: bool) -> None:
    """A file that the manifest does not know makes the bundle another one than was written."""
    write_bundle(generation, tmp_path / "b", NOW)
    (tmp_path / "b" / "extra.parquet").write_bytes(b"")
    with pytest.raises(DamagedFile, match=r"extra\.parquet is not in the manifest"):
        open_bundle(packed(tmp_path / "b") if zipped else tmp_path / "b")


def test_damaged_zip_names_the_file(generation: Generation, tmp_path: Path) -> None:
    """A bit flipped inside a ZIP is found in the file it belongs to."""
    write_bundle(generation, tmp_path / "b.zip", NOW)
    content = bytearray((tmp_path / "b.zip").read_bytes())
    content[content.index(b"artists.parquet") + 200] ^= 1
    (tmp_path / "b.zip").write_bytes(content)
    with pytest.raises(DamagedFile, match=r"artists\.parquet cannot be unpacked"):
        open_bundle(tmp_path / "b.zip")


def rewritten(folder: Path, **changes: object) -> Path:
    """The bundle with a manifest that says otherwise and whose own hash fits."""
    from pipeline.moving.bundles import _digest

    path = folder / "manifest.json"
    said = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps({**said, "sha256": _digest(said)}), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"format": "other"}, SettingsError),
        ({"version": 2}, SchemaMismatch),
        ({"schema_version": 999}, SchemaMismatch),
        ({"rows": {"artists": 2}}, DamagedFile),
        ({"rows": {"artists; DROP TABLE artists": 2}}, DamagedFile),
        ({"files": {"../../escaped": {"bytes": 1, "sha256": ""}}}, DamagedFile),
        ({"files": []}, DamagedFile),
        ({"generation": "7"}, DamagedFile),
    ],
)
def test_made_up_manifest_is_refused(
    generation: Generation, tmp_path: Path, changes: dict[str, object], error: type[Exception]
) -> None:
    """Other formats, newer ones, and names that are none of ours are refused before anything is read."""
    write_bundle(generation, tmp_path / "b", NOW)
    with pytest.raises(error, match=r"manifest\.json|newer version"):
        open_bundle(rewritten(tmp_path / "b", **changes))


def test_other_rows_are_noticed(generation: Generation, tmp_path: Path) -> None:
    """A Parquet file with fewer rows than promised is named, even when every hash fits."""
    said = write_bundle(generation, tmp_path / "b", NOW)
    with pytest.raises(DamagedFile, match=r"artists\.parquet has 3 rows, not 4"):
        open_bundle(rewritten(tmp_path / "b", rows={**said["rows"], "artists": 4}))


def test_bundle_of_other_columns_is_refused(generation: Generation, tmp_path: Path) -> None:
    """One of a program that did not have all of today's tables and columns would answer with less than it holds."""
    said = write_bundle(generation, tmp_path / "b", NOW)
    (tmp_path / "b" / "name_tokens.parquet").unlink()
    kept = {
        part: {each: said[part][each] for each in said[part] if "name_tokens" not in each} for part in ("rows", "files")
    }
    with pytest.raises(SchemaMismatch, match=r"is of another version: it has no name_tokens\.token"):
        open_bundle(rewritten(tmp_path / "b", **kept))


@pytest.mark.parametrize("content", [None, b"", b"PK no zip", b"text"])
def test_no_bundle_is_said(tmp_path: Path, content: bytes | None) -> None:
    """Nothing, or some other file, is no bundle."""
    if content is not None:
        (tmp_path / "b").write_bytes(content)
    with pytest.raises(SettingsError, match="is no bundle"):
        open_bundle(tmp_path / "b")


@pytest.mark.parametrize("end", ENDS)
def test_place_taken_is_kept(generation: Generation, tmp_path: Path, end: str) -> None:
    """What stands at the place is never written over."""
    write_bundle(generation, tmp_path / end, NOW)
    with pytest.raises(SettingsError, match="is there already"):
        write_bundle(generation, tmp_path / end, NOW)
