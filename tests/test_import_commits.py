"""An import is a run: marked as such, committed like any other, traced and replayed; the same again adds nothing."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import RunInProgress, SettingsError, StorageError
from pipeline.moving.importing import import_history
from pipeline.published.generations import open_generation
from pipeline.published.live import live
from pipeline.published.publish import publish
from pipeline.queries.tracing import trace_rows
from pipeline.records.followed import followed_ids, followed_list
from pipeline.records.ledger import Ledger
from pipeline.records.lock import hold_run_lock
from pipeline.runs.planner import Outlook, plan_artists
from pipeline.source.capabilities import Capabilities
from pipeline.workspace import Workspace
from tests.receipts import BANDA, VIOLA, artist, commit_lines, line

DAY = date(2024, 5, 1)
NOVA = "9Nova0000000000000000A"


def written(path: Path, *entries: Any) -> Path:
    """A file of these entries, one a line."""
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    return path


def entry(artist_id: str = BANDA, day: str = "2024-05-01", **values: Any) -> dict[str, Any]:
    """What a script of old may have kept."""
    return {"id": artist_id, "data": day, **values}


def snapshots(workspace: Workspace) -> list[tuple[Any, ...]]:
    """Every published number."""
    return open_generation(workspace).rows("FROM artist_snapshots ORDER BY ALL")


def test_import_is_a_run(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """It stands among the runs with its trigger, a task a day; its rows are published, a 0 and a picture as well."""
    nobody: dict[str, Any] = {"followers": 0, "popularity": 0, "imagem": "https://i.scdn.co/image/x"}
    path = written(tmp_path / "old.jsonl", entry(followers=70), entry(day="2024-05-02", **nobody))
    report = import_history(workspace, ledger, path, "run-1")
    assert (report.rows, report.observations, report.new_artists, report.first_day) == (4, 2, 1, DAY)
    [run] = ledger.runs()
    assert [run[key] for key in ("run_id", "trigger", "state", "requests", "rows", "message")] == [
        "run-1", "import", "succeeded", 0, 4, "imported old.jsonl: 2 entries read, 0 rejected",
    ]  # fmt: skip
    assert [(task["task"], task["item"], task["rows"]) for task in ledger.task_runs("run-1")] == [
        ("import", "old.jsonl 2024-05-01", 2),
        ("import", "old.jsonl 2024-05-02", 2),
    ]
    assert snapshots(workspace) == [(BANDA, DAY, 70, None), (BANDA, date(2024, 5, 2), 0, 0)]
    assert open_generation(workspace).rows("SELECT image_url FROM artists") == [(nobody["imagem"],)]


def test_dropped_values_reject_no_entry(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """An entry that is taken without one of its values is not counted among the rejected ones."""
    path = written(tmp_path / "old.jsonl", entry(followers=70, popularity="muita"), entry("no id"))
    report = import_history(workspace, ledger, path, "run-1")
    assert (report.entries, report.observations, report.rejected, report.dropped) == (2, 1, 2, 1)
    assert ledger.runs()[0]["message"] == "imported old.jsonl: 2 entries read, 1 rejected, 1 single values dropped"


def test_import_is_traced_to_its_file(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """A number leads to the file, the line and the entry as it was received."""
    path = written(tmp_path / "old.jsonl", entry(VIOLA, followers=1), entry(seguidores="1.234", humor="bom"))
    import_history(workspace, ledger, path, "run-1")
    [origin] = trace_rows(workspace, ledger, "artist_snapshots", {"artist_id": BANDA}, DAY)
    assert (origin.trigger, origin.row["followers"], origin.lines[0].request) == (
        "import", 1234, {"imported_from": "old.jsonl"},
    )  # fmt: skip
    values = {"id": BANDA, "data": "2024-05-01", "seguidores": "1.234", "humor": "bom"}
    assert origin.lines[0].object["received"] == [{"file": "old.jsonl", "line": 2, "values": values}]


def test_dry_run_changes_nothing(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """It says the same as the import then does, and leaves no run, no file and no generation."""
    path = written(tmp_path / "old.jsonl", entry(followers=70), entry("no id"))
    told = import_history(workspace, ledger, path, "run-1", dry_run=True)
    assert (ledger.runs(), [*workspace.raw.iterdir(), *workspace.lake.iterdir(), *workspace.db.iterdir()]) == ([], [])
    done = import_history(workspace, ledger, path, "run-1")
    assert {**done.__dict__, "rows": 0, "run_id": ""} == told.__dict__


def test_same_again_adds_nothing(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """A second import finds everything known: no run, no part; one with a new line adds that line."""
    entries = [entry(followers=70, nome="Banda Um", generos=["mpb"]), entry(VIOLA, nome="Viola"), VIOLA]
    import_history(workspace, ledger, written(tmp_path / "old.jsonl", *entries[:2]), "run-1")
    parts = ledger.parts()
    again = import_history(workspace, ledger, tmp_path / "old.jsonl", "run-2")
    assert (again.observations, again.known, again.rows, ledger.parts()) == (0, 2, 0, parts)
    more = import_history(
        workspace, ledger, written(tmp_path / "old.jsonl", *entries, entry(day="2024-05-02", nome="B")), "run-3"
    )
    assert (more.observations, more.known) == (1, 2)


def test_again_publishes_what_was_committed(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """What an import committed that ended before it could publish is published by importing again: nothing is new."""
    path = written(tmp_path / "old.jsonl", entry(followers=70))
    (workspace.db / ".lock").symlink_to(tmp_path / "nowhere" / "lock")  # no lock, no generation
    with pytest.raises(StorageError, match=r"\.lock"):
        import_history(workspace, ledger, path, "run-1")
    (workspace.db / ".lock").unlink()
    assert import_history(workspace, ledger, path, "run-2").observations == 0
    assert snapshots(workspace) == [(BANDA, DAY, 70, None)]


def test_last_entry_of_a_day_counts(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """Of several entries of one day the last that knows a value gives it; genres are put together."""
    entries = [entry(followers=70, generos=["mpb"]), entry(followers=72, generos=["samba"]), entry(popularity=31)]
    report = import_history(workspace, ledger, written(tmp_path / "x", *entries), "run-1")
    assert (report.entries, report.repeated, report.observations) == (3, 2, 1)
    rows = open_generation(workspace).rows("SELECT followers, popularity, genres FROM artists")
    assert rows == [(72, 31, ["mpb", "samba"])]


def test_collected_values_stay(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """What was collected on a day is not overwritten; the import fills what was withheld."""
    commit_lines(workspace, ledger, line("2024-05-01", artist(followers={"total": 70})), run_id="run-0")
    path = written(tmp_path / "old.jsonl", entry(nome="Other", followers=99, popularity=31))
    report = import_history(workspace, ledger, path, "run-1")
    assert (report.observations, report.new_artists) == (1, 0)
    rows = open_generation(workspace).rows("SELECT name, followers, popularity, genres FROM artists")
    assert (rows, snapshots(workspace)) == ([("Banda Um", 70, 31, None)], [(BANDA, DAY, 70, 31)])


def test_late_history_keeps_the_latest(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """Old days fill the history of an artist whose latest values stand."""
    commit_lines(workspace, ledger, line("2026-11-22", artist(followers={"total": 90})), run_id="run-0")
    publish(workspace, ledger)
    import_history(workspace, ledger, written(tmp_path / "x", entry(nome="Old name", followers=70)), "run-1")
    rows = open_generation(workspace).rows("SELECT name, followers, first_seen_on, last_seen_on FROM artists")
    assert rows == [("Banda Um", 90, DAY, date(2026, 11, 22))]
    assert [row[2] for row in snapshots(workspace)] == [70, 90]


def test_ids_become_artists_to_ask(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """Ids and links are known at once and asked first by the next run, with and without numbers to gain."""
    commit_lines(workspace, ledger, line("2026-10-01", artist(followers={"total": 90})), run_id="run-0")
    ids = f"# mine\nhttps://open.spotify.com/intl-pt/artist/{VIOLA}?si=abc\n\n{BANDA}\nspotify:track:{VIOLA}\n"
    (tmp_path / "ids.txt").write_text(ids, encoding="utf-8")
    report = import_history(workspace, ledger, tmp_path / "ids.txt", "run-1")
    assert (report.to_refresh, report.observations, report.known, report.new_artists) == (1, 0, 1, 1)
    assert report.rejects == (("ids.txt", 5, "a link to a track, not to an artist"),)
    with live(workspace, ledger) as view:
        for known in (Capabilities(), Capabilities(fields={"artist": ("followers",)})):
            items = plan_artists(Outlook(view, date(2026, 11, 22), known, (), 100))
            assert [call.params["id"] for item in items for call in item.calls] == [VIOLA, BANDA]


def test_named_artists_are_followed(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """Who stands there by name and link alone is followed, known or not; whose history is brought in is not."""
    commit_lines(workspace, ledger, line("2026-10-01", artist(followers={"total": 90})), run_id="run-0")
    publish(workspace, ledger)
    entries = ({"nome": "Banda", "link": f"https://open.spotify.com/artist/{BANDA}"}, f"spotify:artist:{NOVA}",
               entry(VIOLA, followers=1), f"spotify:track:{VIOLA}")  # fmt: skip
    path = written(tmp_path / "list.jsonl", *entries)
    told = import_history(workspace, ledger, path, "run-1", dry_run=True)
    assert (told.to_follow, told.followed, followed_ids(ledger)) == (2, 0, ())
    assert import_history(workspace, ledger, path, "run-1").to_follow == 2
    assert followed_ids(ledger) == (BANDA, NOVA)
    again = import_history(workspace, ledger, path, "run-2")
    assert (again.to_follow, again.followed, again.rows, len(ledger.runs())) == (0, 2, 0, 2)


def test_running_collector_is_waited_for(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """While a run holds the workspace only a dry run is possible."""
    path = written(tmp_path / "x", entry(followers=70))
    with hold_run_lock(workspace, "run-0", "cli", ledger.now()):
        assert import_history(workspace, ledger, path, "", dry_run=True).observations == 1
        with pytest.raises(RunInProgress):
            import_history(workspace, ledger, path, "run-1")


def test_demo_stays_synthetic(ledger: Ledger, tmp_path: Path) -> None:
    """Nothing real is brought into the demo."""
    with pytest.raises(SettingsError, match="demo holds synthetic artists alone"):
        import_history(Workspace(tmp_path / "demo"), ledger, written(tmp_path / "x", entry(followers=1)), "run-1")


def test_missing_and_future_are_said(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """A path that is not there, a folder with nothing in it, a day to come: each in a sentence."""
    (tmp_path / "empty").mkdir()
    for path, on, said in (
        (tmp_path / "none", None, "is not there"),
        (tmp_path / "empty", None, "There is nothing in"),
        (written(tmp_path / "x", entry()), date(2027, 1, 1), "is in the future"),
    ):
        with pytest.raises(SettingsError, match=said):
            import_history(workspace, ledger, path, "run-1", on=on)


def test_links_are_found_under_any_title(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """A column whose title is none of ours counts as that of links where links stand below it; which, is told."""
    link, wrong = f"https://open.spotify.com/artist/{BANDA}", "https://open.spotify.com/album/x"
    lines = ("Contract,Artist,Where to listen", f"2024,Banda Um,{link}", f"2025,Viola,{wrong}", "2025,Nobody,")
    (tmp_path / "x.csv").write_text("\n".join(lines), "utf-8")
    report = import_history(workspace, ledger, tmp_path / "x.csv", "run-1")
    assert report.files[0].format == "CSV with ',', ids in 'Where to listen'"
    assert (report.files[0].columns, report.to_refresh) == ({"artist_id": "artist_id", "Artist": "name"}, 1)
    assert [line for _, line, _ in report.rejects] == [3, 4]
    assert followed_list(ledger)[BANDA].name == "Banda Um"
