"""How old each genre is, and what the service does about genres that grew old."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import SettingsError
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from pipeline.simulator.server import Running
from pipeline.watching.freshness import GenreFreshness, genre_freshness, own_targets, set_target, stale_genres
from pipeline.watching.schedules import Schedule, add_schedule, pause_schedule
from pipeline.watching.status import InApp, health, workspace_status
from pipeline.watching.upkeep import CUT_OFF, catch_up, plan_catch_up, resume_newest
from pipeline.workspace import Workspace, open_workspace
from tests.payloads import artist, commit, search_line
from tests.worlds import collect, genre_names, running_world, settings_for


@pytest.fixture(scope="module")
def world() -> Iterator[Running]:
    """Eight artists."""
    with running_world() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def read(world: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run on 10 March left, in which every genre was read."""
    folder = tmp_path_factory.mktemp("read")
    collect(world, folder)
    return folder


@pytest.fixture
def read_once(world: Running, read: Path, tmp_path: Path, clock: Any) -> Iterator[tuple[Settings, Workspace, Ledger]]:
    """A workspace in which every genre was read on 10 March, with a schedule."""
    shutil.copytree(read, tmp_path, dirs_exist_ok=True)
    world.set_clock("2026-03-10T12:00:00Z")
    settings = settings_for(world, tmp_path)
    workspace = open_workspace(settings)
    opened = Ledger(workspace.ledger, clock.now)
    add_schedule(opened, Schedule("daily", "cron", "0 6 * * *", "UTC"))
    yield settings, workspace, opened
    opened.close()


def test_age_is_counted_in_days(world: Running, read_once: tuple[Settings, Workspace, Ledger]) -> None:
    """A genre is fresh up to the target age, which may be a setting, stale beyond, unread where it never was."""
    settings, workspace, ledger = read_once
    genre, first = genre_names(world)[0], date(2026, 3, 10)
    ages = [genre_freshness(workspace, ledger, settings, first + timedelta(days=days), [genre])[0] for days in (1, 2)]
    assert ages == [
        GenreFreshness(genre, first, 1, 1, "fresh"),
        GenreFreshness(genre, first, 2, 1, "stale"),
    ]
    [never] = genre_freshness(workspace, ledger, settings, first, ["polka"])
    assert (never.state, never.read_on) == ("unread", None)
    patient = settings.model_copy(update={"fresh_days": 30})
    rows = genre_freshness(workspace, ledger, patient, date(2026, 4, 1))
    assert (stale_genres(rows), rows[0].target_days) == ((), 30)


def test_genre_has_its_own_target(world: Running, read_once: tuple[Settings, Workspace, Ledger], clock: Any) -> None:
    """A target of its own holds for one genre until it is taken back; genres of schedules are watched, too."""
    settings, workspace, ledger = read_once
    genre, day = genre_names(world)[0], date(2026, 3, 12)
    set_target(ledger, genre, 5)
    add_schedule(ledger, Schedule("polka", "cron", "0 6 * * *", "UTC", ("polka",)))
    states = {row.genre: row.state for row in genre_freshness(workspace, ledger, settings, day)}
    assert (states[genre], states[genre_names(world)[1]], states["polka"]) == ("fresh", "stale", "unread")
    with pytest.raises(SettingsError, match="less than 1"):
        set_target(ledger, genre, 0)
    set_target(ledger, genre, None)
    assert (own_targets(ledger), genre_freshness(workspace, ledger, settings, day)[0].state) == ({}, "stale")


def test_deferred_run_goes_on_when_due(ledger: Ledger, clock: Any) -> None:
    """What the app's newest run put off is asked once its time has come, once, while some schedule may run."""
    ledger.begin_run("late", "button", {}, 1)
    ledger.finish_run("late", "deferred", "the quota is used up", clock.now() + timedelta(hours=2))
    assert resume_newest(ledger, clock.now() + timedelta(hours=3)) is None
    add_schedule(ledger, Schedule("daily", "cron", "0 6 * * *", "UTC"))
    assert resume_newest(ledger, clock.now() + timedelta(hours=1)) is None
    request = resume_newest(ledger, clock.now() + timedelta(hours=3))
    assert (request.retry_of, request.trigger) == ("late", "schedule")
    assert resume_newest(ledger, clock.now() + timedelta(hours=4)) is None


def test_import_hides_no_deferral(ledger: Ledger, clock: Any) -> None:
    """History that was brought in since is no run that could have gone on with it."""
    add_schedule(ledger, Schedule("daily", "cron", "0 6 * * *", "UTC"))
    ledger.begin_run("late", "schedule", {}, 1)
    ledger.finish_run("late", "deferred", "the quota is used up", clock.now())
    clock.move(hours=1)
    ledger.begin_run("brought", "import", {}, 1)
    ledger.finish_run("brought", "succeeded")
    request = resume_newest(ledger, clock.now())
    assert request is not None
    assert request.retry_of == "late"


