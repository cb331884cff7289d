"""Word to people about runs that fail, recover or are put off, checks that break, genres that grow old, new releases.

Quiet by default: nothing is sent without addresses, and each cause is told once until it has gone, in the language of
the settings: a message has no browser that could choose. Addresses are Apprise's, and secret. Owns apprise, an optional
package. Imports `events`, `items`, `ledger`, `progress`, `settings`, `lock`, and `text` and `words` once there is
something to tell: they bring Babel, which no command needs before.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pipeline.errors import SettingsError
from pipeline.records.events import note
from pipeline.records.ledger import Ledger
from pipeline.records.lock import find_crashed
from pipeline.runs.items import run_tasks
from pipeline.runs.progress import RunResult
from pipeline.settings import Settings
from pipeline.workspace import Workspace

if TYPE_CHECKING:
    from pipeline.text import Text

__all__ = ["Notifier", "bury_crashed", "check_notifications", "notifier", "try_notifications"]

log = logging.getLogger(__name__)

TITLE = "Garimpo"
RELEASES_REMEMBERED = timedelta(days=60)  # twice as long as one is news
MOST_NAMED = 20  # releases that one message names; of more it says how many
INSTALL = "install it with `pip install 'apprise>=2.2'`, or leave GARIMPO_NOTIFY_URLS empty"
Send = Callable[[str, str, str], bool]  # title, message, and which of Apprise's four types it is
Say = Callable[[], str]
# How grave each kind is: services show it by a colour or a sign.
TYPES = {
    "failure": "failure",
    "blocking check": "failure",
    "recovery": "success",
    "deferral": "warning",
    "stale genre": "warning",
    "new release": "info",
}


@dataclass(frozen=True)
class Notifier:
    """Tells causes once: what was told is kept in the ledger of the workspace. `send` gives whether it arrived.

    In a language of the catalogue, with instants of a time zone.
    """

    ledger: Ledger
    workspace: str
    send: Send
    language: str = "en"
    zone: str = "UTC"

    @cached_property
    def text(self) -> Text:
        """What says it in that language."""
        from pipeline.text import Text

        return Text(self.language, self.zone)

    def run_ended(self, result: RunResult) -> None:
        """Failure and deferral when they begin, recovery when they end; a cancelled run tells nothing."""
        run_id, why = result.run_id, result.message
        if result.state == "cancelled":
            return
        if result.state == "failed":
            broken = [row["task"] for row in run_tasks(self.ledger, run_id) if row["state"] == "failed"]
            kind = "blocking check" if self._was_refused(run_id) else "failure"
            self._tell(f"run:{broken[0] if broken else 'run'}", kind, lambda: self._failed(run_id, broken, why))
            return
        self._clear("run:", lambda: self.text("Run {id} went well again.", id=run_id))
        if result.state == "deferred":
            self._tell("deferral", "deferral", lambda: self._put_off(run_id, why))
        else:
            self._forget(["deferral"])

    def run_refused(self, message: str) -> None:
        """A run that could not even start."""
        said = self._said
        self._tell("run:start", "failure", lambda: self.text("A run could not start: {why}", why=said(message)))

    def run_crashed(self, run_id: str) -> None:
        """A run whose process is gone."""
        self._tell("run:crash", "failure", lambda: self._crashed(run_id))

    def genres_seen(self, stale: Sequence[str]) -> None:
        """Genres older than they should be: those that were not told yet, in one message."""
        fresh = self._untold("stale:", dict(zip(stale, stale, strict=True)))
        named = ", ".join(fresh.values())
        if fresh and self._sent("stale genre", lambda: self.text("Older than they should be: {genres}.", genres=named)):
            self._remember("stale genre", fresh)

    def releases_seen(self, lines: Mapping[str, str]) -> None:
        """New releases, a line each by id, the newest first: those that were not told yet, in one message.

        What was told is remembered for as long as it may come again: its artist may be off the list for a while.
        """
        fresh = self._untold("release:", lines, RELEASES_REMEMBERED)
        if fresh and self._sent("new release", lambda: self._releases(list(fresh.values()))):
            self._remember("new release", fresh)

    @property
    def reaches_somebody(self) -> bool:
        """Whether anything is sent at all."""
        return self.send is not _nobody

    def _was_refused(self, run_id: str) -> bool:
        refused = "SELECT 1 FROM check_results WHERE run_id = ? AND severity = 'blocking' AND violations > 0"
        return bool(self.ledger.read(refused, (run_id,)))

    def _failed(self, run_id: str, broken: Sequence[str], why: str) -> str:
        from pipeline.watching.words import task_label

        if not broken:
            return self.text("Run {id} failed: {why}", id=run_id, why=self._said(why))
        task = task_label(broken[0], self.text)
        return self.text("Run {id} failed ({task}): {why}", id=run_id, task=task, why=self._said(why))

    def _crashed(self, run_id: str) -> str:
        return self.text("Run {id} ended without a word; what it committed is kept.", id=run_id)

    def _put_off(self, run_id: str, why: str) -> str:
        return self.text("Run {id} was put off: {why}", id=run_id, why=self._said(why))

    def _releases(self, lines: list[str]) -> str:
        text, more = self.text, len(lines) - MOST_NAMED
        rest = [text("and {count} more", count=text.number(more))] if more > 0 else []
        return "\n".join((text("Of artists you follow:"), *lines[:MOST_NAMED], *rest))

    def _said(self, message: str) -> str:
        """What the pipeline says, in the language of whoever is told."""
        from pipeline.watching.words import told

        return told(message, self.text)

    def _tell(self, cause: str, kind: str, say: Say) -> None:
        if cause not in self._told(cause) and (said := self._sent(kind, say)):
            self._remember(kind, {cause: said})

    def _clear(self, prefix: str, say: Say) -> None:
        """Forget causes that have gone, and say so once."""
        if (gone := self._told(prefix)) and self._sent("recovery", say):
            self._forget(gone)

    def _untold(self, prefix: str, present: Mapping[str, str], remembered: timedelta | None = None) -> dict[str, str]:
        """Causes that are present and were not told yet; those that are there no more are forgotten after a while."""
        causes, told = {f"{prefix}{name}": text for name, text in present.items()}, self._told(prefix)
        old = self._told(prefix, self.ledger.now() - remembered) if remembered else told
        self._forget(old - causes.keys())
        return {cause: text for cause, text in causes.items() if cause not in told}

    def _told(self, prefix: str, until: datetime | None = None) -> set[str]:
        """Causes of a kind that were told, or were by an instant."""
        by = "" if until is None else "AND since <= ?"
        at = () if until is None else (until.timestamp(),)
        query = f"SELECT cause FROM notices WHERE substr(cause, 1, ?) = ? {by}"
        rows = self.ledger.read(query, (len(prefix), prefix, *at))
        return {str(row["cause"]) for row in rows}

    def _sent(self, kind: str, say: Say) -> str:
        """What was said, where it arrived; else empty."""
        if not self.reaches_somebody:
            return ""
        message = say()
        arrived = self.send(f"{TITLE} ({self.workspace}): {_kind_label(kind, self.text)}", message, TYPES[kind])
        level = logging.INFO if arrived else logging.WARNING
        said = "; ".join(message.splitlines())  # a log has one line for each event
        note(log, "notified" if arrived else "notify_failed", level=level, kind=kind, message=said)
        return message * arrived

    def _remember(self, kind: str, causes: Mapping[str, str]) -> None:
        at = self.ledger.now().timestamp()
        rows = [(cause, kind, message, at) for cause, message in causes.items()]
        with self.ledger.write(durable=False) as connection:
            connection.executemany("INSERT INTO notices VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", rows)

    def _forget(self, causes: Iterable[str]) -> None:
        if gone := [(cause,) for cause in causes]:
            with self.ledger.write(durable=False) as connection:
                connection.executemany("DELETE FROM notices WHERE cause = ?", gone)


def _kind_label(kind: str, text: Text) -> str:
    """What a message is about, as its title says."""
    labels = {
        "failure": text("failure"),
        "blocking check": text("blocking check"),
        "recovery": text("recovery"),
        "deferral": text("deferral"),
        "stale genre": text("stale genre"),
        "new release": text("new release"),
    }
    return labels[kind]


def bury_crashed(settings: Settings, workspace: Workspace, ledger: Ledger) -> None:
    """End runs whose process is gone, and tell of them."""
    for run_id in find_crashed(workspace, ledger):
        notifier(settings, ledger).run_crashed(run_id)


def notifier(settings: Settings, ledger: Ledger) -> Notifier:
    """The notifier of these settings; without addresses, or without apprise, it sends nothing and remembers nothing."""
    send = _apprise_send(settings.notify_urls.get_secret_value())
    return Notifier(ledger, settings.workspace_name, send, _language(settings), settings.timezone)


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
    return f"{len(urls)} {'address is' if len(urls) == 1 else 'addresses are'} notified"


def try_notifications(settings: Settings) -> str:
    """Send a word to each address, and say so; raises as `check_notifications`, and where one does not take it."""
    from pipeline.text import Text

    said, urls = check_notifications(settings), _split(settings.notify_urls.get_secret_value())
    text = Text(_language(settings), settings.timezone)
    kind, message = text("trial"), text("This is how notifications arrive.")
    title = f"{TITLE} ({settings.workspace_name}): {kind}"
    lost = [str(number) for number, url in enumerate(urls, 1) if not _apprise_send(url)(title, message, "info")]
    if lost:
        raise SettingsError(f"GARIMPO_NOTIFY_URLS: address {', '.join(lost)} of {len(urls)} did not take a trial.")
    return f"{said}, and took a trial" if urls else said


def _language(settings: Settings) -> str:
    return "en" if settings.language == "auto" else settings.language


def _apprise() -> Any:
    """The package; what it logs names addresses, which are secret, so it is silent here."""
    import apprise

    logging.getLogger("apprise").disabled = True
    return apprise


def _apprise_send(urls: str) -> Send:
    def send(title: str, body: str, notify_type: str) -> bool:
        if not urls or find_spec("apprise") is None:
            if urls:
                log.warning("notify_unavailable apprise is missing: %s", INSTALL)
            return False
        target = _apprise().Apprise()
        for url in _split(urls):
            target.add(url)
        return bool(target.notify(title=title, body=body, notify_type=notify_type))

    return send if urls else _nobody


def _nobody(_title: str, _body: str, _type: str) -> bool:
    return False


def _split(urls: str) -> list[str]:
    return [url for url in urls.replace(",", " ").split() if url]
