"""An object store that is a folder of this machine, and a workspace kept in one; a real store has its own tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.errors import StorageError
from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from pipeline.workspace import ObjectStore, Workspace
from tests import harm
from tests.payloads import album, albums_line, artist, commit, search_line

__all__ = [
    "RAW",
    "RUN",
    "FolderStore",
    "StoreAt",
    "Stored",
    "fill",
    "here",
    "lose",
    "nothing",
    "place",
]

RUN = "20261122T060000-abc123"
RAW = f"raw/day=2026-11-22/{RUN}/b3.jsonl.zst"
StoreAt = Callable[[str], ObjectStore]
Stored = tuple[Workspace, Ledger]


def nothing(_what: str, _name: str) -> bool:
    """No request fails."""
    return False


class FolderStore:
    """Each file below a folder; `broken` says which requests it does not answer."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.address = folder, f"folder://{folder.name}"
        self.broken: Callable[[str, str], object] = nothing

    def put_new(self, name: str, content: bytes, written_ns: int = 0) -> bool:
        """By a mode of `open` that is as strict as the condition of a request."""
        self._ask("put", name)
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("xb") as file:
                file.write(content)
        except FileExistsError:
            return False
        path.with_name(f"{path.name}.ns").write_text(str(written_ns))
        return True

    def get(self, name: str) -> tuple[bytes, int] | None:
        """None where there is none."""
        self._ask("get", name)
        path = self.folder / name
        return (path.read_bytes(), int(path.with_name(f"{path.name}.ns").read_text())) if path.is_file() else None

    def names(self) -> dict[str, int]:
        """Every name with its size, in the order of names as the real ones."""
        self._ask("list", "")
        found = sorted(path for path in self.folder.rglob("*") if path.is_file() and path.suffix != ".ns")
        return {path.relative_to(self.folder).as_posix(): path.stat().st_size for path in found}

    def remove(self, names: Sequence[str]) -> None:
        """Gone, or never there."""
        for name in names:
            self._ask("remove", name)
            (self.folder / name).unlink(missing_ok=True)
            (self.folder / f"{name}.ns").unlink(missing_ok=True)

    def _ask(self, what: str, name: str) -> None:
        if self.broken(what, name):
            raise StorageError(f"{self.address} does not answer")


def place(folder: Path, store: ObjectStore | None) -> Workspace:
    """A workspace in a folder with its folders made."""
    found = Workspace(folder, store=store)
    for each in (found.raw, found.lake, found.db):
        each.mkdir(parents=True, exist_ok=True)
    return found


def fill(workspace: Workspace, ledger: Ledger) -> None:
    """Three batches of two days, published; the order of their names is not that of their commits."""
    for number, day in enumerate(["2026-11-22", "2026-11-22", "2026-10-21"]):
        found = search_line(artist("a1", followers={"total": 10 + number}), artist(f"b{number}"), day=day)
        commit(workspace, ledger, f"b{3 - number}", found, albums_line(album(f"c{number}"), day=day), run_id=RUN)
    ledger.finish_run(RUN, "succeeded")
    publish(workspace, ledger)


def here(workspace: Workspace) -> set[str]:
    """The raw files and parts on this disk."""
    found = {path for root in (workspace.raw, workspace.lake) for path in root.rglob("*") if path.is_file()}
    return {path.relative_to(workspace.root).as_posix() for path in found}


def lose(workspace: Workspace, *names: str) -> None:
    """Remove folders and files of the workspace, and make the folders again."""
    harm.lose(workspace, *names)
    place(workspace.root, None)
