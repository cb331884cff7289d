"""`python -m pipeline schedule …` and `freshness`: what the app does by itself, edited while it runs or not.

Imports `console`, `freshness`, `schedules` and the rooms below.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import typer

from pipeline.cli import console
from pipeline.cli.options import AsJson, PlainCommand, PlainGroup, read_genres
from pipeline.clock import system_now, workspace_clock
from pipeline.errors import SettingsError
from pipeline.lake.store import require_ledger
from pipeline.records.ledger import Ledger
from pipeline.runs.context import is_idle, lacks_credentials
from pipeline.settings import load_settings
from pipeline.watching import schedules
from pipeline.watching.freshness import genre_freshness, own_targets, set_target, watched_genres
from pipeline.watching.schedules import Kind, Schedule
from pipeline.workspace import open_workspace

__all__ = ["freshness", "schedule_app"]

schedule_app = typer.Typer(
    cls=PlainGroup,
    help="When the app collects by itself: add, list, pause, resume, remove schedules; see when they fire next.",
)
Name = Annotated[str, typer.Argument(help="Name of the schedule.")]


@schedule_app.command(cls=PlainCommand)
def add(  # noqa: PLR0913, PLR0917  one parameter per option
    name: Name,
    cron: Annotated[str, typer.Option(help="A crontab line, as in '0 6 * * mon-fri'.")] = "",
    every: Annotated[str, typer.Option(help="An interval, as in 90m, 6h, 2d.")] = "",
    at: Annotated[str, typer.Option(help="Once, at a local date and time, as in 2027-01-31T06:00.")] = "",
    timezone: Annotated[str, typer.Option(help="Its time zone; empty: the setting's.")] = "",
    genres: Annotated[str, typer.Option(help="Genres, separated by commas, or @FILE; empty: the settings'.")] = "",
    max_requests: Annotated[int | None, typer.Option(min=1, help="Most requests of one run.")] = None,
    priority: Annotated[int, typer.Option(help="Of two that are due the higher one runs first.")] = 0,
    grace_s: Annotated[
        float | None, typer.Option(min=0, help="A time missed by more seconds is dropped; empty: always caught up.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of the schedule of this name.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add a schedule: one of --cron, --every and --at. An app that runs takes it up within seconds."""
    kind, spec = _kind(cron, every, at)
    with _ledger() as (ledger, home):
        asked = read_genres(genres)
        if not replace and name in {each.name for each in schedules.list_schedules(ledger)}:
            raise SettingsError(
                f"There is a schedule named {name}: put this one in its place with --replace, or choose another name. "
                f"{schedules.UNCHANGED}"
            )
        wanted = Schedule(name, kind, spec, timezone or home, asked, max_requests, priority, grace_s=grace_s)
        keep = schedules.change_schedule if replace else schedules.add_schedule
        _print([_row(keep(ledger, wanted), 5)], as_json=as_json)


@schedule_app.command(name="list", cls=PlainCommand)
def list_all(as_json: AsJson = False) -> None:
    """Every schedule with its next fire time."""
    _show("", 1, as_json=as_json)


@schedule_app.command(name="next", cls=PlainCommand)
def next_times(
    name: Annotated[str, typer.Argument(help="Name of the schedule; empty: all.")] = "",
    count: Annotated[int, typer.Option(min=1, max=1_000, help="How many fire times.")] = 5,
    as_json: AsJson = False,
) -> None:
    """The next fire times."""
    _show(name, count, as_json=as_json)


@schedule_app.command(cls=PlainCommand)
def pause(name: Name, as_json: AsJson = False) -> None:
    """Let a schedule fire no more until it is resumed."""
    with _ledger() as (ledger, _):
        schedules.pause_schedule(ledger, name)
    _show(name, 1, as_json=as_json)


