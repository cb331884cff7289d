"""Asking again what a run left: by name, at a cost told beforehand, without what was answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import RunInProgress, SettingsError
from pipeline.records.ledger import Ledger
from pipeline.records.opening import opened_ledger
from pipeline.runs import runner
from pipeline.runs.dag import DAG, Retry
from pipeline.runs.items import ItemFilter, find_items, plan_items
from pipeline.runs.planner import Item
from pipeline.runs.preview import plan_retry
from pipeline.runs.progress import RunResult
from pipeline.runs.retries import find_leftovers, find_rest
from pipeline.runs.runner import RunRequest, run_pipeline
from pipeline.simulator.server import Running
from pipeline.source.calls import Call
from pipeline.workspace import Workspace
from tests.payloads import artist, commit, search_line
from tests.worlds import collect, database, genre_names, held, settings_for, stable_tables

WORLD = {"artists": 16, "clock_speed": 60}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph with one attempt at each item."""
    quick = tuple(replace(task, retry=Retry(1, 0.001, 0.002)) for task in DAG)
    monkeypatch.setattr(runner, "DAG", quick)


def failed_run(simulator: Running, data: Path, victims: int = 1) -> RunResult:
    """A run in which some artists' releases could not be read; afterwards they can."""
    artists = simulator.truth(genres=genre_names(simulator))["artists"]
    rules = [
        {"what": "server_error", "where": f"/v1/artists/{artist['artist_id']}/albums"} for artist in artists[:victims]
    ]
    simulator.set_scenario({"rules": rules})
    result = collect(simulator, data)
    simulator.set_scenario({})
    return result


def retry(simulator: Running, data: Path, run_id: str, items: tuple[str, ...] = ()) -> RunResult:
    """Ask again what a run left."""
    return run_pipeline(settings_for(simulator, data), RunRequest("cli", retry_of=run_id, items=items))


def test_retry_asks_the_rest_alone(world: Running, tmp_path: Path) -> None:
    """What failed is asked by its item's name and nothing else, and once; then the database equals the truth.

    Beforehand the preview names the items and counts their certain requests, and sends none.
    """
    first = failed_run(world, tmp_path)
    before = world.counts()["total"]
    left = {task.name: task.missing for task in first.tasks if task.missing}  # both groups, and what waited behind them
    planned = {row.task: row for row in plan_retry(settings_for(world, tmp_path), first.run_id)}
    assert {name: row.requests for name, row in planned.items() if row.requests} == left
    assert (left.keys(), len(planned["refresh_releases"].items)) == ({"refresh_releases"}, 1)
    assert world.counts()["total"] == before
    second = retry(world, tmp_path, first.run_id)
    with opened_ledger(settings_for(world, tmp_path)) as (_, ledger):
        names = {run: {row["item"] for row in find_items(ledger, run, ItemFilter(task="refresh_releases", state=state))}
                 for run, state in ((first.run_id, "failed"), (second.run_id, "succeeded"))}  # fmt: skip
        asked = sum(row["requests"] for row in ledger.task_runs(second.run_id) if row["task"] != "probe")
    assert (second.state, world.counts()["total"] - before) == ("succeeded", second.requests)
    missing = sum(left.values())  # more where a slow machine puts more artists into an item
    assert 0 < asked <= 3 * missing < first.requests  # with following pages; a source that faltered is probed again
    assert names[first.run_id] == names[second.run_id] != set()
    assert retry(world, tmp_path, first.run_id).requests == 0
    collect(world, tmp_path)
    assert stable_tables(database(tmp_path)) == held(world.truth(genres=genre_names(world)))


def test_retry_of_one_item(world: Running, tmp_path: Path) -> None:
    """With a name only that item is asked; the others stay left."""
    first = failed_run(world, tmp_path, victims=16)
    items = plan_retry(settings_for(world, tmp_path), first.run_id)[2].items
    retry(world, tmp_path, first.run_id, items[:1])
    assert len(items) > 1
    assert plan_retry(settings_for(world, tmp_path), first.run_id)[2].items == items[1:]


def test_last_retry_finds_what_the_first_run_left(world: Running, tmp_path: Path) -> None:
    """What the requests of a retry did not suffice for is found by a retry of that one, until nothing is left."""
    settings, first = settings_for(world, tmp_path), failed_run(world, tmp_path, victims=16)
    with opened_ledger(settings) as (workspace, ledger):
        with ledger.write() as connection:
            connection.execute("UPDATE runs SET params = json_set(params, '$.max_requests', 9)")
        runs, calls = [first], [find_rest(workspace, ledger, first.run_id).calls]
        while calls[-1] and len(runs) < 20:
            told = sum(row.requests for row in plan_retry(settings, runs[-1].run_id))
            runs.append(retry(world, tmp_path, runs[-1].run_id))
            calls.append(find_rest(workspace, ledger, first.run_id).calls)
            assert find_rest(workspace, ledger, runs[-1].run_id).calls == calls[-1]
            assert 0 < told <= 9
    assert (len(runs) > 3, calls[-1], calls) == (True, 0, sorted(set(calls), reverse=True))


