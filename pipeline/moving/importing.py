"""History that other projects collected, or ids of artists to follow, brought in through the ordinary commit path.

What is known of an artist on a day stays: an import only fills what is not. So the same file again adds nothing, and
nothing collected is overwritten. Imports `import_findings`, `events`, `followed`, `live`, `lock`, `publish`,
`store`, `normalize`, `truth`, `ledger`, `log_context`, `calls`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import zstandard

from pipeline.errors import SettingsError
from pipeline.lake.normalize import Normalizer
from pipeline.lake.store import commit_raw_batch, require_ledger
from pipeline.lake.truth import claim_store
from pipeline.moving.import_findings import FileReport, Findings, ImportReport, printable
from pipeline.published.live import live
from pipeline.published.publish import publish
from pipeline.records.events import REJECTED
from pipeline.records.followed import follow, followed_ids
from pipeline.records.ledger import Ledger
from pipeline.records.lock import hold_run_lock
from pipeline.records.log_context import working_for
from pipeline.source.calls import Batch, RawBatch
from pipeline.workspace import Workspace

__all__ = ["FileReport", "ImportReport", "import_history"]

PER_LINE, PER_BATCH = 50, 5_000  # artists
MOST_NOTED = 20  # rejects that the log keeps one by one


def import_history(
    workspace: Workspace, ledger: Ledger, path: Path, run_id: str, *, on: date | None = None, dry_run: bool = False
) -> ImportReport:
    """Bring in a file, or every file below a folder; `on` is the day of what carries no date.

    Artists that stand there without history, or in a list of ids, come onto the list of those followed.

    Raises SettingsError when there is nothing to be understood at `path` or the workspace is the demo's, RunInProgress,
    DiskFull: what was committed by then is kept, and importing again goes on.
    """
    if workspace.simulated:
        raise SettingsError(
            "The demo holds synthetic artists alone. Set your credentials, or another workspace in GARIMPO_WORKSPACE; "
            "nothing was imported."
        )
    if dry_run:
        require_ledger(workspace, ledger)  # without one every entry would be new
        return _import(workspace, ledger, path, "", on)
    with hold_run_lock(workspace, run_id, "import", ledger.now()):
        require_ledger(workspace, ledger)
        claim_store(workspace, ledger)
        return _import(workspace, ledger, path, run_id, on)


def _import(workspace: Workspace, ledger: Ledger, path: Path, run_id: str, on: date | None) -> ImportReport:
    with live(workspace, ledger) as con:
        found = Findings(con, path, ledger.now().date(), on)
        found.load()
        named, listed = found.named(), set(followed_ids(ledger))
        new = {artist_id: name for artist_id, name in named.items() if artist_id not in listed}
        report = replace(found.report(run_id), to_follow=len(new), followed=len(named) - len(new))
        if not run_id:
            return report
        is_kept = report.observations or report.to_refresh or report.to_follow or report.is_all_rejected
        rows = _commit(workspace, ledger, found, run_id, new) if is_kept else 0
    if ledger.read("SELECT 1 FROM parts LIMIT 1"):
        publish(workspace, ledger)  # also where nothing is new: the one before may have ended between commit and this
    return replace(report, rows=rows, run_id=run_id if is_kept else "")


def _commit(workspace: Workspace, ledger: Ledger, found: Findings, run_id: str, new: Mapping[str, str]) -> int:
    """Write what is new as a run, and put the artists that are `new` to it on the list; the rows that came to be.

    They are on it since the instant at which the run began: by that they are known when it is taken back.
    """
    source, rows = printable(found.path.name), 0
    params = {"path": printable(found.path), "on": found.on and found.on.isoformat()}
    ledger.begin_run(run_id, "import", params, os.getpid())
    _note_rejects(ledger, run_id, found)
    state, message = "cancelled", "what was committed is kept; importing again goes on"
    try:
        with closing(Normalizer()) as normalizer:
            for number, (day, artists) in enumerate(found.batches(PER_BATCH), 1):
                batch = Batch(run_id, f"import-{number:05d}", "import", f"{source} {day.isoformat()}", 1, (), 0)
                ledger.begin_task(run_id, batch.batch_id, 1, batch.task, batch.item)
                raw = _raw_batch(batch.batch_id, day, artists, source, [file.name for file in found.files])
                rows += commit_raw_batch(workspace, ledger, normalizer, batch, raw, "succeeded", "imported")
        follow(ledger, new, ledger.runs(1, where="run_id = ?", params=(run_id,))[0]["started_at"])
        state, message = "succeeded", f"imported {source}: {found.entries} entries read, {_rejected(found)}"
    except Exception as error:
        state, message = "failed", str(error)
        raise
    finally:
        ledger.finish_run(run_id, state, message)
    return rows


def _rejected(found: Findings) -> str:
    dropped = f", {found.dropped} single values dropped" if found.dropped else ""
    return f"{found.rejected - found.dropped} rejected{dropped}"


def _note_rejects(ledger: Ledger, run_id: str, found: Findings) -> None:
    """What was not taken, and why, into the run's log: the first by file and line, of more how many."""
    with working_for(run_id=run_id):
        for name, line, reason in found.rejects[:MOST_NOTED]:
            place = f"{name} line {line}" if line else name
            ledger.add_event("WARNING", REJECTED, f"{place}: {reason}", file=name, line=line, reason=reason)
        if (more := found.rejected - MOST_NOTED) > 0:
            ledger.add_event("WARNING", REJECTED, f"{more} more", more=more)


def _raw_batch(batch_id: str, day: date, artists: list[dict[str, Any]], source: str, files: list[str]) -> RawBatch:
    """Lines as a call for many artists would have brought them, each artist with the entries it was made of."""
    lines = []
    for start in range(0, len(artists), PER_LINE):
        objects = ",".join(_artist_object(row, files) for row in artists[start : start + PER_LINE])
        head = {
            "fetched_at": f"{day.isoformat()}T00:00:00Z",
            "endpoint": "artists",
            "request": {"imported_from": source},
        }
        lines.append(f'{json.dumps(head)[:-1]}, "artists": {{"artists": [{objects}]}}}}\n')
    return RawBatch(batch_id, zstandard.ZstdCompressor(level=3).compress("".join(lines).encode()), len(lines), 0)


def _artist_object(row: dict[str, Any], files: list[str]) -> str:
    said: dict[str, Any] = {"id": row["artist_id"]}
    said["external_urls"] = {"spotify": f"https://open.spotify.com/artist/{row['artist_id']}"}
    said |= {name: row[name] for name in ("name", "genres", "popularity") if row[name] is not None}
    if row["followers"] is not None:
        said["followers"] = {"total": row["followers"]}
    if row["image_url"] is not None:
        said["images"] = [{"url": row["image_url"]}]
    received = ", ".join(
        f'{{"file": {json.dumps(files[each["file"]])}, "line": {each["line"]}, "values": {each["received"]}}}'
        for each in row["received"]
    )
    return f'{json.dumps(said)[:-1]}, "received": [{received}]}}'
