"""Parts whose answers are gone, bound into volumes: a month of a lake table in one sorted file (docs/decisions/0050).

Numbers of artists are not bound: they go by the month (`retention`), and history files have them in order. A volume is
proved against its parts before the ledger says that they lie in it; their own files go once what is published says so,
too. Imports `exchange`, `replay`, `events`, `truth`, `volumes`, `publish`, `staging`, `ledger`, `retention`, `engine`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import DamagedFile
from pipeline.keeping.exchange import Exchange
from pipeline.keeping.replay import in_groups
from pipeline.keeping.retention import SNAPSHOTS
from pipeline.lake import engine
from pipeline.lake.truth import fetch_truth, remove_truth
from pipeline.lake.volumes import Member, write_volume
from pipeline.published.publish import BOUND, lags, publish
from pipeline.published.staging import MergeSource, check_parts, parts_select
from pipeline.records.database import Row
from pipeline.records.events import note
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace

__all__ = ["Bound", "bind", "show_bound"]

log = logging.getLogger(__name__)

PAYS = 8  # files of a month: of fewer a volume saves less than it costs
# Rows of a volume: a month of a million artists with two genres each, sorted with the help of the disk.
MOST_ROWS = 100_000_000

# Months that are over, of which no answer is kept any more: until then a replay may exchange their parts.
_DUE = """
    SELECT p.table_name, substr(p.day, 1, 7) AS month
    FROM parts p LEFT JOIN raw_files r ON r.run_id = p.run_id AND r.batch_id = p.batch_id
    WHERE p.table_name <> ? AND p.day < ?
    GROUP BY p.table_name, substr(p.day, 1, 7)
    HAVING count(r.path) = 0 AND sum(CASE WHEN p.path LIKE '%/day=%' THEN 1 ELSE 0 END) >= ?
    ORDER BY 2, 1"""
_ALONE = "SELECT * FROM parts WHERE table_name = ? AND substr(day, 1, 7) = ? AND path LIKE '%/day=%' ORDER BY seq"


@dataclass(frozen=True)
class Bound:
    """Volumes that were written, the parts that lie in them, and bytes of these before and now."""

    volumes: int = 0
    parts: int = 0
    bytes_before: int = 0
    bytes_now: int = 0
    seconds: float = 0.0


def bind(workspace: Workspace, ledger: Ledger) -> Bound:
    """Bind what is due, and publish where it lies now; killed at any moment each part is in one file or the other.

    For the holder of the run lock. A month with a part that is not what was committed waits, with a word in the log.
    Raises DiskFull: what was bound stays so.
    """
    begun, parts, made = time.perf_counter(), list[Row](), list[int]()
    for name, month in _due(ledger):
        for group in in_groups(ledger.read(_ALONE, (name, month)), "rows", MOST_ROWS):
            try:
                made.append(_bind(workspace, ledger, name, month, group))
            except DamagedFile as error:
                note(log, "parts_not_bound", level=logging.WARNING, table=name, month=month, message=str(error))
                continue
            parts += group
    if made:
        publish(workspace, ledger)
        remove_truth(workspace, (workspace.root / part["path"] for part in parts))
    before = sum(part["bytes"] for part in parts)
    return Bound(len(made), len(parts), before, sum(made), time.perf_counter() - begun)


def show_bound(workspace: Workspace, ledger: Ledger) -> bool:
    """Publish where parts lie, if a killed binding did not come to it; whether there was need. Before any `sweep`."""
    return lags(workspace, ledger, BOUND) and publish(workspace, ledger).changed


def _due(ledger: Ledger) -> list[tuple[str, str]]:
    month = f"{ledger.now():%Y-%m}"
    return [(row["table_name"], row["month"]) for row in ledger.read(_DUE, (SNAPSHOTS, month, PAYS))]


def _bind(workspace: Workspace, ledger: Ledger, name: str, month: str, parts: Sequence[Row]) -> int:
    """Bytes of the volume that these parts lie in now."""
    fetch_truth(workspace, ((part["path"], part["sha256"]) for part in parts))
    check_parts(workspace.root, parts)
    source = MergeSource(workspace.root, parts)
    seqs = [part["seq"] for part in parts]
    rows = parts_select(name, source.listed(name))
    select = f"SELECT * EXCLUDE (place), ({seqs}::BIGINT[])[place::BIGINT + 1] AS seq FROM ({rows})"
    members = [Member(*(part[key] for key in ("seq", "run_id", "batch_id", "day", "rows"))) for part in parts]
    exchange = Exchange(workspace, ledger)
    try:
        with source.shared(), engine.cursor() as con:
            volume = write_volume(con, workspace.root, name, month, select, members)
        exchange.bind_parts(volume, members)
        exchange.carry_out()
    except BaseException:
        exchange.discard()
        raise
    return volume.bytes
