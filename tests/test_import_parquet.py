"""Parquet of other projects is imported as their JSON and CSV are."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import DamagedFile, SettingsError
from pipeline.moving.importing import import_history
from pipeline.published.publish import open_generation
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.receipts import BANDA

FLAT = {"artist_uri": f"spotify:artist:{BANDA}", "nome": "Banda Um", "seguidores": 70, "popularidade": "31",
        "gêneros": ["mpb", "samba"]}  # fmt: skip


@pytest.mark.parametrize("day", [date(2024, 5, 1), datetime(2024, 5, 1, 3, tzinfo=UTC), "01/05/2024"])
def test_parquet_is_understood(workspace: Workspace, ledger: Ledger, tmp_path: Path, day: Any) -> None:
    """What `to_parquet` wrote of a frame is history as any other, instants of nanoseconds too; a row is a line."""
    rows = pa.Table.from_pylist([{**FLAT, "data": day}, {"artist_uri": "no"}])
    if isinstance(day, datetime):
        rows = rows.set_column(5, "data", rows["data"].cast(pa.timestamp("ns", "UTC")))
    pq.write_table(rows, path := tmp_path / "artistas.parquet")
    report = import_history(workspace, ledger, path, "run-1")
    assert (report.files[0].format, report.rejects) == (
        "Parquet", (("artistas.parquet", 2, "'no' is no artist's id or link"),),
    )  # fmt: skip
    assert open_generation(workspace).rows(
        "SELECT name, s.followers, s.popularity, genres, observed_on "
        "FROM artist_snapshots s JOIN artists USING (artist_id)"
    ) == [("Banda Um", 70, 31, ["mpb", "samba"], date(2024, 5, 1))]


def test_other_parquet_is_refused(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> None:
    """Parquet without artist ids, of a bundle, or cut off says which of these it is, and nothing is imported."""
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"track": ["a"]}), path)
    with pytest.raises(SettingsError, match=r"no column of artist ids \(columns: track\)"):
        import_history(workspace, ledger, path, "run-1")
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DamagedFile, match="cannot be read"):
        import_history(workspace, ledger, path, "run-1")
    (tmp_path / "manifest.json").write_text("{}", "utf-8")
    with pytest.raises(SettingsError, match="`python -m pipeline export --from` reads it"):
        import_history(workspace, ledger, path, "run-1")
    (tmp_path / "schema.json").write_text('{"artists": {"name": "artists"}}', "utf-8")
    with pytest.raises(SettingsError, match=f"{tmp_path} is a bundle. A bundle is not imported"):
        import_history(workspace, ledger, tmp_path, "run-1")
