"""Who is told what: each cause once, recovery when it has gone, nothing without addresses, through a real webhook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipeline.errors import SettingsError, TaskFailed
from pipeline.integrations.steps import ask, settings_of
from pipeline.published.publish import publish
from pipeline.records.followed import follow
from pipeline.records.ledger import Ledger
from pipeline.records.opening import opened_ledger
from pipeline.runs.external import Owner
from pipeline.runs.items import end_run_task, plan_run_tasks
from pipeline.runs.progress import RunResult, TaskResult
from pipeline.service.scheduler import Service
from pipeline.settings import Settings
from pipeline.text import Text
from pipeline.watching.notify import Notifier, check_notifications, notifier
from pipeline.watching.telling import tell_run_end
from pipeline.workspace import open_workspace
from tests.apps import until
from tests.conftest import Clock
from tests.loopback import Asked, Sent, serving
from tests.payloads import album, albums_line, artist, commit, search_line
from tests.worlds import running_world, settings_for

# Apprise 2.2 loads a module of the standard library that is to go in Python 3.13, and has a replacement for it.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


class Outbox:
    """Keeps what is sent; can refuse it."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.works = True

    def send(self, title: str, body: str, _type: str) -> bool:
        """Whether it arrived."""
        if self.works:
            self.sent.append((title.rpartition(": ")[2], body))
        return self.works

    @property
    def kinds(self) -> list[str]:
        """What was told, in order."""
        return [kind for kind, _ in self.sent]


@pytest.fixture
def outbox() -> Outbox:
    """An empty outbox."""
    return Outbox()


@pytest.fixture
def tell(ledger: Ledger, outbox: Outbox) -> Notifier:
    """A notifier into the outbox."""
    return Notifier(ledger, "test", outbox.send)


def ended(ledger: Ledger, run_id: str, state: str, failed_task: str = "") -> RunResult:
    """A run that ended like that."""
    ledger.begin_run(run_id, "schedule", {}, 1)
    if failed_task:
        plan_run_tasks(ledger, run_id, [failed_task])
        end_run_task(ledger, run_id, vars(TaskResult(failed_task, "failed")))
    ledger.finish_run(run_id, state)
    return RunResult(run_id, state, "because", 1, 1, 1.0)


def test_failure_is_told_once(ledger: Ledger, tell: Notifier, outbox: Outbox) -> None:
    """Three failures of one task are one message, naming run, task and reason; the recovery is another."""
    for name in ("r1", "r2", "r3"):
        tell.run_ended(ended(ledger, name, "failed", "probe"))
    tell.run_ended(ended(ledger, "r4", "succeeded"))
    tell.run_ended(ended(ledger, "r5", "succeeded"))
    assert outbox.sent == [
        ("failure", "Run r1 failed (probing the source): because"),
        ("recovery", "Run r4 went well again."),
    ]


def test_other_cause_is_told(ledger: Ledger, tell: Notifier, outbox: Outbox) -> None:
    """Another task that fails is another cause, and a check that refused a generation is named as one."""
    tell.run_ended(ended(ledger, "r1", "failed", "probe"))
    with ledger.write() as connection:
        connection.execute(
            "INSERT INTO check_results (at, run_id, generation, name, severity, violations) "
            "VALUES (0, 'r2', 7, 'artists_unique', 'blocking', 1)"
        )
    tell.run_ended(ended(ledger, "r2", "failed", "publish"))
    assert outbox.kinds == ["failure", "blocking check"]


def test_deferral_is_told_once(ledger: Ledger, tell: Notifier, outbox: Outbox) -> None:
    """Runs put off day after day are one message; after one that was not, the next is told again."""
    for number, state in enumerate(("deferred", "deferred", "succeeded", "deferred", "cancelled")):
        tell.run_ended(ended(ledger, f"r{number}", state))
    assert outbox.kinds == ["deferral", "deferral"]


def test_stale_genres_are_told_together(tell: Notifier, outbox: Outbox) -> None:
    """Genres that grew old are one message; later only those that are new, and again after they were fresh."""
    tell.genres_seen(["forró", "axé"])
    tell.genres_seen(["forró", "axé", "choro"])
    tell.genres_seen(["axé", "choro"])
    tell.genres_seen(["forró", "axé", "choro"])
    assert [body for _, body in outbox.sent] == [
        "Older than they should be: forró, axé.",
        "Older than they should be: choro.",
        "Older than they should be: forró.",
    ]


