"""What new parts do to the published tables, as data: one statement per step, in order.

Every merge is defined by the set of committed parts and their order alone, so that publishing them one by one or all at
once gives the same tables. Imports `schema`.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pipeline import schema
from pipeline.schema import GROWTH_DAYS, LEADERS, PUBLISHED, STATE, latest_attributes, name_tokens

__all__ = ["SMALL", "STEPS", "Step", "merge_statement", "publish_sql", "size_statement"]


STAY_DAYS = 30  # an artist not seen under a genre for longer has left it, and enters it anew
SEARCH_CAP = 1000  # artists that a search shows at most
SPARE = 50  # artists behind a list's last place that are kept too, so that whoever leaves is followed by somebody
LEAST = 1000  # followers before, below which growth in percent says nothing
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


# How rows that come together lie: artists as they are numbered, releases that lists show together side by side.
_ORDERS = {"artists": "first_arrival", "releases": "release_date"}
_DAYS = ("artist_snapshots", "artist_genres")
_TOLD = (*_DAYS, "artists", "release_pages")
_BEFORE = (
    Step("genre_membership", "entering", ("artist_genres",), "onto"),
    Step("genre_membership", "entering", ("artist_genres",), "small fresh"),
    Step("genre_days", "touched", _TOLD, "large"),
    Step("genre_days", "touched_days", ("artist_snapshots",), "large onto"),
    Step("genre_days", "touched_sighted", ("artist_genres",), "large onto"),
    Step("genre_coverage", "touched_alone", ("artists",), "large onto"),
    Step("genre_coverage", "touched_alone", ("release_pages",), "large onto"),
    Step("artists", "known", _TOLD, "large onto"),
    Step("artists", "known_artists", _TOLD, "large onto"),
    Step("artist_genres", "known_genres", _TOLD, "large onto"),
    Step("artists", "known_whole", _TOLD, "large fresh"),
    Step("artists", "known_whole", _TOLD, "small"),
    Step("name_tokens", "renamed", ("artists",), "large onto"),
    Step("genre_days", "earlier", _DAYS, "large onto"),
    Step("genre_days", "seen", _DAYS, "large onto"),
    Step("genre_days", "shifts", _DAYS, "large onto", -1),
    Step("genre_coverage", "covered", _TOLD, "large onto", -1),
    Step("genre_growth", "compared", _TOLD, "large onto", -1),
)
_OBSERVED = (
    Step("releases", "touched_albums", ("tracks", "releases")),
    Step("artists", "latest", ("artists",), "onto"),
    Step("artists", "latest_whole", ("artists",), "fresh"),
    Step("artists", "numbers", ("artists",), "onto"),
    Step("artists", "known_numbers", ("artists",), "large onto"),
    Step("artists", "known_again", ("artists",), "large onto"),
    Step("state_snapshots", "artist_snapshots", ("artist_snapshots",)),
    Step("state_snapshots", "all_staged", ("artist_snapshots",), "small fresh"),
    Step("artists", "last_staged", ("artist_snapshots",), "small onto"),
    Step("artists", "artist_numbers", ("artist_snapshots",), "small"),
    Step("artist_genres", "artist_genres", ("artist_genres",)),
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
    Step("genre_membership", "genre_membership", ("artist_genres",)),
    Step("genre_membership", "sweeps", (*_TOLD, "search_pages")),
    Step("genre_membership", "back", ("artist_genres",), "large onto"),
    Step("artists", "known_told", ("artists",), "large onto"),
    Step("genre_membership", "left_spotify", ("artists",), "large"),
    Step("genre_membership", "left_search", ("search_pages", "artist_genres"), "large"),
    Step("genre_membership", "left_small", ("search_pages", "artist_genres", "artists"), "small"),
    Step("artists", "known_artists", _TOLD, "large onto"),
    Step("genre_coverage", "covered", _TOLD, "large"),
    Step("genre_coverage", "genre_coverage", (*_TOLD, "search_pages"), "large"),
    Step("genre_coverage", "genre_coverage_small", (*_TOLD, "search_pages"), "small"),
)
# What is to be known of the state before; what was observed; what follows from it.
STEPS = (*_BEFORE, *_OBSERVED, *_AFTER)


def size_statement(staged: AbstractSet[str]) -> str:
    """SQL of the size of a database with what is staged, as `Step.applies` takes it."""
    new = " + (SELECT count(*) FROM staged_artist_snapshots)" if "artist_snapshots" in staged else ""
    filed = "(SELECT coalesce(sum(rows), 0) FROM state_history)"
    rows = f"(SELECT count(*) FROM state_snapshots){new} + {filed}"
    return f"SELECT CASE WHEN {rows} <= {SMALL} THEN 'small' ELSE 'large' END"


def publish_sql(name: str) -> str:
    """The text of one file of sql/publish."""
    return files("pipeline").joinpath("sql", "publish", f"{name}.sql").read_text(encoding="utf-8")


@cache
def merge_statement(step: Step, *, ordered: bool) -> str:
    """The SQL of a step; `ordered` says that no new part is of an earlier day than one committed before it."""
    return _filled(publish_sql(step.file), _marks(step, ordered=ordered))


def _marks(step: Step, *, ordered: bool) -> dict[str, str]:
    table = {**PUBLISHED, **STATE}[step.table]
    rest = [name for name in table.column_names() if name not in (*table.key, "observed_on")]
    marks = {
        "table": table.name,
        "lake": step.needs[0],
        "key": table.key[0],
        "keys": ", ".join(table.key),
        "words": name_tokens("name"),
        "match": " AND ".join(f"p.{name} = n.{name}" for name in table.key),
        "rest_packed": f"struct_pack({', '.join(f'{name} := {name}' for name in rest)})",
        "sign": str(step.sign),
        "stay": str(STAY_DAYS),
        "cap": str(SEARCH_CAP),
        "by": "artist_id" if step.only == "small" else "key",
        "rest_updated": ", ".join(f"{name} = n.{name}" for name in rest),
        "of_touched": _OF_TOUCHED,
        "artist_numbers": "LEFT JOIN (SELECT artist_id, artist_no FROM artists) USING (artist_id)",
    }
    if step.table == "track_artists":
        marks["artist_numbers"] = ""
    if step.only == "fresh":
        marks["of_touched"] = ""
    if step.file in ("latest", "latest_whole"):
        return marks | _latest_marks(step.table, ordered=ordered)
    if step.table == "artist_growth":
        return _growth_marks() | marks
    shared = {"genre_days": "counted", "genre_coverage": "members_now"}
    if step.table in shared:
        return marks | {shared[step.table]: publish_sql(shared[step.table])}
    return _leader_marks() | marks if step.table == "genre_growth" else marks


_OF_TOUCHED = """
    SEMI JOIN (SELECT artist_id FROM staged_release_pages UNION SELECT artist_id FROM staged_artists) s
        ON s.artist_id = p.artist_id"""


def _growth_marks() -> dict[str, str]:
    """What growth over 1, 7, 30 and 90 days have in common, once for each; a day's is in what is kept anyway."""
    longer = {days: slack for days, slack in GROWTH_DAYS.items() if days > 1}
    of = {n: f"FILTER (days = {n})" for n in longer}
    last = [f"max(observed_on) {of[n]} AS since_{n}, arg_max(followers, place) {of[n]} AS before_{n}" for n in longer]
    sinces = [f"since_{n} = coalesce(g.since_{n}, b.since_{n})" for n in longer]
    gains = [f"gained_{n} = coalesce(g.gained_{n}, g.followers - b.before_{n})" for n in longer]
    within = {n: f"FILTER (observed_on BETWEEN until - {n + more} AND until - {n})" for n, more in GROWTH_DAYS.items()}
    befores = [
        f"max(observed_on) {within[n]} AS since_{n}, arg_max(followers, observed_on) {within[n]} AS before_{n}"
        for n in GROWTH_DAYS
    ]
    return {
        "befores": ", ".join(last),
        "since_and_gained": ",\n    ".join(f"b.since_{n}, e.followers - b.before_{n} AS gained_{n}" for n in longer),
        "longer_days": ", ".join(map(str, longer)),
        "longer_sinces": ", ".join(f"since_{n}" for n in longer),
        "slacks": ", ".join(map(str, longer.values())),
        "any_unseen": " OR ".join(f"(since_{n} IS NULL AND first_on < until - {n})" for n in longer),
        "filled": ", ".join([*sinces, *gains]),
        "all_befores": ",\n        ".join(befores),
        "all_before_names": ", ".join(f"before_{n}" for n in GROWTH_DAYS),
        "all_gained": ", ".join(f"followers - before_{n} AS gained_{n}" for n in GROWTH_DAYS),
    }