@pytest.mark.parametrize(
    ("state", "trigger", "asked", "reason", "hours", "goes_on"),
    [
        ("crashed", "schedule", False, "", 1, True),
        ("cancelled", "button", False, "", 23, True),
        ("cancelled", "schedule", False, CUT_OFF, 1, True),
        ("cancelled", "schedule", True, "", 1, False),
        ("crashed", "schedule", True, "", 1, False),
        ("crashed", "schedule", False, CUT_OFF, 1, False),
        ("crashed", "schedule", False, "", 25, False),
        ("crashed", "cli", False, "", 1, False),
    ],
    ids=[
        "crash",
        "end of the app",
        "twice",
        "by hand",
        "by hand, killed",
        "crashes again",
        "a day ago",
        "not the app's",
    ],
)
def test_run_cut_off_goes_on(
    ledger: Ledger, clock: Any, *, state: str, trigger: str, asked: bool, reason: str, hours: int, goes_on: bool
) -> None:
    """What a crash or the end of the app kept a run from is asked once, within a day; who cancelled a run meant it."""
    add_schedule(ledger, Schedule("daily", "cron", "0 6 * * *", "UTC"))
    ledger.begin_run("cut", trigger, {"reason": reason}, 1)
    if asked:
        assert ledger.request_cancel("cut")
    ledger.finish_run("cut", state)
    now = clock.now() + timedelta(hours=hours)
    requests = [resume_newest(ledger, now) for _ in range(2)]
    assert [request.retry_of if request else "" for request in requests] == ["cut" if goes_on else "", ""]


def test_foreign_deferral_is_left_alone(ledger: Ledger, clock: Any) -> None:
    """A run from the command line is started again by whoever started it."""
    add_schedule(ledger, Schedule("daily", "cron", "0 6 * * *", "UTC"))
    ledger.begin_run("late", "cli", {}, 1)
    ledger.finish_run("late", "deferred", "the quota is used up", clock.now())
    assert resume_newest(ledger, clock.now() + timedelta(hours=1)) is None


def test_old_genres_are_caught_up(world: Running, read_once: tuple[Settings, Workspace, Ledger], clock: Any) -> None:
    """Genres that grew old get one run a day; none when every schedule is paused."""
    settings, workspace, ledger = read_once
    assert catch_up(settings, workspace, ledger, clock.now) is None
    world.advance(3 * 86_400)
    request = catch_up(settings, workspace, ledger, clock.now)
    assert (set(request.genres), request.trigger) == (set(genre_names(world)), "schedule")
    assert catch_up(settings, workspace, ledger, clock.now) is None
    assert plan_catch_up(settings, workspace, ledger, clock.now).until == clock.now() + timedelta(days=1)
    clock.move(days=1)
    assert plan_catch_up(settings, workspace, ledger, clock.now).verdict == "due"
    pause_schedule(ledger, "daily")
    assert catch_up(settings, workspace, ledger, clock.now) is None
    assert plan_catch_up(settings, workspace, ledger, clock.now).verdict == "paused"


def test_health_tells_the_essentials(world: Running, read_once: tuple[Settings, Workspace, Ledger], clock: Any) -> None:
    """Health says version, generation and its age, disk, budget, next run and what is wrong."""
    settings, workspace, ledger = read_once
    found = health(settings, workspace, ledger, clock.now)
    assert (found["generation"], found["last_run"]["state"], found["last_error"]) == (1, "succeeded", "")
    assert found["next_run_at"] == clock.now() + timedelta(days=1)
    assert set(found["budget"]["search"]) == {"used", "ceiling", "left", "locked_until", "reason"}
    assert found["disk"]["free_bytes"] > 0
    ledger.begin_run("dead", "cli", {}, 1)
    told = workspace_status(settings)
    assert (told["status"], told["problems"][0].startswith("the last run crashed")) == ("attention", True)
    assert (found["last_run"]["params"]["genres"], told["last_run"]["params"]) == (list(settings.genres), {})
    assert health(settings, workspace, ledger, clock.now, InApp(("it stands still",)))["status"] == "failing"


def test_demo_is_known_to_be_filled(tmp_path: Path, clock: Any) -> None:
    """Other processes than the app tell it by the demo's runs: while one goes on, and between two of them, no longer.

    What was read in days long past is no fault meanwhile; it is one once nobody goes on with the days after it.
    """
    settings = Settings(data=tmp_path)
    workspace, past = open_workspace(settings), clock.now() - timedelta(days=40)
    with closing(Ledger(workspace.ledger, lambda: past)) as of_the_day:
        commit(workspace, of_the_day, "batch-0001", search_line(artist("a1"), day=past.date().isoformat()), run_id="r")
        of_the_day.begin_run("r1", "demo", {}, os.getpid())
        publish(workspace, of_the_day)
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:

        def told(age_s: float = 0.0) -> tuple[str, str]:
            os.utime(workspace.db / "CURRENT", times=(clock.now().timestamp() - age_s,) * 2)
            found = health(settings, workspace, ledger, clock.now)
            return found["status"], found["note"]

        filling = ("filling", f"the demo is being filled: it has come to {past.date()}")
        assert told(600) == filling
        ledger.finish_run("r1", "succeeded")
        assert (told(1), told(600)) == (filling, ("attention", ""))
        ledger.begin_run("r2", "demo", {}, os.getpid())
        ledger.finish_run("r2", "succeeded")
        assert told(1) == ("attention", "")  # that was today: no day is missing


