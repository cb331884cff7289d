"""Files of the truth exchanged for others, or let go of: new ones are placed, one ledger transaction, old ones go.

A killed exchange leaves either state whole, and files that `sweep` removes. A part keeps its `seq`: merges are defined
by the order of commits. What parts were exchanged is readable once `settle` has built a generation of them. Imports
`files`, `volumes`, `ledger`, `publish`, `workspace`, `store`, `truth`, `generations`.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from pipeline.errors import GarimpoError, StorageError
from pipeline.lake.files import remove_files, write_hidden
from pipeline.lake.store import sweep
from pipeline.lake.truth import is_stored, place_truth, remove_truth
from pipeline.lake.volumes import SCRUB_DUE, Member, Volume, is_volume
from pipeline.published.generations import generation_path
from pipeline.published.publish import BOUND, EXCHANGED, REBUILD_DUE, lags, rebuild
from pipeline.records.database import Connection
from pipeline.records.ledger import ADD_PART, SET_META, Ledger, Part
from pipeline.schema import SCHEMA_VERSION
from pipeline.workspace import Workspace

__all__ = ["ASIDE", "LEAVING", "RAW", "Exchange", "settle"]

RAW = "raw"  # the layer of answers, beside those of lake tables
ASIDE = "damaged"  # the folder for what could not be mended
LEAVING = ".purging"  # the folder in which everything lies that is being deleted
_NAME = re.compile(r"(?P<stem>.*?)(?:\.[0-9a-f]{8})?(?P<end>\.parquet|\.jsonl\.zst)")
_LISTED = "SELECT path FROM parts UNION SELECT path FROM raw_files"
_BIND = "UPDATE parts SET path = ?, bytes = ?, sha256 = ?, schema_version = ?, seal = '' WHERE seq = ?"
WITHDRAW = (
    "INSERT INTO withdrawals VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (run_id, batch_id, layer) DO UPDATE SET day = excluded.day, reason = excluded.reason"
)


@dataclass
class Exchange:
    """What changes in the ledger's list of files: gathered first, done by `carry_out` in one transaction."""

    workspace: Workspace
    ledger: Ledger
    statements: list[tuple[str, tuple[object, ...]]] = field(default_factory=list)
    placed: list[Path] = field(default_factory=list)
    gone: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    touches_parts: bool = False

    def replace_part(self, old: Mapping[str, Any], content: bytes, rows: int, schema_version: int) -> None:
        """Put other content in a part's place, under the same `seq`, without a seal."""
        path, digest = self._write(_own_path(old), content)
        self.statements.append((
            "UPDATE parts SET path = ?, rows = ?, bytes = ?, sha256 = ?, schema_version = ?, seal = '' WHERE seq = ?",
            (path, rows, len(content), digest, schema_version, old["seq"]),
        ))  # fmt: skip
        self._let_go(old)
        self.touches_parts = True

    def bind_parts(self, volume: Volume, members: Sequence[Member]) -> None:
        """Have parts lie in a volume that was written of them; the files that they had stay where they are."""
        path = self._relative(volume.path)
        for part in members:
            values = (path, volume.bytes, volume.sha256, SCHEMA_VERSION, part.seq)
            self.statements.append((_BIND, values))
        self.placed.append(volume.path)
        self.set_meta(BOUND, uuid4().hex)

    def replace_volume(self, old: str, volume: Volume, members: Sequence[Member]) -> None:
        """Put another volume in the place of one, with the rows that these of its parts have left."""
        self.bind_parts(volume, members)
        self.statements += [("UPDATE parts SET rows = ? WHERE seq = ?", (part.rows, part.seq)) for part in members]
        self.gone.append(self.workspace.root / old)
        self.touches_parts = True

    def add_part(self, batch: tuple[str, str], part: Part, content: bytes) -> None:
        """Commit one more part of a batch, last in order; path, bytes and hash are found out here."""
        path, digest = self._write(part.path, content)
        values = (part.table, path, part.day, part.rows, len(content), digest, part.schema_version, part.seal, *batch)
        self.statements.append((ADD_PART, values))
        self.touches_parts = True

    def drop_part(self, old: Mapping[str, Any], reason: str = "") -> None:
        """Let go of a part; `reason` is kept, where one is given, for whoever asks."""
        self.statements.append(("DELETE FROM parts WHERE seq = ?", (old["seq"],)))
        self._withdraw(old, str(old["table_name"]), reason)
        self.touches_parts = True

    def replace_raw(self, old: Mapping[str, Any], content: bytes, lines: int) -> None:
        """Put other content in a raw file's place."""
        path, digest = self._write(str(old["path"]), content)
        self.statements.append((
            "UPDATE raw_files SET path = ?, bytes = ?, lines = ?, sha256 = ? WHERE run_id = ? AND batch_id = ?",
            (path, len(content), lines, digest, old["run_id"], old["batch_id"]),
        ))  # fmt: skip
        self._let_go(old)

    def drop_raw(self, old: Mapping[str, Any], reason: str) -> None:
        """Let go of a raw file."""
        key = (old["run_id"], old["batch_id"])
        self.statements.append(("DELETE FROM raw_files WHERE run_id = ? AND batch_id = ?", key))
        self._withdraw(old, RAW, reason)

    def set_meta(self, key: str, value: str) -> None:
        """Keep a value under a name, in the same transaction."""
        self.statements.append((SET_META, (key, value)))

    def carry_out(self, more: Callable[[Connection], object] = lambda _: None) -> None:
        """Do it, all or nothing; `more` joins the transaction. Raises StorageError, and nothing has changed.

        But for a store that does not let go of old files: then it is done, and `sweep` removes those.
        """
        if self.touches_parts:
            self.set_meta(REBUILD_DUE, "1")
            self.set_meta(EXCHANGED, uuid4().hex)
        place_truth(self.workspace, self.ledger, self.placed)
        try:
            with self.ledger.write() as connection:
                more(connection)
                for statement, values in self.statements:
                    connection.execute(statement, values)
        except BaseException:
            placed = self.placed.copy()
            self.placed.clear()  # an interrupt may come right after the commit: then they are the truth
            with suppress(GarimpoError):
                known = {str(row["path"]) for row in self.ledger.read(_LISTED)} if placed else set()
                remove_truth(self.workspace, [path for path in placed if self._relative(path) not in known])
            raise
        replaced = set(self.gone) - {*self.placed, *self.kept}
        self.placed.clear()  # they are the truth now, whatever becomes of the others
        if any(map(is_volume, replaced)):  # one goes with the last part that lies in it
            replaced -= {self.workspace.root / str(row["path"]) for row in self.ledger.read(_LISTED)}
        remove_truth(self.workspace, replaced)

    def discard(self) -> None:
        """Remove what was written for an exchange that is not carried out."""
        remove_files(set(self.placed) - set(self.gone))

    def _write(self, old: str, content: bytes) -> tuple[str, str]:
        """The path, relative to the workspace, and the hash of new content, still hidden: named by what it holds."""
        digest, found = hashlib.sha256(content).hexdigest(), _NAME.fullmatch(Path(old).name)
        if found is None:
            raise StorageError(f"{old} is not named as a file of the workspace. Nothing was changed.")
        plain = self.workspace.root / old
        same = plain.is_file() and plain.read_bytes() == content
        if same and is_stored(self.workspace, old):  # there already, and nobody lists it as such
            self.kept.append(plain)
            return old, digest
        path = plain.with_name(f"{found['stem']}.{digest[:8]}{found['end']}")
        write_hidden(path, content)
        self.placed.append(path)
        return self._relative(path), digest

    def _withdraw(self, old: Mapping[str, Any], layer: str, reason: str) -> None:
        self._let_go(old)
        if reason:
            day = self.ledger.now().date().isoformat()
            values = (old["run_id"], old["batch_id"], layer, day, reason)
            self.statements.append((WITHDRAW, values))

    def _let_go(self, old: Mapping[str, Any]) -> None:
        self.gone.append(self.workspace.root / str(old["path"]))

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.workspace.root).as_posix()


