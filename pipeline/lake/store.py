"""Raw files and Parquet parts of a batch: written, made durable, and only then committed in the ledger.

A file that stands in no ledger row does not exist for anybody; `sweep` removes such files after a crash. Only the
process that holds the run lock writes here. Owns the formats: zstd JSON lines as received, Parquet V2. Imports
`normalize`, `files`, `truth`, `volumes`, `ledger`, `parquet`, `ledger_copy`, `calls`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import zstandard

from pipeline.errors import DamagedFile, GarimpoError, StorageError
from pipeline.lake.files import hidden, is_hidden, remove_files, sha256_of, write_hidden
from pipeline.lake.normalize import Normalizer
from pipeline.lake.parquet import parquet_bytes, seal
from pipeline.lake.truth import place_truth, remove_truth, truth_files
from pipeline.lake.volumes import SCRUB_DUE, has_its_name, is_volume, unheard_volumes, unlisted_volumes
from pipeline.ledger_copy import original
from pipeline.records.ledger import Ledger, Part, RawFile, TaskOutcome
from pipeline.schema import SCHEMA_VERSION
from pipeline.workspace import ServerLedger, Workspace

if TYPE_CHECKING:
    from pipeline.source.calls import Batch, RawBatch

__all__ = [
    "commit_raw_batch",
    "count_on",
    "find_strayed",
    "find_unheard",
    "highest_number",
    "known_runs",
    "require_ledger",
    "sweep",
]

_DAY = re.compile(rb'\s*\{\s*"fetched_at"\s*:\s*"(\d{4}-\d{2}-\d{2})')


def commit_raw_batch(  # noqa: PLR0913, PLR0917  the whole path of a batch, in the order of the rooms it passes
    workspace: Workspace, ledger: Ledger, normalizer: Normalizer, batch: Batch, raw: RawBatch, state: str, message: str
) -> int:
    """Keep what a batch brought: raw file and parts, then one ledger transaction. Rows that came to be.

    0 when another attempt was first: its files stay, ours go. Raises StorageError (DiskFull …) when the disk does not
    take it: then nothing of the batch is left, on disk or in the ledger.
    """
    outcome = TaskOutcome(batch.run_id, batch.batch_id, batch.attempt, state, raw.requests, message=message)
    if _is_committed(ledger, batch):
        return _come_second(ledger, outcome)
    files, placed = list[Path](), list[Path]()
    try:
        kept, parts = None, list[Part]()
        if raw.payload:
            kept = _write_raw(workspace, batch, raw, _first_day(raw.payload) or ledger.now().date().isoformat())
            files.append(workspace.root / kept.path)
            normal = normalizer.tables([hidden(files[0])])
            for name, table in normal.tables.items():
                parts.append(_write_part(workspace, batch, kept.day, name, table))
                files.append(workspace.root / parts[-1].path)
            outcome = replace(outcome, rows=normal.rows, rejects=normal.rejects)
            place_truth(workspace, ledger, files)
            placed = files
        if ledger.commit_batch(outcome, kept, parts):
            return outcome.rows
    except BaseException:
        with suppress(GarimpoError):  # an interrupt may come right after the commit: then the files are the truth
            if not _is_committed(ledger, batch):
                remove_files(files)
                remove_truth(workspace, placed)
        raise
    with suppress(StorageError):  # what a store keeps of it is swept away
        remove_truth(workspace, files[1:])  # the raw file bears the batch's name alone: it is now the other attempt's
    return _come_second(ledger, outcome)


def sweep(workspace: Workspace, ledger: Ledger) -> int:
    """Remove what killed writers leave: hidden files, and files no ledger row names. How many they were.

    For the holder of the run lock alone: a writer at work has such files too. Raises DamagedFile when there are files
    of runs that the ledger has never heard of, or answers of more batches than a killed writer leaves: then it is the
    ledger that was lost, or its last commits, and nothing is removed.
    """
    known = {row["path"] for row in ledger.read("SELECT path FROM parts UNION ALL SELECT path FROM raw_files")}
    found = truth_files(workspace)
    dead = [path for path in found if is_hidden(path) or path.relative_to(workspace.root).as_posix() not in known]
    runs = known_runs(ledger) if dead else set()
    strange = [path for path in dead if not is_hidden(path) and not _is_known(path, runs)]
    if strange:
        raise DamagedFile(
            f"{workspace.ledger} knows nothing of {len(strange)} files in {workspace.root}, for one {strange[0]}: "
            "it was lost or replaced. `python -m pipeline recover` writes it anew from them; nothing was removed."
        )
    if unheard := find_unheard(ledger, found) if dead else []:
        raise DamagedFile(
            f"{workspace.ledger} knows nothing of the answers of {len(unheard)} batches, for one {unheard[0]}: its "
            "last commits were lost. `python -m pipeline recover` writes it anew from the files; nothing was removed."
        )
    if volumes := unheard_volumes(workspace, ledger, found) if dead else []:
        raise DamagedFile(
            f"{workspace.ledger} knows nothing of {len(volumes)} volumes in which parts lie that are nowhere else, for "
            f"one {volumes[0]}: it was set back. `python -m pipeline recover` writes it anew; nothing was removed."
        )
    if damaged := [path for path in unlisted_volumes(workspace, ledger, dead) if not has_its_name(path)]:
        raise DamagedFile(
            f"{damaged[0]} is not what its name says, and {workspace.ledger} does not tell whether its rows are "
            "elsewhere. `python -m pipeline recover` looks for it and puts it aside; nothing was removed."
        )
    if strayed := find_strayed(workspace, ledger, found) if dead else []:
        raise DamagedFile(
            f"{workspace.ledger} lists {strayed[0]} under another name, where nothing is: a name in it is damaged. "
            "`python -m pipeline recover` writes it anew; nothing was removed."
        )
    remove_truth(workspace, dead)
    return len(dead)


def require_ledger(workspace: Workspace, ledger: Ledger) -> None:
    """Raises DamagedFile when the ledger was lost, replaced or set back: it has not heard of files that are there.

    Looks at the names of generations, whose numbers it gives, and where it knows of no run at one file; `sweep` at all.
    """
    newest = highest_number(workspace.db)
    if newest > (given := int(ledger.meta("generation") or 0)):
        told = f"it has given out generation {given} at most, and {newest} is there"
    elif ledger.read("SELECT 1 FROM runs UNION ALL SELECT 1 FROM parts LIMIT 1") or ledger.meta(SCRUB_DUE) == "1":
        return  # a purge that has not ended may have taken the only run: what is left of it goes when it ends
    else:
        paths = chain(workspace.raw.rglob("*.jsonl.zst"), workspace.lake.rglob("*.parquet"))
        if not (found := next((path for path in paths if not is_hidden(path)), None)):
            return
        told = f"it knows of no run, though files are there, for one {found}"
    raise DamagedFile(
        f"{original(workspace.ledger)} was lost or replaced: {told}. "
        "`python -m pipeline recover` writes it anew from what is there; nothing was sent or removed."
    )


def highest_number(folder: Path, *, unfinished: bool = False) -> int:
    """The highest number of the generations in a folder, 0 without any; `unfinished`: also of those being made."""
    paths = folder.glob(f"{'*' * unfinished}garimpo-*.duckdb")
    return max((int(path.stem[-8:]) for path in paths), default=0)


def count_on(ledger: Ledger, folder: Path) -> None:
    """Number the next generation after all in a folder, too: a name is never given twice."""
    if (highest := highest_number(folder)) > int(ledger.meta("generation") or 0):
        ledger.set_meta("generation", str(highest))


def find_unheard(ledger: Ledger, found: Iterable[Path]) -> list[Path]:
    """Raw files, of those found, of batches that no row of the ledger names, if more than a killed writer can leave."""
    query = "SELECT run_id, batch_id FROM "
    tables = ("raw_files", "parts", "withdrawals")
    known = {(row["run_id"], row["batch_id"]) for name in tables for row in ledger.read(query + name)}
    paths = [path for path in found if path.name.endswith(".jsonl.zst") and not is_hidden(path)]
    unheard = [path for path in paths if (path.parent.name, path.name.split(".")[0]) not in known]
    return unheard if len(unheard) > 1 else []


def find_strayed(workspace: Workspace, ledger: Ledger, found: Iterable[Path]) -> list[Path]:
    """Files, of those found, that hold what the ledger lists under a name where nothing is: it may be their only one.

    None where several machines share a ledger: what one has exchanged, another has under its former name.
    """
    if isinstance(workspace.ledger, ServerLedger):
        return []
    there = {path.relative_to(workspace.root).as_posix(): path for path in found if not is_hidden(path)}
    rows = ledger.read("SELECT path, sha256 FROM parts UNION SELECT path, sha256 FROM raw_files")
    if not (lost := {row["sha256"] for row in rows if row["path"] not in there}):
        return []
    unlisted = there.keys() - {row["path"] for row in rows}
    return [there[name] for name in sorted(unlisted) if there[name].is_file() and sha256_of(there[name]) in lost]


def known_runs(ledger: Ledger) -> set[str]:
    """Runs that a ledger has heard of: also those that were taken back, while copies elsewhere are to go."""
    rows = ledger.read("SELECT run_id FROM runs UNION SELECT run_id FROM withdrawals")
    return {str(row["run_id"]) for row in rows}


def _is_known(path: Path, runs: AbstractSet[str]) -> bool:
    """Whether a file is of runs that the ledger has heard of, as its name says; of volumes their footers say it."""
    return is_volume(path) or path.parent.name in runs or any(path.name.startswith(f"{run}-") for run in runs)


def _is_committed(ledger: Ledger, batch: Batch) -> bool:
    return bool(
        ledger.read("SELECT 1 FROM raw_files WHERE run_id = ? AND batch_id = ?", (batch.run_id, batch.batch_id))
    )


def _come_second(ledger: Ledger, outcome: TaskOutcome) -> int:
    ledger.finish_task(replace(outcome, state="skipped", rows=0, rejects=(), message="another attempt was first"))
    return 0


def _write_raw(workspace: Workspace, batch: Batch, raw: RawBatch, day: str) -> RawFile:
    path = workspace.raw / f"day={day}" / batch.run_id / f"{batch.batch_id}.jsonl.zst"
    write_hidden(path, raw.payload)
    digest = hashlib.sha256(raw.payload).hexdigest()
    return RawFile(path.relative_to(workspace.root).as_posix(), day, len(raw.payload), raw.lines, digest)


def _write_part(workspace: Workspace, batch: Batch, day: str, name: str, table: pa.Table) -> Part:
    path = workspace.lake / name / f"day={day}" / f"{batch.run_id}-{batch.batch_id}-{batch.attempt}.parquet"
    content = parquet_bytes(name, table)
    write_hidden(path, content)
    digest = hashlib.sha256(content).hexdigest()
    relative = path.relative_to(workspace.root).as_posix()
    sealed = seal(name, table, digest)
    return Part(name, relative, day, table.num_rows, len(content), digest, SCHEMA_VERSION, seal=sealed)


def _first_day(payload: bytes) -> str | None:
    """UTC day of the first answer, None where it says none."""
    with suppress(zstandard.ZstdError):
        found = _DAY.match(zstandard.ZstdDecompressor().stream_reader(payload).read(64))
        if found:
            return found.group(1).decode("ascii")
    return None
