"""A rebuild makes the published tables from the committed parts alone, whatever became of what was published."""

from __future__ import annotations

import pytest

from pipeline.errors import DamagedFile
from pipeline.keeping.exchange import settle
from pipeline.published.generations import current_number, open_generation
from pipeline.published.publish import EXCHANGED, lags, publish, rebuild
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.payloads import artist, commit, search_line


def test_damage_is_rebuilt(workspace: Workspace, ledger: Ledger):
    """Neither a pointer that points nowhere nor a broken generation is in the way of a rebuild."""
    commit(workspace, ledger, "b1", search_line(artist("a1")))
    publish(workspace, ledger)
    (workspace.db / "garimpo-00000001.duckdb").write_bytes(b"broken")
    (workspace.db / "CURRENT").write_text("garbage", encoding="utf-8")
    with pytest.raises(DamagedFile):
        publish(workspace, ledger)
    assert rebuild(workspace, ledger).number == 2
    assert open_generation(workspace).rows("SELECT artist_id, followers FROM artist_snapshots") == [("a1", 10)]


def test_rebuild_of_nothing(workspace: Workspace, ledger: Ledger):
    """Without any part a rebuild gives empty tables, and the next publish goes on from there."""
    assert rebuild(workspace, ledger).rows == 0
    assert open_generation(workspace).rows("FROM artist_snapshots") == []
    commit(workspace, ledger, "b1", search_line(artist("a1")))
    assert (publish(workspace, ledger).number, current_number(workspace)) == (2, 2)


def test_exchange_elsewhere_is_noticed(workspace: Workspace, ledger: Ledger):
    """Where parts were exchanged on another machine, what is shown here is built anew once; nothing older is kept."""
    for number in (1, 2):
        commit(workspace, ledger, f"b{number}", search_line(artist(f"a{number}")))
        publish(workspace, ledger)
    with ledger.write() as connection:
        connection.execute("DELETE FROM parts WHERE batch_id = ?", ("b1",))
    ledger.set_meta(EXCHANGED, "by another")
    assert lags(workspace, ledger)
    assert publish(workspace, ledger).number == 3
    assert open_generation(workspace).rows("SELECT artist_id FROM artist_snapshots") == [("a2",)]
    assert [path.name for path in workspace.db.glob("*.duckdb")] == ["garimpo-00000003.duckdb"]
    assert (publish(workspace, ledger).changed, lags(workspace, ledger)) == (False, False)


def test_settling_sweeps_what_went_elsewhere(workspace: Workspace, ledger: Ledger):
    """Files that another machine let go of go here, too, when what it exchanged is settled."""
    commit(workspace, ledger, "b1", search_line(artist("a1")))
    publish(workspace, ledger)
    (gone,) = (workspace.root / part.path for part in ledger.parts() if part.table == "artist_snapshots")
    with ledger.write() as connection:
        connection.execute("DELETE FROM parts WHERE table_name = 'artist_snapshots'")
    assert not settle(workspace, ledger)
    ledger.set_meta(EXCHANGED, "by another")
    assert settle(workspace, ledger)
    assert (gone.exists(), open_generation(workspace).rows("FROM artist_snapshots")) == (False, [])
    assert not settle(workspace, ledger)
