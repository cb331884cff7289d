"""How many requests a complete collection sends, against the fewest that the profile's page sizes permit."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from math import ceil
from pathlib import Path
from typing import Any

from pipeline.published.generations import open_generation
from pipeline.runs.runner import run_pipeline
from pipeline.workspace import open_workspace
from tests.benchmarks.figures import Figure, say
from tests.benchmarks.worlds import World, world

__all__ = ["fewest_requests", "measure_minimum"]

GOAL = 1.02
ARTISTS = {"extended": 600, "development": 200}
QUICK = {"extended": 300, "development": 100}
PAGE = {"extended": 50, "development": 10}  # of searches and of an artist's releases
ALBUMS_PER_CALL = {"extended": 20, "development": 1}
TRACKS_PER_PAGE = 50  # an album embeds the first page
SEARCH_CAP = 1_000
GROUPS = (("single",), ("album", "compilation"))  # asked apart, since albums would hide new singles


def measure_minimum(*, quick: bool = False) -> Iterator[Figure]:
    """Requests per artist kept, the probe included, for each profile."""
    for profile, artists in (QUICK if quick else ARTISTS).items():
        say(f"minimum: everything of {artists} artists, {profile} profile …")
        with world(profile=profile, artists=artists) as simulated, tempfile.TemporaryDirectory() as folder:
            yield _collected(simulated, Path(folder), profile)


def _collected(simulated: World, data: Path, profile: str) -> Figure:
    settings = simulated.settings(data)
    result = run_pipeline(settings)
    kept = open_generation(open_workspace(settings)).rows("SELECT count(*) FROM artists")[0][0]
    sent, fewest = simulated.counts()["total"], fewest_requests(simulated.truth, profile)
    complete = result.state == "succeeded" and kept == len(simulated.truth["artists"])
    ratio = sent / fewest
    note = f"{sent} sent ({sent / max(kept, 1):.3f} per artist), {fewest} at least; {kept} artists kept"
    if not complete:
        note += f"; INCOMPLETE: {result.state} {result.message}"
    what = f"requests per artist kept ÷ the fewest possible, {profile}"
    return Figure(what, f"{ratio:.4f}", f"≤ {GOAL}", complete and ratio <= GOAL, note)


def fewest_requests(truth: Mapping[str, Any], profile: str) -> int:
    """The fewest requests that show every artist, release and track once: pages counted, no probe, no retry.

    Artists and their numbers come with the search pages; of a page's end the answer itself tells.
    """
    page = PAGE[profile]
    genres = Counter(genre for artist in truth["artists"] for genre in artist["genres"])
    searches = sum(ceil(min(many, SEARCH_CAP) / page) for many in genres.values())
    listed = Counter((row["artist_id"], row["album_group"]) for row in truth["credits"])
    lists = sum(
        max(1, ceil(sum(listed[artist["artist_id"], name] for name in group) / page))
        for artist in truth["artists"]
        for group in GROUPS
    )
    own = {row["album_id"] for row in truth["credits"] if row["album_group"] != "appears_on"}
    reads = ceil(len(own) / ALBUMS_PER_CALL[profile])
    lengths = [row["total_tracks"] for row in truth["albums"] if row["album_id"] in own]
    further = sum(ceil(max(0, tracks - TRACKS_PER_PAGE) / TRACKS_PER_PAGE) for tracks in lengths)
    return searches + lists + reads + further
