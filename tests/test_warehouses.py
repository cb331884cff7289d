"""Sending to warehouses from the command line and in a run: what is said, what is refused, what never shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import DiskFull, SettingsError, StorageError
from pipeline.integrations.warehouses import MODULES, open_warehouse, publish_to
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.runs.context import open_context
from pipeline.runs.tasks import WARNING, send
from pipeline.settings import Settings, describe_settings, load_settings
from pipeline.workspace import Workspace
from tests import duckdb_warehouse
from tests.conftest import Spoken
from tests.copies import made_once
from tests.integrations.warehouse_shared import Alike
from tests.payloads import artist, commit, search_line

GIVEN = {"client_id": "i", "client_secret": "s"}


@pytest.fixture
def there(workspace: Workspace, ledger: Ledger, tmp_path: Path) -> str:
    """One artist is published; the address of a warehouse that does not exist yet."""
    duckdb_warehouse.register()
    made_once(workspace, ledger, fill)
    return f"duckdb://{(tmp_path / 'there.duckdb').as_posix()}"


def fill(workspace: Workspace, ledger: Ledger) -> None:
    """The artist."""
    commit(workspace, ledger, "b1", search_line(artist("a1", name="Ana Boa")))
    publish(workspace, ledger)


def settings_of(workspace: Workspace, warehouses: str, **more: object) -> Settings:
    """Settings that name warehouses."""
    values = {"data": workspace.root.parent, "workspace": workspace.name, "warehouses": warehouses, **GIVEN, **more}
    return Settings.model_validate(values)


@pytest.fixture
def asked(workspace: Workspace, there: str, inside: Any, tmp_path: Path) -> Callable[..., Spoken]:
    """The command line of a folder whose settings name the warehouse `mine`."""
    place = {"GARIMPO_DATA": str(workspace.root.parent), "GARIMPO_WORKSPACE": workspace.name}

    def ask(*arguments: str) -> Spoken:
        spoken: Spoken = inside({**place, "GARIMPO_WAREHOUSES": f"mine={there}"}, tmp_path, *arguments)
        return spoken

    return ask


def test_command_tells_in_words(asked: Callable[..., Spoken]) -> None:
    """A dry run, the publish and one without news are told apart, with rows by table."""
    code, out, err = asked("publish-to", "mine", "--dry-run")
    assert (code, "artists: 1 rows would be sent, whole\n" in out, err) == (0, True, "")
    code, out, err = asked("publish-to", "mine")
    assert (code, "name_tokens: 2 rows sent, whole\n" in out, err) == (0, True, "")
    assert "generation 1 to mine: nothing new" in asked("publish-to", "mine")[1]
    assert "artists: 1 rows sent, whole" in asked("publish-to", "mine", "--full")[1]


def test_dry_run_makes_no_workspace(workspace: Workspace, there: str) -> None:
    """Where nothing was collected a dry run has nothing to say, and leaves no folder behind."""
    settings = settings_of(workspace, f"mine={there}").model_copy(update={"workspace": "other"})
    with pytest.raises(StorageError, match="Nothing is published"):
        publish_to(settings, "mine", dry_run=True)
    assert not (workspace.root.parent / "other").exists()


def test_dry_run_leaves_no_schema(workspace: Workspace, there: str) -> None:
    """What a warehouse has to make beforehand, and cannot undo, a dry run does not make."""
    settings = settings_of(workspace, f"mine={there}")
    assert publish_to(settings, "mine", dry_run=True).rows_sent["artists"] == 1
    with open_warehouse("mine", there) as warehouse:
        assert warehouse.rows("SELECT 1 FROM duckdb_schemas() WHERE schema_name = 'garimpo'") == []


def test_dry_run_compares_without_writing(asked: Callable[..., Spoken], workspace: Workspace, ledger: Ledger) -> None:
    """After a first publish a dry run tells the rows that differ, and writes nothing for the next one."""
    asked("publish-to", "mine")
    commit(workspace, ledger, "b2", search_line(artist("a1", name="Ana"), day="2026-11-23"), run_id="run-2")
    publish(workspace, ledger)
    before = sorted(workspace.db.rglob("*"))
    planned = json.loads(asked("publish-to", "mine", "--dry-run", "--json")[1])
    assert (planned["rows_removed"], planned["whole"]) == ({"name_tokens": 1}, [])
    assert sorted(workspace.db.rglob("*")) == before
    assert json.loads(asked("publish-to", "mine", "--json")[1])["rows_sent"] == planned["rows_sent"]


def test_command_speaks_json(asked: Callable[..., Spoken], workspace: Workspace, ledger: Ledger) -> None:
    """Programs get the same as JSON, removed rows included."""
    asked("publish-to", "mine")
    commit(workspace, ledger, "b2", search_line(artist("a1", name="Ana"), day="2026-11-23"), run_id="run-2")
    publish(workspace, ledger)
    said = json.loads(asked("publish-to", "mine", "--json")[1])
    assert {name: said[name] for name in ("warehouse", "dry_run", "is_news", "whole", "mended", "rows_removed")} == {
        "warehouse": "mine", "dry_run": False, "is_news": True, "whole": [], "mended": [],
        "rows_removed": {"name_tokens": 1},
    }  # fmt: skip
    assert "name_tokens: 1 rows" not in asked("publish-to", "mine")[2]


def test_unknown_warehouse_is_refused(asked: Callable[..., Spoken]) -> None:
    """A name that the settings do not give ends with 2 and says those that they do."""
    code, _, err = asked("publish-to", "other")
    assert (code, "There is no warehouse other; GARIMPO_WAREHOUSES names mine. Nothing was sent." in err) == (2, True)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("mine", "every run sends to mine; `python -m pipeline publish-to mine --dry-run` asks it"),
        ("mine,other", "No run can send to other, which GARIMPO_PUBLISH_TO names"),
        ("bare", "Warehouse bare needs the package pipeline.integrations.no_such_warehouse"),
    ],
)
def test_doctor_looks_at_warehouses(
    there: str, inside: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: str, said: str
) -> None:
    """A warehouse without an address, or without its package, is told before the first run has to do without."""
    monkeypatch.setitem(MODULES, "mysql", ("no_such_warehouse", "mysql"))
    given = {"GARIMPO_WAREHOUSES": f"mine={there} bare=mysql://host/database", "GARIMPO_PUBLISH_TO": names}
    code, out, _ = inside({**given, "GARIMPO_DATA": str(tmp_path / "data")}, tmp_path, "doctor", "--json")
    [check] = [check for check in json.loads(out)["checks"] if check["name"] == "warehouses"]
    is_well = said.startswith("every run")
    assert (code, check["ok"], said in check["detail"]) == (0 if is_well else 2, is_well, True)


def test_removed_rows_are_told(asked: Callable[..., Spoken], there: str) -> None:
    """A table that somebody emptied is named as mended."""
    asked("publish-to", "mine")
    with open_warehouse("mine", there) as warehouse:
        warehouse.execute("DELETE FROM garimpo.artists")
        warehouse.commit()
    out = asked("publish-to", "mine")[1]
    assert "artists was not there as it had been sent: made ours again" in out


@pytest.mark.parametrize(
    "text", ["mine", "mine=", "mine=postgresql://", "Mine=postgresql://h/d", "a=mysql://h/d a=mysql://h/e", "a=ftp://h"]
)
def test_wrong_addresses_are_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """What is no NAME=ADDRESS is refused by its place, and not shown."""
    monkeypatch.setenv("GARIMPO_WAREHOUSES", text)
    with pytest.raises(SettingsError, match=r"GARIMPO_WAREHOUSES = \(hidden\) .* word [12] is not NAME=ADDRESS"):
        load_settings()


def test_addresses_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Doctor says that there are some, nothing of them."""
    monkeypatch.setenv("GARIMPO_WAREHOUSES", "mine=postgresql://user:hush@h/d")
    [row] = [row for row in describe_settings() if row["name"] == "warehouses"]
    assert (row["value"], row["origin"]) == ("set (hidden)", "environment")


