"""How Parquet is written: parts of the lake by pyarrow, history files by DuckDB; both with the same few constants.

Measured in docs/decisions/0022. Keys are sorted, so an id shares its beginning with the one before it; numbers are
packed as differences. Imports `schema`.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.schema import LAKE

__all__ = ["HISTORY_OPTIONS", "parquet_bytes", "seal"]

_LEVEL = 3  # of zstd: a level of 9 takes half as long again and saves nothing
_ROW_GROUP = 61_440  # rows of a history file: what is read to answer for one artist

# For DuckDB's COPY of rows sorted by artist and day.
HISTORY_OPTIONS = (
    f"FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL {_LEVEL}, ROW_GROUP_SIZE {_ROW_GROUP}"
)


def parquet_bytes(name: str, table: pa.Table) -> bytes:
    """A lake table as a Parquet file, its order by key recorded."""
    order, first = table.column_names, LAKE[name].key[0]
    buffer = pa.BufferOutputStream()
    encodings = {field.name: "DELTA_BINARY_PACKED" for field in table.schema if pa.types.is_int64(field.type)}
    encodings |= {first: "DELTA_BYTE_ARRAY"} if pa.types.is_string(table.schema.field(first).type) else {}
    pq.write_table(
        table,
        buffer,
        version="2.6",
        data_page_version="2.0",
        compression="zstd",
        compression_level=_LEVEL,
        use_dictionary=[column for column in order if column not in encodings],
        column_encoding=encodings,
        sorting_columns=[pq.SortingColumn(order.index(column)) for column in LAKE[name].key],
    )
    return bytes(buffer.getvalue().to_pybytes())


def seal(name: str, table: pa.Table, sha256: str) -> str:
    """A hash of the rows and of the file they stand in, by its hash, and of what writes such files.

    Where the seal of a part is this one, `parquet_bytes` of these rows would give the part as it is.
    """
    digest = hashlib.sha256(f"{_writer()} {LAKE[name].key} {sha256} {table.schema}".encode())
    for rows in _plain(table).to_batches():
        digest.update(rows.serialize())
    return digest.hexdigest()


def _plain(table: pa.Table) -> pa.Table:
    """Rows as the same bytes wherever they come from: no slice of others, nothing left over where a number is NULL."""
    plain = pa.concat_tables([table, table.slice(0, 0)]).combine_chunks()
    for place, field in enumerate(table.schema):
        column = plain.column(place)
        if column.null_count and pa.types.is_primitive(field.type):
            zero = pa.nulls(1).is_valid().cast(pa.int32()).cast(field.type)[0]  # `pa.scalar` imports pandas
            plain = plain.set_column(place, field, column.fill_null(zero)).append_column("is_null", column.is_null())
    return plain


@cache
def _writer() -> str:
    """Another release of pyarrow, or another text of this file, may write other bytes."""
    return f"{pa.__version__} {hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}"
