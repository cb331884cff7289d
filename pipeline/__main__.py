"""`python -m pipeline`: the headless door. Argument parsing, progress, exit codes; the only module that prints.

With --json, standard output carries JSON alone; all else goes to standard error. Imports any room but the pages.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from pipeline.dag import render_mermaid, render_text
from pipeline.errors import GarimpoError, SettingsError
from pipeline.preview import PlannedTask, plan_run
from pipeline.progress import Progress, RunResult
from pipeline.runner import RunRequest, run_pipeline
from pipeline.settings import Settings, load_settings
from pipeline.simulator.cli import simulator
from pipeline.status import diagnose, workspace_status

__all__ = ["app", "main"]

EXIT_CODES = {
    0: "done",
    1: "failed: the message says what, and what to do",
    2: "settings or credentials are missing or wrong",
    3: "another run is in progress on this workspace",
    4: "deferred: a quota or limit is used up, the rest is due later",
    130: "cancelled: everything committed is kept",
}

people = Console(stderr=True, highlight=False, soft_wrap=True)
app = typer.Typer(
    help="Collect Spotify artists within a budget, keep their history, publish it for reading. Without a command: run.",
    epilog="Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + ".",
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=False,
)
app.command()(simulator)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON alone on standard output.")]


@app.command()
def run(
    genres: Annotated[
        str,
        typer.Option(help="Genres to collect, separated by commas, or @FILE with one a line; empty: the settings'."),
    ] = "",
    max_requests: Annotated[
        int | None, typer.Option(min=1, help="Most requests this run may send; empty: the settings'.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be asked and what it costs; send nothing.")
    ] = False,
    wait_s: Annotated[
        float, typer.Option("--wait-s", min=0, help="Seconds to wait for another run to end before giving up.")
    ] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Collect once: probe, plan, discover, refresh, publish, check."""
    settings = load_settings()
    _log_to_people(settings)
    request = RunRequest("cli", _genres(genres), max_requests, wait_s=wait_s)
    if dry_run:
        _show_plan(plan_run(settings, request.genres, max_requests), as_json=as_json)
        return
    stop = threading.Event()
    with _stop_on_signals(stop), _shown_progress() as report:
        result = run_pipeline(settings, request, stop=stop, report=report)
    _show_result(result, as_json=as_json)
    raise typer.Exit(result.exit_code)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Workspace, profile, generation, rows by table, budget, last run."""
    found = workspace_status(load_settings())
    if as_json:
        _print_json(found)
        return
    profile = found["profile"] or "not probed yet"
    people.print(f"workspace [bold]{found['workspace']}[/] in {found['data']}, profile {profile}, "
                 f"generation {found['generation'] or 'none yet'}")  # fmt: skip
    for table, rows in found["rows"].items():
        people.print(f"  {table:<18} {rows:>12,} rows")
    for bucket, view in found["budget"].items():
        left = "no quota known" if view["left"] is None else f"{view['left']:,} left"
        people.print(
            f"  bucket {bucket:<11} {view['used']:>12,} used in 24 h, {left}{_lock_text(view['locked_until'])}"
        )
    last = found["last_run"]
    people.print(
        f"last run {last['run_id']}: {last['state']} {last['message']}"
        if last
        else "no run yet: python -m pipeline run"
    )


@app.command()
def dag(mermaid: Annotated[bool, typer.Option("--mermaid", help="As a mermaid flowchart.")] = False) -> None:
    """Print the graph of a run."""
    print(render_mermaid() if mermaid else render_text())


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Each setting with its origin (secrets masked); is the source reachable, is the disk writable."""
    found = diagnose(Path())
    if as_json:
        _print_json(found)
    else:
        table = Table("setting", "variable", "value", "origin", box=None)
        for row in found["settings"]:
            table.add_row(row["name"], row["variable"], row["value"], row["origin"])
        people.print(table)
        for check in found["checks"]:
            verdict = "[green]well[/]" if check["ok"] else "[red]wrong[/]"
            people.print(f"{verdict} {check['name']}: {check['detail']}")
    raise typer.Exit(0 if found["ok"] else max(check.get("exit_code", 0) for check in found["checks"]))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code, every error as one message on standard error."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    names = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    if not arguments or (arguments[0] not in names and arguments[0] not in ("--help", "-h")):
        arguments.insert(0, "run")
    try:
        code = app(arguments, standalone_mode=False)
        return int(code or 0)
    except GarimpoError as error:
        people.print(f"[red]{type(error).__name__}[/] {error}", markup=True)
        return error.exit_code
    except typer.Exit as ended:
        return int(ended.exit_code)
    except typer.Abort:
        return 130
    except KeyboardInterrupt:
        return 130


def _genres(text: str) -> tuple[str, ...]:
    if not text.startswith("@"):
        return _split_genres(text.split(","))
    try:
        return _split_genres(Path(text[1:]).read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"--genres {text}: the file cannot be read ({error}). Nothing was started.") from None


def _split_genres(parts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(" ".join(part.lower().split()) for part in parts if part.strip()))


def _log_to_people(settings: Settings) -> None:
    logging.basicConfig(stream=sys.stderr, level="WARNING", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if not people.is_terminal:
        logging.getLogger("pipeline").setLevel(settings.log_level)


@contextmanager
def _stop_on_signals(stop: threading.Event) -> Iterator[None]:
    """The first SIGINT or SIGTERM cancels cleanly; a second one ends at once."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _shown_progress() -> Iterator[Callable[[Progress], None]]:
    """A bar on a terminal; elsewhere the log lines tell."""
    if not people.is_terminal:
        yield lambda _: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=people, transient=True) as bar:
        row = bar.add_task("starting", total=None, told="")

        def report(progress: Progress) -> None:
            told = f"{progress.requests:,} requests, {progress.rows:,} rows {progress.message}"
            bar.update(row, description=progress.task, completed=progress.done, total=progress.total or None, told=told)

        yield report


def _show_plan(rows: list[PlannedTask], *, as_json: bool) -> None:
    if as_json:
        certain, at_most = sum(row.requests for row in rows), sum(row.at_most for row in rows)
        _print_json({"dry_run": True, "requests": certain, "at_most": at_most, "tasks": rows})
        return
    for row in rows:
        left = "no quota known" if row.left is None else f"{row.left:,} left in bucket {row.bucket}"
        labels = ", ".join(row.items[:5]) + (" …" if len(row.items) > 5 else "")
        cost = f"{row.requests} to {row.at_most} requests ({left})"
        people.print(f"{row.task:<17} {len(row.items):>4} items, {cost} {labels}")
    people.print("Nothing was sent.")


def _show_result(result: RunResult, *, as_json: bool) -> None:
    if as_json:
        _print_json(asdict(result))
        return
    colour = {"succeeded": "green", "deferred": "yellow"}.get(result.state, "red")
    told = f"{result.requests:,} requests, {result.rows:,} rows in {result.duration_s:.1f} s"
    people.print(f"[{colour}]{result.state}[/] run {result.run_id}: {told}")
    if result.message:
        people.print(result.message, markup=False)


def _lock_text(until: datetime | None) -> str:
    return f", locked until {until:%Y-%m-%d %H:%M} UTC" if until else ""


def _print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


if __name__ == "__main__":
    sys.exit(main())
