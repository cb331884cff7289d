"""`python -m pipeline trace, export, publish-to, backup, restore`: where values came from; data in and out.

Imports `console` and the rooms that do it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli import console
from pipeline.cli.imports import bring_in, imports
from pipeline.cli.options import AsJson, read_day, read_genres
from pipeline.clock import workspace_clock
from pipeline.errors import SettingsError
from pipeline.lake.store import require_ledger
from pipeline.moving.backup import Backup, back_up
from pipeline.moving.backup import restore as bring_back
from pipeline.moving.bundles import Filters, open_bundle, write_bundle
from pipeline.moving.exporting import FOLLOWED, FORMATS, export_file, export_stream, require_genres
from pipeline.moving.import_values import linked
from pipeline.published.upgrade import open_todays
from pipeline.records.followed import Followed, followed_list
from pipeline.records.opening import opened_ledger
from pipeline.settings import load_settings
from pipeline.workspace import open_workspace

if TYPE_CHECKING:
    from pipeline.queries.tracing import Origin

__all__ = ["MOVING", "given_id"]

KINDS = {"artist": ("artist_id", "artist_snapshots"), "release": ("album_id", "releases"),
         "track": ("track_id", "tracks")}  # fmt: skip


def trace(
    kind: Annotated[str, typer.Argument(help=f"{', '.join(KINDS)}.")],
    subject: Annotated[str, typer.Argument(metavar="ID", help="Its Spotify id, URI or link.")],
    on: Annotated[str, typer.Option(help="The day, YYYY-MM-DD; empty: every day (slower).")] = "",
    table: Annotated[str, typer.Option(help="The lake table to look in; empty: the numbers, or the release.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show where a value came from: run, task, part, raw file and line, and the object as received."""
    if kind not in KINDS:
        raise SettingsError(f"{kind!r} cannot be traced, these can: {', '.join(KINDS)}. Nothing was started.")
    from pipeline.queries.tracing import trace_rows  # with what pages ask, which brings polars: no other command does

    (column, usual), subject = KINDS[kind], given_id(kind, subject)
    with opened_ledger(load_settings(), to_read=True) as (workspace, ledger):
        require_ledger(workspace, ledger)
        found = trace_rows(workspace, ledger, table or usual, {column: subject}, read_day("--on", on))
    if as_json:
        console.print_json([asdict(origin) for origin in found])
    for origin in () if as_json else found:
        _show_origin(origin)
    if not found:
        when, where = f" on {on}" if on else "", f" in workspace {workspace.name}"
        console.people.print(f"nothing is known of {kind} {subject}{when}{where}", markup=False)
        raise typer.Exit(1)


def given_id(kind: str, text: str) -> str:
    """The id in an id, a URI or a link, which must be one to that kind: SettingsError otherwise."""
    found, linked_id = linked(text.strip())
    if found and f"{found}_id" != KINDS[kind][0]:
        raise SettingsError(f"{text.strip()} is a link of the kind {found}, not {kind}. Nothing was started.")
    if " " in text.strip():
        raise SettingsError(
            f"{text.strip()!r} is no {kind}'s id or link: `python -m pipeline export {kind}s` tells ids by name. "
            "Nothing was started."
        )
    return linked_id or text.strip()


