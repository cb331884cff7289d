"""A workspace without genres: nothing is searched, every request is for the list of one's own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.cli.commands import main
from pipeline.moving.importing import import_history
from pipeline.published.generations import open_generation
from pipeline.records.followed import follow
from pipeline.records.opening import opened_ledger
from pipeline.service.scheduler import Service
from pipeline.settings import load_settings
from pipeline.watching.freshness import genre_freshness
from pipeline.watching.schedules import Schedule
from tests.apps import until
from tests.published import publish_rows
from tests.screens import install_service, open_screen
from tests.worlds import collect, database, running_world, settings_for

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize("profile", ["development", "extended"])
def test_run_reads_the_list_alone(tmp_path: Path, profile: str) -> None:
    """Without genres a run knows those artists whom somebody follows, and their releases; nobody else."""
    with running_world(profile=profile, artists=60, now=NOON) as simulator:
        settings = settings_for(simulator, tmp_path, genres=())
        mine = sorted(each["artist_id"] for each in simulator.truth()["artists"])[:3]
        with opened_ledger(settings) as (_, ledger):
            follow(ledger, mine)
        ran = collect(simulator, tmp_path, genres=())
        with opened_ledger(settings) as (workspace, ledger):
            fresh = genre_freshness(workspace, ledger, settings, NOON.date())
    tables = database(tmp_path)
    assert (ran.state, fresh) == ("succeeded", [])
    assert [artist_id for artist_id, *_ in tables["artists"]] == mine
    assert {artist_id for _, artist_id, _ in tables["release_artists"]} >= set(mine)
    assert open_generation(workspace).rows("SELECT count(*) FROM search_pages") == [(0,)]


def test_app_begins_with_an_imported_list(tmp_path: Path) -> None:
    """Who brings a list and opens the app need not wait for tomorrow: an import is no run yet, the first one begins."""
    with running_world(profile="development", artists=20, now=NOON) as simulator:
        settings = settings_for(simulator, tmp_path, genres=(), schedule="")
        mine, listed = simulator.truth()["artists"][0]["artist_id"], tmp_path / "list.txt"
        listed.write_text(f"{mine}\n", encoding="utf-8")
        with opened_ledger(settings) as (workspace, ledger):
            import_history(workspace, ledger, listed, "20261122T060000-aaaaaa")
        service = Service(settings)
        service.start()
        try:
            [run] = until(lambda: service.ledger.runs(1, where="r.trigger = 'schedule' AND r.state <> 'running'"))
        finally:
            service.stop()
    assert (run["state"], database(tmp_path)["artists"][0][0]) == ("succeeded", mine)


def test_no_genre_is_a_choice(tmp_path: Path) -> None:
    """An empty list of genres is one; the default stands only where nothing is said."""
    assert load_settings(tmp_path).genres != ()
    (tmp_path / "garimpo.toml").write_text("genres = []\n", encoding="utf-8")
    assert load_settings(tmp_path).genres == load_settings(tmp_path, genres="").genres == ()


@pytest.mark.parametrize(("genres", "told"), [("", "the artists of your list"), ("mpb", "all genres")])
def test_commands_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], genres: str, told: str
) -> None:
    """A schedule without genres of its own is one of the list, and of all genres only where there are some."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GARIMPO_GENRES", genres)
    main(["schedule", "add", "nightly", "--every", "1d"])
    main(["schedule", "list"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("), ")[1].split(": ")[0] for line in lines] == [told] * 3


def test_pages_say_so(tmp_path: Path) -> None:
    """Health says that no genre is searched, and no badge says that all of none are up to date; nor do the others."""
    service = install_service(tmp_path, genres=())
    service.add_schedule(Schedule("daily", "cron", "0 6 * * *", "UTC"))
    assert "todo dia às 06:00 · os artistas da sua lista" in open_screen("schedules.py", "pt").words
    publish_rows(service.workspace, artists=[{"artist_id": "a", "name": "A"}])
    assert "Os artistas da sua lista, observados dia a dia" in open_screen("overview.py", "pt").words
    words = open_screen("health.py", "pt").words
    assert "Nenhum gênero é pesquisado: as coletas" in words
    assert "No genre is searched: runs" in (words := open_screen("health.py").words)
    assert "Every genre is up to date" not in words
