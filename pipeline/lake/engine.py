"""The process's one DuckDB engine: databases are attached to it, every user takes a cursor of its own.

Starting an engine costs 20–40 ms of processor time, attaching a database 2 ms (docs/decisions/0021): so there is one,
made when first needed. A cursor's temporary tables and views are its own. Imports nothing of ours.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import duckdb

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "arrow",
    "attach",
    "building",
    "cursor",
    "detach",
    "first_line",
    "is_damage",
    "is_lost",
    "is_passing",
    "losses",
    "many_rows",
    "parquet",
    "quoted",
]

MOST_CORES = 4  # for one statement: each takes memory of its own
MOST_GIB = 4  # for sorting a month of a large store; the default would be four fifths of the machine

# Rows of a table that are looked through or passed over together: of the default, 122,880, a page's 25 rows touch all.
_ROW_GROUP = 16_384

# DuckDB's advice for `arrow` is to plan again, which costs far more than the copy of few rows that it warns of.
warnings.filterwarnings("ignore", "Arrow output on a DB-API result", UserWarning)

# What DuckDB says of files that are as they were written.
_NOT_DAMAGE = ("Permission denied", "Too many open files", "lock on file", "Could not write")

_numbers = itertools.count(1)
_first_use, _sharing = threading.Lock(), threading.Lock()
_shared: list[bool] = []
_lost: list[str] = []  # why each engine was given up


def cursor(alias: str | None = None) -> duckdb.DuckDBPyConnection:
    """A connection for one thread at a time; bare names mean tables of the attached database, where one is given."""
    use, known, taken = f"USE {alias or 'memory'}", losses(), _taken()
    try:
        taken.execute(use)
    except duckdb.Error as error:
        if not is_lost(error, known):
            raise
        taken = _taken()  # whoever broke the engine has not said so
        taken.execute(use)
    return taken


def _taken() -> duckdb.DuckDBPyConnection:
    with _first_use:
        return _engine().cursor()


def attach(path: Path, *, read_only: bool = True) -> str:
    """Attach a database file; the name to give to `cursor`."""
    alias = f"db{next(_numbers)}"
    option = "READ_ONLY" if read_only else f"ROW_GROUP_SIZE {_ROW_GROUP}"
    with cursor() as con:
        con.execute(f"ATTACH '{quoted(path)}' AS {alias} ({option})")
    return alias


def detach(alias: str) -> None:
    """Let go of an attached database."""
    with cursor() as con:
        con.execute(f"DETACH DATABASE IF EXISTS {alias}")


@contextmanager
def building(path: Path, con: duckdb.DuckDBPyConnection | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor that writes to a database file; the file is let go of at the end, whatever happens.

    `con`: a cursor with temporary tables to go on with, which is closed at the end.
    """
    known, alias = losses(), attach(path, read_only=False)
    con = con or cursor()
    try:
        con.execute(f"USE {alias}")
        yield con
    except duckdb.Error as error:
        is_lost(error, known)
        raise
    finally:
        con.close()
        detach(alias)


@contextmanager
def many_rows() -> Iterator[None]:
    """While statements run that go over very many rows: they are shared among the cores."""
    with _sharing:
        _shared.append(True)
        _use_cores(min(os.cpu_count() or 1, MOST_CORES))
    try:
        yield
    finally:
        with _sharing:
            _shared.pop()
            if not _shared:
                _use_cores(1)


def _use_cores(number: int) -> None:
    with cursor() as con:
        con.execute(f"SET GLOBAL threads = {number}")


def is_lost(error: duckdb.Error, known: int) -> bool:
    """Whether DuckDB took an error for a fault of its own: then whoever comes next gets a new engine.

    `known`: the `losses` there were when the connection was made that met it. The old engine answers nothing any more;
    who sees that there are more losses attaches anew what was attached.
    """
    if not isinstance(error, (duckdb.FatalException, duckdb.InternalException)):
        return False
    with _first_use:
        if len(_lost) == known:  # else it has been replaced already
            _lost.append(str(error))
            _engine.cache_clear()
    return True


def losses() -> int:
    """How many engines this process has lost."""
    return len(_lost)


def arrow(con: duckdb.DuckDBPyConnection, statement: str, params: object = None) -> pa.Table:
    """What a statement gives; of very many rows `con.sql(…).to_arrow_table()` saves a copy, and plans it twice."""
    return cast("pa.Table", con.execute(statement, params).to_arrow_table())


def is_passing(error: duckdb.Error) -> bool:
    """Whether a file that is as it was written could not be opened, locked or written."""
    return isinstance(error, duckdb.IOException) and any(words in first_line(error) for words in _NOT_DAMAGE)


def is_damage(error: duckdb.Error) -> bool:
    """Whether a file was not as it had been written: a wrong checksum or footer has no class of errors of its own."""
    if is_passing(error):
        return False
    told_so = isinstance(error, (duckdb.IOException, duckdb.SerializationException)) or type(error) is duckdb.Error
    return told_so or (isinstance(error, duckdb.InvalidInputException) and ".parquet" in str(error))


def first_line(error: BaseException) -> str:
    """What an error says first, for a message of ours; its class where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def quoted(path: Path | str) -> str:
    """A path for use between single quotes in SQL."""
    return str(path).replace("'", "''")


def parquet(paths: Iterable[Path | str], *, by_name: bool = False) -> str:
    """SQL of the rows of Parquet files, at least one; `by_name`: a column that one of them does not have is NULL."""
    listed = ", ".join(f"'{quoted(path)}'" for path in paths)
    return f"read_parquet([{listed}], {'union_by_name = true, ' if by_name else ''}hive_partitioning = false)"


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    settings: dict[str, str | bool | int | float | list[str]] = {
        # A commit goes straight into the file: a generation is private until it is renamed, a log protects nothing.
        "checkpoint_threshold": "1KB",
        # Statements over some hundred rows cost a fifth less unshared; pages run beside one another anyway.
        "threads": 1,
        # What does not fit in memory; the default would be a folder wherever the program was started.
        "temp_directory": str(Path(tempfile.gettempdir()) / f"garimpo-{os.getpid()}"),
    }
    engine = duckdb.connect(config=settings)
    # Footers are read once: of a file that is never changed. They are half of what the history of an artist costs.
    engine.execute("SET GLOBAL parquet_metadata_cache = true")
    engine.execute("SET memory_limit = '50%'")
    number, unit = str(engine.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]).split()
    if unit == "TiB" or (unit == "GiB" and float(number) > MOST_GIB):  # others run here too; the rest goes to disk
        engine.execute(f"SET memory_limit = '{MOST_GIB}GiB'")
    return engine
