"""Volumes: parts of a month bound in one sorted file, each row with the `seq` of the part that it is of.

A part whose answers are gone never changes any more, and what is said of an artist day after day takes a thirtieth when
it stands together (docs/decisions/0050). A volume's footer tells whose parts it holds, so that a lost ledger can be
written anew from it. Imports `engine`, `files`, `parquet`, `ledger`, `schema`, `truth`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path, PurePath

import duckdb

from pipeline.errors import DamagedFile, DiskFull, GarimpoError
from pipeline.lake import engine
from pipeline.lake.files import explained, hidden, is_hidden, make_folder, sha256_of
from pipeline.lake.parquet import HISTORY_OPTIONS
from pipeline.lake.truth import fetch_truth, stored_names
from pipeline.records.ledger import Ledger
from pipeline.schema import LAKE
from pipeline.workspace import ServerLedger, Workspace

__all__ = [
    "SCRUB_DUE",
    "Member",
    "Volume",
    "has_its_name",
    "is_volume",
    "members_of",
    "unheard_volumes",
    "unlisted_volumes",
    "write_volume",
]

_NAME = "parts"  # of the footer's list of members
_DIGITS = 16  # of a hash, in a name
SCRUB_DUE = "scrub_due"  # meta of the ledger: "1" while what was purged may still lie on the disk


@dataclass(frozen=True)
class Member:
    """A part that lies in a volume, as the ledger has it."""

    seq: int
    run_id: str
    batch_id: str
    day: str
    rows: int


@dataclass(frozen=True)
class Volume:
    """A volume that was written, still hidden."""

    path: Path
    bytes: int
    sha256: str


def is_volume(path: PurePath | str) -> bool:
    """Whether a file of the lake is one for many parts, by its folder."""
    return PurePath(path).parent.name.startswith("month=")


def write_volume(
    con: duckdb.DuckDBPyConnection, root: Path, name: str, month: str, select: str, members: Sequence[Member]
) -> Volume:
    """Write rows of lake table `name`, each with its `seq`, as a volume: hidden, and named by what it holds.

    Raises DamagedFile when what is read back is not what was to be written, DiskFull; then nothing is left.
    """
    folder = root / "lake" / name / f"month={month}"
    aside = hidden(folder / f"{members[0].seq}.parquet")
    columns = [*LAKE[name].column_names(), "seq"]
    order = ", ".join(dict.fromkeys((*LAKE[name].key, "observed_on", "seq")))
    listed = engine.quoted(json.dumps([astuple(each) for each in members], separators=(",", ":")))
    with explained(aside):
        make_folder(folder)
        try:
            ordered = f"SELECT {', '.join(columns)} FROM ({select}) ORDER BY {order}"
            con.execute(
                f"COPY ({ordered}) TO '{engine.quoted(aside)}' ({HISTORY_OPTIONS}, KV_METADATA {{{_NAME}: '{listed}'}})"
            )
            _prove(con, aside, select, columns, members)
            sha256, size = sha256_of(aside), aside.stat().st_size
            path = folder / f"{sha256[:_DIGITS]}.parquet"
            aside.replace(hidden(path))
        except duckdb.Error as error:
            raise _explanation(error, folder) from error
        finally:
            aside.unlink(missing_ok=True)
    return Volume(path, size, sha256)


def _prove(
    con: duckdb.DuckDBPyConnection, path: Path, select: str, columns: Sequence[str], members: Sequence[Member]
) -> None:
    """Raise DamagedFile unless a file has just these rows, and of each part as many as it had."""
    facts = f"SELECT seq, count(*), bit_xor(hash({', '.join(columns)})) FROM ({{rows}}) GROUP BY seq ORDER BY seq"
    before = con.execute(facts.format(rows=select)).fetchall()
    after = con.execute(facts.format(rows=f"FROM read_parquet('{engine.quoted(path)}')")).fetchall()
    counted = [(each.seq, each.rows) for each in sorted(members, key=lambda each: each.seq) if each.rows]
    if before != after or [row[:2] for row in after] != counted:
        raise DamagedFile(f"{path.parent} got a volume that is not what its parts hold. Its parts stay as they are.")


def _explanation(error: duckdb.Error, folder: Path) -> GarimpoError:
    text = engine.first_line(error)
    if "No space left" in text or "File too large" in text:
        return DiskFull(f"No space left for a volume in {folder}. Free some space and run again; nothing was lost.")
    return DamagedFile(f"Parts cannot be bound in {folder} ({text}). They stay as they are.")


def members_of(path: Path) -> list[Member]:
    """The parts of which a volume has rows, by its footer; none where that cannot be read."""
    query = "SELECT decode(value) FROM parquet_kv_metadata(?) WHERE decode(key) = ?"
    try:
        with engine.cursor() as con:
            texts = con.execute(query, [str(path), _NAME]).fetchall()
        return [Member(*each) for (text,) in texts for each in json.loads(text)]
    except (duckdb.Error, ValueError, TypeError):
        return []


def has_its_name(path: Path) -> bool:
    """Whether a volume holds what its name says, whatever a ledger knows of it."""
    with suppress(OSError):
        return sha256_of(path).startswith(path.stem) and len(path.stem) == _DIGITS
    return False


def unlisted_volumes(workspace: Workspace, ledger: Ledger, found: Iterable[Path]) -> list[Path]:
    """Volumes, of the files found, that the ledger does not list; brought here from the store, where one is set.

    Copies that the store has no more were let go of on another machine: they are none.
    """
    names = {path.relative_to(workspace.root).as_posix() for path in found if is_volume(path) and not is_hidden(path)}
    names -= {str(row["path"]) for row in ledger.read("SELECT DISTINCT path FROM parts")} if names else set()
    if workspace.store is not None and names:
        names &= stored_names(workspace).keys()
        fetch_truth(workspace, [(name, "") for name in names])
    return [workspace.root / name for name in sorted(names)]


def unheard_volumes(workspace: Workspace, ledger: Ledger, found: Iterable[Path]) -> list[Path]:
    """Volumes, of the files found, that tell that the ledger was set back, or begun anew.

    It does not list them, and has a part of theirs in a file that is gone, or nowhere. One that a killed writer left
    has its parts in files that are there; but for those of which a purge that has not ended took every row.
    """
    there = list(found)
    if not (volumes := unlisted_volumes(workspace, ledger, there)):
        return []
    names = {path.relative_to(workspace.root).as_posix() for path in there}
    parts = ledger.read("SELECT table_name, run_id, batch_id, path FROM parts")
    gone = {tuple(row.values())[:3] for row in parts if row["path"] not in names}
    known = {tuple(row.values())[:3] for row in parts}
    known |= {tuple(row.values()) for row in ledger.read("SELECT layer, run_id, batch_id FROM withdrawals")}
    # Without a store it may have been purged on another machine, and its copies here be those of before.
    shared = isinstance(workspace.ledger, ServerLedger) and workspace.store is None
    may_lack = shared or ledger.meta(SCRUB_DUE) == "1"
    return [path for path in volumes if any(k in gone or not (may_lack or k in known) for k in _keys(path))]


def _keys(path: Path) -> list[tuple[str, str, str]]:
    return [(_table(path), each.run_id, each.batch_id) for each in members_of(path)]


def _table(path: Path) -> str:
    return path.parent.parent.name
