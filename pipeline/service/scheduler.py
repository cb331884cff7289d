"""When runs happen inside the app: schedules, Run now and the demo's history, one at a time on a background thread.

Owns APScheduler, which only beats time: once a second `take_due` asks the ledger what is due, so that schedules changed
by other processes, and times missed while nobody watched, are seen. Pages see `Status`, never a thread. Imports
`controls`, `runner`, `demo` and the rooms below.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import types
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from pipeline.clock import system_now
from pipeline.errors import GarimpoError, RunInProgress
from pipeline.priority import give_way
from pipeline.published.upgrade import publish_anew
from pipeline.records.ledger import COLLECTING
from pipeline.records.lock import is_run_locked
from pipeline.runs.progress import DemoProgress, Progress, Status
from pipeline.runs.runner import RunRequest, new_run_id, run_pipeline
from pipeline.service.controls import Controls
from pipeline.service.demo import collect_history, demo_settings, missing_days, start_simulator
from pipeline.settings import Settings, load_settings
from pipeline.simulator.process import Spawned
from pipeline.watching import schedules
from pipeline.watching.notify import bury_crashed, notifier
from pipeline.watching.schedules import Due
from pipeline.watching.status import InApp
from pipeline.watching.telling import tell_releases
from pipeline.watching.upkeep import catch_up, leave_alone, resume_newest, tell_missed
from pipeline.workspace import DEMO

__all__ = ["DemoProgress", "Service", "Status", "service"]

log = logging.getLogger(__name__)

STOP_S = 5.0
BEAT_S = 1.0
WARM_S = 0.5  # how often a new generation is looked for
LATE_S = 3.0  # without a beat for so long the clock may have been set back
DEAD_S = 60.0  # without a beat for so long the thread that beats is dead or stuck
BEATS_PER_LOOK = 10  # how often runs whose process is gone, and genres that grew old, are looked for
HOLDER = "garimpo_service_holder"  # survives the app's hot reload, which forgets the project's own modules


class Service(Controls):
    """The background half of the app; every method may be called from any thread."""

    def __init__(self, settings: Settings, now: Callable[[], datetime] = system_now) -> None:
        super().__init__(settings, now)
        self._beats, self._beat_at, self._beat_error = 0, 0.0, ""
        self._status, self._guard, self._stop = Status(), threading.Lock(), threading.Event()
        self._cancel = threading.Event()
        self._waiting: deque[RunRequest] = deque()
        self._simulator: Spawned | None = None
        self._scheduler = BackgroundScheduler(
            executors={  # runs, in the first, let pages go before them
                "default": ThreadPoolExecutor(1, {"initializer": give_way}),
                "beat": ThreadPoolExecutor(1),
                "warm": ThreadPoolExecutor(1),
            },
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone="UTC",
        )

    @property
    def is_demo(self) -> bool:
        """Whether this app runs on its own simulated Spotify."""
        return self.settings.workspace_name == DEMO and self.settings.is_spotify

    def start(self) -> None:
        """Watch the schedules; the demo begins its history, a workspace of which no run got anything a first one."""
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # or it tells of every beat, and of one that is late
        schedules.keep_default(self.ledger, self.settings.schedule, self.settings.timezone)
        bury_crashed(self.settings, self.workspace, self.ledger)
        if self.shown.is_old():
            self._scheduler.add_job(self._publish_anew, id="anew")  # before any run: those wait in the same line
        if self.is_demo:
            self._set(demo=DemoProgress(0, self.settings.demo_days, self._now().date()))
            self._scheduler.add_job(self._begin_demo, id="demo")
        elif not self.is_idle and not self.ledger.runs(1, where=f"{COLLECTING} AND r.state <> 'failed'"):
            self._waiting.append(RunRequest("schedule"))
        self._beat_at = time.monotonic()
        self._scheduler.add_job(self._beat, "interval", seconds=BEAT_S, id="beat", executor="beat")
        self._scheduler.add_job(self.shown.look, "interval", seconds=WARM_S, id="warm", executor="warm")
        self._scheduler.start()
        threading.Thread(target=self._keep_beating, name="keep-beating", daemon=True).start()

    def stop(self) -> None:
        """Cancel what runs, wait a few seconds for it, end the simulator."""
        self._stop.set()
        self._cancel.set()
        if self._scheduler.running:
            stopper = threading.Thread(target=self._scheduler.shutdown, kwargs={"wait": True}, daemon=True)
            stopper.start()
            stopper.join(STOP_S)
        if self._simulator is not None:
            self._simulator.close()
        self.ledger.close()

    # ---- runs

    def run_now(self, *, genres: Sequence[str] = (), max_requests: int | None = None, wait: bool = False) -> str:
        """The id of a run that starts at once; while another one goes it waits, or RunInProgress is raised."""
        return self._request(RunRequest("button", tuple(genres), max_requests), wait=wait)

    def retry(self, run_id: str, items: Sequence[str] = (), *, wait: bool = False) -> str:
        """The id of a run that asks again what `run_id` left, of all its items or these; raises as `run_now`."""
        return self._request(RunRequest("button", retry_of=run_id, items=tuple(items)), wait=wait)

    def cancel(self, run_id: str = "") -> bool:
        """Ask the active run, or one that waits or is of another process, to stop; False when there is none.

        Whoever looks sees it at once. Cancelled days of the demo's history are collected at the next start.
        """
        waiting = [request for request in self._waiting if request.run_id == run_id != ""]
        for request in waiting:
            self._waiting.remove(request)
        status = self._status
        mine = status.active.run_id if status.active else ""
        asked = self.ledger.request_cancel(run_id or mine)
        if run_id in ("", mine) and (mine or status.demo):
            self._cancel.set()
            return True
        return asked or bool(waiting)

    def status(self) -> Status:
        """What goes on now."""
        coming = [schedules.next_times(each, self._now(), 1) for each in self.schedules()]
        waiting = tuple(request.run_id for request in self._waiting if request.run_id)
        due = min((times[0] for times in coming if times and not self.is_idle), default=None)
        return replace(self._status, waiting=waiting, next_run_at=due)

    # ---- the beat

    def take_due(self) -> tuple[RunRequest, Due | None] | None:
        """The run that has to start now, claimed for this process; None while one goes here or elsewhere."""
        if self._stop.is_set() or self._status.active is not None or self._status.demo is not None:
            return None
        if self._waiting:
            return None if is_run_locked(self.workspace) else (self._waiting.popleft(), None)
        if self.is_idle:
            return None
        for due in schedules.due_schedules(self.ledger, self._now()):
            if not due.is_dropped and is_run_locked(self.workspace):
                return None
            run_id = "" if due.is_dropped else new_run_id(self._clock())
            if schedules.claim(self.ledger, due, run_id):
                tell_missed(self.ledger, due)
                if not due.is_dropped:
                    return _scheduled(due, run_id), due
        return None

    def _keep_beating(self) -> None:
        """Let the beat go on where the clock was set back: APScheduler would wait until that time has come again."""
        while not self._stop.wait(LATE_S):
            if time.monotonic() - self._beat_at > LATE_S:
                for name in ("beat", "warm"):
                    with suppress(JobLookupError):  # the app ends at this moment
                        self._scheduler.modify_job(name, next_run_time=system_now())

    def _beat(self) -> None:
        self._beats, self._beat_at = self._beats + 1, time.monotonic()
        try:
            if self._beats % BEATS_PER_LOOK == 0:
                self._look_around()
            taken = self.take_due()
        except GarimpoError as error:
            self._beat_error = str(error)
            self._set(last_error=self._beat_error)
            return
        if self._beat_error and self._status.last_error == self._beat_error:  # it was mended meanwhile
            self._set(last_error="")
        self._beat_error = ""
        if taken is not None:
            request, due = taken
            request = replace(request, run_id=request.run_id or new_run_id(self._clock()))
            if self._occupy(request):
                self._scheduler.add_job(self._run, args=[request, due], id=request.run_id)
            elif due is not None:
                schedules.unclaim(self.ledger, due)
            else:
                self._waiting.appendleft(request)

    def _look_around(self) -> None:
        """Notice runs whose process is gone, what was put off or cut off, and genres that grew old."""
        bury_crashed(self.settings, self.workspace, self.ledger)
        if self._status.active is None and self._status.demo is None and not self._waiting and not self.is_idle:
            wanted = resume_newest(self.ledger, self._clock()) or catch_up(
                self._source_settings(), self.workspace, self.ledger, self._now
            )
            self._waiting.extend([wanted] if wanted else [])

    def _request(self, request: RunRequest, *, wait: bool) -> str:
        request = replace(request, run_id=new_run_id(self._clock()))
        if not is_run_locked(self.workspace) and self._occupy(request):
            self._scheduler.add_job(self._run, args=[request], id=request.run_id)
        elif wait:
            self._waiting.append(request)
        else:
            raise RunInProgress("A run is in progress. Wait for it or cancel it; nothing was started.")
        return request.run_id

    def _occupy(self, request: RunRequest) -> bool:
        """Make this the active run; False when there is one."""
        with self._guard:
            if self._status.active is not None or self._status.demo is not None or self._stop.is_set():
                return False
            self._status = replace(self._status, active=Progress(request.run_id, request.trigger, self._now()))
            self._cancel = threading.Event()
            return True

    def _run(self, request: RunRequest, due: Due | None = None) -> None:
        try:
            result = run_pipeline(self._source_settings(), request, stop=self._cancel, report=self._report)
            if result.state == "cancelled" and not self._stop.is_set():  # perhaps before the ledger knew of it
                leave_alone(self.ledger, result.run_id)
            self._set(last_error=result.message if result.state == "failed" else "")
            notifier(self.settings, self.ledger).run_ended(result)
            tell_releases(self.settings, self.workspace, self.ledger)
        except RunInProgress as error:
            if due is None:
                self._set(last_error=str(error))
            else:
                schedules.unclaim(self.ledger, due)  # somebody was faster: it stays due
        except GarimpoError as error:
            log.warning("run_failed %s", error)
            self._set(last_error=str(error))
            notifier(self.settings, self.ledger).run_refused(str(error))
        finally:
            self._set(active=None)

    def _publish_anew(self) -> None:
        try:
            publish_anew(self.workspace, self.ledger)
        except GarimpoError as error:
            log.warning("not_published_anew %s", error)
            self._set(last_error=str(error))

    def _begin_demo(self) -> None:
        """Start the simulator and collect what is missing of the history."""
        try:
            self._simulator = start_simulator(self.settings)
            settings = self._source_settings()
            if missing_days(settings, system_now().date()):
                collect_history(settings, self._simulator, self._cancel, on_day=self._on_day, report=self._report)
        except GarimpoError as error:
            log.warning("demo_failed %s", error)
            self._set(last_error=str(error))
        finally:
            self._set(demo=None, active=None)

    def _in_app(self) -> InApp:
        still_s = time.monotonic() - self._beat_at if self._scheduler.running else 0.0
        broken, demo = f"the scheduler has stood still for {still_s:.0f} s", self._status.demo
        filling = f"the demo is being filled: day {max(demo.day, 1)} of {demo.days}" if demo else ""
        return InApp((broken,) if still_s > DEAD_S else (), filling)

    def _source_settings(self) -> Settings:
        return demo_settings(self.settings, self._simulator) if self._simulator is not None else self.settings

    def _on_day(self, day: int, days: int, observed_on: date) -> None:
        self._set(demo=DemoProgress(day, days, observed_on))

    def _report(self, progress: Progress) -> None:
        self._set(active=progress)

    def _set(self, **changes: object) -> None:
        with self._guard:
            self._status = replace(self._status, **changes)  # type: ignore[arg-type]


def _scheduled(due: Due, run_id: str) -> RunRequest:
    schedule = due.schedule
    notes = {"schedule": schedule.name, "due_at": due.due_at.isoformat(), "missed": str(len(due.missed))}
    return RunRequest("schedule", schedule.genres, schedule.max_requests, run_id, notes=notes)


def service(settings: Settings | None = None) -> Service:
    """The process-wide service; made at the first call."""
    holder = sys.modules.setdefault(HOLDER, types.ModuleType(HOLDER))
    if not hasattr(holder, "service"):
        holder.service = Service(settings or load_settings())  # type: ignore[attr-defined]
    found: Service = holder.service
    return found
