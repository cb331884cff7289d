"""A run whose steps another system calls: it brings what a run of our own brings, and ends in a stated way."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from pipeline.errors import PremiumRequired, RunInProgress, SourceUnavailable, TaskFailed
from pipeline.records.lock import find_crashed, is_run_locked
from pipeline.records.opening import opened_ledger
from pipeline.runs import external
from pipeline.runs.dag import DAG
from pipeline.runs.external import Owner
from pipeline.runs.runner import RunRequest, run_pipeline
from pipeline.runs.stepping import read_item
from pipeline.watching.status import workspace_status
from pipeline.workspace import open_workspace
from tests.worlds import collect, database, settings_for

OWNER = Owner("cron", "night-1")
WORLD = {"artists": 10, "seed": 3, "clock_speed": 60}


@pytest.fixture
def settings(world, tmp_path):
    """The settings of a workspace that collects from it."""
    return settings_for(world, tmp_path)


@pytest.fixture
def ledger(settings):
    """The ledger of that workspace."""
    with opened_ledger(settings) as (_, opened):
        yield opened


def walk(settings, run_id):
    """Call every step of the graph once, as a system would."""
    for task in DAG:
        if task.run is not None:
            external.run_task(settings, run_id, task.name)
            continue
        for item in external.expand_task(settings, run_id, task.name):
            external.collect_item(settings, run_id, item["item_id"])
        external.close_task(settings, run_id, task.name)


def begun(settings, genres=()):
    """A run that has planned its first mapped task: its id, and the items that are to be collected."""
    run_id = external.begin_run(settings, OWNER, genres=genres)
    for name in ("probe", "plan"):
        external.run_task(settings, run_id, name)
    return run_id, external.expand_task(settings, run_id, "discover")


@pytest.mark.slow
def test_steps_bring_the_same(world, tmp_path):
    """Step by step, the published database equals that of one run of our own; the same steps again ask nothing."""
    settings = settings_for(world, tmp_path / "steps")
    collect(world, tmp_path / "own")
    run_id = external.begin_run(settings, OWNER)
    walk(settings, run_id)
    ended = external.end_run(settings, run_id)
    assert (ended["state"], ended["message"]) == ("succeeded", "")
    assert database(tmp_path / "steps") == database(tmp_path / "own")
    again = external.begin_run(settings, Owner("cron", "night-2"))
    walk(settings, again)
    assert external.end_run(settings, again)["requests"] == 0


def test_beginning_twice_is_once(settings):
    """The same run of the same system is begun once; nobody else gets in before it has ended."""
    run_id = external.begin_run(settings, OWNER, genres=("mpb",), max_requests=7)
    assert external.begin_run(settings, OWNER) == run_id
    with pytest.raises(RunInProgress, match=f"cron \\(run {run_id}, external\\)"):
        run_pipeline(settings)
    with pytest.raises(RunInProgress):
        external.begin_run(settings, Owner("cron", "night-2"))
    with pytest.raises(TaskFailed, match=r"probe, plan, .* did not end"):
        external.end_run(settings, run_id)
    assert run_pipeline(settings).state == "succeeded"


def test_health_names_the_run(settings):
    """Between two steps of a run that another system owns, health says whose run goes on."""
    run_id = external.begin_run(settings, OWNER)
    assert workspace_status(settings)["running"] == {"run_id": run_id, "trigger": "external", "system": "cron"}


def test_lapsed_lease_is_crash(settings, ledger):
    """A run whose system fell silent holds nobody up: it is shown as crashed, and its steps say so."""
    workspace = open_workspace(settings)
    run_id = external.begin_run(settings, OWNER)
    assert (is_run_locked(workspace), find_crashed(workspace, ledger)) == (True, [])
    workspace.run_lock.with_suffix(".lease").unlink()
    assert (is_run_locked(workspace), find_crashed(workspace, ledger)) == (False, [run_id])
    with pytest.raises(TaskFailed, match=f"Run {run_id} has crashed already"):
        external.run_task(settings, run_id, "probe")


def test_failed_item_is_asked_again(world, settings, ledger):
    """A failed item raises what makes the system call it again; the next attempt asks only what was not answered.

    An item that another process collects meanwhile is left to it.
    """
    run_id, items = begun(settings)
    world.set_scenario({"rules": [{"what": "server_error", "where": "/v1/search"}]})
    with pytest.raises(SourceUnavailable) as raised:
        external.collect_item(settings, run_id, items[0]["item_id"])
    assert external.is_worth_retrying(raised.value)
    world.set_scenario({})
    ledger.begin_task(run_id, items[1]["item_id"], 1, "discover", items[1]["label"])
    done = external.collect_item(settings, run_id, items[0]["item_id"])
    assert (done["item"], done["state"], done["attempts"]) == (items[0]["label"], "succeeded", 2)
    states = {row["item"]: row["state"] for row in ledger.task_runs(run_id)}
    assert states[items[1]["label"]] == "running"
    assert external.collect_item(settings, run_id, items[0]["item_id"]) == done
    assert [row["state"] for row in ledger.task_runs(run_id) if row["item"] == done["item"]] == ["failed", "succeeded"]


def test_lost_calls_stay_missing(world, settings, ledger):
    """What each of an item's attempts asked in vain for good is missing when its task is closed, and not asked then."""
    run_id, items = begun(settings)
    for item in items:
        external.collect_item(settings, run_id, item["item_id"])
    external.close_task(settings, run_id, "discover")
    for item in external.expand_task(settings, run_id, "refresh_artists"):
        external.collect_item(settings, run_id, item["item_id"])
    external.close_task(settings, run_id, "refresh_artists")
    item, *others = external.expand_task(settings, run_id, "refresh_releases")
    for other in others:
        external.collect_item(settings, run_id, other["item_id"])
    calls = json.loads(read_item(ledger, run_id, item["item_id"])["calls"])
    first, second = (
        f"/v1/artists/{each}/albums" for each in list(dict.fromkeys(it[1]["artist_id"] for it in calls))[:2]
    )
    for rules in ({first: "not_found", second: "server_error"}, {second: "not_found"}):
        world.set_scenario({"rules": [{"what": what, "where": where} for where, what in rules.items()]})
        with suppress(SourceUnavailable):
            external.collect_item(settings, run_id, item["item_id"])
    world.set_scenario({})
    assert external.close_task(settings, run_id, "refresh_releases")["missing"] == 4  # two lists of two artists