def export(  # noqa: PLR0913, PLR0917  one parameter per option
    what: Annotated[str, typer.Argument(help="A published table, followed (your list), or one SELECT in quotes.")] = "",
    to: Annotated[
        Path | None, typer.Option(help="File to write, in a folder that may be new; empty: standard output.")
    ] = None,
    file_format: Annotated[
        str,
        typer.Option("--format", help=f"{', '.join(FORMATS)}; empty: by the file's name, else csv, with --json jsonl."),
    ] = "",
    source: Annotated[Path | None, typer.Option("--from", help="A bundle to read instead of the workspace.")] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            help="Write every table, runs and task_runs without rows, with schema and manifest: a new folder or .zip."
        ),
    ] = None,
    genres: Annotated[str, typer.Option(help="For a bundle: genres, separated by commas, or @FILE; empty: all.")] = "",
    since: Annotated[str, typer.Option(help="For a bundle: first day, YYYY-MM-DD.")] = "",
    until: Annotated[str, typer.Option(help="For a bundle: last day, YYYY-MM-DD.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace the file when it is there already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a table or the rows of a SELECT as CSV, Parquet or JSON lines; or a bundle, to be read by --from."""
    if bool(what) == bool(bundle):
        raise SettingsError(
            "Say a table, such as artists, or a SELECT in quotes, or --bundle, and not both. Nothing was written."
        )
    if (genres or since or until) and not bundle:
        raise SettingsError("--genres, --since and --until are for --bundle; a SELECT has WHERE. Nothing was written.")
    if bundle and bundle.name == "-":
        raise SettingsError("A bundle is a folder of several files: name one instead of -. Nothing was written.")
    filters = Filters(read_genres(genres), read_day("--since", since), read_day("--until", until))
    if filters.since and filters.until and filters.since > filters.until:
        raise SettingsError(f"--since {since} is later than --until {until}. Nothing was written.")
    settings = load_settings()
    generation = open_bundle(source) if source else open_todays(open_workspace(settings, to_read=True))
    followed = _followed() if FOLLOWED in what.lower() and not source else None
    if bundle:
        require_genres(generation, filters.genres)
        said = write_bundle(generation, bundle, workspace_clock(settings)(), filters)
        console.tell(
            {"bundle": str(bundle), **said}, f"{sum(said['rows'].values()):,} rows in {bundle}", as_json=as_json
        )
    elif to:
        rows = export_file(generation, what, to, file_format or None, force=force, followed=followed)
        console.tell({"file": str(to), "rows": rows}, f"{rows:,} rows in {to}", as_json=as_json)
    else:
        usual = "jsonl" if as_json else "csv"
        if as_json and file_format not in ("", usual):
            raise SettingsError(
                f"--json prints JSON lines: name a file for {file_format} with --to. Nothing was written."
            )
        if file_format == "parquet" and sys.stdout.isatty():
            raise SettingsError("Parquet is not for a terminal: name a file with --to. Nothing was written.")
        try:
            export_stream(generation, what, sys.stdout.buffer, file_format or usual, followed)
            sys.stdout.buffer.flush()
        except BrokenPipeError:  # whoever read our lines has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def send(
    name: Annotated[str, typer.Argument(help="A warehouse of GARIMPO_WAREHOUSES.")],
    full: Annotated[bool, typer.Option("--full", help="Send everything, whatever it says it has.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent; change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the tables of a warehouse equal to the published ones: send what it does not have yet."""
    warehouses = importlib.import_module("pipeline.integrations.warehouses")
    sending = warehouses.publish_to(load_settings(), name, full=full, dry_run=dry_run)
    console.tell(sending, "\n".join(_told_sending(sending)), as_json=as_json)


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder, or one with an earlier backup of this workspace.")],
    as_json: AsJson = False,
) -> None:
    """Copy ledger, raw files and Parquet parts to another folder, while the app runs or not."""
    settings = load_settings()
    made = back_up(open_workspace(settings, to_read=True), folder, workspace_clock(settings)())
    _tell_backup(made, f"in {folder}, {made.copied:,} of them new", as_json=as_json)


def restore(
    folder: Annotated[Path, typer.Argument(help="A folder that `backup` wrote.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also where the workspace holds data: they are moved aside, not deleted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the workspace hold what a backup holds, and publish it. The app must not be running."""
    settings = load_settings()
    workspace = open_workspace(settings)
    made, aside = bring_back(folder, workspace, workspace_clock(settings), force=force)
    replaced = f"; what was there is in {aside}" if aside else ""
    _tell_backup(made, f"brought back to {workspace.root}{replaced}", as_json=as_json, replaced=aside)


# The commands by name, in the order of the help.
MOVING: dict[str, Callable[..., None]] = {
    "trace": trace,
    "import": bring_in,
    "imports": imports,
    "export": export,
    "publish-to": send,
    "backup": backup,
    "restore": restore,
}


def _followed() -> dict[str, Followed]:
    with opened_ledger(load_settings(), to_read=True) as (workspace, ledger):
        require_ledger(workspace, ledger)  # with a ledger the list is lost: an empty one would be no answer
        return followed_list(ledger)


def _tell_backup(made: Backup, where: str, *, as_json: bool, **more: Path | None) -> None:
    told = f"{made.files:,} files, {made.bytes / 1e6:,.1f} MB and the ledger as of {made.made_at} {where}"
    console.tell({**asdict(made), **more}, told, as_json=as_json)


def _show_origin(origin: Origin) -> None:
    values = ", ".join(f"{name} {value}" for name, value in origin.row.items() if value is not None)
    gave = f"; decides {', '.join(origin.gave)}" if origin.gave else ""
    print(f"{values}{gave}")
    kept = f"kept with item {origin.item}"  # batches are committed together, under the name of one of them
    print(f"  run {origin.run_id} ({origin.trigger}), task {origin.task}, {kept}, attempt {origin.attempt}")
    print(f"  part {origin.part} (sha256 {origin.part_sha256[:16]}…, schema {origin.schema_version})")
    for line in origin.lines:
        asked = ", ".join(f"{name} {value}" for name, value in line.request.items() if not isinstance(value, list))
        print(f"  {origin.raw_file} line {line.number}: {line.endpoint}, {asked or 'by ids'}, at {line.fetched_at}")
        for each in line.object.get("received") or [line.object]:  # entries of files, where they were imported
            print(f"    {json.dumps(each, ensure_ascii=False)}")
    if origin.note:
        print(f"  {origin.note}")


def _told_sending(sending: Any) -> Iterator[str]:
    """A line for each table that was touched, and one on all of them."""
    would = "would be " if sending.dry_run else ""
    for name in sending.mended:
        yield f"{name} was not there as it had been sent: {would}made ours again"
    for name in sorted({*sending.rows_sent, *sending.rows_removed}):
        sent, removed = sending.rows_sent.get(name, 0), sending.rows_removed.get(name, 0)
        whole = ", whole" if name in sending.whole else ""
        yield f"{name}: {sent:,} rows {would}sent{whole}{f', {removed:,} removed' if removed else ''}"
    told = f"{sum(sending.rows_sent.values()):,} rows {would}sent" if sending.is_news else "nothing new"
    yield f"generation {sending.generation} to {sending.warehouse}: {told}, in {sending.seconds:.1f} s"
