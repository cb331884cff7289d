"""Runs that keep what they bring in a bucket: same database, lost disks, cold files, refusals, readers elsewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from runs import collect, ledger_of, variables, workspace
from seaweed import KEY, SECRET

from pipeline.errors import SettingsError
from pipeline.keeping.stored import evict
from pipeline.lake.truth import named_files, stored_names
from pipeline.published.generations import open_generation
from tests.commands import command
from tests.integrations import far

PAGE = Path(__file__).resolve().parents[3] / "docs" / "integrations" / "object-storage.md"
COLUMNS = ["artist_id", "observed_on", "followers", "popularity"]


@pytest.fixture(scope="module")
def kept(server, simulated, whole, tmp_path_factory) -> tuple[Path, str]:
    """A folder that was collected into with a store, and the store's address."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_ACCESS_KEY_ID", KEY)
        patched.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        simulated.restart()
        data, store = tmp_path_factory.mktemp("kept"), server.address("read/here")
        assert collect(simulated, data, store).state == "succeeded"
    return data, store


def test_same_database(kept, whole):
    """A run with a store publishes what one without does, and every file of its ledger lies in the bucket."""
    data, store = kept
    assert far.published(data) == whole
    with closing(ledger_of(data)) as ledger:
        assert set(stored_names(workspace(data, store))) == {name for name, _ in named_files(ledger)}


def test_all_lost_but_the_store(server, simulated, whole, inside, tmp_path):
    """`rm -rf raw lake db`, then `rebuild`; the ledger too, then `recover`: the same answers, and runs go on."""
    data, store = tmp_path / "there", server.address("lost")
    typed = partial(inside, variables(simulated, data, store), tmp_path)
    simulated.restart()
    assert collect(simulated, data, store).state == "succeeded"
    place_of = data / "simulator"
    for name in ("raw", "lake", "db"):
        shutil.rmtree(place_of / name)
    assert typed("rebuild")[0] == 0
    assert far.published(data) == whole
    shutil.rmtree(place_of)
    code, _, told = typed("run")
    assert (code, "another ledger" in told, "pipeline recover" in told) == (2, True, True), told
    code, out, told = typed("recover")
    assert (code, "written anew" in out + told) == (0, True), out + told
    assert far.published(data) == whole
    assert collect(simulated, data, store).state == "succeeded"
    assert far.published(data)["tracks"] == whole["tracks"]


def test_cold_files_by_command(server, simulated, inside, tmp_path):
    """`evict` empties the disk of what the bucket has, a run goes on without it, `fetch` brings it back."""
    store, data = server.address("cold"), tmp_path / "there"
    typed = partial(inside, variables(simulated, data, store), tmp_path)
    simulated.restart()
    assert collect(simulated, data, store).state == "succeeded"
    with closing(ledger_of(data)) as ledger:
        files = len(named_files(ledger))
    code, out, _ = typed("evict", "--days", "0", "--json")
    assert (code, json.loads(out)["files"]) == (0, 0)  # those of today stay
    with closing(ledger_of(data)) as ledger:
        evict(workspace(data, store), ledger, ledger.now().date().replace(year=2100), 0)
    assert not list((data / "simulator" / "raw").rglob("*.zst"))
    assert collect(simulated, data, store).state == "succeeded"
    code, out, _ = typed("fetch", "--json")
    assert (code, json.loads(out)["files"]) == (0, files)
    assert typed("recover")[0] == 0


REFUSED = [
    (KEY, "wrong", "garimpo", "does not let us in (403 SignatureDoesNotMatch)"),
    ("reader", SECRET, "garimpo", "does not let us in (403 AccessDenied)"),
    (KEY, SECRET, "no-such-bucket", "there is no such bucket"),
]


@pytest.mark.parametrize("refused", REFUSED, ids=["secret", "rights", "bucket"])
def test_not_let_in(server, simulated, tmp_path, monkeypatch, refused):
    """Wrong credentials, too few rights, no bucket: refused before a request is sent, and no secret is told."""
    key, secret, bucket, told = refused
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    simulated.restart()
    address = server.address(f"refused-{key}-{len(secret)}", bucket)
    with pytest.raises(SettingsError) as said:
        collect(simulated, tmp_path, address)
    assert (told in str(said.value), secret in str(said.value)) == (True, False)
    assert simulated.counts()["total"] == 0


def test_bucket_is_read_directly(server, kept):
    """What the documented code reads from the bucket is what is published."""
    generation = open_generation(workspace(*kept))
    given = {"DATABASE": str(generation.path), "BUCKET": "garimpo/read/here/simulator", "FILESYSTEM": server.files()}
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    exec(compile(code, PAGE.name, "exec"), given)  # noqa: S102  our own documentation
    found = given["snapshots"].select(COLUMNS).to_pylist()
    published = generation.rows(f"SELECT {', '.join(COLUMNS)} FROM artist_snapshots ORDER BY ALL")
    assert {tuple(row.values()) for row in found} == set(published) != set()  # a row for each time it was seen


def test_no_secret_is_told(server, simulated, tmp_path):
    """Neither ledger nor logs nor any message has the bucket's key or secret."""
    typed = partial(command, os.environ | variables(simulated, tmp_path, server.address("secret")), tmp_path)
    simulated.restart()
    code, out, err = typed("run", "--json")
    logs = typed("logs", json.loads(out)["run_id"])
    kept_here = b"".join(path.read_bytes() for path in tmp_path.rglob("ledger.sqlite*"))
    assert (code, SECRET in out + err + "".join(logs[1:]), SECRET.encode() in kept_here) == (0, False, False)
