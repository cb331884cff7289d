"""The way through the graph for a system whose graph is a program: here one that tries steps in threads."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.errors import PremiumRequired, TaskFailed
from pipeline.integrations.published_tables import check_results, checked_table, table_rows
from pipeline.integrations.steps import USUAL, ask, ended, item_key, step_name, stop, waits_s, walk
from pipeline.published.checks import CHECKS
from pipeline.runs.dag import DAG, Retry
from pipeline.runs.external import Owner, is_worth_retrying
from pipeline.schema import PUBLISHED
from tests.commands import variables
from tests.worlds import collect, database, genre_names, running_world


@pytest.fixture(scope="module")
def small_world():
    """Serve thirty synthetic artists on a fixed day."""
    with running_world(artists=30, seed=3, clock_speed=60) as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def environment(small_world, tmp_path, monkeypatch):
    """Settings that point there, as a system's own processes would have them."""
    small_world.set_scenario({})
    for name, value in variables(small_world, Path("kept")).items():
        monkeypatch.setenv(name, value)


class System:
    """Four threads; keeps how often each step was tried."""

    def __init__(self, folder):
        self.folder, self.tried, self.pool = folder, {}, ThreadPoolExecutor(4)

    def submit(self, name, call, asked, retry=USUAL, _after=()) -> Future:
        """The step, tried again where that may help."""
        return self.pool.submit(self._try, name, call, asked, retry.attempts)

    def _try(self, name, call, asked, attempts):
        while True:
            self.tried[name] = self.tried.get(name, 0) + 1
            try:
                return ask(call, *asked, folder=self.folder)
            except Exception as error:
                if not is_worth_retrying(error) or self.tried[name] == attempts:
                    raise

    def run(self):
        """One run from begin to end."""
        begun = self.submit("begin", "begin_run", [Owner("threads", "1")])
        try:
            last = walk(self.submit, begun.result(), begun)
        finally:
            facts = self.submit("end", "end_run", [begun.result()]).result()
        return last.result(), facts


@pytest.mark.slow
def test_walk_brings_the_same(small_world, tmp_path):
    """Items side by side, the published database is that of a run of our own; each step was tried once, by its name."""
    system = System(tmp_path)
    _, facts = system.run()
    assert ended(facts) == "succeeded"
    collect(small_world, tmp_path / "own")
    assert database(tmp_path / "kept") == database(tmp_path / "own")
    assert {f"discover: {genre}" for genre in genre_names(small_world)} <= system.tried.keys()
    assert set(system.tried.values()) == {1}
    rows, results = table_rows(tmp_path), check_results(tmp_path)
    assert rows["artists"] == {"rows": len(database(tmp_path / "kept")["artists"]), "generation": 1}
    assert rows.keys() == set(PUBLISHED)
    assert {name: row["violations"] for name, row in results.items()} == dict.fromkeys((c.name for c in CHECKS), 0)


def test_checks_are_about_tables(tmp_path):
    """A check belongs to the table it is named after, reads first, or to the artists; one never made says so."""
    tables = {check.name: checked_table(check) for check in CHECKS}
    assert tables["track_artists_owned"] == "track_artists"
    assert tables["numbers_in_range"] == "artist_snapshots"
    assert tables["coverage_holds"] == "search_pages"
    assert tables["no_row_lost"] == "artists"
    assert {row["violations"] for row in check_results(tmp_path).values()} == {-1}


@pytest.mark.parametrize(
    ("label", "key"),
    [("bossa nova", "bossa_nova_12"), ("forró", "forro_12"), ("Ana & Rui +9", "Ana_Rui_9_12"), ("日本", "12")],
)
def test_labels_become_keys(label, key):
    """What people read becomes letters, digits and underscores; the number keeps two of one name apart."""
    assert item_key({"item_id": "discover-00012", "label": label}) == key


def test_lasting_error_ends_walk(small_world, tmp_path, monkeypatch):
    """What no attempt would mend is raised when its siblings have ended; nothing that comes later is begun."""
    monkeypatch.setenv("GARIMPO_GENRES", genre_names(small_world)[0])
    small_world.set_scenario({"rules": [{"what": "premium_lapsed", "where": "artist_albums", "from_request": 6}]})
    system = System(tmp_path)
    with pytest.raises(Exception, match="Premium") as raised:
        system.run()
    assert isinstance(raised.value.__context__, PremiumRequired)
    assert [name for name in system.tried if name.startswith("refresh_releases")]
    assert "refresh_tracks: expand" not in system.tried
    assert set(system.tried.values()) == {1}


def test_item_in_vain_fails_alone(small_world, tmp_path, monkeypatch):
    """An item that was tried in vain, as often as its task says, is left out; the run goes on and says so."""
    monkeypatch.setenv("GARIMPO_GENRES", genre_names(small_world)[0])
    small_world.set_scenario({"rules": [{"what": "server_error", "where": "/v1/artists/*/albums", "from_request": 6}]})
    system = System(tmp_path)
    _, facts = system.run()
    assert (facts["state"], facts["message"].startswith("refresh_releases: ")) == ("succeeded", True)
    assert sorted(system.tried.values(), reverse=True)[:2] == [3, 1]
    assert system.tried["check"] == 1


def test_waits_are_those_of_runs():
    """Between half and the whole of what doubles, up to the cap; one fewer than attempts."""
    waits = waits_s(Retry(attempts=5, first_wait_s=1.0, cap_s=3.0))
    assert [most / 2 <= wait <= most for wait, most in zip(waits, [1, 2, 3, 3], strict=True)] == [True] * 4
    assert ended("a run's id") == "succeeded"


def test_stopped_run_may_go_on(small_world, tmp_path):
    """A run that cannot go on ends without a further error; a step that reopens it goes on, and only then."""
    run_id = ask("begin_run", Owner("threads", "1"), folder=tmp_path)
    stop(run_id, tmp_path)
    stop(run_id, tmp_path)
    with pytest.raises(TaskFailed, match="has failed already"):
        ask("run_task", run_id, "probe", folder=tmp_path)
    assert ask("run_task", run_id, "probe", folder=tmp_path, reopen=True)["state"] == "succeeded"
    stop(run_id, tmp_path)


def test_steps_have_names():
    """Each step of the graph has a name of its own."""
    names = [step_name(task, call) for task in DAG for call in ("expand_task", "collect_item", "close_task")]
    assert names[6:9] == ["discover_expand", "discover", "discover_close"]
    assert len(set(names)) == 3 * len(DAG)
