"""How Parquet is written: parts of the lake by pyarrow, history files by DuckDB; both with the same few constants.

Measured in docs/decisions/0022. Keys are sorted, so an id shares its beginning with the one before it; numbers are
packed as differences. Imports `schema`.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.schema import LAKE

__all__ = ["HISTORY_OPTIONS", "parquet_bytes"]

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
