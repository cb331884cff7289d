"""Replay: processed tables derived again from raw files with today's SQL, without a request.

Batch by batch, one ledger transaction each; what a batch gives as before is left alone. A killed replay goes on where
it was. Imports `exchange`, `ledger`, `normalize`, `files`, `parquet`, `shapes`, `truth`.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from pipeline.errors import DamagedFile, SchemaMismatch, SettingsError
from pipeline.keeping.exchange import Exchange, settle
from pipeline.lake.files import fault_of
from pipeline.lake.normalize import Normalized, Normalizer
from pipeline.lake.parquet import parquet_bytes, seal
from pipeline.lake.shapes import ANSWERS
from pipeline.lake.truth import fetch_truth
from pipeline.records.database import Row
from pipeline.records.ledger import Ledger, Part
from pipeline.schema import LAKE, SCHEMA_VERSION
from pipeline.workspace import Workspace

__all__ = ["Replayed", "derive_batch", "in_groups", "raw_files", "replay", "was_cut"]

PROGRESS = "replay"  # the ledger's word for how far one has come
MOST_BYTES = 2**22  # of raw files read together: compressed, some 30,000 artists
TOGETHER = 50  # batches without a change between two notes of it
_CUT = re.compile(r".*\.[0-9a-f]{8}\.jsonl\.zst")  # as `exchange` names what took another's place
SEAL = "UPDATE parts SET seal = ? WHERE seq = ?"
Report = Callable[[int, int], object]


@dataclass(frozen=True)
class Replayed:
    """What a replay did. `without_raw`: batches whose rows stay as they are, since what they were made of is gone."""

    batches: int = 0
    changed: int = 0
    rows: int = 0
    without_raw: int = 0
    damaged: tuple[str, ...] = ()
    resumed: bool = False
    seconds: float = 0.0


def replay(
    workspace: Workspace,
    ledger: Ledger,
    *,
    since: date | None = None,
    table: str = "",
    report: Report = lambda _done, _total: None,
) -> Replayed:
    """Derive parts again, of batches from `since` on and of one lake table where named, and publish what changed.

    For the holder of the run lock. Raises SettingsError for a table there is none of, SchemaMismatch where a newer
    program has written, DiskFull: what was done is kept, and another replay goes on from there.
    """
    if table and table not in LAKE:
        raise SettingsError(f"{table} is no lake table. Tables: {', '.join(LAKE)}. Nothing was changed.")
    newer = ledger.read("SELECT path FROM parts WHERE schema_version > ? LIMIT 1", (SCHEMA_VERSION,))
    if newer:
        message = f"{newer[0]['path']} was written by a newer version of this program."
        raise SchemaMismatch(f"{message} Update it; nothing was changed.")
    begun = time.perf_counter()
    asked = {"since": since.isoformat() if since else "", "table": table, "recipe": recipe()}
    with closing(Normalizer()) as normalizer:
        done = _Replay(workspace, ledger, normalizer, asked).run(report)
    settle(workspace, ledger)
    return Replayed(**done, seconds=time.perf_counter() - begun)


class _Replay:
    """One replay under way; what it has done stands in the ledger beside how far it has come."""

    def __init__(self, workspace: Workspace, ledger: Ledger, normalizer: Normalizer, asked: dict[str, str]) -> None:
        self._workspace, self._ledger, self._normalizer, self._asked = workspace, ledger, normalizer, asked
        before = json.loads(ledger.meta(PROGRESS) or "{}")
        self._resumed = before.get("asked") == asked
        self._done: dict[str, Any] = before["done"] if self._resumed else {"batches": 0, "changed": 0, "rows": 0}
        self._after: list[str] = before["after"] if self._resumed else ["", "", ""]
        self._damaged: list[str] = []
        self._seals: list[tuple[str, int]] = []

    def run(self, report: Report) -> dict[str, Any]:
        only = {self._asked["table"]} - {""}
        batches = raw_files(self._ledger, self._asked["since"], tuple(self._after))
        for place, (raw, normal) in enumerate(self._normalized(batches), 1):
            if isinstance(normal, DamagedFile):
                self._damaged.append(str(normal))
                continue
            change = _change(self._workspace, self._ledger, raw, normal, only)
            self._done["batches"] += 1
            self._done["rows"] += change.rows
            self._done["changed"] += bool(change.exchange.statements)
            self._seals += change.seals
            self._after = [raw["day"], raw["run_id"], raw["batch_id"]]
            if change.exchange.statements or place % TOGETHER == 0:
                self._note(change.exchange)
                change.exchange.carry_out()
            report(place, len(batches))
        with self._ledger.write() as connection:
            connection.executemany(SEAL, self._seals)
            connection.execute("DELETE FROM meta WHERE key = ?", (PROGRESS,))
        return {**self._done, "without_raw": _without_raw(self._ledger, self._asked["since"]),
                "damaged": tuple(self._damaged), "resumed": self._resumed}  # fmt: skip

    def _normalized(self, batches: Sequence[Row]) -> Iterator[tuple[Row, Normalized | DamagedFile]]:
        """Each batch with what its raw file gives; many small files are read together."""
        for group in in_groups(batches, "bytes", MOST_BYTES):
            _fetch(self._workspace, group)
            faults = {raw["path"]: _fault(self._workspace, raw) for raw in group}
            sound = [raw for raw in group if faults[raw["path"]] is None]
            found = iter(self._normalizer.each([self._workspace.root / raw["path"] for raw in sound]))
            for raw in group:
                yield raw, faults[raw["path"]] or next(found)

    def _note(self, exchange: Exchange) -> None:
        said = {"asked": self._asked, "after": self._after, "done": self._done}
        exchange.set_meta(PROGRESS, json.dumps(said))
        exchange.statements += [(SEAL, each) for each in self._seals]
        self._seals = []


@dataclass
class Change:
    """What deriving a batch anew asks of the ledger, the rows it gave, and seals of parts that have none that fits."""

    exchange: Exchange
    rows: int = 0
    seals: list[tuple[str, int]] = field(default_factory=list)


def derive_batch(
    workspace: Workspace, ledger: Ledger, normalizer: Normalizer, raw: Row, only: set[str], *, whole: bool = True
) -> Change:
    """The exchange that makes a batch's parts what its raw file gives today; nothing in it where they are that already.

    `only`: these tables, empty for all; not `whole`: parts are added and mended, none is dropped. Raises DamagedFile
    when the raw file is not what was committed.
    """
    _fetch(workspace, [raw])
    if fault := _fault(workspace, raw):
        raise fault
    normal = normalizer.tables([workspace.root / raw["path"]])
    return _change(workspace, ledger, raw, normal, only, whole=whole)


def _change(
    workspace: Workspace, ledger: Ledger, raw: Row, normal: Normalized, only: set[str], *, whole: bool = True
) -> Change:
    batch = (str(raw["run_id"]), str(raw["batch_id"]))
    old = {row["table_name"]: row for row in ledger.read(f"SELECT * FROM parts {_OF}", batch)}
    gone = {row["layer"] for row in ledger.read(f"SELECT layer FROM withdrawals {_OF}", batch)}
    _fetch(workspace, list(old.values()))
    change = Change(exchange := Exchange(workspace, ledger))
    wanted = (only or set(LAKE)) & (set(normal.tables) | set(old)) - gone
    stays = {name for name, part in old.items() if was_cut(raw["path"]) and _tells_more(workspace, part, normal)}
    try:
        for name in [each for each in LAKE if each in wanted - stays]:
            if name in normal.tables:
                _derive_part(change, raw, old.get(name), name, normal)
            elif whole:
                exchange.drop_part(old[name])
    except BaseException:
        exchange.discard()
        raise
    if exchange.statements and not only:
        exchange.statements += _rejects(batch, normal)
    return change


def _derive_part(change: Change, raw: Row, old: Row | None, name: str, normal: Normalized) -> None:
    """Have a part hold these rows. Where its seal says that it does, nothing is written to be compared with it."""
    exchange, rows = change.exchange, normal.tables[name]
    change.rows += rows.num_rows
    is_whole = old is not None and _is_whole(exchange.workspace, old)
    if old is not None and is_whole and old["seal"] == seal(name, rows, old["sha256"]):
        return
    content = parquet_bytes(name, rows)
    sha256 = hashlib.sha256(content).hexdigest()
    sealed = seal(name, rows, sha256)
    if old is None:
        batch = (str(raw["run_id"]), str(raw["batch_id"]))
        path = f"lake/{name}/day={raw['day']}/{batch[0]}-{batch[1]}-{_attempt(exchange.ledger, batch)}.parquet"
        part = Part(name, path, raw["day"], rows.num_rows, 0, "", SCHEMA_VERSION, seal=sealed)
        exchange.add_part(batch, part, content)
        return
    if not is_whole or sha256 != old["sha256"]:
        exchange.replace_part(old, content, rows.num_rows, SCHEMA_VERSION)
    change.seals.append((sealed, old["seq"]))


def was_cut(path: str) -> bool:
    """Whether a purge took answers out of a raw file: then its parts may have rows of others that it gives no more."""
    return bool(_CUT.fullmatch(path))


def _tells_more(workspace: Workspace, part: Row, normal: Normalized) -> bool:
    """Whether a part that is whole has rows that its answers give no more."""
    rows = normal.tables[part["table_name"]].num_rows if part["table_name"] in normal.tables else 0
    return bool(rows < part["rows"]) and not _fault(workspace, part)


def raw_files(ledger: Ledger, since: str = "", after: Sequence[str] = ("", "", "")) -> list[Row]:
    """Raw files in the order of their days, from a day on, behind (day, run, batch)."""
    return ledger.read(
        "SELECT * FROM raw_files WHERE day >= ? AND (day, run_id, batch_id) > (?, ?, ?) ORDER BY day, run_id, batch_id",
        (since, *after),
    )


@cache
def recipe() -> str:
    """What rows are made by, in short: another program makes a replay begin anew."""
    digest = hashlib.sha256(f"{SCHEMA_VERSION} {ANSWERS}".encode())
    folder = files("pipeline").joinpath("sql", "normalize")
    for path in sorted(folder.iterdir(), key=lambda each: each.name):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def in_groups(rows: Sequence[Row], column: str, most: int) -> Iterator[list[Row]]:
    """Rows in their order, as many together as have at most so much of a column; or one that has more."""
    group, size = list[Row](), 0
    for row in rows:
        if group and size + row[column] > most:
            yield group
            group, size = [], 0
        group.append(row)
        size += row[column]
    if group:
        yield group


def _fetch(workspace: Workspace, rows: Sequence[Row]) -> None:
    """Have files here that a store has; one that is damaged there stays missing, and is told of where it is read."""
    with suppress(DamagedFile):
        fetch_truth(workspace, ((row["path"], row["sha256"]) for row in rows))


def _fault(workspace: Workspace, raw: Row) -> DamagedFile | None:
    fault = fault_of(workspace.root / raw["path"], raw["sha256"])
    return DamagedFile(f"{fault} {_MEND}") if fault else None


_OF = "WHERE run_id = ? AND batch_id = ?"
_MEND = "Its rows stay as they are; `python -m pipeline recover` says what can be done."


def _is_whole(workspace: Workspace, old: Row) -> bool:
    """Whether a part is of today's version and, on the disk, what was committed."""
    return bool(old["schema_version"] == SCHEMA_VERSION) and not fault_of(workspace.root / old["path"], old["sha256"])


def _attempt(ledger: Ledger, batch: tuple[str, str]) -> int:
    query = "SELECT max(attempt) AS attempt FROM task_runs WHERE run_id = ? AND batch_id = ?"
    return int(ledger.read(query, batch)[0]["attempt"] or 1)


def _rejects(batch: tuple[str, str], normal: Normalized) -> Iterator[tuple[str, tuple[object, ...]]]:
    yield "DELETE FROM rejects WHERE run_id = ? AND batch_id = ?", batch
    for line, reason in normal.rejects:
        yield "INSERT INTO rejects VALUES (?, ?, ?, ?)", (*batch, line, reason)


def _without_raw(ledger: Ledger, since: str) -> int:
    query = (
        "SELECT count(*) AS n FROM (SELECT DISTINCT run_id, batch_id FROM parts p WHERE day >= ? AND NOT EXISTS "
        "(SELECT 1 FROM raw_files r WHERE r.run_id = p.run_id AND r.batch_id = p.batch_id)) AS lone"
    )
    return int(ledger.read(query, (since,))[0]["n"])
