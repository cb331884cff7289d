"""What new parts do to the published tables, as data: one statement per step, in order.

Every merge is defined by the set of committed parts and their order alone, so that publishing them one by one or all at
once gives the same tables. Imports `schema`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pipeline.schema import LEADERS, PUBLISHED, STATE, latest_attributes

__all__ = ["STEPS", "Step", "merge_statement", "publish_sql"]


@dataclass(frozen=True)
class Step:
    """A statement that changes `table`, run when a lake table it needs has new parts; it merges the first of them."""

    table: str
    file: str
    needs: tuple[str, ...]


STEPS = (
    Step("artists", "latest", ("artists",)),
    Step("state_snapshots", "artist_snapshots", ("artist_snapshots",)),
    Step("artists", "artist_numbers", ("artist_snapshots",)),
    Step("artist_genres", "artist_genres", ("artist_genres",)),
    Step("releases", "latest", ("releases",)),
    Step("release_artists", "credits", ("release_artists",)),
    Step("tracks", "latest", ("tracks",)),
    Step("track_artists", "credits", ("track_artists",)),
    Step("search_pages", "newest", ("search_pages",)),
    Step("state_release_pages", "newest", ("release_pages",)),
    Step("state_album_pages", "newest", ("album_pages",)),
    Step("artists", "releases_checked", ("release_pages", "artists")),
    Step("releases", "tracks_read", ("tracks", "releases")),
)


def publish_sql(name: str) -> str:
    """The text of one file of sql/publish."""
    return files("pipeline").joinpath("sql", "publish", f"{name}.sql").read_text(encoding="utf-8")


@cache
def merge_statement(step: Step, *, ordered: bool) -> str:
    """The SQL of a step; `ordered` says that no new part is of an earlier day than one committed before it."""
    text = publish_sql(step.file)
    for mark, value in _marks(step, ordered=ordered).items():
        text = text.replace("{" + mark + "}", value)
    return text


def _marks(step: Step, *, ordered: bool) -> dict[str, str]:
    table = {**PUBLISHED, **STATE}[step.table]
    rest = [name for name in table.column_names() if name not in (*table.key, "observed_on")]
    marks = {
        "table": table.name,
        "lake": step.needs[0],
        "key": table.key[0],
        "keys": ", ".join(table.key),
        "match": " AND ".join(f"p.{name} = n.{name}" for name in table.key),
        "rest_packed": f"struct_pack({', '.join(f'{name} := {name}' for name in rest)})",
        "rest_updated": ", ".join(f"{name} = n.{name}" for name in rest),
    }
    return marks | _latest_marks(step.table, ordered=ordered) if step.file == "latest" else marks


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
        "source": f"FROM staged_{name}"
        if ordered
        else publish_sql("late").replace("{table}", name).replace("{key}", key),
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
