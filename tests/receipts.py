"""Answers committed as a run commits them: raw file, parts, ledger. For tests of what reads them back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import zstandard

from pipeline.lake.normalize import SMALL
from pipeline.lake.store import commit_raw_batch
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.source.calls import Batch, RawBatch
from pipeline.workspace import Workspace
from tests.payloads import shared_normalizer

__all__ = ["BANDA", "VIOLA", "artist", "commit_lines", "fill", "line", "names"]

BANDA, VIOLA = "0Banda00000000000000AA", "0Viola00000000000000BB"
Line = Mapping[str, Any]


def artist(artist_id: str = BANDA, **fields: Any) -> dict[str, Any]:
    """An artist object."""
    return {"id": artist_id, "name": "Banda Um", **fields}


def line(day: str, *objects: Any, endpoint: str = "artists", **request: Any) -> Line:
    """One line of a raw file: artists as a call for many ids, or a search when a genre is asked."""
    if endpoint == "search":
        asked = {"offset": 0, "limit": 10, "sweep_on": day, **request}
        body: Any = {"artists": {"items": list(objects), "total": len(objects), "next": None}}
    elif endpoint == "albums":
        asked, body = request, {"albums": list(objects)}
    else:
        asked, body = request, {"artists": list(objects)}
    return {"fetched_at": f"{day}T06:00:00Z", "endpoint": endpoint, "request": asked, endpoint: body}


def commit_lines(
    workspace: Workspace, ledger: Ledger, *lines: Line, run_id: str = "run-1", batch_id: str = "refresh-0001"
) -> int:
    """Commit these lines as one batch of a run; the rows that came to be."""
    if not ledger.runs(where="run_id = ?", params=(run_id,)):
        ledger.begin_run(run_id, "cli", {}, 1)
    ledger.begin_task(run_id, batch_id, 1, "refresh_artists", "Banda Um +1")
    text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in lines)
    raw = RawBatch(batch_id, zstandard.compress(text.encode()), len(lines), len(lines))
    batch = Batch(run_id, batch_id, "refresh_artists", "Banda Um +1", 1, (), 10)
    return commit_raw_batch(workspace, ledger, shared_normalizer(SMALL), batch, raw, "succeeded", "")


def fill(workspace: Workspace, ledger: Ledger) -> Workspace:
    """Two runs on two days over two artists, ended and published."""
    commit_lines(workspace, ledger, line("2026-11-21", artist(followers={"total": 70}), artist(VIOLA)))
    commit_lines(workspace, ledger, line("2026-11-22", artist(followers={"total": 71})), run_id="run-2")
    for run_id in ("run-1", "run-2"):
        ledger.finish_run(run_id, "succeeded")
    publish(workspace, ledger)
    return workspace


def names(folder: Path) -> list[str]:
    """Every file below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
