"""Word to people about runs that fail, recover or are put off, checks that break, genres that grow old.

Quiet by default: nothing is sent without addresses, and each cause is told once until it has gone. Addresses are
Apprise's, and secret. Owns apprise, an optional package. Imports `events`, `items`, `ledger`, `progress`, `settings`,
`lock`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from pipeline.errors import SettingsError
from pipeline.records.events import note
from pipeline.records.ledger import Ledger
from pipeline.records.lock import find_crashed
from pipeline.runs.items import run_tasks
from pipeline.runs.progress import RunResult
from pipeline.settings import Settings
from pipeline.workspace import Workspace

__all__ = ["Notifier", "bury_crashed", "check_notifications", "notifier"]

log = logging.getLogger(__name__)

TITLE = "Garimpo"
INSTALL = "install it with `pip install 'apprise>=2.2'`, or leave GARIMPO_NOTIFY_URLS empty"
Send = Callable[[str, str], bool]


@dataclass(frozen=True)
class Notifier:
    """Tells causes once: what was told is kept in the ledger of the workspace. `send` gives whether it arrived."""

    ledger: Ledger
    workspace: str
    send: Send

    def run_ended(self, result: RunResult) -> None:
        """Failure and deferral when they begin, recovery when they end; a cancelled run tells nothing."""
        if result.state == "cancelled":
            return
        if result.state == "failed":
            broken = [row["task"] for row in run_tasks(self.ledger, result.run_id) if row["state"] == "failed"]
            task = broken[0] if broken else "run"
            kind = "blocking check" if self._was_refused(result.run_id) else "failure"
            self._tell(f"run:{task}", kind, f"Run {result.run_id} failed in {task}: {result.message}")
            return
        self._clear("run:", f"Run {result.run_id} went well again.")
        if result.state == "deferred":
            self._tell("deferral", "deferral", f"Run {result.run_id} was put off: {result.message}")
        else:
            self._forget("deferral")

    def run_refused(self, message: str) -> None:
        """A run that could not even start."""
        self._tell("run:start", "failure", f"A run could not start: {message}")

    def run_crashed(self, run_id: str) -> None:
        """A run whose process is gone."""
        self._tell("run:crash", "failure", f"Run {run_id} ended without a word; what it committed is kept.")

    def genres_seen(self, stale: Sequence[str]) -> None:
        """Genres older than they should be: those that were not told yet, in one message."""
        known = {str(row["cause"]) for row in self.ledger.read("SELECT cause FROM notices WHERE cause LIKE 'stale:%'")}
        for cause in known - {f"stale:{genre}" for genre in stale}:
            self._forget(cause)
        fresh = [genre for genre in stale if f"stale:{genre}" not in known]
        if fresh and self._sent("stale genre", f"Older than they should be: {', '.join(fresh)}."):
            for genre in fresh:
                self._remember(f"stale:{genre}", "stale genre", genre)

    def _was_refused(self, run_id: str) -> bool:
        refused = "SELECT 1 FROM check_results WHERE run_id = ? AND severity = 'blocking' AND violations > 0"
        return bool(self.ledger.read(refused, (run_id,)))

    def _tell(self, cause: str, kind: str, message: str) -> None:
        told = self.ledger.read("SELECT 1 FROM notices WHERE cause = ?", (cause,))
        if not told and self._sent(kind, message):
            self._remember(cause, kind, message)

    def _clear(self, prefix: str, message: str) -> None:
        """Forget causes that have gone, and say so once."""
        if self.ledger.read("SELECT 1 FROM notices WHERE cause LIKE ?", (f"{prefix}%",)) and self._sent(
            "recovery", message
        ):
            self._forget(f"{prefix}%")

    def _sent(self, kind: str, message: str) -> bool:
        if self.send is _nobody:
            return False
        arrived = self.send(f"{TITLE} ({self.workspace}): {kind}", message)
        level = logging.INFO if arrived else logging.WARNING
        note(log, "notified" if arrived else "notify_failed", level=level, kind=kind, message=message)
        return arrived

    def _remember(self, cause: str, kind: str, message: str) -> None:
        with self.ledger.write(durable=False) as connection:
            row = (cause, kind, message, self.ledger.now().timestamp())
            connection.execute("INSERT INTO notices VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row)

    def _forget(self, cause: str) -> None:
        with self.ledger.write(durable=False) as connection:
            connection.execute("DELETE FROM notices WHERE cause LIKE ?", (cause,))


def bury_crashed(settings: Settings, workspace: Workspace, ledger: Ledger) -> None:
    """End runs whose process is gone, and tell of them."""
    for run_id in find_crashed(workspace, ledger):
        notifier(settings, ledger).run_crashed(run_id)


def notifier(settings: Settings, ledger: Ledger) -> Notifier:
    """The notifier of these settings; without addresses, or without apprise, it sends nothing and remembers nothing."""
    return Notifier(ledger, settings.workspace_name, _apprise_send(settings.notify_urls.get_secret_value()))


def check_notifications(settings: Settings) -> str:
    """A sentence on where notifications go; raises SettingsError when they would go nowhere."""
    urls = _split(settings.notify_urls.get_secret_value())
    if not urls:
        return "nobody is notified (GARIMPO_NOTIFY_URLS is empty)"
    if find_spec("apprise") is None:
        raise SettingsError(f"GARIMPO_NOTIFY_URLS is set, but apprise is missing: {INSTALL}.")
    apprise = _apprise()
    understood = [apprise.Apprise.instantiate(url, suppress_exceptions=True) is not None for url in urls]
    if not all(understood):
        wrong = ", ".join(str(number) for number, is_good in enumerate(understood, start=1) if not is_good)
        raise SettingsError(f"GARIMPO_NOTIFY_URLS: address {wrong} of {len(urls)} is none that Apprise understands.")
    return f"{len(urls)} addresses are notified"


def _apprise() -> Any:
    """The package; what it logs names addresses, which are secret, so it is silent here."""
    import apprise

    logging.getLogger("apprise").disabled = True
    return apprise


def _apprise_send(urls: str) -> Send:
    def send(title: str, body: str) -> bool:
        if not urls or find_spec("apprise") is None:
            if urls:
                log.warning("notify_unavailable apprise is missing: %s", INSTALL)
            return False
        target = _apprise().Apprise()
        for url in _split(urls):
            target.add(url)
        return bool(target.notify(title=title, body=body))

    return send if urls else _nobody


def _nobody(_title: str, _body: str) -> bool:
    return False


def _split(urls: str) -> list[str]:
    return [url for url in urls.replace(",", " ").split() if url]
