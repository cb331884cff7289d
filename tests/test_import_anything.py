"""Whatever a file holds, an import reads it, counts it among the rejects or refuses it; and it adds up once."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.errors import DamagedFile, SettingsError
from pipeline.moving.importing import import_history
from pipeline.published.generations import open_generation
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from pipeline.workspace import Workspace, open_workspace
from tests.receipts import BANDA, VIOLA

DAY = date(2024, 5, 1)
NAMES = ["id", "uri", "name", "nome", "followers", "seguidores", "popularity", "genres", "data", "date", "artists",
         "items", "total", "images", "url", "spotify"]  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
JSON = st.recursive(
    SCALARS | st.sampled_from([BANDA, VIOLA, "2024-05-01"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), inner, max_size=6)
    ),
    max_leaves=25,
)
TABLES = st.lists(st.text(max_size=30), max_size=6).map(lambda cells: "id,data,nome\n" + ",".join(cells))
CONTENTS = st.binary(max_size=200) | st.one_of(JSON.map(json.dumps), st.text(max_size=200), TABLES).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)
ENTRIES = st.fixed_dictionaries(
    {"id": st.sampled_from([BANDA, VIOLA])},
    optional={
        "nome": st.text(max_size=8),
        "followers": st.integers(-1, 10**20) | st.text(max_size=3),
        "popularity": st.integers(-1, 101),
        "generos": JSON,
        "data": st.sampled_from(["2024-05-01", "2024-05-02", 7, "x"]),
    },
)
many = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.slow
@given(content=CONTENTS)
@many
def test_any_file_is_read_or_refused(workspace: Workspace, ledger: Ledger, tmp_path: Path, content: bytes) -> None:
    """Any bytes: imported, counted among the rejects, or refused with an error of ours."""
    (tmp_path / "any").write_bytes(content)
    try:
        report = import_history(workspace, ledger, tmp_path / "any", "", on=DAY, dry_run=True)
    except (SettingsError, DamagedFile):
        return
    assert report.entries >= report.observations + report.known + report.to_refresh
    assert all(reason for _, _, reason in report.rejects)


@pytest.mark.slow
@given(entries=st.lists(ENTRIES, max_size=4))
@example(entries=[{"id": VIOLA, "generos": [], "data": "2024-05-02"}, {"id": VIOLA, "generos": ["x"]}])
@settings(many, max_examples=12)
def test_any_entries_add_up_once(tmp_path_factory: pytest.TempPathFactory, entries: list[dict[str, Any]]) -> None:
    """Whatever the entries say, the import adds what it told, and nothing the second time."""
    root = tmp_path_factory.mktemp("any")
    workspace = open_workspace(Settings(data=root, workspace="test"))
    (root / "any.jsonl").write_text("\n".join(map(json.dumps, [*entries, {"id": BANDA}])), encoding="utf-8")
    ledger = Ledger(workspace.ledger)
    try:
        first, again = (
            import_history(workspace, ledger, root / "any.jsonl", run, on=DAY) for run in ("run-1", "run-2")
        )
    finally:
        ledger.close()
    assert (again.observations, again.to_refresh) == (0, 0)
    found = open_generation(workspace).rows("SELECT count(*) FROM artist_snapshots")
    assert found == [(first.observations + first.to_refresh,)]