def _leader_marks() -> dict[str, str]:
    """Texts that hold marks themselves come first."""
    leading = [f"(gained_{n} > 0 AND gained_{n} / (followers - gained_{n}) >= floor_{n})" for n in GROWTH_DAYS]
    whens = {name: " ".join(f"WHEN {n} THEN g.{name}_{n}" for n in GROWTH_DAYS) for name in ("gained", "since")}
    return {
        "leaders": publish_sql("leaders"),
        "edges": publish_sql("edges"),
        "gained_of_days": whens["gained"],
        "since_of_days": whens["since"],
        "all_growths": "UNION ALL\n".join(publish_sql("growths").replace("{days}", str(n)) for n in GROWTH_DAYS),
        "floors": ", ".join(f"max(coalesce(edge_growth, 0)) FILTER (days = {n}) AS floor_{n}" for n in GROWTH_DAYS),
        "any_leading": " OR ".join(leading),
        "days": str(list(GROWTH_DAYS)),
        "counts": ", ".join(f"count(gained_{n})" for n in GROWTH_DAYS),
        "gains": ", ".join(f"gained_{n}" for n in GROWTH_DAYS),
        "sinces": ", ".join(f"since_{n}" for n in GROWTH_DAYS),
        "places": str(schema.PLACES),
        "kept": str(schema.PLACES + SPARE),
        "most": str(schema.PLACES + 2 * SPARE),
        "least": str(LEAST),
    }


