"""What pages may ask and change beside runs: schedules, freshness, health, who is followed, what a run would cost.

The half of the service that works on the ledger alone. Imports `schedules`, `freshness`, `preview`, `status`, `upkeep`,
`budget`, `events`, `followed`, `ledger`, `import_files`, `context`, `dag`, `progress`, `retries`, `warming`, `notify`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from pipeline.clock import workspace_clock
from pipeline.moving.import_files import read_list
from pipeline.records.budget import BUCKETS, BucketView, Budget
from pipeline.records.events import unknown_artists
from pipeline.records.followed import follow, followed_ids, followed_names, is_followed, unfollow
from pipeline.records.ledger import Ledger
from pipeline.runs.context import is_idle, planning_limits
from pipeline.runs.dag import dag_rows
from pipeline.runs.preview import PlannedTask, plan_retry, plan_run
from pipeline.runs.progress import CatchUp
from pipeline.runs.retries import Rest, find_rest
from pipeline.service.warming import Shown
from pipeline.settings import Settings
from pipeline.watching import schedules
from pipeline.watching.freshness import GenreFreshness, genre_freshness, own_targets, set_target
from pipeline.watching.notify import check_notifications
from pipeline.watching.schedules import Schedule
from pipeline.watching.status import InApp, health
from pipeline.watching.upkeep import plan_catch_up
from pipeline.workspace import Workspace, open_workspace

__all__ = ["Controls"]

MISSES_SHOWN = 8


class Controls:
    """A workspace's schedules, freshness and health; every method may be called from any thread."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        self.settings = settings
        self.workspace: Workspace = open_workspace(settings)
        self.ledger = Ledger(self.workspace.ledger, now)
        self.shown = Shown(self.workspace)
        self._now = now

    # ---- what a run would cost

    def graph(self) -> list[dict[str, Any]]:
        """The tasks of a run in order: see `dag.dag_rows`."""
        return dag_rows()

    def preview(self, *, genres: Sequence[str] = (), max_requests: int | None = None) -> list[PlannedTask]:
        """What a run would ask now and what it would cost, without a request."""
        return plan_run(self._source_settings(), tuple(genres), max_requests)

    def preview_retry(self, run_id: str, items: Sequence[str] = ()) -> list[PlannedTask]:
        """What a retry would ask and cost; SettingsError for a run or an item that is not there."""
        return plan_retry(self._source_settings(), run_id, items)

    def rest_of(self, run_id: str) -> Rest:
        """What is still to be asked of what a run left."""
        return find_rest(self.workspace, self.ledger, run_id)

    # ---- how things are

    @property
    def is_idle(self) -> bool:
        """Whether nothing can be collected here, for lack of credentials: what is there can be read."""
        return is_idle(self.settings)

    def budget(self) -> list[BucketView]:
        """What is left in each bucket."""
        budget = Budget(self.ledger, planning_limits(self._source_settings(), self.ledger))
        return [budget.view(bucket) for bucket in BUCKETS]

    def health(self) -> dict[str, Any]:
        """How things are, for `/healthz` and the health page: see `status.health`."""
        return health(self._source_settings(), self.workspace, self.ledger, self._now, self._in_app())

    def freshness(self) -> list[GenreFreshness]:
        """How old each watched genre is."""
        return genre_freshness(self.workspace, self.ledger, self.settings, self._clock().date())

    def catch_up_plan(self) -> CatchUp:
        """What is done about genres that grew old."""
        return plan_catch_up(self._source_settings(), self.workspace, self.ledger, self._now)

    def own_targets(self) -> dict[str, int]:
        """Target ages in days of the genres that have one of their own."""
        return own_targets(self.ledger)

    def set_target(self, genre: str, days: int | None) -> None:
        """Give a genre a target age of its own; None: it follows the setting again."""
        set_target(self.ledger, genre, days)

    def check_notifications(self) -> str:
        """A sentence on where notifications go; SettingsError when they would go nowhere."""
        return check_notifications(self.settings)

    # ---- the list of one's own

    def followed(self) -> tuple[str, ...]:
        """Ids of the artists that are followed."""
        return followed_ids(self.ledger)

    def followed_names(self) -> dict[str, str]:
        """The names that the list has for the artists that are followed, by id; empty where it has none."""
        return followed_names(self.ledger)

    def unknown(self, artist_ids: Sequence[str]) -> list[str]:
        """Those of some artists whom Spotify, when it was asked in the last week, did not know."""
        nobody = unknown_artists(self.ledger)
        return [artist_id for artist_id in artist_ids if artist_id in nobody]

    def is_followed(self, artist_id: str) -> bool:
        """Whether an artist is on the list."""
        return is_followed(self.ledger, artist_id)

    def follow(self, artist_id: str) -> None:
        """Put an artist on the list."""
        follow(self.ledger, [artist_id])

    def follow_all(self, pasted: str) -> tuple[int, int, str]:
        """Put on the list whom a text names; how many are new on it, were on it, and the lines that name nobody."""
        lines = [" ".join(line.splitlines()) for line in pasted.split("\n")]  # a cell may have a break of its own
        named, nobody = read_list("\n".join(lines))
        listed = set(self.followed())
        new = {artist_id: name for artist_id, name in named.items() if artist_id not in listed}
        follow(self.ledger, new)
        return len(new), len(named) - len(new), "\n".join(lines[line - 1] for line in nobody)

    def unfollow(self, artist_id: str) -> None:
        """Take an artist off the list."""
        unfollow(self.ledger, [artist_id])

    # ---- schedules

    def schedules(self) -> list[Schedule]:
        """Every schedule, by name."""
        return schedules.list_schedules(self.ledger)

    def check_schedule(self, schedule: Schedule) -> Schedule:
        """The schedule as it would be kept now; SettingsError says what is wrong with it."""
        return schedules.check_schedule(schedule, self._now())

    def add_schedule(self, schedule: Schedule) -> Schedule:
        """Keep a new schedule; SettingsError says what is wrong with it."""
        return schedules.add_schedule(self.ledger, schedule)

    def change_schedule(self, schedule: Schedule) -> Schedule:
        """Put a schedule in the place of the one of its name; SettingsError says what is wrong with it."""
        return schedules.change_schedule(self.ledger, schedule)

    def pause_schedule(self, name: str) -> None:
        """Let a schedule fire no more until it is resumed."""
        schedules.pause_schedule(self.ledger, name)

    def resume_schedule(self, name: str) -> None:
        """Let a paused schedule fire again, from now on."""
        schedules.resume_schedule(self.ledger, name)

    def remove_schedule(self, name: str) -> None:
        """Forget a schedule."""
        schedules.remove_schedule(self.ledger, name)

    def next_times(self, schedule: Schedule, count: int = 5) -> list[datetime]:
        """Its next fire times, UTC; none while it is paused."""
        return schedules.next_times(schedule, self._now(), count)

    def missed_times(self) -> list[dict[str, Any]]:
        """The last fire times that nobody kept, the newest first: schedule, due_at, action."""
        rows = self.ledger.read(
            "SELECT fields FROM events WHERE run_id = '' AND event = 'schedule_missed' ORDER BY id DESC LIMIT ?",
            (MISSES_SHOWN,),
        )
        found = [json.loads(row["fields"]) for row in rows]
        return [{**each, "due_at": datetime.fromisoformat(each["due_at"])} for each in found]

    # ---- for the half that runs

    def _in_app(self) -> InApp:
        """What this process alone knows of its health."""
        return InApp()

    def _source_settings(self) -> Settings:
        """The settings by which one collects here."""
        return self.settings

    def _clock(self) -> datetime:
        return workspace_clock(self._source_settings())()
