"""Raw files and Parquet parts: written under a hidden name, fsynced, renamed, and only then committed in the ledger.

A file that stands in no ledger row does not exist for anybody; `sweep` removes such files after a crash. Only the process that
holds the run lock writes here. Owns the file formats (zstd JSON lines, Parquet V2). Imports `normalize`, `ledger` and below.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from pipeline.errors import DiskFull, StorageError
from pipeline.ledger import Ledger, Part, RawFile, TaskOutcome
from pipeline.normalize import Normalizer
from pipeline.schema import LAKE, SCHEMA_VERSION
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from pipeline.collect import Batch, RawBatch

__all__ = ["commit_raw_batch", "explained", "fsync_file", "fsync_folder", "replace_file", "sweep", "write_parts", "write_raw"]

_HIDDEN = ".tmp-"
_DAY = re.compile(rb'^\s*\{\s*"fetched_at"\s*:\s*"(\d{4}-\d{2}-\d{2})')


def commit_raw_batch(
    workspace: Workspace, ledger: Ledger, normalizer: Normalizer, batch: Batch, raw: RawBatch, state: str, message: str
) -> int:
    """Keep what a batch brought: raw file, parts, then one ledger transaction; the rows that came to be, 0 when another attempt was first.

    Raises StorageError (DiskFull …) when the disk does not take it: its files are removed and the ledger says nothing of them.
    """
    if ledger.read("SELECT 1 FROM raw_files WHERE run_id = ? AND batch_id = ?", (batch.run_id, batch.batch_id)):
        return _come_second(ledger, batch, raw)
    written: list[Path] = []
    try:
        kept, parts, rejects = None, list[Part](), tuple[tuple[int, str], ...]()
        if raw.payload:
            kept = write_raw(workspace, batch.run_id, batch.batch_id, raw.payload, _first_day(raw.payload, ledger), raw.lines)
            written.append(workspace.root / kept.path)
            normal = normalizer.tables(written)
            rejects = normal.rejects
            for part in write_parts(workspace, batch, kept.day, normal.tables):
                parts.append(part)
                written.append(workspace.root / part.path)
        rows = sum(part.rows for part in parts)
        outcome = TaskOutcome(batch.run_id, batch.batch_id, batch.attempt, state, raw.requests, rows, rejects, message)
        if ledger.commit_batch(outcome, kept, parts):
            return rows
    except BaseException:
        _remove(written)
        raise
    _remove(written[1:])  # the raw file has the name of the batch alone: it belongs to the attempt that was first
    return _come_second(ledger, batch, raw)


def _come_second(ledger: Ledger, batch: Batch, raw: RawBatch) -> int:
    ledger.finish_task(TaskOutcome(batch.run_id, batch.batch_id, batch.attempt, "skipped", raw.requests, message="another attempt was first"))
    return 0


def write_raw(workspace: Workspace, run_id: str, batch_id: str, payload: bytes, day: str, lines: int) -> RawFile:
    """Write one batch's answers as received, durable when this returns."""
    path = workspace.raw / f"day={day}" / run_id / f"{batch_id}.jsonl.zst"
    replace_file(path, payload)
    return RawFile(_relative(workspace, path), day, len(payload), lines, hashlib.sha256(payload).hexdigest())


def write_parts(workspace: Workspace, batch: Batch, day: str, tables: Mapping[str, pa.Table]) -> Iterator[Part]:
    """Write a batch's tables as Parquet parts, one after the other; each is durable when it is handed out."""
    for name, table in tables.items():
        path = workspace.lake / name / f"day={day}" / f"{batch.run_id}-{batch.batch_id}-{batch.attempt}.parquet"
        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression="zstd", compression_level=3, version="2.6", data_page_version="2.0", sorting_columns=_sorting(name))
        content = buffer.getvalue()
        replace_file(path, content)
        yield Part(name, _relative(workspace, path), day, table.num_rows, len(content), hashlib.sha256(content).hexdigest(), SCHEMA_VERSION)


def sweep(workspace: Workspace, ledger: Ledger) -> int:
    """Remove hidden files and files the ledger does not know, as killed writers leave them; how many. For the holder of the run lock."""
    known = {row["path"] for row in ledger.read("SELECT path FROM parts UNION ALL SELECT path FROM raw_files")}
    found = [path for root in (workspace.raw, workspace.lake) for path in root.rglob("*") if path.is_file()]
    dead = [path for path in found if path.name.startswith(_HIDDEN) or _relative(workspace, path) not in known]
    _remove(dead)
    return len(dead)


def replace_file(path: Path, content: bytes) -> None:
    """Make `path` hold `content`, durable when this returns; at any instant it is whole or not there."""
    hidden = path.with_name(f"{_HIDDEN}{path.name}")
    with explained(path):
        _make_folder(path.parent)
        try:
            with hidden.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            hidden.replace(path)
        except BaseException:
            hidden.unlink(missing_ok=True)
            raise
        fsync_folder(path.parent)


def fsync_file(path: Path) -> None:
    """Make the content of a file written by somebody else durable."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def fsync_folder(folder: Path) -> None:
    """Make names in a folder durable; Windows has no such call and keeps names with the file."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the operating system says about `path` into our errors."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull(f"No space left for {path}. Free some space and run again; what was committed is kept.") from None
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise DiskFull(f"{path} cannot be written ({error.strerror}). Make its folder writable and run again; what was committed is kept.") from None
        raise StorageError(f"{path}: {error.strerror or error}. What was committed is kept; run again, or see `python -m pipeline doctor`.") from error


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    fsync_folder(folder.parent)


def _remove(paths: list[Path]) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink()


def _relative(workspace: Workspace, path: Path) -> str:
    return path.relative_to(workspace.root).as_posix()


def _first_day(payload: bytes, ledger: Ledger) -> str:
    """UTC day of the first answer; today by the workspace's clock where it says none."""
    with suppress(zstandard.ZstdError):
        found = _DAY.match(zstandard.ZstdDecompressor().stream_reader(payload).read(64))
        if found:
            return found.group(1).decode("ascii")
    return ledger.now().date().isoformat()


def _sorting(name: str) -> list[pq.SortingColumn]:
    order = LAKE[name].column_names()
    return [pq.SortingColumn(order.index(column)) for column in LAKE[name].key]
