"""The commands that keep house: rebuild, compact, replay, purge, recover; as JSON, and with their exit codes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from pipeline.cli.commands import main
from pipeline.published.checks import CHECKS
from pipeline.published.generations import open_generation
from pipeline.published.publish import publish
from pipeline.records.followed import follow, followed_ids
from pipeline.records.ledger import Ledger
from pipeline.records.lock import hold_run_lock
from pipeline.workspace import Workspace
from tests.copies import made_once
from tests.payloads import artist, commit, search_line

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def kept(at_hand: Workspace) -> Workspace:
    """A workspace with one run of two artists of ten years ago, which the commands find by the environment."""
    with closing(Ledger(at_hand.ledger)) as ledger:
        return made_once(at_hand, ledger, use)


def use(workspace: Workspace, ledger: Ledger) -> None:
    """The run, and a request of today."""
    commit(workspace, ledger, "b1", search_line(artist("a1"), artist("a2"), day="2016-11-22"))
    publish(workspace, ledger)
    with ledger.write() as connection:
        connection.execute("UPDATE runs SET started_at = 1479790000")
        connection.execute("INSERT INTO requests (at, bucket, endpoint) VALUES (?, 'search', 'search')",
                           (ledger.now().timestamp(),))  # fmt: skip


@pytest.fixture
def ask(kept: Workspace, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Exit code and JSON of a command."""

    def asked(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*arguments, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return asked


@pytest.mark.slow
def test_made_anew(kept: Workspace, ask: Ask) -> None:
    """Rebuild and replay tell what they did and leave the rows as they were."""
    code, made = ask("rebuild")
    assert (code, made["number"], made["parts"], made["rows"]) == (0, 2, 4, 7)
    code, done = ask("replay", "--since", "2016-11-01", "--table", "artists")
    assert (code, done["batches"], done["changed"], done["damaged"]) == (0, 1, 0, [])
    assert ask("compact", "--all")[0] == 0
    assert ask("recover") == (0, {"findings": [], "mended": True})
    assert open_generation(kept).rows("SELECT count(*) FROM artist_snapshots") == [(2,)]


def test_proof_on_demand(kept: Workspace, ask: Ask) -> None:
    """Every check over every row; a part that was changed is named, and one check's history can be asked for."""
    code, rows = ask("checks")
    assert (code, {row["violations"] for row in rows}, len(rows)) == (0, {0}, len(CHECKS))
    part = next(kept.lake.rglob("*.parquet"))
    part.write_bytes(bytes(part.stat().st_size))
    code, rows = ask("checks")
    assert [(row["name"], row["severity"], row["mend"]) for row in rows if row["violations"]] == [
        ("parts_keep_their_hash", "warning", "python -m pipeline recover")
    ]
    assert [row["violations"] for row in ask("checks", "--history", "parts_keep_their_hash")[1]] == [1, 0]


def test_changed_part_names_its_cure(kept: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """For people, too, a part that is not what was committed comes with the command that mends it; no other does."""
    part = next(kept.lake.rglob("*.parquet"))
    part.write_bytes(bytes(part.stat().st_size))
    assert main(["checks"]) == 0
    spoken = capsys.readouterr()
    told = [line for line in spoken.out.splitlines() if "run `python -m pipeline recover`" in line]
    assert ["parts_keep_their_hash: warning 1 " in line for line in told] == [True]


def test_lost_database_leads_to_rebuild(kept: Workspace, ask: Ask) -> None:
    """Where the database is gone and its parts are not, an export names what makes it anew; then it is there."""
    shutil.rmtree(kept.db)
    code, told = ask("export", "artists", "--to", str(kept.root / "artists.csv"))
    assert (code, told["error"], "Run `python -m pipeline rebuild`" in told["message"]) == (1, "DamagedFile", True)
    assert ask("rebuild")[0] == 0
    assert ask("export", "artists", "--to", str(kept.root / "artists.csv"))[1]["rows"] == 2


def test_retention_on_demand(kept: Workspace, ask: Ask) -> None:
    """A dry run says what would go and changes nothing; without it that goes."""
    code, planned = ask("purge", "--dry-run")
    assert (code, [(each["layer"], each["files"], each["rows"], each["first_day"]) for each in planned["layers"]]) == (
        0, [("raw", 1, 1, "2016-11-22"), ("artist_snapshots", 1, 2, "2016-11-22"), ("log", 0, 0, None)],
    )  # fmt: skip
    assert len(open_generation(kept).rows("FROM artist_snapshots")) == 2
    code, done = ask("purge")
    assert ({**done, "dry_run": True}, list(kept.raw.rglob("*.zst"))) == (planned, [])
    assert open_generation(kept).rows("FROM artist_snapshots") == []


def test_log_goes_on_demand(kept: Workspace, ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    """Lines of the log that are older than the settings permit go with a purge, too, as the page of settings says."""
    with closing(Ledger(kept.ledger)) as ledger, ledger.write() as connection:
        for at in (1479790000, 1479876400, ledger.now().timestamp()):
            connection.execute("INSERT INTO events (at, level, event) VALUES (?, 'INFO', 'tick')", (at,))
    assert main(["purge", "--dry-run"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == "log (kept 30 days): 2 lines would go, 2016-11-22 to 2016-11-23"
    line = {"layer": "log", "keep_days": 30, "files": 0, "rows": 2, "bytes": 0}
    assert ask("purge")[1]["layers"][-1] == {**line, "first_day": "2016-11-22", "last_day": "2016-11-23"}
    assert ask("purge", "--dry-run")[1]["layers"][-1]["rows"] == 0


@pytest.mark.slow
def test_one_artist(kept: Workspace, ask: Ask) -> None:
    """An artist goes once it is said twice."""
    code, refused = ask("purge", "--artist", "a1")
    assert (code, "say --yes" in refused["message"]) == (2, True)
    link = "https://open.spotify.com/artist/a1?si=x"
    assert ask("purge", "--artist", link, "--dry-run")[1]["rows"]["artists"] == 1
    assert ask("purge", "--artist", "a1", "--yes")[1]["parts"] == 3
    assert open_generation(kept).rows("SELECT artist_id FROM artists") == [("a2",)]


def test_purge_can_be_repeated(kept: Workspace, ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing is kept of an artist any more a purge ends well and says so; what can be no id ends with 2."""
    artist_id = "0Twice0000000000000000"
    with closing(Ledger(kept.ledger)) as ledger:
        follow(ledger, [artist_id])
    assert ask("purge", "--artist", artist_id, "--yes")[1]["ledger_rows"] == 1
    for more in (["--yes"], ["--dry-run"]):
        assert main(["purge", "--artist", artist_id, *more]) == 0
        assert f"nothing is kept of artist {artist_id}; if you meant another, its id" in capsys.readouterr().out
    code, refused = ask("purge", "--artist", artist_id[:-1], "--yes")
    assert (code, f"Nothing is known of artist {artist_id[:-1]}. Its id stands at" in refused["message"]) == (2, True)


def test_everything_is_counted_in_files(kept: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """What a purge of all would take is told in files: rows and answers are not counted, and not called none."""
    assert main(["purge", "--all", "--dry-run"]) == 0
    told = capsys.readouterr().out.splitlines()[0]
    assert told == "everything: 1 raw files, 4 parts, ledger and database would go"
    assert kept.ledger_file.is_file()


def test_everything(kept: Workspace, ask: Ask) -> None:
    """All goes but the count of the last day's requests; afterwards there is an empty workspace."""
    (kept.root / "replaced-20200101T000000").mkdir()
    with closing(Ledger(kept.ledger)) as ledger:
        follow(ledger, ["a1"])
    assert ask("purge", "--all", "--dry-run")[1]["raw_files"] == 1
    assert ask("purge", "--all", "--yes")[0] == 0
    left = {path.name for path in kept.root.rglob("*") if path.is_file()} - {"run.lock"}
    assert left <= {"ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"}
    with closing(Ledger(kept.ledger)) as ledger:
        assert (ledger.runs(), ledger.parts(), followed_ids(ledger), ledger.meta("generation")) == ([], [], (), "1")
        assert ledger.read("SELECT bucket FROM requests") == [{"bucket": "search"}]


def test_unmended_is_one(kept: Workspace, ask: Ask) -> None:
    """What cannot be mended ends with 1 and is named, with what to do."""
    with closing(Ledger(kept.ledger)) as ledger:
        part, raw = ledger.parts()[1].path, ledger.read("SELECT path FROM raw_files")[0]["path"]
    for name in (part, raw):
        (kept.root / name).unlink()
    code, told = ask("recover")
    assert (code, told["mended"], [each["where"] for each in told["findings"]]) == (1, False, [part, raw])


@pytest.mark.parametrize("words", [["replay", "--since", "tomorrow"], ["replay", "--table", "songs"],
                                   ["purge", "--artist", "x", "--all"], ["purge", "--artist", "no id", "--yes"],
                                   ["purge", "--all"]])  # fmt: skip
def test_wrong_words(ask: Ask, words: list[str]) -> None:
    """Days, tables, ids and wishes that are none end with 2; nothing was changed."""
    assert ask(*words)[0] == 2


@pytest.mark.slow
@pytest.mark.parametrize("words", [["rebuild"], ["replay"], ["purge"], ["purge", "--all", "--yes"], ["recover"]])
def test_while_a_run_goes(kept: Workspace, ask: Ask, words: list[str]) -> None:
    """While another run holds the workspace they end with 3."""
    with closing(Ledger(kept.ledger)) as ledger, hold_run_lock(kept, "other", "cli", ledger.now()):
        assert ask(*words)[0] == 3
