"""What `python -m pipeline` understands: argument parsing, signals, exit codes; what is printed is in `console`.

Answers go to standard output, with --json as JSON alone; all else to standard error. Imports any room but the pages.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from pipeline.cli import console
from pipeline.cli.following import follow
from pipeline.cli.keeping import KEEPING
from pipeline.cli.moving import MOVING
from pipeline.cli.options import AsJson, PlainCommand, PlainGroup, in_plain_words, read_genres
from pipeline.cli.schedule import freshness, schedule_app
from pipeline.errors import GarimpoError, RunCancelled, SettingsError
from pipeline.lake.files import explanation
from pipeline.records.events import LEVELS, EventFilter
from pipeline.records.lock import hold_run_lock
from pipeline.records.opening import opened_ledger
from pipeline.runs.dag import dag_rows, render_mermaid, render_text
from pipeline.runs.preview import leaves_nothing, plan_retry, plan_run
from pipeline.runs.runner import RunRequest, run_pipeline
from pipeline.settings import Settings, load_settings
from pipeline.simulator.cli import simulator
from pipeline.watching.doctor import diagnose
from pipeline.watching.status import follow_events, newest_run, workspace_status
from pipeline.watching.telling import tell_crashed, tell_run_end, tell_run_refused

__all__ = ["app", "main"]

EXIT_CODES = {
    0: "done",
    1: "failed: the message says what, and what to do",
    2: "settings or credentials are missing or wrong",
    3: "another run is in progress on this workspace",
    4: "deferred: a quota or limit is used up, the rest is due later",
    130: "cancelled: everything committed is kept",
}
ENDLESS_S = 1e8
PATIENCE_S = 2.0  # a cancelled run has ended by then; signals that come twice, of a wrapper or a hasty hand, count once
SHOW_CURSOR = b"\x1b[?25h"  # which progress hides
AT_ONCE = b"ended at once; what was committed is kept, and `python -m pipeline retry` goes on from there\n"

app = typer.Typer(
    cls=PlainGroup,
    help="Collect Spotify artists within a budget, keep their history, publish it for reading. Without a command: run.",
    epilog="Exit codes: " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + ".",
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=False,
)
app.add_typer(schedule_app, name="schedule")

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be asked and what it costs; send nothing.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait while another run goes, or give up at once.")]
WaitS = Annotated[float, typer.Option("--wait-s", min=0, help="Longest wait, seconds; 0 with --wait: without end.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run, or last.")]


@app.command(cls=PlainCommand)
def run(
    genres: Annotated[
        str,
        typer.Option(help="Genres to collect, separated by commas, or @FILE with one a line; empty: the settings'."),
    ] = "",
    max_requests: Annotated[
        int | None, typer.Option(min=1, help="Most requests this run may send; empty: the settings'.")
    ] = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    wait_s: WaitS = 0.0,
    as_json: AsJson = False,
) -> None:
    """Collect once: probe, plan, discover, refresh, publish, check."""
    settings, asked = load_settings(), read_genres(genres)
    if dry_run:
        console.show_plan(plan_run(settings, asked, max_requests), as_json=as_json)
        return
    request = RunRequest("cli", asked, max_requests, wait_s=_longest_wait(wait_s, wait=wait))
    _execute(settings, request, as_json=as_json)


@app.command(cls=PlainCommand)
def retry(
    run_id: RunId = "last",
    item: Annotated[
        list[str] | None, typer.Option(help="Name of an item to ask again; repeatable; none: all that was left.")
    ] = None,
    dry_run: DryRun = False,
    wait: Wait = False,
    wait_s: WaitS = 0.0,
    as_json: AsJson = False,
) -> None:
    """Ask what a run failed to get, put off or never reached, as far as the quota permits now; nothing is asked twice.

    What a quota still locks stays put off. With --wait a run that goes on is waited for.
    """
    settings, longest_s = load_settings(), _longest_wait(wait_s, wait=wait)
    found = newest_run(settings, collecting=True) if run_id == "last" else run_id  # an import leaves nothing to ask
    names = tuple(item or ())
    if longest_s and not dry_run:
        _await_end(settings, found, longest_s)
    tell_crashed(settings)  # a run whose process is gone goes on no more
    planned = plan_retry(settings, found, names)
    if dry_run:
        console.show_plan(planned, as_json=as_json)
        return
    if leaves_nothing(settings, found):
        console.show_nothing_left(found, as_json=as_json)
        return
    console.show_left(found, planned)
    request = RunRequest("cli", retry_of=found, items=names, wait_s=longest_s)
    _execute(settings, request, as_json=as_json)


@app.command(cls=PlainCommand)
def logs(  # noqa: PLR0913, PLR0917  one parameter per option
    run_id: RunId = "last",
    follow: Annotated[bool, typer.Option("--follow", help="Go on until the run has ended.")] = False,
    task: Annotated[str, typer.Option(help="Lines of this task alone.")] = "",
    item: Annotated[str, typer.Option(help="Lines of the items of this name alone.")] = "",
    level: Annotated[str, typer.Option(help=f"Lines this severe or more: {', '.join(LEVELS)}.")] = "",
    grep: Annotated[str, typer.Option(help="Lines that contain this text.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line on standard output.")] = False,
) -> None:
    """Print the log of a run: events and lines, each with its task, item and attempt."""
    if level.upper() not in ("", *LEVELS):
        raise SettingsError(f"--level {level!r} is none of {', '.join(LEVELS)}. Nothing was printed.")
    settings = load_settings()
    found = newest_run(settings) if run_id == "last" else run_id
    wanted = EventFilter(found, task, item, level.upper(), grep)
    told = False
    for rows in follow_events(settings, wanted, follow=follow):
        console.show_events(rows, as_json=as_json)
        told = True
    if not told:
        chosen = " that fits" if task or item or level or grep else ""
        console.people.print(f"there is no line{chosen} in the log of run {found}", markup=False)


@app.command(cls=PlainCommand)
def status(as_json: AsJson = False) -> None:
    """Workspace, profile, generation, rows by table, budget, last run."""
    console.show(workspace_status(load_settings()), console.show_status, as_json=as_json)


@app.command(cls=PlainCommand)
def dag(
    mermaid: Annotated[bool, typer.Option("--mermaid", help="As a mermaid flowchart.")] = False, as_json: AsJson = False
) -> None:
    """Print the graph of a run."""
    console.tell(dag_rows(), render_mermaid() if mermaid else render_text(), as_json=as_json)


@app.command(cls=PlainCommand)
def doctor(
    notify: Annotated[bool, typer.Option("--notify", help="Send a trial to each address that is notified.")] = False,
    as_json: AsJson = False,
) -> None:
    """Each setting with its origin (secrets masked); is the source reachable, is the disk writable."""
    found = diagnose(Path(), notify=notify)
    console.show(found, console.show_doctor, as_json=as_json)
    raise typer.Exit(0 if found["ok"] else max(check.get("exit_code", 0) for check in found["checks"]))


app.command(cls=PlainCommand)(freshness)
app.command(cls=PlainCommand)(follow)
for command_name, command in {**MOVING, **KEEPING}.items():
    app.command(name=command_name, cls=PlainCommand)(command)
app.command(cls=PlainCommand)(simulator)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code, every error as one message on standard error."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in arguments
    try:
        return int(app(_with_command(arguments), standalone_mode=False) or 0)
    except BrokenPipeError:  # whoever read our lines has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (GarimpoError, OSError) as error:  # of what the system says, nobody said more where it arose
        said = explanation(error, error.filename or "The system") if isinstance(error, OSError) else error
        console.show_error(said, said.exit_code, as_json=as_json)
        return said.exit_code
    except typer.TyperException as error:  # an option that is none, or a value it does not take
        asked = in_plain_words(error.format_message()).rstrip(".")
        wrong = SettingsError(f"{asked}{'' if asked.endswith('?') else '.'} See --help. Nothing was started.")
        console.show_error(wrong, wrong.exit_code, as_json=as_json)
        return wrong.exit_code
    except typer.Exit as ended:
        return int(ended.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return RunCancelled.exit_code


def _with_command(arguments: list[str]) -> list[str]:
    """The arguments with `run` before options alone; SettingsError for a command that is none."""
    first = arguments[0] if arguments else ""
    if first in _names() or first in ("--help", "-h"):
        return arguments
    if first and not first.startswith("-"):
        near = get_close_matches(first, _names(), 1)
        hint = f"did you mean {near[0]}?" if near else "--help lists them."
        raise SettingsError(f"There is no command {first!r}; {hint} Nothing was started.")
    return ["run", *arguments]


def _names() -> set[str]:
    """The commands there are."""
    return {str(each.name or each.callback.__name__) for each in app.registered_commands if each.callback} | {
        str(each.name) for each in app.registered_groups
    }


def _longest_wait(wait_s: float, *, wait: bool) -> float:
    return wait_s or (ENDLESS_S if wait else 0.0)


def _await_end(settings: Settings, run_id: str, longest_s: float) -> None:
    """Wait until a run that goes on has ended: what it leaves is known then."""
    stop = threading.Event()
    with opened_ledger(settings) as (workspace, ledger):
        if not ledger.runs(1, where="r.run_id = ? AND r.state = 'running'", params=(run_id,)):
            return
        console.people.print(f"run {run_id} goes on: waiting for its end")
        held = hold_run_lock(workspace, "retry", "cli", ledger.now(), wait_s=longest_s, cancelled=stop.is_set)
        with _stop_on_signals(stop), held:
            pass


def _execute(settings: Settings, request: RunRequest, *, as_json: bool) -> None:
    """One run to its end, cancelled by signals; its exit code is the program's."""
    console.log_to_people(settings.log_level)
    stop = threading.Event()
    try:
        with _stop_on_signals(stop), console.shown_progress() as report:
            tell_crashed(settings)
            result = run_pipeline(settings, request, stop=stop, report=report)
    except GarimpoError as error:
        tell_run_refused(settings, error)
        raise
    tell_run_end(settings, result)
    console.show(result, console.show_result, as_json=as_json)
    raise typer.Exit(result.exit_code)


@contextmanager
def _stop_on_signals(stop: threading.Event) -> Iterator[None]:
    """The first SIGINT or SIGTERM cancels cleanly; one that comes when that should have been done ends at once.

    At once is as a kill would: to unwind a run under its threads may take as long again, or end in a fault.
    """
    asked_at: list[float] = []

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked_at.append(time.monotonic())
        stop.set()
        if asked_at[-1] - asked_at[0] > PATIENCE_S:
            os.write(2, SHOW_CURSOR * os.isatty(2) + AT_ONCE)
            os._exit(RunCancelled.exit_code)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
