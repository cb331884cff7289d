"""`python -m pipeline publish-to NAME`: make the tables of a warehouse equal to the published ones.

Which file knows a scheme, what is compared, in which order things are done; a file for each system knows the rest. The
warehouse's own `garimpo_sent` says what it has. Nothing is written here but hashes of the rows sent.
"""

from __future__ import annotations

import importlib
import logging
import re
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from pipeline.clock import workspace_clock
from pipeline.errors import DiskFull, GarimpoError, SchemaMismatch, SettingsError, StorageError, WriterBusy
from pipeline.integrations.warehouse_news import SNAPSHOTS, Changes, Reader, Sent
from pipeline.integrations.warehouse_sql import LEDGER, Warehouse, place_of
from pipeline.lake.files import make_folder
from pipeline.published.building import shape
from pipeline.published.generations import Generation
from pipeline.published.upgrade import open_todays
from pipeline.records.events import note
from pipeline.schema import PUBLISHED, Table
from pipeline.setting_types import warehouse_addresses
from pipeline.settings import Settings
from pipeline.workspace import Workspace, open_workspace

__all__ = ["MODULES", "Sending", "open_warehouse", "publish_to", "require_package"]

log = logging.getLogger(__name__)

# A scheme's file, and its dependency group.
MODULES = {
    "postgresql": ("postgres_warehouse", "postgres"),
    "mysql": ("mysql_warehouse", "mysql"),
    "bigquery": ("bigquery_warehouse", "bigquery"),
    "snowflake": ("snowflake_warehouse", "snowflake"),
    "redshift": ("redshift_warehouse", "redshift"),
}
# What drivers say, and what it means; they agree on no codes.
REFUSED = re.compile(
    r"28P01|28000|authentication failed|access denied|incorrect username|\b1045\b|unauthorized|credentials",
    re.IGNORECASE,
)
FULL = re.compile(r"no space left|53100|disk full|\b1021\b|\b1114\b|errcode: 28|table .* is full", re.IGNORECASE)
SECRET_LETTERS = 8  # an option of an address that long may be a token
AS_BEFORE = "What is published here is untouched"


@dataclass
class Sending:
    """What a publish to a warehouse did, or would do; by table the rows sent and removed, where there were any.

    `whole`: tables that were sent whole; `mended`: those that were not there as they had been sent.
    """

    warehouse: str
    generation: int
    dry_run: bool = False
    is_news: bool = False
    rows_sent: dict[str, int] = field(default_factory=dict)
    rows_removed: dict[str, int] = field(default_factory=dict)
    whole: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    seconds: float = 0.0


@contextmanager
def open_warehouse(name: str, address: str) -> Iterator[Warehouse]:
    """A connection to the warehouse at an address, closed at the end: what was not committed is undone.

    What goes wrong is ours: SettingsError (package or credentials), DiskFull, StorageError, with no secret in it.
    """
    module = _module(name, address)
    try:
        warehouse: Warehouse = module.open_warehouse(address)
        with closing(warehouse):
            yield warehouse
    except (OSError, *module.ERRORS) as error:
        raise _explained(name, address, error) from None


def publish_to(settings: Settings, name: str, *, full: bool = False, dry_run: bool = False) -> Sending:
    """Send what a warehouse does not have of the published tables, in one transaction where it has any.

    `full`: everything, whatever it says it has. Raises SettingsError (unknown name, package, credentials), StorageError
    (not reached, failed), DiskFull, SchemaMismatch, WriterBusy: it is as before then, or completed by the next time.
    """
    address, workspace, begun = _address(settings, name), open_workspace(settings, to_read=dry_run), time.perf_counter()
    generation = open_todays(workspace)
    token, place = f"{name}.{secrets.token_hex(8)}", _aside() if dry_run else _alone(workspace, name)
    with place as into, open_warehouse(name, address) as warehouse:
        reader = Reader(generation, workspace, into, token, keeps_lists=warehouse.keeps_lists)
        with closing(reader):
            visit = _Visit(warehouse, reader, Sending(name, generation.number, dry_run))
            visit.send(_now(settings, workspace, generation), full=full)
    visit.sending.seconds = round(time.perf_counter() - begun, 3)
    rows, mended = sum(visit.sending.rows_sent.values()), ",".join(visit.sending.mended)
    note(log, "published_to", warehouse=name, rows=rows, mended=mended, dry_run=dry_run)
    return visit.sending