def test_undelivered_word_is_told_again(ledger: Ledger, tell: Notifier, outbox: Outbox) -> None:
    """What did not arrive is not taken for told."""
    outbox.works = False
    tell.run_ended(ended(ledger, "r1", "failed", "probe"))
    outbox.works = True
    tell.run_ended(ended(ledger, "r2", "failed", "probe"))
    assert outbox.sent == [("failure", "Run r2 failed (probing the source): because")]


def test_releases_are_told_once(tell: Notifier, outbox: Outbox, clock: Clock) -> None:
    """New releases are one message, a line each, and no second one, also when an artist was off the list a while."""
    tell.releases_seen({"b2": "Second", "b1": "First"})
    tell.releases_seen({"b3": "Third", "b2": "Second"})
    for seen in ({"b3": "Third"}, {}, {"b3": "Third"}):
        clock.move(days=10)
        tell.releases_seen(seen)
    assert outbox.sent == [
        ("new release", "Of artists you follow:\nSecond\nFirst"),
        ("new release", "Of artists you follow:\nThird"),
    ]


def test_many_releases_are_counted(tell: Notifier, outbox: Outbox) -> None:
    """A message names twenty and says how many more there are; these are told as well, and not again."""
    many = {f"b{number}": f"Line {number}" for number in range(23)}
    tell.releases_seen(many)
    tell.releases_seen(many)
    assert [body.splitlines()[-2:] for _, body in outbox.sent] == [["Line 19", "and 3 more"]]


@contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A web server on this machine: its address for Apprise, and what it was sent."""
    received: list[dict[str, Any]] = []

    def note(asked: Asked) -> Sent:
        received.append(json.loads(asked.body))
        return Sent()

    with serving(note) as server:
        yield f"json{server.url.removeprefix('http')}/hook", received


def test_webhook_receives_it(ledger: Ledger) -> None:
    """Through Apprise a failure and its end reach a web server, with workspace, kind, message and how grave it is."""
    with webhook() as (address, received):
        settings = Settings(notify_urls=SecretStr(address), workspace="test")
        notifier(settings, ledger).run_ended(ended(ledger, "r1", "failed", "probe"))
        notifier(settings, ledger).run_ended(ended(ledger, "r2", "succeeded"))
    assert [(row["title"], row["message"], row["type"]) for row in received] == [
        ("Garimpo (test): failure", "Run r1 failed (probing the source): because", "failure"),
        ("Garimpo (test): recovery", "Run r2 went well again.", "success"),
    ]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Run dead ended without a word; what it committed is kept.", "A run could not start"]),
        ("pt_BR", ["A coleta dead terminou sem aviso; o que ela gravou fica guardado.", "Uma coleta não pôde começar"]),
    ],
)
def test_headless_runs_tell_as_well(inside: Any, tmp_path: Path, language: str, words: list[str]) -> None:
    """From the command line a dead run, one that cannot start and one that fails are told, each once."""
    with webhook() as (address, received):
        settings = {"GARIMPO_DATA": str(tmp_path), "GARIMPO_WORKSPACE": "test", "GARIMPO_NOTIFY_URLS": address}
        settings |= {"GARIMPO_LANGUAGE": language}
        with opened_ledger(Settings(data=tmp_path, workspace="test")) as (_, opened):
            opened.begin_run("dead", "cli", {}, 1)
        assert [inside(settings, tmp_path, "run")[0] for _ in range(2)] == [2, 2]
    assert [row["message"].split(":")[0] for row in received] == words


def test_runs_of_other_systems_tell_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How a run ended that an orchestrator began is told once, however often that is asked."""
    given = {"SPOTIPY_CLIENT_ID": "i", "SPOTIPY_CLIENT_SECRET": "s", "GARIMPO_API_URL": "http://127.0.0.1:9/v1/"}
    for name, value in {**given, "GARIMPO_TOKEN_URL": "http://127.0.0.1:9/token", "GARIMPO_DATA": "kept"}.items():
        monkeypatch.setenv(name, value)
    with webhook() as (address, received):
        monkeypatch.setenv("GARIMPO_NOTIFY_URLS", address)
        run_id = ask("begin_run", Owner("cron", "night-1"), folder=tmp_path)
        for _ in range(2):
            with pytest.raises(TaskFailed):
                ask("end_run", run_id, folder=tmp_path)
    assert [(row["title"], row["message"].partition(":")[0]) for row in received] == [
        ("Garimpo (simulator): failure", f"Run {run_id} failed")
    ]


