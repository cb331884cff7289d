"""What each unmapped task of the graph does: plain functions of a run's context, returning facts to show.

Knows nothing of schedulers, pages or thread pools. Imports `context` and the rooms below.
"""

from __future__ import annotations

import importlib
from typing import Any

from pipeline.errors import GarimpoError
from pipeline.keeping.binding import bind, show_bound
from pipeline.keeping.exchange import settle
from pipeline.keeping.retention import keep_within_retention, retire_within_retention
from pipeline.lake.store import sweep
from pipeline.published.checks import in_words, watch
from pipeline.published.compaction import compact, pays
from pipeline.published.generations import open_generation
from pipeline.published.publish import publish as publish_pending
from pipeline.published.upgrade import publish_anew
from pipeline.records.budget import BUCKETS
from pipeline.records.ledger import Ledger
from pipeline.runs.context import Context
from pipeline.setting_types import DEFAULT_GENRES
from pipeline.source.capabilities import is_stale, load_capabilities
from pipeline.source.capabilities import probe as probe_source
from pipeline.source.deadline import TimedSource

__all__ = ["PROBE_S", "WARNING", "Facts", "check", "plan", "probe", "publish", "send"]

Facts = dict[str, Any]
WARNING = "warning:"  # a fact that belongs into the word on how the run went
PROBE_S = 120.0  # a source that answers that slowly is asked another time
PROBED_BUCKETS, QUESTIONS = ("search", "artist", "albums"), 4  # what a probe asks of, at most so often each


def probe(context: Context) -> Facts:
    """What the source offers: asked anew when unknown or a week old, else as last seen."""
    known = load_capabilities(context.ledger)
    if known is None or (is_stale(known, context.ledger.now()) and _can_probe(context)):
        source = TimedSource(context.source, PROBE_S, "the probe")
        known = probe_source(source, context.ledger, genre=(context.genres or DEFAULT_GENRES)[0])
    context.capabilities = known
    facts = {"profile": known.profile, "search_limit": known.search_limit, "albums_limit": known.albums_limit}
    if context.gate.sent >= context.max_requests:
        return {WARNING: f"it took all {context.max_requests} requests that this run may send; allow more"}
    return facts


def _can_probe(context: Context) -> bool:
    """Whether every question of a probe can be put: a half-answered one spends requests and settles nothing."""
    views = [context.budget.view(bucket) for bucket in PROBED_BUCKETS]
    return all(view.locked_until is None and (view.soon is None or view.soon >= QUESTIONS) for view in views)


def _may_have_left_files(ledger: Ledger) -> bool:
    """Whether the run before this one ended otherwise than well: a look at every file is not for every day."""
    before = ledger.runs(limit=1, offset=1)
    return not before or before[0]["state"] not in ("succeeded", "deferred")


def plan(context: Context) -> Facts:
    """What is left of each bucket, after sweeping up files of killed runs and rows of the log that are too old.

    What another version of the program published is published anew: the tasks to come ask it.
    """
    swept = 0
    if _may_have_left_files(context.ledger):
        show_bound(context.workspace, context.ledger)
        swept = sweep(context.workspace, context.ledger)
    retired = retire_within_retention(context.ledger, context.settings)
    publish_anew(context.workspace, context.ledger)
    views = [context.budget.view(bucket) for bucket in BUCKETS]
    left = {f"left_{view.bucket}": view.left for view in views if view.left is not None}
    return {
        "genres": len(context.genres),
        "max_requests": context.max_requests,
        **left,
        "swept": swept,
        "retired": retired,
    }


def publish(context: Context) -> Facts:
    """A generation that holds every committed part, after letting go of what is older than the settings permit.

    Snapshots move to history files when there are so many that copying them each time costs more, and months of parts
    into volumes when their answers are gone.
    """
    gone = keep_within_retention(context.workspace, context.ledger, context.settings)
    settle(context.workspace, context.ledger)
    result = publish_pending(context.workspace, context.ledger)
    let_go = sum(going.files for going in gone)
    facts: Facts = {"generation": result.number, "parts": result.parts, "new_rows": result.rows}
    if pays(context.workspace):
        facts["compacted"] = ", ".join(compact(context.workspace, context.ledger).months)
    if (bound := bind(context.workspace, context.ledger)).volumes:
        facts["parts_bound"] = bound.parts
    return {**facts, "files_let_go": let_go} if let_go else facts


def check(context: Context) -> Facts:
    """What the checks that warn say of the published tables; blocking ones were proved before (see `publish`)."""
    generation, since = open_generation(context.workspace), context.ledger.now().date()
    with generation.cursor() as cursor:
        found = watch(cursor, context.workspace, context.ledger, generation.number, since)
    broken = [in_words(result) for result in found if result.violations]
    return {WARNING: "; ".join(broken)} if broken else {"checks": len(found)}


def send(context: Context) -> Facts:
    """What is published, sent to each warehouse that the settings name; one that fails is a warning: it lacks news."""
    facts, failed = Facts(), list[str]()
    for name in context.settings.publish_to:
        warehouses = importlib.import_module("pipeline.integrations.warehouses")
        try:
            facts[f"rows_to_{name}"] = sum(warehouses.publish_to(context.settings, name).rows_sent.values())
        except GarimpoError as error:
            failed.append(str(error))
    return {WARNING: " ".join(failed), **facts} if failed else {"warehouses": len(facts), **facts}