def test_killed_item_is_said(settings, ledger):
    """An item whose process dies without a word is named as missing, is not asked again, and the run has an end."""
    run_id, [item] = begun(settings, (settings.genres[0],))
    ledger.begin_task(run_id, item["item_id"], 1, "discover", item["label"])
    closed = external.close_task(settings, run_id, "discover")
    assert (closed["state"], closed["missing"], closed["rows"]) == ("failed", 1, 0)
    assert closed["message"].endswith(f"{item['label']}: its process ended without a word")
    assert external.expand_task(settings, run_id, "refresh_artists") == []
    with pytest.raises(TaskFailed, match=f"Run {run_id} failed: discover: 1 not collected"):
        external.end_run(settings, run_id)


def test_reopened_run_goes_on(world, settings):
    """A run that failed goes on when its system says so: what was answered is not asked again, the rest is."""
    run_id, items = begun(settings, settings.genres[:2])
    first, second = (item["item_id"] for item in items)
    answered = external.collect_item(settings, run_id, first)
    world.set_scenario({"rules": [{"what": "server_error", "where": "/v1/search"}]})
    with pytest.raises(SourceUnavailable):
        external.collect_item(settings, run_id, second)
    assert external.close_task(settings, run_id, "discover")["state"] == "partial"
    with pytest.raises(TaskFailed, match=r"refresh_artists, .* did not end"):
        external.end_run(settings, run_id)
    with pytest.raises(TaskFailed, match="has failed already"):
        external.collect_item(settings, run_id, second)
    world.set_scenario({})
    external.reopen_run(settings, run_id)
    external.reopen_run(settings, run_id)
    with pytest.raises(RunInProgress):
        run_pipeline(settings)
    assert external.collect_item(settings, run_id, first) == answered
    assert external.collect_item(settings, run_id, second)["state"] == "succeeded"
    assert external.close_task(settings, run_id, "discover")["state"] == "succeeded"
    walk(settings, run_id)
    ended = external.end_run(settings, run_id)
    assert (ended["state"], ended["message"]) == ("succeeded", "")
    assert run_pipeline(settings, RunRequest(genres=settings.genres[:2])).requests == 0


def test_begun_again_goes_on(settings, ledger):
    """A system that begins its run again after the end gets the same run, open and no longer cancelled, if it wants."""
    run_id = external.begin_run(settings, OWNER, genres=("mpb",))
    ledger.request_cancel(run_id)
    with pytest.raises(TaskFailed, match=f"^Run {run_id} cancelled: everything committed is kept$"):
        external.end_run(settings, run_id)
    assert external.begin_run(settings, OWNER, go_on=True) == run_id
    walk(settings, run_id)
    assert external.end_run(settings, run_id)["state"] == "succeeded"
    assert json.loads(ledger.runs(1)[0]["params"])["genres"] == ["mpb"]
    assert external.begin_run(settings, OWNER) != run_id


def test_closed_in_vain_is_asked_again(world, settings):
    """A task that failed as a whole asks all of it again when its run was reopened and it is closed anew."""
    run_id, [item] = begun(settings, settings.genres[:1])
    world.set_scenario({"rules": [{"what": "server_error", "where": "/v1/search"}]})
    with pytest.raises(SourceUnavailable):
        external.collect_item(settings, run_id, item["item_id"])
    assert external.close_task(settings, run_id, "discover")["state"] == "failed"
    with pytest.raises(TaskFailed):
        external.end_run(settings, run_id)
    world.set_scenario({})
    external.reopen_run(settings, run_id)
    assert external.close_task(settings, run_id, "discover")["state"] == "succeeded"


def test_cause_of_the_end_is_named(world, settings):
    """A run that stops at an item says which one, and what was wrong."""
    run_id, [item] = begun(settings, settings.genres[:1])
    world.set_scenario({"rules": [{"what": "premium_lapsed", "where": "search"}]})
    with pytest.raises(PremiumRequired) as raised:
        external.collect_item(settings, run_id, item["item_id"])
    world.set_scenario({})
    assert not external.is_worth_retrying(raised.value)
    with pytest.raises(TaskFailed, match=f"discover, .* did not end; first {item['label']}: .* Premium"):
        external.end_run(settings, run_id)


def test_cancelled_run_lets_go(settings, ledger, tmp_path):
    """A run that its owner cancels ends so at once, with what it brought published; what is not its own goes on."""
    run_id, items = begun(settings)
    external.collect_item(settings, run_id, items[0]["item_id"])
    external.cancel_run(settings, Owner("cron", "night-2"))
    assert is_run_locked(open_workspace(settings))
    for _ in range(2):
        external.cancel_run(settings, OWNER)
    row = ledger.runs(1)[0]
    assert (row["run_id"], row["state"], row["message"]) == (run_id, "cancelled", "everything committed is kept")
    assert not is_run_locked(open_workspace(settings))
    assert database(tmp_path)["artists"]
