"""The invented catalogue: a pure function of seed and day, shaped like the real thing."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import date
from statistics import median

import pytest

from pipeline.simulator.catalog import Catalog
from pipeline.simulator.catalog_sources import synthetic_catalog
from pipeline.simulator.ids import is_well_formed

TODAY = date(2026, 11, 20).toordinal()


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """Six hundred artists."""
    return synthetic_catalog(1, 600)


def everything(catalog: Catalog, day: int) -> list[object]:
    """All that can be asked of a small catalogue on a day."""
    return [
        (
            artist.id,
            artist.name,
            artist.genres,
            catalog.numbers(artist.index, day),
            catalog.discography(artist.index, day),
        )
        for artist in catalog.artists
    ]


def test_same_seed_same_world() -> None:
    """Two catalogues of one seed agree in every artist, number and release; another seed shares no id."""
    first, second, other = synthetic_catalog(5, 40), synthetic_catalog(5, 40), synthetic_catalog(6, 40)
    assert everything(first, TODAY) == everything(second, TODAY)
    assert not {artist.id for artist in first.artists} & {artist.id for artist in other.artists}


def test_known_artist_stays_known() -> None:
    """The third artist of seed 1 is this one, on every machine and after every restart."""
    catalog = synthetic_catalog(1, 3)
    artist = catalog.artists[2]
    assert (artist.id, artist.name, artist.genres) == (
        "4A3TYkfSzB9V6vZ6uUDp2Y",
        "Mertenfield Ormotham",
        ("r&b", "soul"),
    )
    assert catalog.numbers(2, TODAY) == (16488, 33)


def test_more_artists_change_none() -> None:
    """A larger catalogue begins with the smaller one."""
    small, large = synthetic_catalog(1, 20), synthetic_catalog(1, 50)
    assert [a.name for a in small.artists] == [a.name for a in large.artists[:20]]


def test_order_of_questions_is_irrelevant(catalog: Catalog) -> None:
    """What an artist has out does not depend on what was asked before."""
    fresh = synthetic_catalog(1, 600)
    for index in (511, 7, 93):
        assert fresh.discography(index, TODAY) == catalog.discography(index, TODAY)


def test_audiences_are_heavy_tailed(catalog: Catalog) -> None:
    """A few artists hold most followers, and popularity runs over most of its scale."""
    followers = sorted((catalog.numbers(index, TODAY)[0] for index in range(600)), reverse=True)
    popularity = [catalog.numbers(index, TODAY)[1] for index in range(600)]
    assert sum(followers[:60]) > 0.6 * sum(followers)
    assert 2_000 < median(followers) < 40_000
    assert min(popularity) < 5
    assert 65 < max(popularity) <= 100


def test_genres_overlap(catalog: Catalog) -> None:
    """More than twenty genres, many artists in several, some in none."""
    counts = [len(artist.genres) for artist in catalog.artists]
    assert len(catalog.members) > 20
    assert min(counts) == 0
    assert sum(count > 1 for count in counts) > 200


def test_names_are_unlike_each_other(catalog: Catalog) -> None:
    """No two artists share a name, and every name is something a person could read."""
    assert len({artist.name for artist in catalog.artists}) == 600
    assert all(3 <= len(artist.name) <= 45 and artist.name[0].isupper() for artist in catalog.artists)


def test_releases_cluster_on_fridays(catalog: Catalog) -> None:
    """Since 2015 about three in four releases come out on a Friday."""
    recent = [release for release in catalog.all_releases(TODAY) if release.year >= 2015]
    fridays = sum(date.fromordinal(release.day).weekday() == 4 for release in recent)
    assert 0.7 < fridays / len(recent) < 0.85


def test_release_dates_have_precisions(catalog: Catalog) -> None:
    """Old releases are known by year or month only, and their dates are spelt so."""
    spelt = {(release.precision, len(release.release_date)) for release in catalog.all_releases(TODAY)}
    assert spelt == {("year", 4), ("month", 7), ("day", 10)}


def test_artists_release_at_their_own_pace(catalog: Catalog) -> None:
    """Rates differ widely from artist to artist."""
    counts = sorted(sum(len(catalog.led(index, year)) for year in range(2021, 2026)) for index in range(600))
    assert counts[60] <= 1
    assert counts[-6] >= 12


def test_releases_come_in_every_form(catalog: Catalog) -> None:
    """Singles, albums, compilations, some albums of more than fifty tracks, releases and tracks made together."""
    releases = catalog.all_releases(TODAY)
    assert {release.album_type for release in releases} == {"single", "album", "compilation"}
    assert any(release.total_tracks > 50 for release in releases)
    assert any(len(release.artists) > 1 for release in releases)
    assert any(len(track.artists) > 1 for release in releases[:200] for track in catalog.tracks(release))


def test_a_guest_sees_the_release(catalog: Catalog) -> None:
    """Whoever is on a release has it in the own list: as a co-artist by its type, as a guest among appearances."""
    release = next(r for r in catalog.all_releases(TODAY) if len(r.artists) > 1 and r.guests)
    partner, guest = release.artists[1], release.guests[0][0]
    assert (release.album_type, release) in catalog.discography(partner, TODAY)
    assert ("appears_on", release) in catalog.discography(guest, TODAY)
    assert sum(guest in track.artists for track in catalog.tracks(release)) == 1


def test_ids_lead_back(catalog: Catalog) -> None:
    """Every album and track is found by its id, which has the API's shape; a made-up id finds nothing."""
    release = catalog.all_releases(TODAY)[100]
    track = catalog.tracks(release)[-1]
    assert is_well_formed(catalog.album_id(release))
    assert is_well_formed(catalog.track_id(track))
    assert catalog.release(catalog.album_id(release), TODAY) == release
    assert catalog.track(catalog.track_id(track), TODAY) == track
    assert catalog.release("0" * 22, TODAY) is catalog.track("Z" * 22, TODAY) is None