def _filled(text: str, marks: Mapping[str, str]) -> str:
    for mark, value in marks.items():
        text = text.replace("{" + mark + "}", value)
    return text


def _latest_marks(name: str, *, ordered: bool) -> dict[str, str]:
    """Of rows in the order of their days the last known value stands; one that came late only fills what is unknown."""
    attributes, key = latest_attributes(name), PUBLISHED[name].key[0]
    known = {attribute: f"{LEADERS.get(attribute, attribute)} IS NOT NULL" for attribute in attributes}
    staged = [_known(a, "arg_max", "" if ordered else "NOT late") + f" AS {a}" for a in attributes]
    if ordered:
        updated = [f"{a} = CASE WHEN n.{known[a]} THEN n.{a} ELSE p.{a} END" for a in attributes]
        inserted = [f"n.{a}" for a in attributes]
    else:
        staged += [_known(a, "arg_min", "late") + f" AS late_{a}" for a in attributes]
        updated = [
            f"{a} = CASE WHEN n.{known[a]} THEN n.{a} WHEN p.{known[a]} THEN p.{a} ELSE n.late_{a} END"
            for a in attributes
        ]
        inserted = [f"CASE WHEN n.{known[a]} THEN n.{a} ELSE n.late_{a} END" for a in attributes]
    return {
        "order": f"{_ORDERS[name]}, {key}" if name in _ORDERS else key,
        "number_name": ", artist_no" * (name == "artists"),
        "number": ", row_number() OVER () - 1" * (name == "artists"),
        "placed": f"LEFT JOIN (SELECT {key}, place FROM known_artists) USING ({key})" if name == "artists" else "",
        "match": "p.rowid = n.place" if name == "artists" else f"p.{key} = n.{key}",
        "source": f"FROM staged_{name}"
        if ordered
        else _filled(
            publish_sql("late"), {"table": name, "key": key, "known": "known_artists" if name == "artists" else name}
        ),
        "staged": ",\n        ".join(staged),
        "updated": ",\n    ".join(updated),
        "attributes": ", ".join(attributes),
        "inserted": ", ".join(inserted),
    }


def _known(attribute: str, pick: str, condition: str) -> str:
    """The attribute of the row that knows it, or knows its leader; arg_min and arg_max themselves pass over NULLs."""
    leader = LEADERS.get(attribute)
    conditions = [f"{leader} IS NOT NULL"] * (leader is not None) + [condition] * bool(condition)
    picked = f"{pick}{'_null' if leader else ''}({attribute}, arrival)"
    return f"{picked} FILTER ({' AND '.join(conditions)})" if conditions else picked