@schedule_app.command(cls=PlainCommand)
def resume(name: Name, as_json: AsJson = False) -> None:
    """Let a paused schedule fire again; what passed meanwhile is not caught up."""
    with _ledger() as (ledger, _):
        schedules.resume_schedule(ledger, name)
    _show(name, 1, as_json=as_json)


@schedule_app.command(cls=PlainCommand)
def remove(name: Name, as_json: AsJson = False) -> None:
    """Forget a schedule; its runs stay."""
    with _ledger() as (ledger, _):
        schedules.remove_schedule(ledger, name)
    _show("", 1, as_json=as_json)


def freshness(
    genre: Annotated[str, typer.Argument(help="The genre; empty: all of them.")] = "",
    days: Annotated[
        int | None,
        typer.Option(min=0, help="Give it a target of its own: days until it counts as stale; 0: as the setting says."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """How old each genre is, or GENRE alone, against its target; with --days it gets a target of its own."""
    settings, genre = load_settings(), " ".join(genre.lower().split())
    if days is not None and not genre:
        raise SettingsError(f"A target needs a genre: GENRE --days {days}. {schedules.UNCHANGED}")
    with _ledger(to_read=days is None) as (ledger, _):
        watched = watched_genres(ledger, settings)
        if genre and days != 0 and genre not in watched:  # one that is not collected any more may lose its target
            these = f"these are: {', '.join(watched)}" if watched else "no genre is"
            raise SettingsError(f"{genre} is not collected; {these}. {schedules.UNCHANGED}")
        if days is not None:
            set_target(ledger, genre, days or None)
        found = genre_freshness(
            open_workspace(settings, to_read=True), ledger, settings, workspace_clock(settings)().date()
        )
        own = own_targets(ledger)
    shown = [row for row in found if days is not None or genre in ("", row.genre)]
    console.show(shown, lambda rows: console.show_freshness(rows, own), as_json=as_json)


def _kind(cron: str, every: str, at: str) -> tuple[Kind, str]:
    given: list[tuple[Kind, str]] = [("cron", cron), ("interval", every), ("once", at)]
    chosen = [(kind, spec) for kind, spec in given if spec]
    if len(chosen) != 1:
        raise SettingsError("A schedule needs exactly one of --cron, --every and --at. Nothing was changed.")
    return chosen[0]


@contextmanager
def _ledger(*, to_read: bool = False) -> Iterator[tuple[Ledger, str]]:
    """The workspace's ledger, in which the setting's schedule stands, and the time zone of the settings."""
    settings = load_settings()
    workspace = open_workspace(settings, to_read=to_read)
    ledger = Ledger(workspace.ledger)
    try:
        # With a ledger its schedules are lost: the setting's alone would be no answer.
        require_ledger(workspace, ledger)
        schedules.keep_default(ledger, settings.schedule, settings.timezone)
        yield ledger, settings.timezone
    finally:
        ledger.close()


def _show(name: str, count: int, *, as_json: bool) -> None:
    settings = load_settings()
    with _ledger(to_read=True) as (ledger, _):
        found = [each for each in schedules.list_schedules(ledger) if name in ("", each.name)]
    if name and not found:
        raise SettingsError(
            f"{name} is not a schedule; `python -m pipeline schedule list` shows those there are. {schedules.UNCHANGED}"
        )
    _print([_row(each, count) for each in found], as_json=as_json)
    if found and lacks_credentials(settings):
        idle, demo = "none of them fires", "in the demo they collect made-up artists while the app is open"
        need = "to collect real ones, set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET"
        console.people.print(f"no Spotify credentials: {idle if is_idle(settings) else demo}; {need}")


def _print(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    has_genres = bool(load_settings().genres)
    console.show(rows, lambda shown: console.show_schedules(shown, has_genres=has_genres), as_json=as_json)


def _row(schedule: Schedule, count: int) -> dict[str, Any]:
    return {**asdict(schedule), "next": schedules.next_times(schedule, system_now(), count)}