def test_missing_package_is_said(workspace: Workspace, there: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package of a system the error says which group installs it."""
    monkeypatch.setitem(MODULES, "duckdb", ("no_such_warehouse", "postgres"))
    with pytest.raises(SettingsError, match=r"Warehouse mine needs .* pip install --group postgres .*Nothing was sent"):
        publish_to(settings_of(workspace, f"mine={there}"), "mine")


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("FATAL: password authentication failed for user (pass w@rd)", SettingsError),
        ("(1045, \"Access denied for user 'me'\")", SettingsError),
        ("could not extend file: No space left on device [53100]", DiskFull),
        ("(1114, \"The table 'artists' is full\")", DiskFull),
        ("connection to me:pass%20w%40rd?token=12345678 refused, token 12345678", StorageError),
    ],
)
def test_drivers_errors_are_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, kind: type[Exception]
) -> None:
    """What a driver says becomes an error that says what to do; no password or token shows, coded or not."""
    duckdb_warehouse.register()

    def refuse(_address: str) -> None:
        raise OSError(told)

    monkeypatch.setattr(duckdb_warehouse, "open_warehouse", refuse)
    address = "duckdb://me:pass%20w%40rd@host/database?token=12345678"
    said = r"Warehouse mine \(OSError: .*(send again|GARIMPO_WAREHOUSES)"
    with pytest.raises(kind, match=said) as raised, open_warehouse("mine", address):
        pass
    assert [word for word in ("w@rd", "w%40rd", "12345678") if word in str(raised.value)] == []


def test_run_warns_of_failure(workspace: Workspace, ledger: Ledger, there: str, tmp_path: Path) -> None:
    """A run sends to every warehouse that is named; one that fails is a warning and keeps none of the others."""
    broken = f"duckdb://{(tmp_path / 'no' / 'folder' / 'there.duckdb').as_posix()}"
    settings = settings_of(workspace, f"bad={broken} good={there}", publish_to="bad,good")
    with open_context(settings, ledger) as context:
        facts = send(context)
    assert (list(facts), facts["rows_to_good"] > 0) == ([WARNING, "rows_to_good"], True)
    assert facts[WARNING].startswith("Warehouse bad (IOException: ")
    assert facts[WARNING].endswith("What is published here is untouched.")


def test_run_without_warehouses(workspace: Workspace, ledger: Ledger) -> None:
    """Nothing is sent, and nothing of a warehouse is imported, unless the settings name one."""
    with open_context(settings_of(workspace, ""), ledger) as context:
        assert send(context) == {"warehouses": 0}


def test_lost_parts_send_months(workspace: Workspace, ledger: Ledger, there: str) -> None:
    """Where the files of new parts are gone already, whole months are sent: their rows are in the database."""
    settings = settings_of(workspace, f"mine={there}")
    publish_to(settings, "mine")
    commit(workspace, ledger, "b2", search_line(artist("a2"), day="2026-11-23"), run_id="run-2")
    publish(workspace, ledger)
    for path in workspace.lake.glob("artist_snapshots/day=2026-11-23/*.parquet"):
        path.unlink()
    sending = publish_to(settings, "mine")
    assert (sending.rows_sent["artist_snapshots"], sending.rows_removed["artist_snapshots"]) == (2, 1)


def test_earlier_tables_are_not_sent(workspace: Workspace, there: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another version of the program published is not sent."""
    monkeypatch.setattr("pipeline.published.upgrade.has_todays_tables", lambda _: False)
    with pytest.raises(StorageError, match="was published by another version of this program"):
        publish_to(settings_of(workspace, f"mine={there}"), "mine")


@pytest.mark.slow
class TestDuckDb(Alike):
    """What every warehouse does: the servers themselves are tried by tests/integrations."""

    prelude = "from tests.duckdb_warehouse import register; register()"

    @pytest.fixture
    def address(self, tmp_path: Path) -> str:
        """A file that is not there yet."""
        duckdb_warehouse.register()
        return f"duckdb://{(tmp_path / 'there.duckdb').as_posix()}"
