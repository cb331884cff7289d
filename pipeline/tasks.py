"""What each task of the graph does: plain functions of a run's context. Knows nothing of schedulers, pages or thread pools.

Imports the rooms below: budget, spotify, capabilities, publish, checks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipeline import store
from pipeline.budget import BUCKETS, Budget, LedgerGate
from pipeline.capabilities import Capabilities, is_stale, load
from pipeline.capabilities import probe as probe_source
from pipeline.checks import run_checks
from pipeline.errors import TaskFailed
from pipeline.ledger import Ledger
from pipeline.generations import open_generation
from pipeline.publish import Published
from pipeline.publish import publish as publish_pending
from pipeline.settings import Settings
from pipeline.spotify import SpotifySource
from pipeline.workspace import Workspace

__all__ = ["Context", "check", "plan", "probe", "publish"]


@dataclass
class Context:
    """Everything one run holds open; made by the runner, closed by it."""

    settings: Settings
    workspace: Workspace
    ledger: Ledger
    budget: Budget
    gate: LedgerGate
    source: SpotifySource
    run_id: str
    genres: tuple[str, ...]
    max_requests: int
    capabilities: Capabilities = field(default_factory=Capabilities)


def probe(context: Context) -> dict[str, Any]:
    """What the source offers: asked anew when unknown or a week old, else as last seen."""
    known = load(context.ledger)
    if known is None or is_stale(known, context.ledger.now()):
        known = probe_source(context.source, context.ledger, genre=context.genres[0] if context.genres else "mpb")
    context.capabilities = known
    return {"profile": known.profile, "search_limit": known.search_limit, "albums_limit": known.albums_limit}


def plan(context: Context) -> dict[str, Any]:
    """What is left of each bucket, after taking up files that an earlier run left behind."""
    swept = store.sweep(context.workspace, context.ledger)
    views = {bucket: context.budget.view(bucket) for bucket in BUCKETS}
    left = {bucket: view.left for bucket, view in views.items() if view.left is not None}
    return {"genres": len(context.genres), "max_requests": context.max_requests, "left": left, "swept": swept}


def publish(context: Context) -> dict[str, Any]:
    """A generation that holds every committed part."""
    result: Published = publish_pending(context.workspace, context.ledger)
    return {"generation": result.number, "parts": result.parts, "rows": result.rows, "changed": result.changed}


def check(context: Context) -> dict[str, Any]:
    """Proof that the published tables keep their promises; raises TaskFailed naming each broken one."""
    results = run_checks(open_generation(context.workspace))
    if broken := [result for result in results if result.violations]:
        details = "; ".join(f"{result.name}: {result.violations}" for result in broken)
        raise TaskFailed(
            f"Checks failed on the published database ({details}). The Parquet files are untouched; see docs/checks.md."
        )
    return {"checks": len(results)}
