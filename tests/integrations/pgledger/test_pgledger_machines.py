"""Two machines that share a ledger and an object store, each with a disk of its own: here two data folders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import RunInProgress, SettingsError
from pipeline.keeping.purge import purge_artist
from pipeline.records.ledger import Ledger
from pipeline.records.lock import hold_run_lock
from pipeline.runs.runner import run_pipeline
from pipeline.settings import Settings
from pipeline.workspace import open_workspace
from tests.integrations.far import published_by
from tests.integrations.objects.seaweed import KEY, SECRET, Seaweed
from tests.integrations.pgledger.server import Server
from tests.integrations.pgledger.worlds import begun, settings_of, until

pytestmark = pytest.mark.skipif("WEED" not in os.environ, reason="no S3-compatible server here")


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: Any) -> Iterator[Seaweed]:
    """An S3-compatible server with a bucket."""
    running = Seaweed(tmp_path_factory.mktemp("seaweed"))
    yield running
    running.end()


@pytest.fixture
def machines(
    simulated: Any, server: Server, bucket: Seaweed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Settings, Settings]:
    """Settings of two machines."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    ledger, store = server.database(), bucket.address(tmp_path.name)
    one, two = (settings_of(simulated, tmp_path / name, ledger, store=store) for name in ("one", "two"))
    return one, two


def test_machines_go_on_where_another_ended(simulated: Any, machines: Any, by_file: Any) -> None:
    """What one has collected the other has, too, without a request and from an empty disk; then they take turns."""
    one, two = machines
    simulated.restart()
    assert run_pipeline(one).state == "succeeded"
    sent = simulated.counts()["total"]
    second = run_pipeline(two)
    assert (second.state, second.requests, simulated.counts()["total"]) == ("succeeded", 0, sent)
    assert published_by(one) == published_by(two) == by_file
    assert run_pipeline(one).requests == 0


def test_machines_run_one_at_a_time(simulated: Any, machines: Any, by_file: Any) -> None:
    """While one runs the other is refused; when that one is killed the other completes what it began."""
    one, two = machines
    simulated.restart()
    first = begun(simulated, one)
    until(lambda: simulated.counts()["total"] > 8, 60.0)
    with pytest.raises(RunInProgress):
        run_pipeline(two)
    first.kill()
    first.wait()
    assert run_pipeline(two).state == "succeeded"
    assert published_by(two) == by_file


def test_purge_goes_from_every_disk(simulated: Any, machines: Any) -> None:
    """An artist that was purged on one machine is on no disk once the others have run."""
    _, two = machines
    for each in machines:
        run_pipeline(each)
    here, there = map(open_workspace, machines)
    artist = simulated.truth["artists"][0]["artist_id"]
    with closing(Ledger(here.ledger)) as ledger, hold_run_lock(here, "purge", "purge", ledger.now()):
        assert purge_artist(here, ledger, artist).parts
    run_pipeline(two.model_copy(update={"genres": ("no such genre",)}))
    for root in (here.root, there.root):
        assert [path for path in root.rglob("*") if path.is_file() and artist.encode() in path.read_bytes()] == []


def test_files_in_a_store_are_not_taken_from_a_disk(machines: Any) -> None:
    """A machine without the store is refused: it would take the files there for lost."""
    one, two = machines
    run_pipeline(one)
    with pytest.raises(SettingsError, match=r"GARIMPO_STORE|another folder"):
        run_pipeline(two.model_copy(update={"store": ""}))
