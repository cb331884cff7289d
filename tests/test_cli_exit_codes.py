"""Every exit code of the command line; with --json nothing but JSON on standard output."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.records.lock import hold_run_lock
from pipeline.simulator.server import Running
from pipeline.workspace import open_workspace
from tests.commands import ROOT, command, environment
from tests.conftest import SERVER
from tests.worlds import running_world, settings_for

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def test_done_is_zero(ask: Any, settings: dict[str, str], tmp_path: Path) -> None:
    """A run that got everything ends with 0, and its JSON tells what it did, task by task."""
    code, result = ask(settings, tmp_path, "run")
    assert (code, result["state"], result["exit_code"], result["due_at"]) == (0, "succeeded", 0, None)
    assert [task["name"] for task in result["tasks"]][:3] == ["probe", "plan", "discover"]


@pytest.fixture
def ask(inside: Any) -> Any:
    """The exit code of a command in this process, and its JSON."""

    def asked(settings: dict[str, str], folder: Path, *arguments: str) -> tuple[int, Any]:
        code, out, _ = inside(settings, folder, *arguments, "--json")
        return code, json.loads(out)

    return asked


def test_another_python_is_one_line() -> None:
    """Started with a Python that has not what is needed, the command says which one has it."""
    line = [sys.executable, "-S", "-m", "pipeline", "status"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "has no package typer. Type .venv/bin/python" in done.stderr


def test_half_of_the_credentials_is_one_line(settings: dict[str, str], tmp_path: Path) -> None:
    """A mistake that several settings make together is told in one line, behind which nobody complains at exit."""
    said = "SettingsError SPOTIPY_CLIENT_ID is set, SPOTIPY_CLIENT_SECRET is not: set both, or neither for the demo."
    found = command(settings | {"SPOTIPY_CLIENT_SECRET": ""}, tmp_path, "status")
    assert found == (2, "", f"{said} Nothing was started.\n")


def test_no_command_means_run(ask: Any, settings: dict[str, str], tmp_path: Path) -> None:
    """Options alone belong to run; a dry run sends nothing and names its price."""
    code, plan = ask(settings, tmp_path, "--dry-run", "--max-requests", "30")
    assert (code, plan["dry_run"], plan["requests"] > 0, plan["at_most"] <= 30) == (0, True, True, True)


def test_failure_is_one(ask: Any, world: Running, settings: dict[str, str], tmp_path: Path) -> None:
    """A run that the source refuses for good ends with 1 and says why."""
    world.set_scenario({"rules": [{"what": "premium_lapsed"}]})
    code, result = ask(settings, tmp_path, "run")
    assert (code, result["state"]) == (1, "failed")
    assert "remium" in result["message"]


@pytest.mark.parametrize(
    ("changes", "arguments", "said"),
    [
        ({"SPOTIPY_CLIENT_ID": "x"}, ["--genres", "@nowhere.txt"], "cannot be read"),
        ({}, ["run", "--genres", " , ", "--dry-run"], "names no genre"),
        ({"GARIMPO_MAX_REQUESTS": "many"}, ["run"], "GARIMPO_MAX_REQUESTS"),
        ({}, ["run", "--max-requests", "0"], "Invalid value for '--max-requests': 1 is the least. See --help."),
        ({}, ["run", "--shiny"], "--shiny"),
        ({}, ["stauts"], "There is no command 'stauts'; did you mean status? Nothing was started."),
        ({}, ["xyzzy"], "There is no command 'xyzzy'; --help lists them. Nothing was started."),
        ({}, ["logs", "never"], "logs last"),
        ({}, ["logs", "--level", "loud"], "none of DEBUG"),
        ({}, ["retry"], "No run yet"),
        ({}, ["schedule", "lst"], "Did you mean 'list'? See --help. Nothing was started."),
        ({}, ["schedule", "add", "x"], "exactly one of"),
        ({}, ["schedule", "remove", "x"], "x is not a schedule"),
        ({}, ["schedule", "add", "default", "--every", "6h"], "put this one in its place with --replace"),
    ],
)
def test_wrong_words_are_two(
    inside: Any,
    changes: dict[str, str],
    arguments: list[str],
    said: str,
    settings: dict[str, str],
    tmp_path: Path,
) -> None:
    """A wrong setting, option or name ends with 2 and names it, for people and for programs."""
    code, out, err = inside({**settings, **changes}, tmp_path, *arguments, "--json")
    assert (code, json.loads(out)["exit_code"]) == (2, 2)
    assert said in json.loads(out)["message"]
    assert said in err.replace("\n", " ")


def test_other_run_is_three(ask: Any, world: Running, settings: dict[str, str], tmp_path: Path) -> None:
    """While another process runs here a second run ends with 3, names it and sends nothing; one that waits gives up."""
    workspace = open_workspace(settings_for(world, tmp_path / "data"))
    with hold_run_lock(workspace, "first", "schedule", NOW):
        code, refusal = ask(settings, tmp_path, "run")
        waited, _ = ask(settings, tmp_path, "run", "--wait", "--wait-s", "0.6")
    assert (code, waited, world.counts()["total"]) == (3, 3, 0)
    assert re.search(r"process \d+ \(run first, schedule, since", refusal["message"])


def test_system_errors_are_sentences(ask: Any, settings: dict[str, str], tmp_path: Path) -> None:
    """What the system says of a path, wherever that is met, is a message of ours and never a trace of the program."""
    code, said = ask(settings, tmp_path, "import", "x" * 300)
    assert (code, said["error"], "File name too long. Name another place" in said["message"]) == (
        1,
        "StorageError",
        True,
    )


def test_answers_can_be_piped(inside: Any, settings: dict[str, str], tmp_path: Path) -> None:
    """What a person asked for is on standard output, one line a row; how a run ended is on standard error."""
    code, out, err = inside(settings, tmp_path, "run", "--max-requests", "20")
    assert (code, out, "20 requests" in err) == (0, "", True)
    rows = {
        "status": "last run ",
        "doctor": "max_requests",
        "checks": "parts_keep_their_hash: ok",
        "--dry-run": "Nothing was sent.",
    }
    for words, row in rows.items():
        code, out, err = inside(settings, tmp_path, words)
        assert (code, err, [row in line for line in out.splitlines()].count(True)) == (0, "", 1)
    doctor = [line.split() for line in inside(settings, tmp_path, "doctor")[1].splitlines()]
    assert ["max_requests", "GARIMPO_MAX_REQUESTS", "100000", "environment"] in doctor
    assert ["keep_snapshot_days", "GARIMPO_KEEP_SNAPSHOT_DAYS", "400", "default"] in doctor  # nothing is cut off
    assert ["fresh_days", "GARIMPO_FRESH_DAYS", "not", "set", "default"] in doctor


@pytest.mark.usefixtures("impatient")
def test_status_tells_what_to_look_at(inside: Any, settings: dict[str, str], tmp_path: Path) -> None:
    """In words as in JSON; what is wrong with the last run is said once. Doctor passes over what means nothing."""
    inside(settings | {"GARIMPO_MAX_REQUESTS": "5"}, tmp_path, "run")
    wrong = settings | {"GARIMPO_PUBLISH_TO": "office"}
    out = inside(wrong, tmp_path, "status")[1]
    assert "to look at: No run can send to office" in out
    world_gone = wrong | {"GARIMPO_API_URL": "http://127.0.0.1:9/v1/"}
    assert inside(world_gone, tmp_path, "run")[0] == 1
    lines = [line for line in inside(wrong, tmp_path, "status")[1].splitlines() if "failed" in line]
    assert [line.split(":")[0].split(" ")[0] for line in lines] == ["to", "last"]
    assert lines[1].endswith(": failed")
    assert "seen probe" not in inside(settings, tmp_path, "doctor")[1]


@pytest.mark.usefixtures("impatient")
def test_retry_goes_on_once(world: Running, ask: Any, settings: dict[str, str], tmp_path: Path) -> None:
    """What a run left, and a retry asked for and was answered, is not left a second time: no run is started for it."""
    world.set_scenario({"rules": [{"what": "server_error", "where": ["albums"]}]})
    run_id = ask(settings, tmp_path, "run", "--max-requests", "30")[1]["run_id"]
    world.set_scenario({})
    assert ask(settings, tmp_path, "retry", run_id)[1]["state"] == "succeeded"
    assert ask(settings, tmp_path, "retry", run_id)[1]["message"].endswith("nothing was started")


def test_last_is_a_run_that_collected(inside: Any, ask: Any, settings: dict[str, str], tmp_path: Path) -> None:
    """An import since is no run whose rest could be asked; its log is the last one all the same."""
    (tmp_path / "old.csv").write_text("id,data,seguidores\n0Banda00000000000000AA,2024-05-01,7\n", encoding="utf-8")
    assert ask(settings, tmp_path, "import", "old.csv")[0] == 0
    assert "No run yet" in inside(settings, tmp_path, "retry")[2]
    run_id = ask(settings, tmp_path, "run", "--max-requests", "20")[1]["run_id"]
    (tmp_path / "new.csv").write_text("id,data,seguidores\n0Banda00000000000000AA,2024-05-03,8\n", encoding="utf-8")
    imported = ask(settings, tmp_path, "import", "new.csv")[1]["run_id"]
    assert ask(settings, tmp_path, "retry")[1]["retry_of"] == run_id
    assert f"run {imported}" in inside(settings, tmp_path, "logs")[2]


@pytest.mark.skipif(bool(SERVER), reason="removes the file of the ledger")
def test_lost_ledger_stops_runs(
    inside: Any, ask: Any, world: Running, settings: dict[str, str], tmp_path: Path
) -> None:
    """Where rows are and the ledger is gone, status, doctor and run name recover; none sends, and recover helps."""
    ask(settings, tmp_path, "run", "--max-requests", "20")
    for path in (tmp_path / "data" / "simulator").glob("ledger.sqlite*"):
        path.unlink()
    before = world.counts()["total"]
    _, status = ask(settings, tmp_path, "status")
    _, doctor = ask(settings, tmp_path, "doctor")
    code, refusal = ask(settings, tmp_path, "run")
    told = [status["problems"][0], doctor["checks"][1]["detail"], refusal["message"]]
    named = f"{tmp_path / 'data' / 'simulator' / 'ledger.sqlite'} was lost or replaced"
    assert [(named in text, "`python -m pipeline recover` writes" in text) for text in told] == [(True, True)] * 3
    assert (code, status["status"], doctor["ok"], world.counts()["total"]) == (1, "failing", False, before)
    _, spoken, _ = inside(settings, tmp_path, "status")
    assert ("was lost or replaced" in spoken, "no run yet" in spoken) == (True, False)
    assert ask(settings, tmp_path, "recover")[0] == 0
    assert [ask(settings, tmp_path, name)[0] for name in ("doctor", "run")] == [0, 0]


def test_doctor_looks_at_the_database(ask: Any, settings: dict[str, str], tmp_path: Path) -> None:
    """It is well before anything is published and after, not where the published database is cut off or gone."""

    def found() -> tuple[int, str]:
        code, out, _ = command(settings, tmp_path, "doctor", "--json")  # a process of its own: nothing is open there
        return code, next(check["detail"] for check in json.loads(out)["checks"] if check["name"] == "database")

    assert found() == (0, "nothing is published yet")
    ask(settings, tmp_path, "run", "--max-requests", "20")
    published = tmp_path / "data" / "simulator" / "db" / "garimpo-00000001.duckdb"
    assert found() == (0, f"{published} can be read")
    published.write_bytes(published.read_bytes()[:9_000])
    assert found()[0] == 1
    assert f"{published} cannot be opened" in found()[1]
    shutil.rmtree(published.parent)
    assert found()[0] == 1
    assert "Run `python -m pipeline rebuild`" in found()[1]


@pytest.mark.skipif(bool(SERVER), reason="removes the file of the ledger")
def test_lost_ledger_answers_nothing(ask: Any, inside: Any, settings: dict[str, str], tmp_path: Path) -> None:
    """Whoever asks what only the ledger knows hears that it was lost, instead of what an empty one would say."""
    (tmp_path / "new.csv").write_text("id,data,seguidores\n0Banda00000000000000AA,2024-05-03,8\n", encoding="utf-8")
    assert ask(settings, tmp_path, "import", "new.csv")[0] == 0
    for path in (tmp_path / "data" / "simulator").glob("ledger.sqlite*"):
        path.unlink()
    for line in (
        "run --dry-run", "retry --dry-run", "logs", "imports", "trace artist 0Banda00000000000000AA", "schedule list",
        "schedule add often --every 6h", "freshness", "import new.csv --dry-run", "export followed",
    ):  # fmt: skip
        code, _, said = inside(settings, tmp_path, *line.split())
        assert (line, code, "`python -m pipeline recover` writes" in said) == (line, 1, True)


def test_deferral_is_four(inside: Any, ask: Any, tmp_path: Path) -> None:
    """A run into a quota ends with 4 and says when the rest is due; so does a retry before that time, beforehand."""
    with running_world(quotas={"albums": 5}, lock_s=7_200) as simulator:
        settings = environment(simulator, tmp_path / "data")
        code, result = ask(settings, tmp_path, "run")
        _, plan, _ = inside(settings, tmp_path, "retry", "--dry-run")
        again, _, told = inside(settings, tmp_path, "retry")
    assert (code, result["state"], result["due_at"][:13]) == (4, "deferred", "2026-03-10T14")
    assert plan.count(", locked until 2026-03-10 14:") == 2  # releases and tracks
    assert (again, "requests to be asked again; albums is locked until 2026-03-10 14:" in told) == (4, True)


def test_every_command_speaks_json(inside: Any, ask: Any, settings: dict[str, str], tmp_path: Path) -> None:
    """Status, log, graph, doctor and schedules answer programs; a retry of what left nothing says so, starts none."""
    run_id = ask(settings, tmp_path, "run", "--max-requests", "20")[1]["run_id"]
    said = f"run {run_id} left nothing to be asked again; nothing was started"
    assert inside(settings, tmp_path, "retry") == (0, "", f"{said}\n")
    assert ask(settings, tmp_path, "retry") == (0, {"retry_of": run_id, "requests": 0, "message": said})
    code, status = ask(settings, tmp_path, "status")
    assert (code, status["workspace"], status["last_run"]["trigger"]) == (0, "simulator", "cli")
    assert status["last_run"]["run_id"] == run_id
    code, out, _ = inside(settings, tmp_path, "logs", "--json", "--task", "discover")
    events: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    assert (code, {row["task"] for row in events}) == (0, {"discover"})
    assert {"item_finished", "task_finished"} <= {row["event"] for row in events}
    assert len(ask(settings, tmp_path, "dag")[1]) == 9
    assert ask(settings, tmp_path, "doctor")[1]["ok"] is True
    assert ask(settings, tmp_path, "schedule", "list")[1][0]["name"] == "default"
