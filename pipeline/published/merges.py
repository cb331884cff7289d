"""What the statement of each step says: its file of sql/publish, and what stands there for each `{mark}`.

Imports `steps`, `paging`, `schema`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from pipeline import schema
from pipeline.published.steps import Step
from pipeline.schema import GROWTH_DAYS, LEADERS, LEAST, PUBLISHED, STATE, latest_attributes, name_tokens
from pipeline.source.paging import SEARCH_CAP

__all__ = ["Given", "merge_statements", "publish_sql"]

STAY_DAYS = 30  # an artist not seen under a genre for longer has left it, and enters it anew
SPARE = 50  # artists behind a list's last place that are kept too, so that whoever leaves is followed by somebody

_GIVEN = re.compile(r"^\{(?:given (\w+)|always)\}$", re.MULTILINE)


class Given(NamedTuple):
    """A statement, and the table without whose rows there is nothing for it to do; "" for none."""

    table: str
    statement: str


# How rows that come together lie: artists as they are numbered, releases that lists show together side by side.
_ORDERS = {"artists": "first_arrival", "releases": "release_date"}


def publish_sql(name: str) -> str:
    """The text of one file of sql/publish."""
    return files("pipeline").joinpath("sql", "publish", f"{name}.sql").read_text(encoding="utf-8")


@cache
def merge_statements(step: Step, *, ordered: bool) -> tuple[Given, ...]:
    """The SQL of a step; `ordered` says that no new row is of an earlier day than one committed before it.

    What follows a line `{given NAME}` is run only where that table has rows, what follows `{always}` again always: to
    plan a statement takes longer than to run it over few rows.
    """
    text = re.sub(r"^--.*\n", "", _filled(publish_sql(step.file), _marks(step, ordered=ordered)), flags=re.MULTILINE)
    pieces = _GIVEN.split(text)
    found = zip(["", *pieces[1::2]], pieces[::2], strict=True)
    return tuple(Given(table or "", statement) for table, statement in found if statement.strip())


def _marks(step: Step, *, ordered: bool) -> dict[str, str]:
    table = {**PUBLISHED, **STATE}[step.table]
    rest = [name for name in table.column_names() if name not in (*table.key, "observed_on")]
    marks = {
        "table": table.name,
        "lake": step.needs[0],
        "new": "arrived" if step.needs[0] == "artist_snapshots" else f"staged_{step.needs[0]}",
        "key": table.key[0],
        "keys": ", ".join(table.key),
        "words": name_tokens("name"),
        "match": " AND ".join(f"p.{name} = n.{name}" for name in table.key),
        "rest_packed": f"struct_pack({', '.join(f'{name} := {name}' for name in rest)})",
        "sign": str(step.sign),
        "stay": str(STAY_DAYS),
        "provenance": step.file.removeprefix("left_"),
        "half": str(STAY_DAYS // 2),
        "cap": str(SEARCH_CAP),
        "complete": _COMPLETE,
        "lacks": _LACKS,
        "key_of_all": "artist_id" if step.only == "small" else "artist_no",
        "sighted": _SIGHTED[step.only == "small"],
        "rest_updated": ", ".join(f"{name} = n.{name}" for name in rest),
        "checked": _CHECKED["fresh" in step.only],
        "artist_numbers": "LEFT JOIN (SELECT artist_id, artist_no FROM artists) USING (artist_id)",
    }
    if step.table == "track_artists":
        marks["artist_numbers"] = ""
    if step.file in ("described", "latest", "latest_whole"):
        return marks | _latest_marks(step.table, ordered=ordered)
    if step.table == "artist_growth":
        return _growth_marks() | marks
    shared = {"genre_days": "counted", "genre_membership": "leaving"}
    if step.table in shared:
        return {shared[step.table]: publish_sql(shared[step.table])} | marks
    return _leader_marks() | marks if step.table == "genre_growth" else marks


# Of whom the last day their releases were read may be another now: in a database without rows all that have pages.
_CHECKED = (
    "SELECT artist_id FROM staged_release_pages UNION SELECT artist_id FROM numbered",
    "SELECT DISTINCT artist_id FROM state_release_pages",
)

# Of pages of a search: they are all there, from the first to the last.
_COMPLETE = "bool_or(last_page) AND min(page_offset) = 0 AND sum(page_limit) >= max(page_offset + page_limit)"

# Answers give genres as they like, `artist_genres` has them in lower case; most are, so that few are looked at twice.
_LACKS = """NOT list_contains(a.genres, g.genre)
    AND NOT list_contains(list_transform(a.genres, lambda given: lower(trim(given))), g.genre)"""

# Where sightings come from, and with which keys: in small databases artists are known by their ids.
_SIGHTED = (
    "staged_artist_genres JOIN (SELECT artist_id, key FROM touched) USING (artist_id)",
    "(SELECT *, artist_id AS key FROM staged_artist_genres)",
)
_DIFFERS = " OR ".join(
    f"(s.{name} IS NOT NULL AND s.{name} IS DISTINCT FROM a.{name})" for name in latest_attributes("artists")
)


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
        values = {a: f"CASE WHEN n.{known[a]} THEN n.{a} ELSE p.{a} END" for a in attributes}
        inserted = [f"n.{a}" for a in attributes]
    else:
        staged += [_known(a, "arg_min", "late") + f" AS late_{a}" for a in attributes]
        values = {
            a: f"CASE WHEN n.{known[a]} THEN n.{a} WHEN p.{known[a]} THEN p.{a} ELSE n.late_{a} END" for a in attributes
        }
        inserted = [f"CASE WHEN n.{known[a]} THEN n.{a} ELSE n.late_{a} END" for a in attributes]
    return {
        "order": f"{_ORDERS[name]}, {key}" if name in _ORDERS else key,
        "number_name": ", artist_no" * (name == "artists"),
        "number": ", row_number() OVER () - 1" * (name == "artists"),
        "differs": _DIFFERS,
        "source": f"FROM staged_{name}"
        if ordered
        else _filled(
            publish_sql("late"), {"table": name, "key": key, "known": "known_artists" if name == "artists" else name}
        ),
        "staged": ",\n        ".join(staged),
        "updated": ",\n    ".join(f"{a} = {value}" for a, value in values.items()),
        "renewed": ",\n    ".join(f"{value} AS {a}" for a, value in values.items()),
        "attributes": ", ".join(attributes),
        "inserted": ", ".join(inserted),
    }


def _known(attribute: str, pick: str, condition: str) -> str:
    """The attribute of the row that knows it, or knows its leader; arg_min and arg_max themselves pass over NULLs."""
    leader = LEADERS.get(attribute)
    conditions = [f"{leader} IS NOT NULL"] * (leader is not None) + [condition] * bool(condition)
    picked = f"{pick}{'_null' if leader else ''}({attribute}, arrival)"
    return f"{picked} FILTER ({' AND '.join(conditions)})" if conditions else picked
