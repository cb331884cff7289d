"""Files that the ledger names, each against its hash: mended from a store or a backup, or from what it was made of.

Imports `damaged_volumes`, `exchange`, `findings`, `replay`, `stored`, `files`, `normalize`, `truth`, `backup_files`,
`ledger`.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from functools import cached_property
from pathlib import Path

from pipeline.errors import DamagedFile
from pipeline.keeping.damaged_volumes import bring_part
from pipeline.keeping.exchange import ASIDE, Exchange
from pipeline.keeping.findings import Finding, put_aside
from pipeline.keeping.replay import derive_batch, raw_files
from pipeline.keeping.stored import mend_store
from pipeline.lake.files import write_hidden
from pipeline.lake.normalize import Normalizer
from pipeline.lake.truth import place_truth
from pipeline.moving.backup_files import find_backup
from pipeline.records.database import Row
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace

__all__ = ["mend_files"]

# Each file of parts once.
_FILES = (
    "SELECT path, sha256, table_name, min(day) AS day FROM parts GROUP BY path, sha256, table_name ORDER BY min(seq)"
)


def mend_files(workspace: Workspace, ledger: Ledger, backup: Path | None) -> list[Finding]:
    """What was not well with them, and what was done; what a store, or a folder `backup`, has whole comes from there.

    For the holder of the run lock, once the ledger is whole.
    """
    return _NamedFiles(workspace, ledger, backup).mend()


class _NamedFiles:
    """The files one after the other, and what was found so far."""

    def __init__(self, workspace: Workspace, ledger: Ledger, backup: Path | None) -> None:
        self._workspace, self._ledger, self._backup = workspace, ledger, backup
        self._findings: list[Finding] = []
        self._stored: set[str] = set()  # whole in the store: a copy may be missing

    @cached_property
    def _kept(self) -> Path | None:
        """The ledger of the backup."""
        if self._backup is None:
            return None
        found = find_backup(self._backup, self._workspace.name)
        return self._backup / found.ledger if found else None

    def mend(self) -> list[Finding]:
        """Parts before raw files: what a damaged one gave is not to be lost with it; before both what a store has."""
        stored = mend_store(self._workspace, self._ledger)
        self._stored = {each.path for each in stored if each.is_there}
        self._findings = [Finding(each.path, each.what, each.done) for each in stored if each.done]
        for row in self._ledger.read("SELECT * FROM raw_files"):
            if (fault := self._fault(row)) and self._from_backup(row):
                self._say(row, fault, "brought back from the backup")
        with closing(Normalizer()) as normalizer:
            for row in self._ledger.read(_FILES):
                if fault := self._fault(row):
                    self._mend_part(row, fault, normalizer)
        for row in raw_files(self._ledger):
            if fault := self._fault(row):
                path = self._workspace.root / row["path"]
                if there := path.exists():
                    put_aside(self._workspace, path, self._ledger.now)
                exchange = Exchange(self._workspace, self._ledger)
                exchange.drop_raw(row, "damage")
                exchange.carry_out()
                aside = f"put aside in {ASIDE}; " * there
                self._say(row, fault, f"{aside}its rows are in the parts, only the answer is lost")
        return self._findings

    def _mend_part(self, row: Row, fault: str, normalizer: Normalizer) -> None:
        if self._from_backup(row):
            self._say(row, fault, "brought back from the backup")
            return
        again, lost, why, brought = 0, 0, "", 0
        for part in self._ledger.read("SELECT * FROM parts WHERE path = ? ORDER BY seq", (row["path"],)):
            if self._kept and bring_part(self._workspace, self._ledger, self._kept, part):
                brought += part["rows"]
                continue
            try:
                self._derive(part, normalizer)
                again += part["rows"]
            except DamagedFile as error:
                lost, why = lost + part["rows"], str(error).partition(". ")[0]
        told = f"{brought} rows brought back from the backup, of before they were bound; " * bool(brought)
        if not why:
            self._say(row, fault, f"{told}derived again from its answers" if again else told.rstrip("; "))
            return
        told += f"{again} rows derived again from answers; " * bool(again)
        told += f"{lost} rows of {row['table_name']} of {row['day']} cannot be derived again: {why}"
        self._say(row, fault, f"{told}. Run `recover --backup FOLDER` with a backup that has it", mended=False)

    def _derive(self, part: Row, normalizer: Normalizer) -> None:
        """Have a part in a file of its own, derived from its answers; raises DamagedFile where they do not give it."""
        batch, only = (part["run_id"], part["batch_id"]), {part["table_name"]}
        raw = self._ledger.read("SELECT * FROM raw_files WHERE run_id = ? AND batch_id = ?", batch)
        if not raw:
            raise DamagedFile("its answers are not kept any more")
        exchange = derive_batch(self._workspace, self._ledger, normalizer, raw[0], only, whole=False).exchange
        if not exchange.statements:
            raise DamagedFile("its answers give no such rows today")
        exchange.carry_out()

    def _from_backup(self, row: Row) -> bool:
        """Put back a file from the backup, when that has it as it was committed."""
        try:
            content = (self._backup / row["path"]).read_bytes() if self._backup else b""
        except OSError:
            return False
        if not self._backup or hashlib.sha256(content).hexdigest() != row["sha256"]:
            return False
        write_hidden(path := self._workspace.root / row["path"], content)
        place_truth(self._workspace, self._ledger, [path])
        return True

    def _fault(self, row: Row) -> str:
        try:
            content = (self._workspace.root / row["path"]).read_bytes()
        except OSError as error:
            return "" if row["path"] in self._stored else f"cannot be read ({error.strerror})"
        same = hashlib.sha256(content).hexdigest() == row["sha256"]
        return "" if same else "is not what was committed: its hash differs"

    def _say(self, row: Row, what: str, done: str, *, mended: bool = True) -> None:
        self._findings.append(Finding(row["path"], what, done, mended))
