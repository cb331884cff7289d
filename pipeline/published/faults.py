"""What DuckDB says while a generation is read, as errors of ours: damage, what passes, an engine that gave up.

Imports `engine`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipeline.errors import DamagedFile, StorageError
from pipeline.lake import engine

__all__ = ["damaged", "explained_reading", "said_first"]


@contextmanager
def explained_reading(path: Path, known: int, verb: str = "") -> Iterator[None]:
    """Turn what DuckDB says of a generation's file into ours; a question that is wrong stays as it is.

    `known`: the `losses` there were when it was attached. `verb`: what is done where nobody asks, opened or built; what
    else goes wrong then is damage. Raises StorageError where asking again helps, DamagedFile.
    """
    try:
        yield
    except duckdb.Error as error:
        text = said_first(error)
        if engine.is_lost(error, known) or known < engine.losses():
            raise StorageError(f"DuckDB failed while it read {path} ({text}). Ask again; nothing was lost.") from error
        if engine.is_passing(error):
            message = f"{path} cannot be read now ({text}). Let it be read, or close other files, then ask again;"
            raise StorageError(f"{message} nothing was lost.") from error
        if not (verb or engine.is_damage(error)):
            raise
        raise damaged(path, f"cannot be {verb or 'read'} ({text})") from error


def damaged(path: Path, what: str) -> DamagedFile:
    """What to raise of a file of the database, with what mends it."""
    mend = f"Run `python -m pipeline recover`: {path.parent} is built anew from the Parquet files, which are untouched."
    return DamagedFile(f"{path} {what}. {mend}")


def said_first(error: BaseException) -> str:
    """What an error says, of the system's without the path."""
    return (isinstance(error, OSError) and error.strerror) or engine.first_line(error)