def test_targets_from_the_command_line(inside: Any, tmp_path: Path) -> None:
    """A genre gets a target by the command line, and loses it; half a wish is refused."""
    settings = {"GARIMPO_DATA": str(tmp_path), "GARIMPO_GENRES": "choro,samba"}
    code, out, _ = inside(settings, tmp_path, "freshness", "Choro", "--days", "3", "--json")
    assert (code, [row["target_days"] for row in json.loads(out)]) == (0, [3, 7])
    _, out, _ = inside(settings, tmp_path, "freshness", "choro", "--days", "0")
    assert out.splitlines()[0] == "choro: unread, never read, target 7 days, by the setting"
    _, out, _ = inside(settings, tmp_path, "freshness", "choro", "--days", "1")
    assert out.splitlines()[0] == "choro: unread, never read, target 1 day, its own"
    code, _, err = inside(settings, tmp_path, "freshness", "--days", "3")
    assert (code, "needs a genre: GENRE --days 3. Nothing was changed" in err) == (2, True)
    for words in (["chorro", "--days", "3"], ["chorro"]):
        code, _, err = inside(settings, tmp_path, "freshness", *words)
        assert (code, "chorro is not collected; these are: choro, samba." in err) == (2, True)
    inside(settings, tmp_path, "freshness", "choro", "--days", "3")
    only_samba = {**settings, "GARIMPO_GENRES": "samba"}
    assert inside(only_samba, tmp_path, "freshness", "choro", "--days", "0")[0] == 0


def test_one_genre_is_shown(inside: Any, tmp_path: Path) -> None:
    """A genre alone is shown as it stands, and nothing is changed by that."""
    settings = {"GARIMPO_DATA": str(tmp_path), "GARIMPO_GENRES": "choro,samba"}
    assert (
        "choro is not collected; no genre is. Nothing"
        in inside({**settings, "GARIMPO_GENRES": ""}, tmp_path, "freshness", "choro")[2]
    )
    code, out, _ = inside(settings, tmp_path, "freshness", " Samba")
    assert (code, out) == (0, "samba: unread, never read, target 7 days, by the setting\n")
    assert not (tmp_path / "spotify").exists()


def test_doctor_is_well_in_the_demo(inside: Any, tmp_path: Path) -> None:
    """Without credentials the app has its demo: that is no fault."""
    code, out, _ = inside({"GARIMPO_DATA": str(tmp_path)}, tmp_path, "doctor", "--json")
    found = {check["name"]: check for check in json.loads(out)["checks"]}
    assert (code, found["source"]["ok"]) == (0, True)
    assert "SPOTIPY_CLIENT_ID" in found["source"]["detail"]
    assert found["ledger"]["detail"] == f"{tmp_path}/demo/ledger.sqlite is not there yet"  # no word of a copy


def test_demo_is_begun_by_the_app(inside: Any, tmp_path: Path) -> None:
    """Where there is no run yet, the demo is not said to begin by a command that refuses it; any other workspace is."""
    for workspace, way in {"demo": "open the app", "mine": "`python -m pipeline run`"}.items():
        settings = {"GARIMPO_DATA": str(tmp_path), "GARIMPO_WORKSPACE": workspace}
        assert f"No run yet in {workspace}. To begin: {way}" in inside(settings, tmp_path, "logs")[2]
    assert "no run yet. To begin: open the app" in inside({"GARIMPO_DATA": str(tmp_path)}, tmp_path, "status")[1]


def test_schedule_is_replaced_from_the_command_line(inside: Any, tmp_path: Path) -> None:
    """`schedule add --replace` puts a schedule in the place of the one of its name."""
    settings = {"GARIMPO_DATA": str(tmp_path)}
    code, out, _ = inside(settings, tmp_path, "schedule", "add", "default", "--every", "6h", "--replace", "--json")
    [added] = json.loads(out)
    assert (code, added["kind"], len(added["next"])) == (0, "interval", 5)
    for workspace, said in {"demo": "in the demo they collect made-up artists", "mine": "none of them fires"}.items():
        _, out, err = inside({**settings, "GARIMPO_WORKSPACE": workspace}, tmp_path, "schedule", "list")
        assert (out.splitlines()[0][:8], f"no Spotify credentials: {said}" in err) == ("default:", True)
    assert inside(settings, tmp_path, "schedule", "add", "default", "--every", "6h")[0] == 2


def test_schedule_names_its_genres(inside: Any, tmp_path: Path) -> None:
    """A schedule of some genres names them, however few they are."""
    settings = {"GARIMPO_DATA": str(tmp_path)}
    code, out, _ = inside(settings, tmp_path, "schedule", "add", "often", "--every", "6h", "--genres", "choro")
    assert (code, out.split(": ")[1]) == (0, "interval 6h (America/Sao_Paulo), choro")
