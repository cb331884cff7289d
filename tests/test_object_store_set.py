"""How an object store is set: its address, its package, and the commands that look after copies."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.errors import SettingsError
from pipeline.lake.truth import stored_names
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings, load_settings
from pipeline.workspace import open_workspace
from tests.conftest import Clock
from tests.stores import StoreAt, fill, here

Inside = Callable[..., tuple[int, str, str]]


def test_commands_of_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: Inside, store_at: StoreAt, clock: Clock
) -> None:
    """`evict` and `fetch` by the command line, with the store that the settings name; without one both say so."""
    bucket, said = (
        tmp_path.name.replace("_", "-"),
        {"GARIMPO_DATA": str(tmp_path / "data"), "GARIMPO_WORKSPACE": "test"},
    )
    monkeypatch.setitem(sys.modules, "pipeline.integrations.s3_store",
                        SimpleNamespace(open_store=lambda _, prefix: store_at(prefix)))  # fmt: skip
    address = f"s3://{bucket}/below"
    workspace = open_workspace(Settings(data=tmp_path / "data", workspace="test", store=address))
    with closing(Ledger(workspace.ledger, clock.now)) as ledger:
        fill(workspace, ledger)
    files, there = len(here(workspace)), said | {"GARIMPO_STORE": address}
    code, out, _ = inside(there, tmp_path, "evict", "--days", "0", "--dry-run", "--json")
    assert (code, json.loads(out)["files"], len(here(workspace))) == (0, files, files)
    assert inside(there, tmp_path, "evict", "--days", "0")[0] == 0
    assert (here(workspace), len(stored_names(workspace))) == (set(), files)
    code, out, _ = inside(there, tmp_path, "doctor", "--json")
    assert [each["detail"] for each in json.loads(out)["checks"] if each["name"] == "object store"] == [
        f"{store_at('below/test').address} answers, and is this ledger's"
    ]
    code, _, told = inside(said, tmp_path, "rebuild")
    assert (code, f"are in {store_at('below/test').address}" in told) == (2, True)
    assert (inside(there, tmp_path, "fetch", "--leave")[0], len(here(workspace))) == (0, files)
    code, _, told = inside(said, tmp_path, "evict")
    assert (code, "GARIMPO_STORE is empty" in told) == (2, True)


def test_package_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the package of a store the setting is refused, and which group has it is told."""
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.delitem(sys.modules, "pipeline.integrations.s3_store", raising=False)
    with pytest.raises(SettingsError, match=r"needs the package obstore: pip install --group objects"):
        open_workspace(Settings(data=tmp_path, store="s3://nowhere/of-no-package"))


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ("bucket/prefix", "is not s3:// or gs://"),
        ("s3:///prefix", "is not s3:// or gs://"),
        ("s3://key:secret@bucket", "is not s3:// or gs://"),
        ("s3://bucket?acl=public", "asks for acl"),
        ("s3://bucket?endpoint_override=http://example.org", "is not encrypted"),
    ],
)
def test_address_is_refused(tmp_path: Path, store: str, told: str) -> None:
    """An address without a bucket, with credentials, or of a server without encryption elsewhere is refused."""
    with pytest.raises(SettingsError) as refused:
        load_settings(tmp_path, store=store)
    assert (told in str(refused.value), "secret" in str(refused.value)) == (True, "secret" in told)
