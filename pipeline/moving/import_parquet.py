"""Parquet that other projects keep, row by row: what pandas, Spark or DuckDB wrote of artists.

Imports `errors` and `import_values`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import DamagedFile, SettingsError
from pipeline.moving.import_values import field_columns

__all__ = ["BUNDLED", "parquet_rows"]

ROWS = 10_000  # read at a time
BUNDLED = "A bundle is not imported, `python -m pipeline export --from` reads it. Nothing was imported."


def parquet_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a file, which is opened before the first is asked for.

    Raises SettingsError where no column is of artist ids, or the file is of a bundle; DamagedFile when it cannot be
    read.
    """
    if (path.parent / "manifest.json").is_file():  # whose tables name artists that nobody chose to follow
        raise SettingsError(f"{path} is of a bundle. {BUNDLED}")
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise DamagedFile(f"{path} cannot be read ({error}). Nothing was imported.") from None
    names = tuple(file.schema_arrow.names)
    if "artist_id" not in field_columns(names):
        raise SettingsError(f"{path} has no column of artist ids (columns: {', '.join(names)}). Nothing was imported.")
    return _rows(file, path)


def _rows(file: pq.ParquetFile, path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        for batch in file.iter_batches(ROWS):
            yield from batch.cast(_to_microseconds(batch.schema), safe=False).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DamagedFile(f"{path} cannot be read ({error}). Nothing was imported.") from None


def _to_microseconds(schema: pa.Schema) -> pa.Schema:
    """Python knows no finer instants; pandas writes nanoseconds."""
    instants = {field.name for field in schema if pa.types.is_timestamp(field.type)}
    return pa.schema(
        [field.with_type(pa.timestamp("us", field.type.tz)) if field.name in instants else field for field in schema]
    )
