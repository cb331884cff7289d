"""How snapshots are kept in a generation: in history files as far as there are some, the rest in `state_snapshots`.

The view `artist_snapshots` shows both as one table. Before new rows are merged, those they meet in a history file are
pulled out of it and from then on override it (docs/decisions/0022). Imports `history_files`, `merges`, `staging`,
`engine`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields, replace
from datetime import date
from pathlib import Path

import duckdb

from pipeline.lake import engine
from pipeline.published.history_files import HistoryFile, find_file, inputs_digest, view_statement, write_file
from pipeline.published.merges import publish_sql
from pipeline.published.staging import MergeSource, parts_select, stage_parts

__all__ = [
    "PAYS",
    "add_files",
    "history_of",
    "inputs_of",
    "make_view",
    "note_months",
    "prepare_all",
    "prepare_new",
    "root_of",
    "show_recent",
    "unfile_mixed",
    "within",
]

PAYS = 2_000_000  # rows in state_snapshots that are worth a history file: a copy of them takes 0.1 s at each publish

_FILE = ", ".join(field.name for field in fields(HistoryFile))


def history_of(con: duckdb.DuckDBPyConnection) -> list[HistoryFile]:
    """The history files of a generation, by month."""
    return [HistoryFile(*row) for row in con.execute(f"SELECT {_FILE} FROM state_history ORDER BY month").fetchall()]


def add_files(con: duckdb.DuckDBPyConnection, listed: Iterable[HistoryFile]) -> None:
    """List history files, each instead of the one of its month."""
    for file in listed:
        con.execute("DELETE FROM state_history WHERE month = ?", [file.month])
        con.execute(f"INSERT INTO state_history ({_FILE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", list(astuple(file)))


def unfile_mixed(con: duckdb.DuckDBPyConnection) -> None:
    """Move into state_snapshots the months whose rows stand in both: a file is read as all there is of its days."""
    mixed = {month for (month,) in con.execute(publish_sql("mixed")).fetchall()}
    for file in history_of(con):
        if file.month in mixed:
            unfiled = publish_sql("unfiled").replace("{file}", _quoted(Path(root_of(con)), file))
            con.execute(unfiled, [file.last_on])
            con.execute("DELETE FROM state_history WHERE month = ?", [file.month])


def make_view(con: duckdb.DuckDBPyConnection, root: Path, until: date | None = None) -> None:
    """Make `artist_snapshots` show what is kept now, and note where its files are."""
    con.execute(view_statement(root, history_of(con), until=until))
    con.execute("DELETE FROM state_meta WHERE key = 'root'")
    con.execute("INSERT INTO state_meta VALUES ('root', ?)", [str(root)])


def inputs_of(con: duckdb.DuckDBPyConnection, until: int | None = None) -> dict[str, str]:
    """For each month the digest of the parts that have rows in it; of those committed up to `until`, where given."""
    found = con.execute(
        "SELECT month, list((seq, sha256) ORDER BY seq) FROM state_part_months JOIN state_parts USING (seq) "
        "WHERE seq <= coalesce(?, seq) GROUP BY month",
        [until],
    ).fetchall()
    return {month: inputs_digest(parts) for month, parts in found}


def within(month: str) -> str:
    """The condition that a day lies in a month."""
    return f"observed_on >= DATE '{month}-01' AND observed_on < DATE '{month}-01' + INTERVAL 1 MONTH"


def prepare_new(con: duckdb.DuckDBPyConnection, source: MergeSource) -> bool:
    """Before staged rows are merged: pull the rows they meet out of history files. Whether there were any."""
    files, met = history_of(con), _months_met(con, source)
    overlaid = [file for file in files if file.month in met and _pull(con, source.root, file)]
    add_files(con, [replace(file, is_overlaid=True) for file in overlaid])
    if overlaid or (files and root_of(con) != str(source.root)):
        make_view(con, source.root)
    return bool(overlaid)


def _months_met(con: duckdb.DuckDBPyConnection, source: MergeSource) -> set[str]:
    """Months of history files that have days of which new parts have rows."""
    seqs = [part["seq"] for part in source.of("artist_snapshots")]
    return {month for (month,) in con.execute(publish_sql("months_met"), [seqs]).fetchall()}


def _pull(con: duckdb.DuckDBPyConnection, root: Path, file: HistoryFile) -> bool:
    """Whether staged rows change rows of a history file, which then stand in state_snapshots."""
    pulled = publish_sql("pulled").replace("{file}", _quoted(root, file))
    return bool(con.execute(pulled, [file.first_on, file.last_on]).fetchall()[0][0])


def prepare_all(con: duckdb.DuckDBPyConnection, source: MergeSource) -> None:
    """Before every row is merged: use the history files that are up to date, and leave the other months staged.

    Many rows that no file has are written to new files first: they are too many for the database.
    """
    inputs = inputs_of(con)
    found = {month: find_file(con, source.root, month, inputs[month]) for month in sorted(inputs)}
    rest = [month for month, file in found.items() if file is None]
    if sum(part["rows"] for part in _parts_in(con, source, rest).parts) >= PAYS:
        for month in rest:
            stage_parts(con, _parts_in(con, source, [month]), "artist_snapshots", within(month))
            found[month] = write_file(con, source.root, month, inputs[month], "FROM merged_snapshots")
        rest = []
    add_files(con, filter(None, found.values()))
    conditions = " OR ".join(f"({within(month)})" for month in rest) or "false"
    stage_parts(con, _parts_in(con, source, rest), "artist_snapshots", f"({conditions})")
    make_view(con, source.root)


def root_of(con: duckdb.DuckDBPyConnection) -> str:
    """Where the files of the view are looked for."""
    found = con.execute("SELECT value FROM state_meta WHERE key = 'root'").fetchall()
    return str(found[0][0]) if found else ""


def show_recent(con: duckdb.DuckDBPyConnection, root: Path) -> None:
    """Show every snapshot from the first day on that changes (`touched_since`) as `recent_snapshots`.

    Of history files those with such days alone: to pass over all the others, each of their row groups is looked at.
    """
    since = con.execute("SELECT getvariable('touched_since')").fetchall()[0][0]
    files = [file for file in history_of(con) if since is not None and file.last_on >= since]
    con.execute(view_statement(root, files, kind="TEMP VIEW", name="recent_snapshots"))


def _parts_in(con: duckdb.DuckDBPyConnection, source: MergeSource, months: Sequence[str]) -> MergeSource:
    query = "SELECT DISTINCT seq FROM state_part_months WHERE list_contains(?::VARCHAR[], month)"
    seqs = {row[0] for row in con.execute(query, [list(months)]).fetchall()}
    return MergeSource(
        source.root, [part for part in source.of("artist_snapshots") if part["seq"] in seqs], source.until
    )


def note_months(con: duckdb.DuckDBPyConnection, source: MergeSource) -> None:
    """Note in which months each part has rows: most are all in one, as their footers say; of others days are read."""
    if not (parts := source.of("artist_snapshots")):
        return
    paths = {str(source.root / part["path"]): part for part in parts}
    known = con.execute(publish_sql("part_spans"), [list(paths)]).fetchall()
    noted = [(paths[path]["seq"], *span) for path, *span in known]
    told = {seq for seq, *_ in noted}
    rest = [part for part in parts if part["seq"] not in told]
    if rest:
        select = parts_select("artist_snapshots", replace(source, parts=rest).listed("artist_snapshots"))
        days = f"SELECT place, strftime(observed_on, '%Y-%m') AS month, observed_on FROM ({select})"
        spans = f"SELECT place, month, min(observed_on), max(observed_on) FROM ({days}) GROUP BY place, month"
        noted += [(rest[place]["seq"], *span) for place, *span in con.execute(spans).fetchall()]
    if not noted:
        return
    con.execute(
        "INSERT INTO state_part_months "
        "SELECT unnest(?::BIGINT[]), unnest(?::VARCHAR[]), unnest(?::DATE[]), unnest(?::DATE[])",
        [list(column) for column in zip(*noted, strict=True)],
    )


def _quoted(root: Path, file: HistoryFile) -> str:
    return f"'{engine.quoted((root / file.path).as_posix())}'"