def require_package(settings: Settings, name: str) -> None:
    """Raise SettingsError where a warehouse is unknown, or its package is not installed."""
    _module(name, _address(settings, name))


def _module(name: str, address: str) -> Any:
    file, group = MODULES[address.partition("://")[0]]
    try:
        return importlib.import_module(f"{__package__}.{file}")
    except ImportError as error:
        raise SettingsError(
            f"Warehouse {name} needs the package {error.name}: pip install --group {group} installs it. "
            "Nothing was sent."
        ) from None


def _now(settings: Settings, workspace: Workspace, generation: Generation) -> Sent:
    """What is to be noted of this generation; its file's time tells apart those of one number (after a restore)."""
    identity = f"{generation.number}-{generation.path.stat().st_mtime_ns}"
    sent_at = workspace_clock(settings)().replace(tzinfo=None)
    return Sent(1, sent_at, workspace.name, identity, int(generation.meta("applied_seq")), 0, 0, shape(), "", {})


@dataclass
class _Visit:
    """One connection's work."""

    warehouse: Warehouse
    reader: Reader
    sending: Sending

    def send(self, now: Sent, *, full: bool) -> None:
        """Bring every table up to date, note it, commit."""
        if not self.sending.dry_run:
            self.warehouse.prepare()
        there = self.warehouse.columns()
        sent = None if self._is_odd(LEDGER, there) else self.warehouse.sent()
        if sent is not None and sent.workspace != now.workspace:
            message = f"Warehouse {self.sending.warehouse} has the tables of workspace {sent.workspace}"
            raise SettingsError(f"{message}, this is {now.workspace}: name another schema. Nothing was sent.")
        odd = [table for table in PUBLISHED.values() if self._is_odd(table, there)]
        self.sending.mended += [table.name for table in odd if table.name in there]
        if not self.sending.dry_run:
            self._mend(odd, there)
        full = full or sent is None or sent.shape != now.shape
        is_known = sent is not None and sent.generation == now.generation and not full
        if not is_known:
            self.reader.hash_rows()
        anew = {table.name for table in odd}
        for name in PUBLISHED:
            if full or name in anew or sent is None:
                self._carry_out(name, self.reader.whole(name))
            elif not is_known:
                self._carry_out(name, self.reader.changes(name, sent))
            if not self.sending.dry_run and (name != SNAPSHOTS or not is_known or self._is_emptied(name)):
                self._prove(name)
        self._end(sent, now, is_known=is_known)

    def _end(self, sent: Sent | None, now: Sent, *, is_known: bool) -> None:
        """Note what is there and commit; a generation that was sent already keeps its hashes."""
        sending = self.sending
        sending.is_news = not is_known or bool(sending.whole)
        if sending.dry_run or not sending.is_news:
            return
        token = sent.token if sent and is_known else self.reader.token
        sums = sum(sending.rows_sent.values()), sum(sending.rows_removed.values())
        noted = replace(now, rows_sent=sums[0], rows_removed=sums[1], token=token, months=self.reader.months())
        self.warehouse.remember(replace(noted, number=sent.number + 1 if sent else 1))
        if not is_known:
            self.reader.keep()
        self.warehouse.commit()
        self.reader.forget(f"{sending.warehouse}.", but=token)

    def _is_odd(self, table: Table, there: dict[str, dict[str, str]]) -> bool:
        """Whether a table is not there with our columns and types."""
        return there.get(table.name) != self.warehouse.expected(table)

    def _mend(self, odd: list[Table], there: dict[str, dict[str, str]]) -> None:
        """Make tables ours: add what lacks, else make them anew. What they hold is not relied upon any more."""
        if self._is_odd(LEDGER, there):
            odd = [LEDGER, *odd]
        elif odd:
            self.warehouse.forget()
        for table in odd:
            found, wanted = there.get(table.name, {}), self.warehouse.expected(table)
            if found and list(wanted.items())[: len(found)] == list(found.items()):
                for column in table.columns[len(found) :]:
                    self.warehouse.add_column(table, column)
                continue
            if found:
                self.warehouse.drop(table.name)
            self.warehouse.create(table)

    def _carry_out(self, name: str, changes: Changes) -> None:
        if changes.is_empty:
            return
        if changes.whole:
            self.sending.whole.append(name)
        removed = changes.gone.count if changes.gone else 0
        if self.sending.dry_run:
            self._count(name, changes.rows.count, removed)
            return
        if changes.whole:
            self.warehouse.replace(changes.rows)
        for span in changes.cleared:
            before = self.warehouse.count(name)
            self.warehouse.clear(name, span)
            removed += before - self.warehouse.count(name)
        if changes.gone and changes.gone.count:
            self.warehouse.remove(changes.gone)
        if changes.rows.count and not changes.whole:
            self.warehouse.merge(changes.rows)
        self._count(name, changes.rows.count, removed)

    def _count(self, name: str, rows: int, removed: int) -> None:
        if rows:
            self.sending.rows_sent[name] = rows
        if removed:
            self.sending.rows_removed[name] = removed

    def _is_emptied(self, name: str) -> bool:
        """Whether a table has no rows there: without news the one without bound is asked that, not counted."""
        return not self.warehouse.rows(f"SELECT 1 FROM {self.warehouse.name(name)} LIMIT 1")

    def _prove(self, name: str) -> None:
        """Count what is there: where somebody removed or added rows, send the table whole."""
        wanted = self.reader.count(name)
        if self.warehouse.count(name) != wanted and name not in self.sending.whole:
            self.sending.mended.append(name)
            self._carry_out(name, self.reader.whole(name))
        if (found := self.warehouse.count(name)) != wanted:
            raise SchemaMismatch(
                f"{name} has {found} rows there instead of {wanted}. Nothing was noted there; {AS_BEFORE}."
            )


