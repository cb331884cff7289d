"""`python -m pipeline rebuild, compact, replay, purge, recover, evict, fetch, checks`: what is kept, looked after.

Imports `console`, `moving` and the rooms that do it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli import console
from pipeline.cli.imports import tell_taken_back
from pipeline.cli.moving import given_id
from pipeline.cli.options import AsJson, read_day
from pipeline.clock import workspace_clock
from pipeline.errors import SettingsError
from pipeline.keeping.binding import bind
from pipeline.keeping.exchange import settle
from pipeline.keeping.imported import purge_import
from pipeline.keeping.purge import EVERYTHING, Purged, purge_all, purge_artist
from pipeline.keeping.recovery import recover as mend
from pipeline.keeping.replay import replay as derive_again
from pipeline.keeping.retention import Going, apply_retention, plan_log, plan_retention
from pipeline.keeping.stored import Moved, fetch_all
from pipeline.keeping.stored import evict as let_go_here
from pipeline.lake.store import require_ledger
from pipeline.lake.truth import claim_store
from pipeline.moving.import_values import artist_id
from pipeline.published.checks import BLOCKING, CHECKS, latest_results, read_results, watch
from pipeline.published.compaction import compact as compact_snapshots
from pipeline.published.publish import rebuild as rebuild_generation
from pipeline.published.upgrade import open_todays
from pipeline.records.ledger import Ledger
from pipeline.records.lock import hold_run_lock
from pipeline.records.opening import opened_ledger
from pipeline.records.retiring import retire_rows
from pipeline.settings import Settings, load_settings
from pipeline.workspace import ServerLedger, Workspace, open_workspace

__all__ = ["KEEPING"]

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would go; change nothing.")]
WHERE = "at the end of its link on Spotify, and in the address of its page here"
UNTOUCHED = "Backups, exports and bundles in other folders were not touched: they are yours to delete."


def rebuild(as_json: AsJson = False) -> None:
    """Build the database that pages read anew, from the Parquet parts alone."""
    with _held("rebuild") as (_, workspace, ledger):
        made = rebuild_generation(workspace, ledger)
        settle(workspace, ledger)  # what an interrupted exchange left
    told = f"generation {made.number}: {made.parts:,} parts, {made.rows:,} rows in {made.seconds:.1f} s"
    console.tell(asdict(made), told, as_json=as_json)


def compact(
    all_months: Annotated[bool, typer.Option("--all", help="The present month, too.")] = False, as_json: AsJson = False
) -> None:
    """Write months that are over as one sorted file each: of snapshots, and of parts whose answers are gone."""
    with _held("compact") as (_, workspace, ledger):
        made = compact_snapshots(workspace, ledger, all_months=all_months)
        bound = bind(workspace, ledger)
    told = [f"{', '.join(made.months) or 'no month'}: {made.rows:,} rows in {made.seconds:.1f} s"]
    if bound.volumes:
        sizes = f"{bound.bytes_before:,} bytes are {bound.bytes_now:,} now"
        told.append(f"{bound.parts:,} parts bound in {bound.volumes} volumes: {sizes}, in {bound.seconds:.1f} s")
    console.tell(asdict(made) | {"bound": asdict(bound)}, "\n".join(told), as_json=as_json)


def replay(
    since: Annotated[str, typer.Option(help="First day, YYYY-MM-DD; empty: every day there are answers of.")] = "",
    table: Annotated[str, typer.Option(help="One table of the lake; empty: all.")] = "",
    as_json: AsJson = False,
) -> None:
    """Derive rows again from the answers as received, with today's program; no request is sent."""
    with _held("replay") as (_, workspace, ledger):
        done = derive_again(workspace, ledger, since=read_day("--since", since), table=table)
    said = f"{done.batches:,} batches{', resumed' * done.resumed}: {done.changed:,} changed, {done.rows:,} rows"
    told = f"{said} in {done.seconds:.1f} s; {done.without_raw:,} batches have no answers any more and stay as they are"
    console.tell(asdict(done), "\n".join([told, *done.damaged]), as_json=as_json)
    if done.damaged:
        raise typer.Exit(1)


