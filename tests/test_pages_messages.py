"""What runs say of themselves, as Portuguese pages show it: every message that an ordinary week brings."""

from __future__ import annotations

import ast
import re
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pages._run_words import BUCKETS, bucket_label, told
from pages._text import Text, catalogue
from pipeline.errors import BudgetSpent, RunInProgress
from pipeline.published.checks import CHECKS, Check, CheckResult, in_words
from pipeline.records import budget
from pipeline.records.ledger import Ledger
from pipeline.records.lock import hold_run_lock
from pipeline.runs.runner import run_pipeline
from pipeline.runs.tasks import WARNING
from pipeline.simulator.server import Running
from pipeline.workspace import open_workspace
from tests.test_pages_errors import PIPELINE, PT, english
from tests.worlds import collect, genre_names, settings_for

WORLD = {"profile": "development", "now": None, "artists": 4}


def messages(data: Path) -> set[str]:
    """Everything that runs and their tasks and items say of how they went."""
    with closing(Ledger(data / "simulator" / "ledger.sqlite")) as ledger:
        ran = ledger.read("SELECT message FROM runs WHERE message <> ''")
        tried = ledger.read("SELECT message FROM task_runs WHERE message <> '' AND state <> 'succeeded'")
    return {row["message"] for row in (*ran, *tried)}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("what", "where"),
    [
        ("quota", "search"), ("server_error", "albums"), ("premium_lapsed", "albums"), ("withdrawn", "albums"),
        ("empty_400", "albums"), ("not_found", "albums"), ("invalid_client", "token"), ("server_error", "token"),
    ],
)  # fmt: skip
def test_faults_are_told_in_portuguese(world: Running, tmp_path: Path, what: str, where: str):
    """Whatever the source answers, a run, its tasks and its items say in Portuguese what it means."""
    world.set_scenario({"rules": [{"what": what, "where": [where]}]})
    collect(world, tmp_path, max_requests=60)
    assert (said := messages(tmp_path))
    assert {each: words for each in said if (words := english(each))} == {}


def test_ends_without_fault_are_told_in_portuguese(world: Running, tmp_path: Path):
    """So do runs that came to their limit, that were cancelled, that spent the day's quota or found another one."""
    stop = threading.Event()
    collect(world, tmp_path, max_requests=20)
    collect(world, tmp_path, quota_requests=5)
    run_pipeline(settings_for(world, tmp_path), stop=stop, report=lambda _: stop.set())
    workspace = open_workspace(settings_for(world, tmp_path))
    said = messages(tmp_path)
    with (
        hold_run_lock(workspace, "r1", "cli", datetime(2026, 11, 29, 6, tzinfo=UTC)),
        pytest.raises(RunInProgress) as other,
    ):
        collect(world, tmp_path)
    assert len(said) >= 5
    assert {each: words for each in {*said, str(other.value)} if (words := english(each))} == {}


def test_tasks_tell_what_they_did_in_portuguese(world: Running, tmp_path: Path):
    """What the tasks of a run that went well say of it is in Portuguese, too."""
    result = collect(world, tmp_path, quota_requests=900)
    said = {task.name: told(task.message, PT) for task in result.tasks if task.message}
    assert said["publish"].startswith("geração 1, partes ")
    assert said["plan"].startswith(f"gêneros {len(genre_names(world))}, no máximo 100000 requisições, restam ")
    assert re.findall(r"[a-z]+_[a-z]+", " ".join(said.values())) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda each: each.name)
def test_broken_promises_are_told_in_portuguese(check: Check):
    """A promise that is broken is named in Portuguese, with how far and what mends it."""
    message = f"check: {WARNING} {in_words(CheckResult(check, 3, 'of 35 answers'))}"
    assert english(message.replace(check.name, "")) == []
    assert "não se cumpre em 3 (de 35 respostas)" in told(message, PT)


def test_a_limit_that_was_too_low_is_told_in_portuguese(world: Running, tmp_path: Path):
    """A run that may send no more than its probe says so in Portuguese."""
    collect(world, tmp_path, max_requests=3)
    assert [words for each in messages(tmp_path) if (words := english(each))] == []


def test_phrases_are_those_of_the_pipeline():
    """Every phrase of the catalogue stands in a message of the pipeline: one that is said otherwise is missed here."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PIPELINE.rglob("*.py")]
    said = {text for tree in trees for node in ast.walk(tree) if (text := _words(node))}
    phrases = [str(entry.id) for entry in catalogue("pt_BR") if entry.context == "phrase"]
    assert len(phrases) > 40
    assert [each for each in phrases if not any(re.sub(r"{\w+}", "{}", each) in text for text in said)] == []


def _words(node: ast.AST) -> str:
    """A text of the code, `{}` where it has a value."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_buckets_are_those_of_the_budget():
    """Every bucket has its label in both languages; its instant is the reader's."""
    assert set(BUCKETS) == set(budget.BUCKETS)
    assert not {bucket_label(bucket, PT) for bucket in BUCKETS} & set(BUCKETS)
    spent = str(BudgetSpent("tracks", datetime(2026, 11, 29, 9, tzinfo=UTC), "rate limit of the 30 s window"))
    assert [told(f"refresh_tracks: {spent}", text) for text in (Text("en"), PT)] == [
        "reading tracks: tracks: rate limit of the 30 s window; due again at Nov 29, 09:00 UTC",
        "lendo faixas: faixas: requisições demais em 30 s; continua a partir de 29 nov., 06:00 BRT",
    ]
