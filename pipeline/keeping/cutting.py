"""Rows and answers of one artist, or rows of one run, cut out of the files of the truth; what is left is put there.

Imports `engine`, `erasure`, `exchange`, `files`, `parquet`, `volumes`, `schema`, `workspace`.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import zstandard

from pipeline.errors import DamagedFile
from pipeline.keeping.erasure import Subject, without
from pipeline.keeping.exchange import Exchange
from pipeline.lake import engine
from pipeline.lake.files import fault_of
from pipeline.lake.parquet import parquet_bytes
from pipeline.lake.volumes import Member, is_volume, write_volume
from pipeline.records.database import Row
from pipeline.schema import LAKE
from pipeline.workspace import Workspace

__all__ = ["SUBJECTS", "cut_parts", "cut_raw", "cut_run", "intact"]

SUBJECTS = ("artist_id", "album_id", "track_id")


def cut_raw(exchange: Exchange, subject: Subject, *, dry_run: bool) -> tuple[int, int]:
    """Rewrite raw files that name the subject; how many files and lines."""
    files = lines = 0
    for row in exchange.ledger.read("SELECT * FROM raw_files"):
        text = _unpacked(intact(exchange.workspace, row))
        if not subject.pattern.search(text):
            continue
        before = text.split("\n")
        after = [without(line, subject) or "" for line in before]  # a line that goes leaves its number free
        files, lines = files + 1, lines + sum(old != new for old, new in zip(before, after, strict=True))
        kept = sum(bool(line.strip()) for line in after)
        if dry_run:
            continue
        if kept:
            content = zstandard.ZstdCompressor(level=3).compress("\n".join(after).encode())
            exchange.replace_raw(row, content, kept)
        else:
            exchange.drop_raw(row, "request")
    return files, lines


def cut_parts(exchange: Exchange, subject: Subject, *, dry_run: bool) -> tuple[int, dict[str, int]]:
    """Rewrite files of parts with rows of the subject; how many files, and rows by table."""
    parts, rows, files = 0, dict[str, int](), _by_file(exchange)
    tables = dict[str, list[str]]()
    for path, parts_there in files.items():
        tables.setdefault(parts_there[0]["table_name"], []).append(path)
    with engine.cursor() as con:
        for name, paths in tables.items():
            if not (mine := _condition(name, subject)):
                continue
            for path, found in _counted(con, exchange.workspace.root, paths, mine):
                parts, rows[name] = parts + 1, rows.get(name, 0) + found
                if not dry_run:
                    cut = _cut_volume if is_volume(path) else _cut_part
                    source = engine.parquet([exchange.workspace.root / path])
                    cut(exchange, con, files[path], f"FROM {source} WHERE NOT ({mine})")
    return parts, rows


def cut_run(exchange: Exchange, run_id: str, reason: str, *, dry_run: bool) -> tuple[int, dict[str, int]]:
    """Let go of the parts of a run, also of those bound with others; how many parts, and rows by table."""
    parts, rows = 0, dict[str, int]()
    with engine.cursor() as con:
        for path, parts_there in _by_file(exchange).items():
            mine = [row for row in parts_there if row["run_id"] == run_id]
            for row in mine:
                parts, rows[row["table_name"]] = parts + 1, rows.get(row["table_name"], 0) + row["rows"]
            if mine and not dry_run:
                if is_volume(path):
                    rest = f"FROM {engine.parquet([intact(exchange.workspace, mine[0])])} WHERE seq NOT IN "
                    _cut_volume(
                        exchange, con, parts_there, f"{rest}({', '.join(str(row['seq']) for row in mine)})", reason
                    )
                else:
                    exchange.drop_part(mine[0], reason)
    return parts, rows


def _by_file(exchange: Exchange) -> dict[str, list[Row]]:
    """The parts of the ledger by the file they lie in."""
    files = dict[str, list[Row]]()
    for row in exchange.ledger.read("SELECT * FROM parts ORDER BY seq"):
        files.setdefault(row["path"], []).append(row)
    return files


def _condition(name: str, subject: Subject) -> str:
    """SQL of the rows of a lake table that are the subject's; empty where none can be."""
    columns = [column for column in dict.fromkeys((*LAKE[name].key, "album_id")) if column in SUBJECTS]
    ids = ", ".join(f"'{engine.quoted(each)}'" for each in sorted(subject.all_ids))
    mine = (f"coalesce({column} IN ({ids}), false)" for column in columns if column in LAKE[name].column_names())
    return " OR ".join(mine)


def _counted(con: Any, root: Path, paths: list[str], mine: str) -> list[tuple[str, int]]:
    """Files that have rows of the subject, and how many; in one statement, since each costs a millisecond."""
    rows = engine.parquet(root / path for path in paths)
    counted = f"SELECT file_index, count(*) FROM {rows} WHERE {mine} GROUP BY ALL ORDER BY ALL"
    return [(paths[place], found) for place, found in con.execute(counted).fetchall()]


def _cut_part(exchange: Exchange, con: Any, parts: list[Row], rest: str) -> None:
    (row,) = parts
    kept = con.sql(rest).to_arrow_table()
    if not kept.num_rows:
        exchange.drop_part(row)
        return
    exchange.replace_part(row, parquet_bytes(row["table_name"], kept), kept.num_rows, row["schema_version"])


def _cut_volume(exchange: Exchange, con: Any, parts: list[Row], rest: str, reason: str = "") -> None:
    """A volume anew, of the parts that still lie in it."""
    counted = dict(con.execute(f"SELECT seq, count(*) {rest} GROUP BY seq").fetchall())
    for row in parts:
        if row["seq"] not in counted:
            exchange.drop_part(row, reason)
    kept = [row for row in parts if row["seq"] in counted]
    if not kept:
        return
    members = [Member(r["seq"], r["run_id"], r["batch_id"], r["day"], counted[r["seq"]]) for r in kept]
    old, listed = str(kept[0]["path"]), ", ".join(str(each.seq) for each in members)
    month = old.split("/")[-2].removeprefix("month=")
    select = f"{rest} AND seq IN ({listed})"
    volume = write_volume(con, exchange.workspace.root, kept[0]["table_name"], month, select, members)
    exchange.replace_volume(old, volume, members)


def intact(workspace: Workspace, row: Row) -> Path:
    """The path of a file; raises DamagedFile when it is not what was committed."""
    path = workspace.root / str(row["path"])
    if fault := fault_of(path, row["sha256"]):
        message = f"{fault} It may hold what is to go."
        raise DamagedFile(f"{message} Run `python -m pipeline recover`, then purge again; nothing was changed.")
    return path


def _unpacked(path: Path) -> str:
    reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(path.read_bytes()), read_across_frames=True)
    return reader.read().decode("utf-8", errors="replace")