def purge(
    artist: Annotated[
        str | None, typer.Option(metavar="ID", help="This artist (id, URI or link), out of everything.")
    ] = None,
    run_id: Annotated[
        str | None, typer.Option("--import", metavar="RUN", help="This import; `imports` tells which there are.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything this workspace keeps.")] = False,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let go of what is older than the settings permit; of one artist; one import; or everything. It cannot be undone.

    An artist of whom nothing is kept is no failure: that is said, and a script may repeat what it asked.
    """
    given = [each for each in (artist, run_id) if each is not None]
    if len(given) + everything > 1 or not all(map(str.strip, given)):
        raise SettingsError("Say --artist with an id, --import with a run, or --all: one of them. Nothing was changed.")
    artist = artist and given_id("artist", artist)
    what = f"import {run_id}" if run_id else "everything in the workspace" if everything else ""
    what = f"artist {artist}" if artist else what
    if what and not (dry_run or yes):
        _ask(what, as_json=as_json)
    if everything:
        settings = load_settings()
        workspace, clock = open_workspace(settings, to_read=dry_run), workspace_clock(settings)
        with _alone(workspace, "purge", clock(), to_read=dry_run):
            _tell_purged(purge_all(workspace, clock, dry_run=dry_run), as_json=as_json)
        return
    with _held("purge", to_read=dry_run) as (settings, workspace, ledger):
        if artist:
            done = purge_artist(workspace, ledger, artist, dry_run=dry_run)
            if not (done.is_anything or artist_id(artist)[0]):  # then it is a name, or an id cut short
                raise SettingsError(f"Nothing is known of artist {artist}. Its id stands {WHERE}. Nothing was changed.")
            _tell_purged(done, as_json=as_json)
            return
        if run_id:
            gone = purge_import(workspace, ledger, run_id.strip(), dry_run=dry_run)
            tell_taken_back(gone, run_id, UNTOUCHED, as_json=as_json)
            return
        today, lines = ledger.now().date(), plan_log(ledger, settings)
        if dry_run:
            going = (*plan_retention(ledger, settings, today), lines)
        else:
            going = (*apply_retention(workspace, ledger, settings, today), lines)
            retire_rows(ledger, settings.keep_log_days)
            settle(workspace, ledger)  # also what an interrupted purge left
    said = {"dry_run": dry_run, "layers": [asdict(each) for each in going]}
    console.tell(said, "\n".join(_told(each, dry_run=dry_run) for each in going), as_json=as_json)


def recover(
    backup: Annotated[
        Path | None, typer.Option(help="A folder that `backup` wrote, for what nothing else can give back.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at everything that is kept, mend what is lost or damaged from what is left, and publish it."""
    settings = load_settings()
    workspace = open_workspace(settings)
    findings = mend(workspace, workspace_clock(settings), backup)
    lines = [f"{each.where}: {each.what}: {each.done}" for each in findings]
    mended = all(each.mended for each in findings)
    verdict = "all is well" if not findings else "mended" if mended else "not all could be mended"
    console.tell({"findings": [asdict(each) for each in findings], "mended": mended}, "\n".join([*lines, verdict]),
          as_json=as_json)  # fmt: skip
    if not mended:
        raise typer.Exit(1)


def evict(
    days: Annotated[int, typer.Option(min=0, help="Copies of today and of so many days before stay.")] = 30,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Let go of copies on this disk of files that the object store has; whoever reads one fetches it again."""
    with _held("evict", to_read=dry_run) as (_, workspace, ledger):
        _tell_moved(let_go_here(workspace, ledger, ledger.now().date(), days, dry_run=dry_run), "let go of", as_json)


def fetch(
    leave: Annotated[bool, typer.Option("--leave", help="Then let this workspace do without the store.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring every file of the workspace from the object store to this disk."""
    with _held("fetch") as (_, workspace, ledger):
        _tell_moved(fetch_all(workspace, ledger, leave=leave), "brought here", as_json)


def checks(
    history: Annotated[
        str, typer.Option(metavar="NAME", help="What this check found before, newest first, instead of looking.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Look at everything that is published, row by row, and at every part; 1 when a blocking check is broken."""
    names = [check.name for check in CHECKS]
    if history and history not in names:
        raise SettingsError(f"There is no check {history!r}: {', '.join(names)}. Nothing was started.")
    with opened_ledger(load_settings(), to_read=True) as (workspace, ledger):
        if not history:
            require_ledger(workspace, ledger)
            generation = open_todays(workspace)
            with generation.cursor() as cursor:
                watch(cursor, workspace, ledger, generation.number, ledger.now().date(), whole=True)
        rows = read_results(ledger, history) if history else latest_results(ledger)
    console.tell(rows, "\n".join(_told_check(row) for row in rows), as_json=as_json)
    if any(row["violations"] and row["severity"] == BLOCKING for row in rows):
        raise typer.Exit(1)


# The commands by name, in the order of the help.
KEEPING: dict[str, Callable[..., None]] = {
    "rebuild": rebuild,
    "compact": compact,
    "replay": replay,
    "purge": purge,
    "recover": recover,
    "evict": evict,
    "fetch": fetch,
    "checks": checks,
}


@contextmanager
def _held(what: str, *, to_read: bool = False) -> Iterator[tuple[Settings, Workspace, Ledger]]:
    """Settings, workspace and ledger, while nobody runs the pipeline there."""
    settings = load_settings()
    with (
        opened_ledger(settings, to_read=to_read) as (workspace, ledger),
        _alone(workspace, what, ledger.now(), to_read=to_read),
    ):
        require_ledger(workspace, ledger)
        if what != "fetch" and not workspace.read_only:  # `fetch` may leave a store that is not set any more
            claim_store(workspace, ledger)
        yield settings, workspace, ledger


def _alone(workspace: Workspace, what: str, now: datetime, *, to_read: bool) -> AbstractContextManager[None]:
    """The run lock; whoever only looks does without where nobody ever held one, since its file would stay."""
    if to_read and not isinstance(workspace.ledger, ServerLedger) and not workspace.run_lock.exists():
        return nullcontext()
    return hold_run_lock(workspace, what, what, now)


def _ask(what: str, *, as_json: bool) -> None:
    if as_json or not sys.stdin.isatty():
        raise SettingsError(f"To delete {what}, say --yes; --dry-run says what would go. Nothing was changed.")
    typer.confirm(f"Delete {what}? It cannot be undone.", abort=True, err=True)


def _told(going: Going, *, dry_run: bool) -> str:
    kept = f"kept {going.keep_days} days" if going.keep_days else "kept for ever"
    if not (going.files or going.rows):
        return f"{going.layer} ({kept}): nothing {'would go' if dry_run else 'went'}"
    in_files = f"{going.files:,} files, {going.rows:,} rows, {going.bytes / 1e6:,.1f} MB"
    size = in_files if going.files else f"{going.rows:,} lines"
    return f"{going.layer} ({kept}): {size} {'would go' if dry_run else 'went'}, {going.first_day} to {going.last_day}"


def _told_check(row: dict[str, Any]) -> str:
    state = (
        f"{'BROKEN' if row['severity'] == BLOCKING else 'warning'} {row['violations']:,}" if row["violations"] else "ok"
    )
    details = f" ({row['details']})" if row["violations"] and row["details"] else ""
    mend = f": run `{row['mend']}`" if row["violations"] and row["mend"] else ""
    return f"{row['at']:%Y-%m-%d %H:%M} generation {row['generation']} {row['name']}: {state}{details}{mend}"


def _tell_purged(done: Purged, *, as_json: bool) -> None:
    verb = "would go" if done.dry_run else "went"
    if done.subject == EVERYTHING:  # is not looked into
        size = f"{done.raw_files:,} raw files, {done.parts:,} parts, ledger and database"
    else:
        rows = ", ".join(f"{count:,} {table}" for table, count in done.rows.items()) or "no rows"
        size = f"{done.raw_lines:,} answers in {done.raw_files:,} raw files, {done.parts:,} parts ({rows})"
    told = f"{done.subject}: {size} {verb}"
    if not done.is_anything:
        told = f"nothing is kept of artist {done.subject}; if you meant another, its id stands {WHERE}"
    aside = [f"{folder} holds what a restore moved aside, and was not looked into" for folder in done.elsewhere]
    console.tell(asdict(done), "\n".join([told, *aside, UNTOUCHED]), as_json=as_json)


def _tell_moved(moved: Moved, verb: str, as_json: bool) -> None:  # noqa: FBT001  handed on as it was given
    would = "would be " * moved.dry_run
    console.tell(asdict(moved), f"{moved.files:,} files, {moved.bytes / 1e6:,.1f} MB {would}{verb}", as_json=as_json)
