"""What imports brought: which there are, and one taken back with all that it put into files, ledger and database.

What other runs saw stays. Imports `cutting`, `exchange`, `engine`, `store`, `truth`, `volumes`, `purge`, `ledger`,
`events`, `belonging`, `copying`, `workspace`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from pipeline.errors import SettingsError
from pipeline.keeping.cutting import cut_run, intact
from pipeline.keeping.exchange import Exchange, settle
from pipeline.keeping.purge import untouched_folders
from pipeline.lake import engine
from pipeline.lake.store import sweep
from pipeline.lake.truth import fetch_truth
from pipeline.lake.volumes import SCRUB_DUE, is_volume
from pipeline.records.belonging import taken_back
from pipeline.records.copying import LEDGER_TABLES
from pipeline.records.database import Connection, Row
from pipeline.records.events import read_rejects
from pipeline.records.ledger import ALL, SET_META, Ledger
from pipeline.workspace import ServerLedger, Workspace

__all__ = ["Import", "TakenBack", "list_imports", "purge_import"]

MOST_TOLD = 5  # imports that a message names
REASON = "request"  # why its files went, as long as the run is known
_TOLD_OF = {"events": ("message", "fields"), "check_results": ("details",)}  # words of others that name files of a run


@dataclass(frozen=True)
class Import:
    """An import that was kept: its run, what was read, when, and what of it is there; `followed`: put on the list.

    `rejects`: file, line, reason of the first that were not taken, as long as the log has them; of `rejected`.
    """

    run_id: str
    file: str
    started_at: datetime
    state: str
    rows: int
    first_day: date | None
    last_day: date | None
    followed: int
    rejected: int = 0
    rejects: tuple[tuple[str, int, str], ...] = ()


@dataclass(frozen=True)
class TakenBack:
    """What of an import went, or would go. `rows`: by lake table; `stays`: of its `artists`, those others saw, too.

    `elsewhere`: copies in the workspace that were not looked into.
    """

    of: Import
    dry_run: bool
    parts: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    raw_files: int = 0
    artists: int = 0
    stays: int = 0
    elsewhere: tuple[str, ...] = ()


def list_imports(ledger: Ledger) -> list[Import]:
    """Every import that brought anything, or whose every entry was rejected, newest first."""
    runs = ledger.runs(ALL, where="r.trigger = 'import'")
    parts = ledger.read(
        "SELECT run_id, min(day) AS first, max(day) AS last, sum(rows) AS rows FROM parts GROUP BY run_id"
    )
    kept = {row["run_id"]: row for row in parts}
    listed = {row["followed_at"]: row["n"] for row in ledger.read(_LISTED)}
    return [_with_rejects(ledger, _import(run, kept.get(run["run_id"]), listed)) for run in runs]


def _with_rejects(ledger: Ledger, found: Import) -> Import:
    rows, more = read_rejects(ledger, found.run_id)
    rejects = tuple((row["file"], row["line"], row["reason"]) for row in rows)
    return replace(found, rejected=len(rejects) + more, rejects=rejects)


# An import puts everybody on the list at the instant at which its run began.
_LISTED = "SELECT followed_at, count(*) AS n FROM followed GROUP BY followed_at"


def _import(run: Row, kept: Row | None, listed: dict[float, int]) -> Import:
    began, named = run["started_at"], run["message"].removeprefix("imported ").rpartition(": ")[0]
    file = json.loads(run["params"]).get("path") or named  # a ledger that was written anew knows no parameters
    first, last = (date.fromisoformat(kept[key]) for key in ("first", "last")) if kept else (None, None)
    rows, followed = int(kept["rows"]) if kept else 0, listed.get(began.timestamp(), 0)
    return Import(run["run_id"], file, began, run["state"], rows, first, last, followed)


def purge_import(workspace: Workspace, ledger: Ledger, run_id: str, *, dry_run: bool = False) -> TakenBack | None:
    """Take an import back: its rows, its entries as received, its run, and those whom it put on the list.

    For the holder of the run lock. Its files go first, then the ledger forgets it: what has to go is known by its run
    until it is gone, and whoever was interrupted asks again. None where the run had gone, too, and only what was left
    on the disk was done. Raises SettingsError for a run that is no import, DamagedFile naming a file that cannot be
    looked into: `recover` first.
    """
    if not (found := [each for each in list_imports(ledger) if each.run_id == run_id]):
        if not dry_run and ledger.meta(SCRUB_DUE) == "1" and settle(workspace, ledger):
            return None
        raise SettingsError(_no_import(ledger, run_id))
    parts = ledger.read("SELECT * FROM parts ORDER BY seq")
    looked_into = [row for row in parts if row["table_name"] == "artists" or is_volume(row["path"])]
    fetch_truth(workspace, ((str(row["path"]), str(row["sha256"])) for row in looked_into))
    exchange, artists = Exchange(workspace, ledger), _artists(workspace, parts, run_id)
    raw = ledger.read("SELECT * FROM raw_files WHERE run_id = ?", (run_id,))
    try:
        count, rows = cut_run(exchange, run_id, REASON, dry_run=dry_run)
        if not dry_run:
            for row in raw:
                exchange.drop_raw(row, REASON)
            exchange.set_meta(SCRUB_DUE, "1")
            exchange.carry_out()
    except BaseException:
        exchange.discard()
        raise
    if not dry_run:
        sweep(workspace, ledger)
        last = Exchange(workspace, ledger, touches_parts=True)  # generations show runs of the ledger, too
        shared = isinstance(ledger.place, ServerLedger)
        last.carry_out(lambda connection: _forget(connection, found[0], shared=shared))
        settle(workspace, ledger)  # also what an interrupted purge left
    return TakenBack(found[0], dry_run, count, rows, len(raw), *artists, untouched_folders(workspace))


def _artists(workspace: Workspace, parts: Sequence[Row], run_id: str) -> tuple[int, int]:
    """How many artists a run has rows of, and how many of these other runs have, too."""
    of_artists = [row for row in parts if row["table_name"] == "artists"]
    mine = {row["seq"] for row in of_artists if row["run_id"] == run_id}
    if not mine:
        return 0, 0
    bound = {str(row["path"]): str(intact(workspace, row)) for row in of_artists if is_volume(row["path"])}
    alone: dict[bool, list[str]] = {True: [], False: []}
    for row in of_artists:
        if not is_volume(row["path"]):
            alone[row["seq"] in mine].append(str(intact(workspace, row)))
    seqs = ", ".join(map(str, sorted(mine)))
    volumes = bound.values()
    ours = _ids([(alone[True], ""), (volumes, f"WHERE seq IN ({seqs})")])
    theirs = _ids([(alone[False], ""), (volumes, f"WHERE seq NOT IN ({seqs})")])
    query = f"SELECT count(*), count(*) FILTER (artist_id IN ({theirs})) FROM (SELECT DISTINCT artist_id FROM ({ours}))"
    with engine.cursor() as con:
        artists, stay = con.execute(query).fetchall()[0]
    return int(artists), int(stay)


def _ids(sources: Iterable[tuple[Iterable[str], str]]) -> str:
    """SQL of the artist ids in some files, each with a condition."""
    selects = ["SELECT NULL::VARCHAR AS artist_id WHERE false"]
    for paths, condition in sources:
        if listed := list(paths):
            selects.append(f"SELECT artist_id FROM {engine.parquet(listed, by_name=True)} {condition}")
    return " UNION ALL ".join(selects)


def _forget(connection: Connection, gone: Import, *, shared: bool) -> None:
    """Every row of the ledger that the run wrote, or that names its files; and its artists off the list.

    Where it is shared, ids of what was withdrawn stay: by them other machines know that copies of theirs are to go.
    """
    for table, columns in LEDGER_TABLES.items():
        if "run_id" in columns and not (shared and table == "withdrawals"):
            connection.execute(f"DELETE FROM {table} WHERE run_id = ?", (gone.run_id,))
        for column in _TOLD_OF.get(table, ()):
            connection.execute(f"DELETE FROM {table} WHERE instr({column}, ?) > 0", (gone.run_id,))
    connection.execute(SET_META, (taken_back(gone.run_id), ""))  # by it a backup that has it is known for ours
    if gone.followed:
        connection.execute("DELETE FROM followed WHERE followed_at = ?", (gone.started_at.timestamp(),))


def _no_import(ledger: Ledger, run_id: str) -> str:
    there = list_imports(ledger)
    named = ", ".join(f"{each.run_id} ({each.file})" for each in there[:MOST_TOLD])
    these = f"these are: {named}" if there else "there is none in this workspace"
    more = f" and {len(there) - MOST_TOLD} more" if len(there) > MOST_TOLD else ""
    told = "; `python -m pipeline imports` tells of them" if there else ""
    return f"{run_id[:70]} is no import; {these}{more}{told}. Nothing was changed."
