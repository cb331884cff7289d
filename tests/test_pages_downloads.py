"""Lists of pages are taken along as files: what is filtered on the screen, all pages of it, for a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest
from streamlit.runtime.media_file_manager import MediaFileManager

from pages import _downloads
from tests.copies import made_once
from tests.published import LAST_DAY, publish_many, publish_rows
from tests.screens import install_service, open_screen
from tests.test_pages_as_of import fill

NEWEST, ARTISTS = "releases-2026-11-22.csv", "artists.csv"


@pytest.fixture
def offered(monkeypatch):
    """What each button brings that a page has shown, by the name of its file; asked as Streamlit does, by no page."""
    files, register = {}, MediaFileManager.add_deferred

    def keep(manager, data, *args, **kwargs):
        files[kwargs["file_name"]] = data
        return register(manager, data, *args, **kwargs)

    monkeypatch.setattr(MediaFileManager, "add_deferred", keep)
    return files


@pytest.fixture
def service(tmp_path):
    """Sixty artists with two releases each, on three days; nobody is followed."""
    made = install_service(tmp_path)
    publish_many(made.workspace, 60, 3)
    return made


def rows_of(data, comma=","):
    """Rows of a file as spreadsheets read it."""
    return list(csv.DictReader(io.StringIO(data().decode("utf-8-sig")), delimiter=comma))


def test_newest_releases_are_all_pages(service, offered):
    """The file of the newest releases has all sixty that the page leads through, six at a time, in that order."""
    open_screen(newest="2")
    rows = rows_of(offered[NEWEST])
    assert len(rows) == 60
    assert rows[0] == {
        "release_date": "2026-11-20", "name": "Canto 59-0", "artists": "Banda 59", "album_type": "single",
        "total_tracks": "3", "album_id": "albumartist0000590",
        "spotify_url": "https://open.spotify.com/album/artist0000590",
    }  # fmt: skip


def test_newest_of_the_followed(service, offered):
    """Where the followed alone are shown the file has their releases and nobody else's; in Portuguese, semicolons."""
    service.follow("artist000003")
    open_screen("overview.py", "pt", newest_followed="true")
    assert [row["name"] for row in rows_of(offered[NEWEST], ";")] == ["Canto 3-0", "Canto 3-1"]


def test_artists_as_they_are_filtered(service, offered):
    """The file of artists follows search, genre and order, beyond the page that is shown."""
    open_screen("artists.py", q="banda 1", sort="name", genre="mpb", page="1")
    rows = rows_of(offered[ARTISTS])
    assert [row["name"] for row in rows] == ["Banda 1", *(f"Banda {number}" for number in range(10, 20))]
    assert rows[0] == {
        "name": "Banda 1", "genres": "mpb, samba", "followers": "5300", "popularity": "1", "gained": "2",
        "growth": "0.00037750094375235937", "since": "2026-11-20", "artist_id": "artist000001",
        "spotify_url": "https://open.spotify.com/artist/artist000001",
    }  # fmt: skip
    open_screen("artists.py")
    assert len(rows_of(offered[ARTISTS])) == 60


def test_artists_of_earlier_days(tmp_path, offered):
    """Looking back, the file has who was known on that day, by the name of then."""
    made = install_service(tmp_path, schedule="")
    made_once(made.workspace, made.ledger, fill)
    open_screen("artists.py", as_of="2026-11-20")
    assert [row["name"] for row in rows_of(offered[ARTISTS])] == ["Artist 0 of 1", "Artist 1 of 1"]


def test_only_so_many_artists(service, offered, monkeypatch):
    """A file takes the first of very many, and the button says so and what brings all; else it says nothing."""
    assert open_screen("artists.py").app.get("download_button")[0].proto.help == ""
    monkeypatch.setattr(_downloads, "MOST_ARTISTS", 20)
    button = open_screen("artists.py", "pt").app.get("download_button")[0].proto
    assert button.help == "Os primeiros 20 nesta ordem; python -m pipeline export artists traz todos."
    assert len(rows_of(offered[ARTISTS], ";")) == 20


def test_withheld_numbers_are_releases(tmp_path, offered):
    """Where an app is given no numbers the file has what the page has in their place; the list's name for an id."""
    made = install_service(tmp_path)
    publish_many(made.workspace, 2, 2, withheld=True)
    open_screen("artists.py")
    row = rows_of(offered[ARTISTS])[0]
    assert list(row) == ["name", "genres", "releases", "latest_release_on", "artist_id", "spotify_url"]
    assert (row["releases"], row["latest_release_on"]) == ("2", "2026-11-20")


def test_file_holds_no_formula(tmp_path, offered):
    """A title that a spreadsheet would carry out is text; a date is as long as it is known, names stay apart."""
    days = {"first_seen_on": LAST_DAY, "last_seen_on": LAST_DAY}
    release = {"album_id": "r", "name": "=cmd|' /C calc'!A1", "album_type": "album", "release_date": LAST_DAY}
    publish_rows(
        install_service(tmp_path).workspace,
        artists=[{"artist_id": "a", "name": "+Banda", "followers": 7, **days}],
        releases=[{**release, "release_date_precision": "year"}],
        release_artists=[
            {"album_id": "r", "artist_id": each, "artist_name": name, "position": place}
            for place, (each, name) in enumerate([("a", "+Banda"), ("b", "Viola, a Outra")])
        ],
    )
    open_screen()
    row = rows_of(offered[NEWEST])[0]
    assert (row["name"], row["artists"]) == ("'=cmd|' /C calc'!A1", "'+Banda, Viola, a Outra")
    assert row["release_date"] == "2026"
    open_screen("artists.py")
    assert rows_of(offered[ARTISTS])[0]["name"] == "'+Banda"