def _own_path(old: Mapping[str, Any]) -> str:
    """The path of the file that a part has to itself, or would have."""
    if not is_volume(str(old["path"])):
        return str(old["path"])
    return f"lake/{old['table_name']}/day={old['day']}/{old['run_id']}-{old['batch_id']}-1.parquet"


def settle(workspace: Workspace, ledger: Ledger, *, force: bool = False) -> bool:
    """Make readable what was exchanged, and nothing else: a generation of its own, and everything older is removed.

    After a purge also what the disk still holds of it: files aside, free pages of the ledger. Whether there was
    anything to do; `force`: also without an exchange. For the holder of the run lock. What another machine exchanged
    that shares the ledger, and has files of its own, is settled here as well.
    """
    scrub = ledger.meta(SCRUB_DUE) == "1"
    elsewhere = ledger.meta(REBUILD_DUE) != "1" and lags(workspace, ledger)
    if not (force or scrub or elsewhere or ledger.meta(REBUILD_DUE) == "1"):
        return False
    if scrub or elsewhere:
        sweep(workspace, ledger)
        shutil.rmtree(workspace.root / ASIDE, ignore_errors=True)
        remove_files(workspace.sent.glob("*.duckdb"))
    published = rebuild(workspace, ledger)
    remove_files(_older(workspace, published.number))
    ledger.set_meta(REBUILD_DUE, "0")
    if scrub:
        ledger.scrub()
        ledger.set_meta(SCRUB_DUE, "0")
    return True


def _older(workspace: Workspace, number: int) -> Iterable[Path]:
    """Generations but this one, and all that was derived from them; what this one uses of the history stays."""
    current = generation_path(workspace, number)
    databases = [*workspace.db.glob("*garimpo-*.duckdb*"), *workspace.db.glob("as-of/*")]
    return [path for path in databases if path != current and path.is_file()]
