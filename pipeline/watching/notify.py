"""Word to people about runs that fail, recover or are put off, checks that break, genres that grow old, new releases.

Quiet by default: nothing is sent without addresses, and each cause is told once until it has gone. Addresses are
Apprise's, and secret. Owns apprise, an optional package. Imports `events`, `items`, `ledger`, `progress`, `settings`,
`lock`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
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
MOST_NAMED = 20  # releases that one message names; of more it says how many
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
            self._forget(["deferral"])

    def run_refused(self, message: str) -> None:
        """A run that could not even start."""
        self._tell("run:start", "failure", f"A run could not start: {message}")

    def run_crashed(self, run_id: str) -> None:
        """A run whose process is gone."""
        self._tell("run:crash", "failure", f"Run {run_id} ended without a word; what it committed is kept.")

    def genres_seen(self, stale: Sequence[str]) -> None:
        """Genres older than they should be: those that were not told yet, in one message."""
        fresh = self._untold("stale:", dict(zip(stale, stale, strict=True)))
        if fresh and self._sent("stale genre", f"Older than they should be: {', '.join(fresh.values())}."):
            self._remember("stale genre", fresh)

    def releases_seen(self, lines: Mapping[str, str]) -> None:
        """New releases, a line each by id, the newest first: those that were not told yet, in one message."""
        fresh = self._untold("release:", lines)
        named = list(fresh.values())[:MOST_NAMED]
        if more := len(fresh) - len(named):
            named.append(f"and {more} more")
        if fresh and self._sent("new release", "\n".join(("Of artists you follow:", *named))):
            self._remember("new release", fresh)

    @property
    def reaches_somebody(self) -> bool:
        """Whether anything is sent at all."""
        return self.send is not _nobody

    def _was_refused(self, run_id: str) -> bool:
        refused = "SELECT 1 FROM check_results WHERE run_id = ? AND severity = 'blocking' AND violations > 0"
        return bool(self.ledger.read(refused, (run_id,)))

    def _tell(self, cause: str, kind: str, message: str) -> None:
        if cause not in self._told(cause) and self._sent(kind, message):
            self._remember(kind, {cause: message})

    def _clear(self, prefix: str, message: str) -> None:
        """Forget causes that have gone, and say so once."""
        if (gone := self._told(prefix)) and self._sent("recovery", message):
            self._forget(gone)

    def _untold(self, prefix: str, present: Mapping[str, str]) -> dict[str, str]:
        """Causes that are present and were not told yet; those that are there no more are forgotten."""
        causes, told = {f"{prefix}{name}": text for name, text in present.items()}, self._told(prefix)
        self._forget(told - causes.keys())
        return {cause: text for cause, text in causes.items() if cause not in told}

    def _told(self, prefix: str) -> set[str]:
        rows = self.ledger.read("SELECT cause FROM notices WHERE substr(cause, 1, ?) = ?", (len(prefix), prefix))
        return {str(row["cause"]) for row in rows}

    def _sent(self, kind: str, message: str) -> bool:
        if not self.reaches_somebody:
            return False
        arrived = self.send(f"{TITLE} ({self.workspace}): {kind}", message)
        level = logging.INFO if arrived else logging.WARNING
        said = "; ".join(message.splitlines())  # a log has one line for each event
        note(log, "notified" if arrived else "notify_failed", level=level, kind=kind, message=said)
        return arrived

    def _remember(self, kind: str, causes: Mapping[str, str]) -> None:
        at = self.ledger.now().timestamp()
        rows = [(cause, kind, message, at) for cause, message in causes.items()]
        with self.ledger.write(durable=False) as connection:
            connection.executemany("INSERT INTO notices VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", rows)

    def _forget(self, causes: Iterable[str]) -> None:
        if gone := [(cause,) for cause in causes]:
            with self.ledger.write(durable=False) as connection:
                connection.executemany("DELETE FROM notices WHERE cause = ?", gone)


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