def test_release_appears_on_its_date(catalog: Catalog) -> None:
    """A release is unknown the day before it comes out and known from that day on."""
    release = catalog.fresh(TODAY, 7)[0]
    found = catalog.album_id(release)
    assert catalog.release(found, release.day - 1) is None
    assert catalog.release(found, release.day) == release
    assert release not in [listed for _, listed in catalog.discography(release.lead, release.day - 1)]


def test_isrcs_are_unique(catalog: Catalog) -> None:
    """No two tracks share an ISRC of twelve characters."""
    found = [track.isrc for release in catalog.all_releases(TODAY)[:2000] for track in catalog.tracks(release)]
    assert len(set(found)) == len(found)
    assert {len(isrc) for isrc in found} == {12}


def test_audiences_move_differently(catalog: Catalog) -> None:
    """Over a year some audiences shrink, most grow a little, a few explode."""
    growth = [catalog.numbers(i, TODAY)[0] / max(catalog.numbers(i, TODAY - 365)[0], 1) for i in range(600)]
    assert sum(rate < 1 for rate in growth) > 50
    assert sum(1 < rate < 1.5 for rate in growth) > 300
    assert sum(rate > 2 for rate in growth) > 3


def test_tomorrow_is_a_little_different(catalog: Catalog) -> None:
    """From one day to the next most large audiences change, none by more than a tenth."""
    pairs = [(catalog.numbers(i, TODAY)[0], catalog.numbers(i, TODAY + 1)[0]) for i in range(600)]
    large = [(now, then) for now, then in pairs if now > 20_000]
    assert sum(now != then for now, then in large) > 0.9 * len(large)
    assert all(abs(then - now) < 0.1 * now for now, then in large)


def test_catalogue_is_quick() -> None:
    """Six hundred artists are ready, popularity and all, well within 0.7 s."""
    started = time.perf_counter()
    synthetic_catalog(2, 600).ranking("", TODAY)
    assert time.perf_counter() - started < 0.7


def test_catalogue_imports_are_light() -> None:
    """Neither the catalogue nor the server brings in a data frame library or the rest of the package."""
    code = (
        "import sys, pipeline.simulator.process, pipeline.simulator.server\n"
        "heavy = {'pandas', 'polars', 'duckdb', 'pyarrow', 'spotipy', 'typer', 'streamlit'} & set(sys.modules)\n"
        "own = {n for n in sys.modules if n.startswith('pipeline.') and not n.startswith('pipeline.simulator')}\n"
        "sys.exit(str(heavy | own) if heavy | own else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