def test_run_that_goes_on_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a run could not be ended, nobody hears that it went well, and the failure before stands as told."""
    monkeypatch.chdir(tmp_path)
    with webhook() as (address, received):
        for name, value in {"GARIMPO_NOTIFY_URLS": address, "GARIMPO_DATA": "kept", "GARIMPO_WORKSPACE": "t"}.items():
            monkeypatch.setenv(name, value)
        settings = settings_of(tmp_path)
        with opened_ledger(settings) as (_, opened):
            opened.begin_run("going", "cli", {}, 1)
        tell_run_end(settings, RunResult("before", "failed", "because", 1, 1, 1.0))
        with pytest.raises(SettingsError, match="going is not a run of another system"):
            ask("end_run", "going", folder=tmp_path)
    assert [row["message"] for row in received] == ["Run before failed: because"]


def test_releases_of_the_followed_arrive(tmp_path: Path) -> None:
    """After a headless run what followed artists released in a month reaches the web server, once, with its link."""
    with webhook() as (address, received):
        settings = Settings(data=tmp_path, workspace="test", notify_urls=SecretStr(address))
        workspace = open_workspace(settings)
        with closing(Ledger(workspace.ledger)) as opened:
            follow(opened, ["a1"])
            today = opened.now().date()
            days = {"new": today, "edge": today - timedelta(29), "old": today - timedelta(30)}
            link = "https://open.spotify.com/album/"
            released = [
                album(name, album_type="single", release_date=f"{day}", external_urls={"spotify": f"{link}{name}"})
                for name, day in days.items()
            ]
            commit(workspace, opened, "b", search_line(artist("a1"), day=f"{today}"), albums_line(*released))
            publish(workspace, opened)
        for _ in range(2):
            tell_run_end(settings, RunResult("r1", "succeeded", "", 1, 1, 1.0))
    assert [row["message"].splitlines() for row in received if "release" in row["title"]] == [
        [
            "Of artists you follow:",
            f"{Text().day(today)} Album new (Artist a1) {link}new",
            f"{Text().day(days['edge'])} Album edge (Artist a1) {link}edge",
        ]
    ]


def test_runs_in_the_app_tell_of_releases(tmp_path: Path, clock: Clock) -> None:
    """A run of the app tells what it published of followed artists, too."""
    with running_world(now=clock.now().isoformat()) as simulator, webhook() as (address, received):
        settings = settings_for(simulator, tmp_path, schedule="", notify_urls=SecretStr(address), max_requests=1)
        service = Service(settings, clock.now)
        today = clock.now().date()
        follow(service.ledger, ["a1"])
        new = album("new", album_type="single", release_date=f"{today}")
        commit(service.workspace, service.ledger, "b", search_line(artist("a1"), day=f"{today}"), albums_line(new))
        service.start()
        try:
            service.run_now()
            told = until(lambda: [row["message"] for row in received if "release" in row["title"]])
        finally:
            service.stop()
    assert told == [f"Of artists you follow:\n{Text().day(today)} Album new (Artist a1)"]


def test_releases_wait_for_a_generation(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where nothing can be read yet that is logged; the word on the run is sent all the same."""
    with webhook() as (address, received):
        settings = Settings(data=tmp_path, workspace="test", notify_urls=SecretStr(address))
        with opened_ledger(settings) as (_, opened):
            follow(opened, ["a1"])
            opened.begin_run("r1", "cli", {}, 1)
        tell_run_end(settings, RunResult("r1", "failed", "because", 1, 1, 1.0))
    assert [row["message"] for row in received if "failure" in row["title"]] == ["Run r1 failed: because"]
    assert "releases_not_told" in caplog.text


def test_nobody_is_told_by_default(ledger: Ledger) -> None:
    """Without addresses nothing is sent, kept or logged, so that the first address hears of the next failure."""
    notifier(Settings(), ledger).run_ended(ended(ledger, "r1", "failed", "probe"))
    assert ledger.read("SELECT * FROM notices") == ledger.read("SELECT * FROM events") == []
    assert check_notifications(Settings()) == "nobody is notified (GARIMPO_NOTIFY_URLS is empty)"


def test_wrong_address_is_found(caplog: pytest.LogCaptureFixture) -> None:
    """An address that Apprise does not understand is told by its place, never by what it says."""
    settings = Settings(notify_urls=SecretStr("json://127.0.0.1/a nonsense-hush"))
    with pytest.raises(SettingsError, match="address 2 of 2") as refused:
        check_notifications(settings)
    assert [text for text in (str(refused.value), repr(settings), caplog.text) if "hush" in text] == []
