"""Raw answers → typed rows: one read of the file, then one SQL file per lake table; the same SQL live and in replay.

Two readers bring lines to the same table `answers`. DuckDB's, told what to expect, reads 10 times as fast and suits
much data; walking line by line starts 5 times sooner, suits a batch, and takes over wherever DuckDB fails or takes what
is not as declared: it keeps what fits and counts what it drops. Imports `engine`, `strict`, `walking`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline.lake import engine
from pipeline.lake.strict import StrictReader
from pipeline.lake.walking import WalkingReader

__all__ = ["Normalized", "Normalizer"]

SMALL = 2**17  # compressed bytes, some 1,500 artists: up to here walking is quicker (docs/decisions/0020)
MAX_REJECTS = 1000  # per call: enough to see what is wrong, little enough to store


@dataclass(frozen=True)
class Normalized:
    """What raw files gave: lake tables without empty ones, and what was dropped (line from 1, reason)."""

    tables: dict[str, pa.Table] = field(default_factory=dict)
    rejects: tuple[tuple[int, str], ...] = ()

    @property
    def rows(self) -> int:
        """Rows of all tables together."""
        return sum(table.num_rows for table in self.tables.values())


class Normalizer:
    """Turns raw files into lake tables; for one thread at a time."""

    def __init__(self, small: int = SMALL) -> None:
        self._small = small

    def close(self) -> None:
        """Let go of its connections."""
        for name in ("_strict", "_walking"):
            if reader := self.__dict__.pop(name, None):
                reader.close()

    def tables(self, paths: Sequence[Path]) -> Normalized:
        """The lake tables of these files, sorted by their keys, unique by key and day.

        Content of any kind raises nothing: what does not fit is among the rejects.
        """
        if sum(path.stat().st_size for path in paths) > self._small:
            found = self._read_strictly(paths)
            if found is not None:
                return found[0]
        try:
            tables, rejects = self._walk(paths)
        except (duckdb.IOException, duckdb.OutOfMemoryException):
            raise
        except (duckdb.Error, pa.ArrowInvalid) as error:  # what we paid for is kept raw, for the day this is mended
            told = f"the answers could not be normalized ({engine.first_line(error)})"
            return Normalized(rejects=((0, told),))
        return Normalized(tables, _shortened(rejects))

    def each(self, paths: Sequence[Path]) -> list[Normalized]:
        """What each of these files gives by itself, as `tables` says; read together, which is much quicker."""
        if len(paths) > 1 and sum(path.stat().st_size for path in paths) > self._small:
            found = self._read_strictly(paths, apart=True)
            if found is not None:
                return found
        return [self.tables([path]) for path in paths]

    def _read_strictly(self, paths: Sequence[Path], *, apart: bool = False) -> list[Normalized] | None:
        try:
            found = self._strict.read(paths, apart=apart)
        except duckdb.Error as error:
            if not engine.is_lost(error, self._strict.losses):
                raise
            self.close()
            return None
        return None if found is None else [Normalized(tables) for tables in found]

    def _walk(self, paths: Sequence[Path]) -> tuple[dict[str, pa.Table], list[tuple[int, str]]]:
        """Read once more where the engine was lost, maybe by somebody else who uses it."""
        try:
            return self._walking.read(paths)
        except duckdb.Error as error:
            if not engine.is_lost(error, self._walking.losses):
                raise
            self.close()
            return self._walking.read(paths)

    @cached_property
    def _strict(self) -> StrictReader:
        return StrictReader()

    @cached_property
    def _walking(self) -> WalkingReader:
        return WalkingReader()


def _shortened(rejects: list[tuple[int, str]]) -> tuple[tuple[int, str], ...]:
    if len(rejects) <= MAX_REJECTS:
        return tuple(rejects)
    return (*rejects[: MAX_REJECTS - 1], (0, f"and {len(rejects) - MAX_REJECTS + 1} more"))
