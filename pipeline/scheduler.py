"""When runs happen inside the app: schedule, Run now and the demo's history, one at a time on a background thread.

Owns APScheduler. Pages see `Status`, never a thread. Imports `runner`, `demo` and the rooms below.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import types
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from pipeline.clock import system_now, workspace_clock
from pipeline.demo import collect_history, demo_settings, missing_days, start_simulator
from pipeline.errors import GarimpoError, RunInProgress, SettingsError
from pipeline.ledger import Ledger
from pipeline.progress import Progress
from pipeline.runner import RunRequest, new_run_id, run_pipeline
from pipeline.settings import Settings, load_settings
from pipeline.simulator.process import Spawned
from pipeline.workspace import Workspace, open_workspace

__all__ = ["DemoProgress", "Service", "Status", "crontab_trigger", "service"]

log = logging.getLogger(__name__)

STOP_S = 5.0
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLDER = "garimpo_service_holder"  # survives the app's hot reload, which forgets the project's own modules


@dataclass(frozen=True)
class DemoProgress:
    """The demo's history: `day` of `days` is being collected, as of `observed_on`."""

    day: int
    days: int
    observed_on: date


@dataclass(frozen=True)
class Status:
    """What the service is doing."""

    active: Progress | None = None
    demo: DemoProgress | None = None
    next_run_at: datetime | None = None
    last_error: str = ""


def crontab_trigger(line: str, timezone: str) -> CronTrigger:
    """A trigger for a crontab line whose weekday numbers mean what crontab means: 0 and 7 are Sunday."""
    fields = line.split()
    if len(fields) != 5:
        raise SettingsError(
            f"schedule = {line!r} is not a crontab line (minute hour day month weekday, as in '0 6 * * *'). "
            "Nothing was started."
        )
    fields[4] = re.sub(r"(?<![/\d])[0-7](?!\d)", lambda digit: WEEKDAYS[int(digit[0])], fields[4])
    try:
        return CronTrigger.from_crontab(" ".join(fields), timezone=ZoneInfo(timezone))
    except (ValueError, KeyError, OSError) as error:
        raise SettingsError(
            f"schedule = {line!r} in time zone {timezone!r} cannot be used: {error}. Nothing was started."
        ) from None


class Service:
    """The background half of the app; every method may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.workspace: Workspace = open_workspace(settings)
        self.ledger = Ledger(self.workspace.ledger)
        self._status, self._guard, self._stop = Status(), threading.Lock(), threading.Event()
        self._cancel = threading.Event()
        self._simulator: Spawned | None = None
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=ZoneInfo(settings.timezone),
        )

    @property
    def is_demo(self) -> bool:
        """Whether this app runs on its own simulated Spotify."""
        return self.settings.workspace_name == "demo" and self.settings.is_spotify

    def start(self) -> None:
        """Start the schedule; the demo begins its history, an empty workspace its first run."""
        trigger = crontab_trigger(self.settings.schedule, self.settings.timezone) if self.settings.schedule else None
        if self.is_demo:
            self._set(demo=DemoProgress(0, self.settings.demo_days, system_now().date()))
            self._scheduler.add_job(self._begin_demo, id="demo")
        elif not self.ledger.runs(limit=1):
            self._scheduler.add_job(self._run, args=[RunRequest("schedule")], id="first-run")
        if trigger is not None:
            self._scheduler.add_job(self._run, trigger, args=[RunRequest("schedule")], id="schedule")
        self._scheduler.start()

    def stop(self) -> None:
        """Cancel what runs, wait a few seconds for it, end the simulator."""
        self._stop.set()
        self._cancel.set()
        stopper = threading.Thread(target=self._scheduler.shutdown, kwargs={"wait": True}, daemon=True)
        stopper.start()
        stopper.join(STOP_S)
        if self._simulator is not None:
            self._simulator.close()
        self.ledger.close()

    def run_now(self, *, genres: Sequence[str] = (), max_requests: int | None = None) -> str:
        """The id of a run that starts at once; raises RunInProgress while another one goes."""
        with self._guard:
            if self._status.active is not None or self._status.demo is not None:
                raise RunInProgress("A run is in progress here. Wait for it or cancel it; nothing was started.")
            now = self._clock()
            run_id = new_run_id(now)
            self._status = replace(self._status, active=Progress(run_id, "button", now))
        self._scheduler.add_job(self._run, args=[RunRequest("button", tuple(genres), max_requests, run_id)], id=run_id)
        return run_id

    def cancel(self) -> bool:
        """Ask the active run to stop; False when there is none."""
        if self._status.active is None:
            return False
        self._cancel.set()
        return True

    def status(self) -> Status:
        """What goes on now."""
        job = self._scheduler.get_job("schedule")
        return replace(self._status, next_run_at=job.next_run_time if job else None)

    def _clock(self) -> datetime:
        return workspace_clock(self._source_settings())()

    def _source_settings(self) -> Settings:
        return demo_settings(self.settings, self._simulator) if self._simulator is not None else self.settings

    def _begin_demo(self) -> None:
        """Start the simulator and collect what is missing of the history."""
        try:
            self._simulator = start_simulator(self.settings)
            settings = self._source_settings()
            if missing_days(settings, system_now().date()):
                collect_history(settings, self._simulator, self._stop, on_day=self._on_day, report=self._report)
        except GarimpoError as error:
            log.warning("demo_failed %s", error)
            self._set(last_error=str(error))
        finally:
            self._set(demo=None, active=None)

    def _run(self, request: RunRequest) -> None:
        self._cancel = threading.Event()
        if self._stop.is_set():
            return
        try:
            result = run_pipeline(self._source_settings(), request, stop=self._cancel, report=self._report)
            self._set(last_error=result.message if result.state == "failed" else "")
        except GarimpoError as error:
            log.warning("run_failed %s", error)
            self._set(last_error=str(error))
        finally:
            self._set(active=None)

    def _on_day(self, day: int, days: int, observed_on: date) -> None:
        self._set(demo=DemoProgress(day, days, observed_on))

    def _report(self, progress: Progress) -> None:
        self._set(active=progress)

    def _set(self, **changes: object) -> None:
        with self._guard:
            self._status = replace(self._status, **changes)  # type: ignore[arg-type]


def service(settings: Settings | None = None) -> Service:
    """The process-wide service; made at the first call."""
    holder = sys.modules.setdefault(HOLDER, types.ModuleType(HOLDER))
    if not hasattr(holder, "service"):
        holder.service = Service(settings or load_settings())  # type: ignore[attr-defined]
    found: Service = holder.service
    return found
