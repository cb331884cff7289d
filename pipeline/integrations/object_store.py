"""Object stores by address: which file knows a scheme, and what a store refuses as our errors.

Each of those files has `open_store(address, prefix) -> Bucket`, which asks nothing yet. No word of a store is repeated
in a message, since it may name credentials: its status and code say enough.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import DiskFull, GarimpoError, SettingsError, StorageError
from pipeline.workspace import ObjectStore

__all__ = ["MODULES", "PATIENCE_S", "WRITTEN", "Bucket", "Refusal", "open_store"]

MODULES = {"s3": ("s3_store", "objects"), "gs": ("google_store", "objects-google")}  # and the dependency group
PATIENCE_S = 20  # a request is tried again for so long
WRITTEN = "written-ns"  # what an object says of itself: the instant its file was written
_KEPT = "Nothing committed is lost; run again afterwards."
_FULL = ("507", "InsufficientStorage", "XMinioStorageFull", "QuotaExceeded")


@dataclass(frozen=True)
class Refusal:
    """What an error of a library means: `known`: the object is there already, or is missing; else status and code."""

    known: bool = False
    status: str = ""
    code: str = ""
    no_bucket: bool = False


@dataclass(frozen=True)
class Bucket:
    """An `ObjectStore` made of a library's four requests, and of what its errors mean; None: it is no error of its."""

    address: str
    put: Callable[[str, bytes, dict[str, str]], object]
    read: Callable[[str], tuple[bytes, dict[str, str]]]
    listed: Callable[[], dict[str, int]]
    delete: Callable[[Sequence[str]], object]
    refusal: Callable[[Exception], Refusal | None]

    def put_new(self, name: str, content: bytes, written_ns: int = 0) -> bool:
        """Whether it was put."""
        return bool(self._asked(lambda: (self.put(name, content, {WRITTEN: str(written_ns)}),)))

    def get(self, name: str) -> tuple[bytes, int] | None:
        """Content and instant; None where there is none."""
        found = self._asked(lambda: self.read(name))
        return found and (found[0], int(found[1].get(WRITTEN, 0)))

    def names(self) -> dict[str, int]:
        """Every name with its size."""
        return dict(self._asked(self.listed))

    def remove(self, names: Sequence[str]) -> None:
        """Gone, or never there."""
        self._asked(lambda: self.delete(list(names)))

    def _asked(self, what: Callable[[], Any]) -> Any:
        """The answer; None for what is there already, or is not."""
        try:
            return what()
        except Exception as error:
            if (told := self.refusal(error)) is None:
                raise
            if told.known:
                return None
            raise _explained(self.address, told) from None


def open_store(address: str, workspace: str) -> ObjectStore:
    """The store of a workspace below an address of `GARIMPO_STORE`; SettingsError where its package is missing."""
    parts = urlsplit(address)
    module, group = MODULES[parts.scheme]
    try:
        known = importlib.import_module(f"{__package__}.{module}")
    except ImportError as error:
        raise SettingsError(
            f"GARIMPO_STORE {address} needs the package {error.name}: pip install --group {group} installs it. "
            "Nothing was started."
        ) from None
    opened: Bucket = known.open_store(address, f"{parts.path.strip('/')}/{workspace}".lstrip("/"))
    return opened


def _explained(address: str, told: Refusal) -> GarimpoError:
    what = " ".join(filter(None, (told.status, told.code))) or "no answer"
    if told.no_bucket:
        return SettingsError(f"{address}: there is no such bucket. Make it, or name another in GARIMPO_STORE. {_KEPT}")
    if told.status in {"401", "403"}:
        return SettingsError(f"{address} does not let us in ({what}): see that its credentials are right. {_KEPT}")
    if told.status in _FULL or told.code in _FULL:
        return DiskFull(f"No space left in {address} ({what}). Free some and run again; what was committed is kept.")
    return StorageError(f"{address} does not answer as it should ({what}): is it well, and is there space? {_KEPT}")
