"""Real artists of January 2023, served by the simulator: what is published equals the file, value for value."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from pipeline.published.generations import open_generation
from pipeline.settings import Settings
from pipeline.simulator.config import SimulatorConfig
from pipeline.simulator.server import running
from pipeline.workspace import open_workspace
from tests.worlds import collect

CATALOG = Path(__file__).parent.parent.parent / "shared" / "recorded" / "artists_2023.csv"
Row = tuple[str, str, int | None, int | None, tuple[str, ...]]


def file_rows(*, numbers: bool) -> dict[str, Row]:
    """The file's artists that carry a genre, by id: an artist without one is found by no genre search."""
    with CATALOG.open(encoding="utf-8", newline="") as file:
        rows = {row["artist_uri"].rpartition(":")[2]: row for row in csv.DictReader(file) if row["genres"]}
    return {
        artist_id: (
            artist_id,
            row["artist_name"],
            int(row["followers"]) if numbers else None,
            int(row["popularity"]) if numbers else None,
            tuple(sorted(row["genres"].split("; "))),
        )
        for artist_id, row in rows.items()
    }


@pytest.mark.slow
@pytest.mark.skipif(not CATALOG.exists(), reason="the file of real artists is not beside this repository")
# Two fifths of the requests are for searches, of which there are 739 and 1,330.
@pytest.mark.parametrize(("profile", "requests"), [("extended", 1_900), ("development", 3_400)])
def test_published_equals_the_file(profile: str, requests: int, tmp_path: Path):
    """Every artist with a genre, with followers, popularity and genres; NULL numbers and no error in development."""
    with running(SimulatorConfig(profile=profile, catalog=str(CATALOG), genres_field="list")) as simulator:
        result = collect(simulator, tmp_path, max_requests=requests)
    assert result.state == "succeeded"
    generation = open_generation(open_workspace(Settings(data=tmp_path, workspace="simulator")))
    found = generation.rows("SELECT artist_id, name, followers, popularity, list_sort(genres) FROM artists")
    expected = file_rows(numbers=profile == "extended")
    assert {row[0]: (*row[:4], tuple(row[4])) for row in found} == expected
    searched = generation.rows(
        "SELECT artist_id, list(genre ORDER BY genre) FROM artist_genres WHERE provenance = 'search' GROUP BY ALL"
    )
    assert {artist_id: tuple(genres) for artist_id, genres in searched} == {
        key: row[4] for key, row in expected.items()
    }
