"""`python -m pipeline import, imports`, and `purge --import`: history of others brought in, told of, taken back.

Imports `console` and the rooms that do it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import console
from pipeline.cli.options import AsJson, read_day
from pipeline.keeping.imported import Import, TakenBack, list_imports
from pipeline.lake.store import require_ledger
from pipeline.moving.import_findings import ImportReport
from pipeline.moving.importing import import_history
from pipeline.records.opening import opened_ledger
from pipeline.runs.runner import new_run_id
from pipeline.settings import load_settings

__all__ = ["bring_in", "imports", "tell_taken_back"]

SHOWN = 20  # rejects that people see; --json has more
FIRST = 3  # of each import where all are listed
TAKE_BACK = "python -m pipeline purge --import"


def bring_in(
    path: Annotated[Path, typer.Argument(help="A file, or a folder with files of any of these kinds.")],
    on: Annotated[str, typer.Option(help="The day of what carries no date, YYYY-MM-DD.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what was understood; change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring in history of other projects (JSON, CSV, Parquet, SQLite), or a list of ids or links of artists to follow.

    JSON, CSV and lists may be packed (.gz), or sheets of a spreadsheet (.xlsx, .ods).
    The last line names the command that takes the import back. Exits with 1 where every entry is rejected.
    """
    with opened_ledger(load_settings(), to_read=dry_run) as (workspace, ledger):
        run_id = new_run_id(ledger.now())
        report = import_history(workspace, ledger, path, run_id, on=read_day("--on", on), dry_run=dry_run)
    told = "\n".join(_told_import(report, dry_run=dry_run))
    console.tell({"dry_run": dry_run, **asdict(report)}, told, as_json=as_json)
    if report.is_all_rejected:
        raise typer.Exit(1)


def imports(as_json: AsJson = False) -> None:
    """Every import that is kept, newest first: run, file, what it brought, what was rejected and why.

    `logs RUN` has more of the last; `purge --import RUN` takes an import back.
    """
    with opened_ledger(load_settings(), to_read=True) as (workspace, ledger):
        require_ledger(workspace, ledger)
        found = list_imports(ledger)
    told = "\n".join(line for each in found for line in (_told(each), *_told_rejects(each)))
    console.tell([asdict(each) for each in found], told or "nothing was imported", as_json=as_json)


def tell_taken_back(done: TakenBack | None, run_id: str, untouched: str, *, as_json: bool) -> None:
    """What of an import went, or would go, and what stays."""
    if done is None:
        ended = f"{run_id} is no import any more; what an interrupted purge had left of it is gone now"
        console.tell({"run_id": run_id, "of": None}, ended, as_json=as_json)
        return
    rows = ", ".join(f"{count:,} {table}" for table, count in done.rows.items()) or "no rows"
    verb = "would go" if done.dry_run else "went"
    told = [_told(done.of), f"{rows} in {done.parts:,} parts, and {done.raw_files:,} raw files {verb}"]
    if done.of.followed:
        told.append(f"artists off the list: {done.of.followed:,}; whom you followed before stays on it")
    if done.stays:
        told.append(f"{done.stays:,} of its {done.artists:,} artists stay, with what other runs saw of them")
    if done.rows:
        told.append("files imported after it that tell of the same artists and days are to be imported again: "
                    "what it had brought was taken for known")  # fmt: skip
    aside = [f"{folder} holds what a restore moved aside, and was not looked into" for folder in done.elsewhere]
    console.tell(asdict(done), "\n".join([*told, *aside, untouched]), as_json=as_json)


def _told(each: Import) -> str:
    days = f", days {each.first_day} to {each.last_day}" if each.first_day else ""
    listed = f", put on the list {each.followed:,}" if each.followed else ""
    ended = "" if each.state == "succeeded" else f", {each.state}"
    named = f"import {each.run_id} of {each.file or 'a file that is not known'}"
    return f"{named}, {each.started_at:%Y-%m-%d %H:%M} UTC: {each.rows:,} rows{days}{listed}{ended}"


def _told_rejects(each: Import) -> Iterator[str]:
    yield from (f"  {_told_reject(reject)}" for reject in each.rejects[:FIRST])
    if each.rejected > FIRST:
        yield f"  rejected {each.rejected - FIRST:,} more: python -m pipeline logs {each.run_id}"


def _told_reject(reject: tuple[str, int, str]) -> str:
    name, line, reason = reject
    return f"rejected {name}{f' line {line}' if line else ''}: {reason}"


def _told_import(report: ImportReport, *, dry_run: bool) -> Iterator[str]:
    for file in report.files:
        columns = ", ".join(f"{theirs} → {ours}" for theirs, ours in file.columns.items())
        yield f"{file.name}: {file.format}, entries: {file.entries:,}, dates: {file.dates}"
        ignored = f"; left out: {', '.join(file.ignored)}" if file.ignored else ""
        if columns or ignored:
            yield f"  {columns}{ignored}"
    yield from map(_told_reject, report.rejects[:SHOWN])
    if report.rejected > SHOWN:
        yield f"rejected {report.rejected - SHOWN:,} more"
    span = f" from {report.first_day} to {report.last_day}" if report.first_day else ""
    verb = "would be added" if dry_run else "added"
    yield f"{verb}: observations {report.observations:,}{span}, ids to ask about {report.to_refresh:,}"
    dropped = f"; single values dropped {report.dropped:,}" if report.dropped else ""
    yield (
        f"artists that are new {report.new_artists:,}; entries known already {report.known:,}, "
        f"repeated {report.repeated:,}, rejected {report.rejected - report.dropped:,}{dropped}"
    )
    if report.to_follow + report.followed:
        verb = "would be put on the list" if dry_run else "put on the list"
        yield f"artists to follow: {report.to_follow:,} {verb}, {report.followed:,} on it already"
    if report.run_id:
        yield f"run {report.run_id}: rows published {report.rows:,}; to take it back: {TAKE_BACK} {report.run_id}"