@contextmanager
def _aside() -> Iterator[Path]:
    """A folder for the hashes of a dry run, gone with them at the end."""
    with tempfile.TemporaryDirectory(prefix="garimpo-") as folder:
        yield Path(folder)


@contextmanager
def _alone(workspace: Workspace, name: str) -> Iterator[Path]:
    """The folder of hashes that last, while no other process sends to this warehouse from here."""
    make_folder(workspace.sent)
    lock = FileLock(workspace.sent / f".{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise WriterBusy(f"Another process is sending to {name}. Run again later; nothing was sent.") from None
    try:
        yield workspace.sent
    finally:
        lock.release()


def _explained(name: str, address: str, error: Exception) -> GarimpoError:
    told = _without_secrets(" ".join(str(error).split()), address)[:300]
    where = f"Warehouse {name} ({type(error).__name__}: {told})"
    if REFUSED.search(where):
        return SettingsError(f"{where} refuses us. Mend its address in GARIMPO_WAREHOUSES. Nothing was sent.")
    if FULL.search(told):
        return DiskFull(f"{where} has no space left. Make some there, then send again. {AS_BEFORE}.")
    return StorageError(f"{where} failed. Once it is well, send again. {AS_BEFORE}.")


def _without_secrets(text: str, address: str) -> str:
    place, coded = place_of(address), urlsplit(address)
    options = [value for value in place.options.values() if len(value) >= SECRET_LETTERS]
    for secret in filter(None, (address, coded.password, place.password, *options)):
        text = text.replace(secret, "***")
    return text


def _address(settings: Settings, name: str) -> str:
    addresses = warehouse_addresses(settings.warehouses.get_secret_value())
    if name not in addresses:
        known = ", ".join(addresses) or "none"
        raise SettingsError(f"There is no warehouse {name}; GARIMPO_WAREHOUSES names {known}. Nothing was sent.")
    return addresses[name]
