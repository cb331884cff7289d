"""--catalog: real artists from a CSV file, with the file's numbers."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.simulator.catalog_sources import CatalogError, catalog_from_file
from pipeline.simulator.config import SimulatorConfig
from pipeline.simulator.world import World

TODAY = date(2026, 11, 20).toordinal()
RECORDED = Path(__file__).resolve().parents[3] / "shared" / "recorded" / "artists_2023.csv"
HEAD = "artist_uri,artist_name,popularity,followers,genres\n"
FIRST, SECOND = "spotify:artist:" + "1" * 22, "spotify:artist:" + "2" * 22


def write(folder: Path, text: str) -> Path:
    """A catalogue file with this text."""
    path = folder / "artists.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_file_values_are_served(simulate: Callable[..., Any], tmp_path: Path) -> None:
    """An artist of the file is found by genre and answered with the file's name, followers, popularity and genres."""
    path = write(tmp_path, HEAD + f'{FIRST},"Quitéria, a Vã",41,123456,mpb; samba de roda\n')
    shown = simulate(catalog=str(path)).found("samba de roda")["items"][0]
    assert (shown["name"], shown["followers"]["total"], shown["popularity"]) == ("Quitéria, a Vã", 123456, 41)
    assert (shown["id"], shown["genres"]) == ("1" * 22, ["mpb", "samba de roda"])


def test_duplicates_collapse(tmp_path: Path) -> None:
    """An id that comes twice is one artist, with the first row's values; an artist without genres is kept."""
    path = write(tmp_path, HEAD + f"{FIRST},Alma,10,5,mpb\n{FIRST},Alma,11,6,jazz\n{SECOND},Bela,0,0,\n")
    artists = catalog_from_file(path, TODAY).artists
    assert [(a.name, a.popularity, a.followers, a.genres) for a in artists] == [
        ("Alma", 10, 5, ("mpb",)),
        ("Bela", 0, 0, ()),
    ]


def test_numbers_move_from_the_next_day(tmp_path: Path) -> None:
    """The file's numbers stand all through the first day and grow from the next one on."""
    path = write(tmp_path, HEAD + f"{FIRST},Alma,60,9000000,mpb\n")
    world = World(SimulatorConfig(catalog=str(path), now="2026-11-20T00:00:00", clock_speed=0))
    world.set_clock("2026-11-20T23:59:59")
    assert world.truth(tracks=False)["artists"][0]["followers"] == 9_000_000
    world.advance(1)
    assert world.truth(tracks=False)["artists"][0]["followers"] != 9_000_000


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("artist_uri,followers\n", "lacks the column(s) artist_name, popularity, genres"),
        (HEAD + "spotify:artist:short,Alma,1,1,mpb\n", "line 2: artist_uri 'spotify:artist:short'"),
        (HEAD + f"{FIRST},Alma,101,1,mpb\n", "line 2: '101' is not a whole number between 0 and 100"),
        (HEAD + f"{FIRST},Alma,1,many,mpb\n", "line 2: 'many' is not a whole number"),
    ],
)
def test_bad_file_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    """A file that cannot be used is refused with its path, the line and the value."""
    with pytest.raises(CatalogError, match=r"artists\.csv") as caught:
        catalog_from_file(write(tmp_path, text), TODAY)
    assert complaint in str(caught.value)


def test_absent_file_is_named(tmp_path: Path) -> None:
    """A file that is not there, or is not text, is named in the message."""
    with pytest.raises(CatalogError, match=r"cannot read the catalogue .*nowhere\.csv"):
        catalog_from_file(tmp_path / "nowhere.csv", TODAY)
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogError, match=r"bytes\.csv"):
        catalog_from_file(tmp_path / "bytes.csv", TODAY)


def test_empty_catalogue_answers(simulate: Callable[..., Any], tmp_path: Path) -> None:
    """A file without artists is a catalogue without artists, not an error."""
    site = simulate(catalog=str(write(tmp_path, HEAD)))
    assert (site.found("mpb")["items"], site.found("mpb")["total"]) == ([], 0)
    assert site.simulator.catalog()["artists"] == 0


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded catalogue is not beside the repository")
def test_recorded_artists_keep_their_values() -> None:
    """Every artist of the recorded file is there once, value for value."""
    with RECORDED.open(encoding="utf-8") as file:
        rows = {row["artist_uri"].split(":")[-1]: row for row in csv.DictReader(file)}
    catalog = catalog_from_file(RECORDED, TODAY)
    found = {a.id: (a.name, *catalog.numbers(a.index, TODAY), "; ".join(a.genres)) for a in catalog.artists}
    assert found == {
        key: (row["artist_name"], int(row["followers"]), int(row["popularity"]), row["genres"])
        for key, row in rows.items()
    }
