"""Publish: a generation like the current one with every part committed since, or one from all parts.

What a part does to the published tables stands in `building` and `merges`, how a generation takes the place of another
in `placing`. Imports both, `generations`, `truth`, `ledger`.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import duckdb

from pipeline.errors import DamagedFile
from pipeline.lake.truth import fetch_truth
from pipeline.published.building import Growth, fill, shape
from pipeline.published.generations import current_number, generation_path, has_rows, lost, open_generation
from pipeline.published.placing import is_publishing, place_generation, publish_lock, retire
from pipeline.published.staging import MergeSource
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace

__all__ = ["BOUND", "EXCHANGED", "REBUILD_DUE", "Published", "lags", "publish", "rebuild", "require_not_lost"]

REBUILD_DUE = "rebuild_due"  # "1" in the ledger's meta: rows were let go of, that are still in what was published
# Changes in the ledger's meta with every exchange of parts; a generation notes which it has seen.
EXCHANGED = "exchanged"
BOUND = "bound"  # changes in the ledger's meta with every volume: where parts are is read anew then


@dataclass(frozen=True)
class Published:
    """What a publish did; `number` is the current generation afterwards, 0 while there is none."""

    number: int
    parts: int
    rows: int
    seconds: float
    changed: bool


def publish(workspace: Workspace, ledger: Ledger, *, force: bool = False) -> Published:
    """Make every committed part readable in a new generation; with none pending only `force` builds one (for `runs`).

    Raises WriterBusy when another process publishes for a minute, DamagedFile naming a part that is not what was
    committed, DiskFull, PublishRefused when a blocking check fails: the current generation stays as it is.
    """
    with publish_lock(workspace):
        begun = time.perf_counter()
        if ledger.meta(REBUILD_DUE) == "1" or lags(workspace, ledger):
            return _rebuild(workspace, ledger, begun)
        current = current_number(workspace)
        if current is None or open_generation(workspace).meta("shape") != shape():
            current = None
        applied = 0 if current is None else int(open_generation(workspace).meta("applied_seq"))
        source = _source(workspace, ledger, applied)
        if current is not None and not (source.parts or source.moved or force):
            return Published(current, 0, 0, time.perf_counter() - begun, changed=False)
        return _publish(workspace, ledger, source, current, begun)


def lags(workspace: Workspace, ledger: Ledger, key: str = EXCHANGED) -> bool:
    """Whether what is published here was made before parts were exchanged, by another machine that shares the ledger.

    Or, by `BOUND`, before they came to lie in volumes.
    """
    noted = ledger.meta(key) or ""
    with suppress(DamagedFile, duckdb.Error):  # one that cannot be read is built anew for that
        return current_number(workspace) is not None and open_generation(workspace).meta(key) != noted
    return False


def rebuild(workspace: Workspace, ledger: Ledger) -> Published:
    """A new generation from the committed parts alone, equal to what publishing them one by one gives.

    Asks nothing of the current generation, which may be damaged. Where rows were let go of (meta `rebuild_due`), the
    generations and history files that still have them go at once. Raises as `publish` does.
    """
    with publish_lock(workspace):
        return _rebuild(workspace, ledger, time.perf_counter())


def _rebuild(workspace: Workspace, ledger: Ledger, begun: float) -> Published:
    due = ledger.meta(REBUILD_DUE) == "1" or lags(workspace, ledger)
    published = _publish(workspace, ledger, _source(workspace, ledger, 0), None, begun)
    if due:
        retire(workspace, published.number, kept=1)
        ledger.set_meta(REBUILD_DUE, "0")
    return published


def _source(workspace: Workspace, ledger: Ledger, after: int) -> MergeSource:
    # Before the parts: what is exchanged meanwhile is noticed the next time.
    exchanged, bound = ledger.meta(EXCHANGED) or "", ledger.meta(BOUND) or ""
    parts = ledger.read("SELECT * FROM parts WHERE seq > ? ORDER BY seq", (after,))
    moved = after and open_generation(workspace).meta(BOUND) != bound
    before = ledger.read("SELECT * FROM parts WHERE seq <= ? ORDER BY seq", (after,)) if moved else ()
    return MergeSource(workspace.root, parts, exchanged=exchanged, bound=bound, moved=before)


def _publish(workspace: Workspace, ledger: Ledger, source: MergeSource, onto: int | None, begun: float) -> Published:
    """A generation of these parts and those in generation `onto`; its pointer set, old ones gone."""
    fetch_truth(workspace, ((part["path"], part["sha256"]) for part in source.parts))
    with source.shared():
        if onto is None:
            number = place_generation(workspace, ledger, partial(fill, source=source))
        else:
            growth = Growth(source)
            number = place_generation(workspace, ledger, growth.change, look=growth.look, since=source.first_day())
    retire(workspace, number)
    rows = sum(part["rows"] for part in source.parts)
    return Published(number, len(source.parts), rows, time.perf_counter() - begun, changed=True)


def require_not_lost(workspace: Workspace, ledger: Ledger) -> None:
    """Raise DamagedFile where a generation was made once and rows are there, but no pointer to one that is there.

    Before the first there are rows, too, while a run collects, while it publishes, or after one that crashed: then
    nothing is amiss.
    """
    if _is_lost(workspace, ledger) and not is_publishing(workspace) and _is_lost(workspace, ledger):
        raise lost(workspace)


def _is_lost(workspace: Workspace, ledger: Ledger) -> bool:
    number = current_number(workspace)
    is_there = number is not None and generation_path(workspace, number).exists()
    return not is_there and bool(ledger.meta("generation")) and has_rows(workspace)