def test_chain_keeps_to_names(ledger: Ledger) -> None:
    """Who asked for one item alone and goes on with that run asks for that one; a later text of it stands once."""
    calls = {name: (Call("artist_albums", {"artist_id": name, "group": "album", "offset": 0}),) for name in "abc"}
    for run_id, planned, params in (
        ("r1", "abc", {}),
        ("r2", "a", {"retry_of": "r1", "items": []}),
        ("r3", "", {"retry_of": "r2", "items": ["b"]}),
        ("r4", "", {"retry_of": "r3", "items": ["c"]}),
    ):
        ledger.begin_run(run_id, "cli", params, 1)
        plan_items(ledger, run_id, "refresh_releases", {name: Item(name, calls[name], 1) for name in planned})
        ledger.finish_run(run_id, "succeeded")
    assert [[item.item for item in find_leftovers(ledger, run).items] for run in ("r1", "r2", "r3", "r4")] == [
        ["a", "b", "c"],
        ["a", "b", "c"],
        ["b"],
        [],
    ]


def test_call_of_two_runs_is_asked_once(workspace: Workspace, ledger: Ledger) -> None:
    """What a run and the one before it both left is one call, though each left it beside others."""
    search = {"genre": "mpb", "limit": 50, "sweep_on": "2026-11-20", "follow": True}
    calls = [Call("search", {**search, "offset": offset}) for offset in (0, 50, 100)]
    for run_id, planned, params in (("r1", calls, {}), ("r2", calls[1:], {"retry_of": "r1", "items": []})):
        ledger.begin_run(run_id, "cli", params, 1)
        plan_items(ledger, run_id, "discover", {"i": Item("mpb", tuple(planned), 3)})
        ledger.finish_run(run_id, "failed")
    assert [find_rest(workspace, ledger, run_id).calls for run_id in ("r1", "r2")] == [3, 3]


def test_unknown_names_are_refused(world: Running, tmp_path: Path) -> None:
    """A run or an item that is not there is named, and nothing is started."""
    with opened_ledger(settings_for(world, tmp_path)) as (_, ledger):
        ledger.begin_run("r1", "cli", {}, 1)
        ledger.finish_run("r1", "failed")
        for run, items, said in (("never", (), "not a run"), ("r1", ("Nobody",), "left nothing of that name")):
            with pytest.raises(SettingsError, match=said):
                retry(world, tmp_path, run, items)
        assert [row["run_id"] for row in ledger.runs()] == ["r1"]


def test_run_that_goes_on_is_waited_for(ledger: Ledger) -> None:
    """A run that has not ended is no wrong name: a script learns by the exit code that it goes on."""
    ledger.begin_run("r1", "cli", {}, 1)
    with pytest.raises(RunInProgress, match="r1 is still running") as raised:
        find_leftovers(ledger, "r1")
    assert raised.value.exit_code == 3


def test_crashed_run_is_resumed(world: Running, tmp_path: Path) -> None:
    """Retrying a run that was cut short early goes on with the tasks it never reached."""
    settings = settings_for(world, tmp_path)
    with opened_ledger(settings) as (_, ledger):
        ledger.begin_run("cut", "cli", {"genres": list(settings.genres), "max_requests": 100_000}, 1)
        runner.plan_run_tasks(ledger, "cut", [task.name for task in DAG])
        ledger.finish_run("cut", "crashed")
    assert retry(world, tmp_path, "cut").state == "succeeded"
    assert stable_tables(database(tmp_path)) == held(world.truth(genres=genre_names(world)))


def test_long_chain_is_followed(workspace: Workspace, ledger: Ledger) -> None:
    """However often the last run was retried in vain, the first one knows whether tasks are missing by now."""
    for number in range(500):
        params = {"retry_of": f"r{number - 1}", "items": []} if number else {}
        ledger.begin_run(f"r{number}", "cli", params, 1)
        ledger.finish_run(f"r{number}", "failed")
    assert find_rest(workspace, ledger, "r0").lacks_tasks
    ledger.begin_run("last", "cli", {"retry_of": "r499", "items": []}, 1)
    ledger.finish_run("last", "succeeded")
    assert not find_rest(workspace, ledger, "r0").lacks_tasks


def test_newer_sweep_leaves_nothing(workspace: Workspace, ledger: Ledger) -> None:
    """A page of a genre that was not read is not asked again once that genre is being swept anew; of others it is."""
    ledger.begin_run("r1", "cli", {}, 1)
    for genre in ("mpb", "samba"):
        page = {"genre": genre, "offset": 50, "limit": 50, "sweep_on": "2026-11-20", "follow": True}
        plan_items(ledger, "r1", "discover", {genre: Item(genre, (Call("search", page),), 1)})
    ledger.finish_run("r1", "failed")
    commit(workspace, ledger, "b2", search_line(artist("a1"), day="2026-11-21"), run_id="r2")
    assert find_rest(workspace, ledger, "r1").names == ["samba"]
