"""What new parts do to the published tables, as data: one statement per step, in order.

Every merge is defined by the set of committed parts and their order alone, so that publishing them one by one or all at
once gives the same tables. What the statements say stands in `merges` and sql/publish. Imports nothing of ours.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

__all__ = ["CHANGES", "LOOKS", "SMALL", "STEPS", "Step", "size_statement"]

SMALL = 50_000  # snapshots up to which deriving everything anew takes no longer than finding out what changed


@dataclass(frozen=True)
class Step:
    """A statement that changes `table`, run when a lake table it needs has new parts; it merges the first of them.

    `only` in databases that are "fresh", where all rows are new, or "onto" others; that are "small", where deriving all
    anew is quicker, or "large". Any way gives the same rows.
    """

    table: str
    file: str
    needs: tuple[str, ...]
    only: str = ""
    sign: int = 1

    def applies(self, staged: AbstractSet[str], *, fresh: bool, size: str) -> bool:
        """Whether it has something to do."""
        said = {size, "fresh" if fresh else "onto"}
        return not staged.isdisjoint(self.needs) and said.issuperset(self.only.split())


_DAYS = ("artist_snapshots", "artist_genres")
_TOLD = (*_DAYS, "artists", "release_pages")
_ALL = (*_TOLD, "search_pages")
LOOKS = (  # what is to be known of the state before: they write temporary tables alone
    Step("genre_days", "touched", _ALL, "large"),
    Step("state_snapshots", "arrived", ("artist_snapshots",), "onto"),
    Step("genre_days", "touched_days", ("artist_snapshots",), "large onto"),
    Step("genre_days", "touched_days", ("artist_genres",), "large onto"),
    Step("genre_coverage", "touched_alone", ("artists",), "large onto"),
    Step("genre_coverage", "touched_alone", ("release_pages",), "large onto"),
    Step("artists", "known", _ALL, "large onto"),
    Step("artist_genres", "known_genres", _ALL, "large onto"),
    Step("artists", "known_whole", _ALL, "large fresh"),
    Step("artists", "known_whole", _ALL, "small"),
    Step("artists", "described", ("artists",), "onto"),
    Step("search_pages", "swept_again", ("search_pages",), "large onto"),
    Step("name_tokens", "renamed", ("artists",), "large onto"),
    Step("artist_genres", "sightings", ("artist_genres",), "large onto"),
    Step("artist_genres", "sightings", ("artist_genres",), "small"),
    Step("genre_membership", "entering", ("artist_genres",), "large onto"),
    Step("genre_membership", "entering", ("artist_genres",), "small"),
    Step("genre_days", "earlier", _DAYS, "large onto"),
    Step("genre_days", "seen", _DAYS, "large onto"),
    Step("genre_days", "shifts", _DAYS, "large onto", -1),
    Step("genre_coverage", "covered", _TOLD, "large onto", -1),
    Step("genre_growth", "compared", _TOLD, "large onto", -1),
)
_OBSERVED = (
    Step("releases", "touched_albums", ("tracks", "releases")),
    Step("artists", "seen_again", ("artists",), "onto"),
    Step("artists", "renewed", ("artists",), "onto"),
    Step("artists", "latest_whole", ("artists",), "fresh"),
    Step("artists", "numbers", ("artists", "release_pages"), "onto"),
    Step("artists", "known_numbers", ("artists",), "large onto"),
    Step("artists", "known_again", ("artists",), "large onto"),
    Step("state_snapshots", "artist_snapshots", ("artist_snapshots",), "onto"),
    Step("state_snapshots", "artist_snapshots_whole", ("artist_snapshots",), "fresh"),
    Step("state_snapshots", "all_staged", ("artist_snapshots",), "small fresh"),
    Step("artists", "last_staged", ("artist_snapshots",), "small onto"),
    Step("artists", "artist_numbers", ("artist_snapshots",), "small"),
    Step("artist_genres", "artist_genres", ("artist_genres",), "large onto"),
    Step("artist_genres", "artist_genres", ("artist_genres",), "small"),
    Step("artist_genres", "artist_genres_whole", ("artist_genres",), "large fresh"),
    Step("artist_genres", "numbered", ("artists",), "onto"),
    Step("artist_growth", "numbered", ("artists",), "onto"),
    Step("artist_genres", "known_genres", ("artist_genres",), "large onto"),
    Step("releases", "latest", ("releases",), "onto"),
    Step("releases", "latest_whole", ("releases",), "fresh"),
    Step("release_artists", "credits", ("release_artists",)),
    Step("tracks", "latest", ("tracks",), "onto"),
    Step("tracks", "latest_whole", ("tracks",), "fresh"),
    Step("track_artists", "credits", ("track_artists",)),
    Step("search_pages", "newest", ("search_pages",)),
    Step("state_release_pages", "newest", ("release_pages",)),
    Step("state_album_pages", "newest", ("album_pages",)),
    Step("artists", "releases_checked", ("release_pages", "artists"), "onto"),
    Step("artists", "releases_checked", ("release_pages",), "fresh"),
    Step("releases", "tracks_read", ("tracks", "releases")),
)
_AFTER = (
    Step("name_tokens", "name_tokens", ("artists",), "large onto"),
    Step("name_tokens", "name_tokens_all", ("artists",), "large fresh"),
    Step("name_tokens", "name_tokens_all", ("artists",), "small"),
    Step("genre_days", "entries", _TOLD, "large fresh"),
    Step("artists", "artist_numbers", ("artist_snapshots",), "large fresh"),
    Step("artist_growth", "artist_growth_counted", ("artist_snapshots",), "large fresh"),
    Step("genre_days", "shifts_counted", _DAYS, "large fresh"),
    Step("genre_days", "seen", _DAYS, "large onto"),
    Step("artists", "last_seen", ("artist_snapshots",), "large onto"),
    Step("artists", "artist_numbers", ("artist_snapshots",), "large onto"),
    Step("artist_growth", "ends", ("artist_snapshots",), "large onto"),
    Step("artist_growth", "artist_growth", ("artist_snapshots",), "large onto"),
    Step("artist_growth", "known_grown", ("artist_snapshots",), "large onto"),
    Step("artist_growth", "artist_growth_small", ("artist_snapshots",), "small"),
    Step("genre_days", "shifts", _DAYS, "large onto"),
    Step("genre_days", "genre_days", _DAYS, "large"),
    Step("genre_days", "genre_days_small", _DAYS, "small"),
    Step("release_artists", "numbered", ("artists",), "onto"),
    Step("genre_growth", "compared", _TOLD, "large onto"),
    Step("genre_growth", "genre_growth", _TOLD, "large onto"),
    Step("genre_growth", "genre_growth_all", (*_DAYS, "artists"), "large fresh"),
    Step("genre_growth", "genre_growth_all", (*_DAYS, "artists"), "small"),
    Step("genre_membership", "entering_whole", ("artist_genres",), "large fresh"),
    Step("genre_membership", "back", ("artist_genres",), "large onto"),
    Step("genre_membership", "stays", ("artist_genres",), "large onto"),
    Step("genre_membership", "genre_membership", ("artist_genres",)),
    Step("genre_membership", "stays_counted", ("artist_genres",), "large fresh"),
    Step("genre_membership", "sweeps", _ALL),
    Step("genre_membership", "taken_back", ("search_pages",), "large onto"),
    Step("artists", "known_told", ("artists",), "large onto"),
    Step("genre_membership", "left_spotify", ("artists",), "large"),
    Step("genre_membership", "left_search", ("search_pages", "artist_genres"), "large"),
    Step("genre_membership", "left_small", ("search_pages", "artist_genres", "artists"), "small"),
    Step("artists", "known_artists", _TOLD, "large onto"),
    Step("genre_coverage", "covered", _TOLD, "large"),
    Step("genre_coverage", "genre_coverage", _ALL, "large"),
    Step("genre_coverage", "genre_coverage_small", _ALL, "small"),
)
CHANGES = (*_OBSERVED, *_AFTER)  # what was observed, and what follows from it
STEPS = (*LOOKS, *CHANGES)


def size_statement(staged: AbstractSet[str]) -> str:
    """SQL of the size of a database with what is staged, as `Step.applies` takes it."""
    new = " + (SELECT count(*) FROM staged_artist_snapshots)" if "artist_snapshots" in staged else ""
    filed = "(SELECT coalesce(sum(rows), 0) FROM state_history)"
    rows = f"(SELECT count(*) FROM state_snapshots){new} + {filed}"
    return f"SELECT CASE WHEN {rows} <= {SMALL} THEN 'small' ELSE 'large' END"
