"""A published table, or the answer to one SELECT, as CSV (two ways), Parquet or JSON lines: to a file or any stream.

Beside the published tables there is `followed`, the list of one's own, where the caller gives it. A SELECT is run on a
connection of its own that can reach nothing but the generation: no file, no network, no setting. Rows are streamed.
Imports `files`, `generations`, `followed`, `schema`, `engine`.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import DamagedFile, SettingsError, StorageError
from pipeline.lake import engine
from pipeline.lake.files import explained, hidden, make_folder, place_files
from pipeline.published.generations import Generation
from pipeline.records.followed import Followed
from pipeline.schema import PUBLISHED

__all__ = ["FOLLOWED", "FORMATS", "export_file", "export_rows", "export_stream", "opened_select", "require_genres"]

BATCH_ROWS = 20_000
FOLLOWED = "followed"  # the name of the list beside the published tables
List = Mapping[str, Followed]
_SUFFIXES = {".csv": "csv", ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_PLAIN = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\)|BOOLEAN")
_NESTED = re.compile(r".*(\]|\))")  # a list, an array, a struct or a map
# A spreadsheet takes a cell that begins so for a formula; an apostrophe in front makes it text.
_FORMULA = r"^\s*[=+@\-\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}]|^[\t\r\n]"
_FORMULA_NAME = re.compile(_FORMULA.replace(r"\x{", r"\u").replace("}", ""))

Writer = Callable[[duckdb.DuckDBPyRelation, BinaryIO], int]


def require_genres(generation: Generation, genres: Sequence[str]) -> None:
    """Raises SettingsError for genres that a generation knows nothing of, with those that it has."""
    found = generation.rows("SELECT genre FROM artist_genres UNION SELECT genre FROM search_pages ORDER BY genre")
    known = [str(genre) for (genre,) in found]
    if unknown := [genre for genre in genres if genre not in known]:
        raise SettingsError(
            f"Nothing is known of {', '.join(unknown)}; genres are: {', '.join(known) or 'none'}. Nothing was written."
        )


def export_file(
    generation: Generation,
    what: str,
    path: Path,
    file_format: str | None = None,
    *,
    force: bool = False,
    followed: List | None = None,
) -> int:
    """Write a table or a SELECT's rows to a file, whole or not at all; how many rows. Its folder is made where needed.

    The format follows the name unless given. Raises SettingsError for a file that is there already (`force` replaces
    it), a format, table or SELECT that cannot be; DiskFull.
    """
    chosen = file_format or _SUFFIXES.get(path.suffix.lower())
    if chosen is None:
        raise SettingsError(
            f"{path}: no format goes by this ending. Say one: {', '.join(FORMATS)}. Nothing was written."
        )
    if path.exists() and not force:
        raise SettingsError(f"{path} is there already. Name another file or use --force; nothing was written.")
    aside, lacking = hidden(path), [folder for folder in path.parents if not folder.exists()]
    try:
        with explained(path):
            make_folder(path.parent)
            with aside.open("wb") as out:
                rows = export_stream(generation, what, out, chosen, followed)
        place_files([path])
    except BaseException:
        with suppress(OSError):  # the file was never begun, or somebody put another into the folder
            aside.unlink(missing_ok=True)
            for folder in lacking:
                folder.rmdir()
        raise
    return rows


def export_stream(
    generation: Generation, what: str, out: BinaryIO, file_format: str, followed: List | None = None
) -> int:
    """Write a table or a SELECT's rows to an open binary stream, which stays open; how many rows.

    Raises SettingsError for a format, table or SELECT that cannot be.
    """
    if file_format not in FORMATS:
        raise SettingsError(f"There is no format {file_format}: {', '.join(FORMATS)}. Nothing was written.")
    known = (*PUBLISHED, *([FOLLOWED] if followed is not None else []))
    with opened_select(generation, _as_select(what, known), followed) as relation:
        return FORMATS[file_format](relation, out)


def export_rows(rows: pa.Table, file_format: str) -> bytes:
    """Rows that are in memory, in one of FORMATS: what `export_stream` writes of a SELECT that brings them."""
    out = io.BytesIO()
    with closing(duckdb.connect(config={"threads": 1})) as con:
        FORMATS[file_format](con.from_arrow(rows), out)
    return out.getvalue()


@contextmanager
def opened_select(
    generation: Generation, select: str, followed: List | None = None
) -> Iterator[duckdb.DuckDBPyRelation]:
    """One SELECT bound to a generation and cut off from all else; SettingsError says what is wrong with it."""
    database, files = generation.path, ", ".join(f"'{engine.quoted(path)}'" for path in generation.history_paths())
    with closing(duckdb.connect(config={"threads": 1})) as con:
        con.execute(f"ATTACH '{engine.quoted(database)}' AS exported (READ_ONLY)")
        allowed = f"SET allowed_paths = [{files}]"
        shut = (allowed, "SET enable_external_access = false", "SET lock_configuration = true")
        for statement in filter(None, ("USE exported", generation.moved_view, *shut)):
            con.execute(statement)
        try:
            if followed is not None:
                since = [each.since.replace(tzinfo=None) for each in followed.values()]
                con.execute(_LIST, [list(followed), since, [each.name for each in followed.values()]])
            statements = con.extract_statements(select)
            if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
                raise SettingsError("Only one SELECT can be exported, nothing else. Nothing was written.")
            yield con.sql(select)
        except (duckdb.Error, pa.ArrowNotImplementedError) as error:
            told = f"{database} cannot be read ({engine.first_line(error)})."
            if isinstance(error, duckdb.Error) and engine.is_passing(error):
                raise StorageError(f"{told} Let it be read, or close other files; nothing was written.") from None
            if isinstance(error, duckdb.Error) and (engine.is_damage(error) or not generation.has_history()):
                raise DamagedFile(f"{told} Run `python -m pipeline recover`; nothing was written.") from None
            said = engine.first_line(error).rstrip("!.")
            raise SettingsError(f"The SELECT failed: {said}. Nothing was written.") from None


# The list with what people know its artists by: those never asked by the name the list had. Times are UTC.
_LIST = f"""
    CREATE TEMP TABLE {FOLLOWED} AS SELECT artist_id, coalesce(a.name, nullif(f.listed, '')) AS name,
        coalesce(spotify_url, 'https://open.spotify.com/artist/' || artist_id) AS spotify_url, followed_at
    FROM (SELECT unnest(?::VARCHAR[]) AS artist_id, unnest(?::TIMESTAMP[]) AS followed_at,
        unnest(?::VARCHAR[]) AS listed) f
    LEFT JOIN artists a USING (artist_id) ORDER BY name, artist_id
"""


def _as_select(what: str, known: Sequence[str]) -> str:
    if what in known:
        return f'FROM "{what}"'  # in the order it is stored: by key, for the tables that are large
    if re.fullmatch(r"\w*", what.strip()):
        tables = f"There is no table {what!r}. Tables: {', '.join(known)}; or give a SELECT in quotes"
        raise SettingsError(f"{tables}. Nothing was written.")
    return what


def _write_csv(relation: duckdb.DuckDBPyRelation, out: BinaryIO, *, comma: str = ",", point: str = ".") -> int:
    shaped = _asked(relation, f"SELECT {', '.join(_cells(relation))} FROM asked")
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    try:
        writer, rows = csv.writer(text, delimiter=comma), 0
        writer.writerow([f"'{name}" if _FORMULA_NAME.match(name) else name for name in shaped.columns])
        for batch in _batches(shaped):
            writer.writerows(zip(*(_spelt(column, point) for column in batch.columns), strict=True))
            rows += batch.num_rows
        return rows
    finally:
        text.detach()


def _write_local_csv(relation: duckdb.DuckDBPyRelation, out: BinaryIO) -> int:
    """As spreadsheets in Portuguese, and most others where numbers have a comma, take it without being asked."""
    out.write(codecs.BOM_UTF8)  # else they read it as Latin-1
    return _write_csv(relation, out, comma=";", point=",")


def _spelt(column: pa.Array, point: str) -> list[Any]:
    values: list[Any] = column.to_pylist()
    if point == "." or not (pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)):
        return values
    return [value if value is None else str(value).replace(".", point) for value in values]


def _cells(relation: duckdb.DuckDBPyRelation) -> Iterator[str]:
    for name, kind in _columns(relation):
        quoted = '"' + name.replace('"', '""') + '"'
        if _PLAIN.fullmatch(kind):
            yield quoted
            continue
        text = f"to_json({quoted})::VARCHAR" if _NESTED.fullmatch(kind) else f"{quoted}::VARCHAR"
        if kind.startswith("TIMESTAMP"):
            text = f"replace({text}, ' ', 'T')"
        yield f"CASE WHEN regexp_matches({text}, '{_FORMULA}') THEN '''' || {text} ELSE {text} END AS {quoted}"


def _columns(relation: duckdb.DuckDBPyRelation) -> list[tuple[str, str]]:
    """Names and types as a query over the relation sees them: doubled names are numbered there."""
    seen = _asked(relation)
    return [(str(name), str(kind)) for name, kind in zip(seen.columns, seen.types, strict=True)]


def _write_parquet(relation: duckdb.DuckDBPyRelation, out: BinaryIO) -> int:
    reader = _asked(relation).to_arrow_reader(BATCH_ROWS)
    rows = 0
    with pq.ParquetWriter(out, reader.schema, version="2.6", compression="zstd", compression_level=3) as writer:
        for batch in reader:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _write_json_lines(relation: duckdb.DuckDBPyRelation, out: BinaryIO) -> int:
    rows = 0
    for batch in _batches(_asked(relation)):
        out.write(b"".join(_json_line(row) for row in batch.to_pylist()))
        rows += batch.num_rows
    return rows


def _asked(relation: duckdb.DuckDBPyRelation, query: str = "FROM asked") -> duckdb.DuckDBPyRelation:
    found = relation.query("asked", query)
    if found is None:  # only of a statement that returns no rows
        raise SettingsError("Only one SELECT can be exported, nothing else. Nothing was written.")
    return found


def _batches(relation: duckdb.DuckDBPyRelation) -> Iterator[pa.RecordBatch]:
    yield from relation.to_arrow_reader(BATCH_ROWS)


def _json_line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(_plain(row), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _plain(value: Any) -> Any:
    """A value as JSON has it: dates in ISO form, a number that is none as null."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes) and not hasattr(value, "_fields"):
        return [_plain(inner) for inner in value]
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return _as_number(value)


def _as_number(value: Any) -> Any:
    """A decimal as a number, where a float holds it; anything else as text."""
    text = str(value)
    if type(value).__name__ != "Decimal":
        return text
    return int(value) if value == value.to_integral_value() else float(value)


FORMATS: dict[str, Writer] = {
    "csv": _write_csv, "csv-semicolon": _write_local_csv, "parquet": _write_parquet, "jsonl": _write_json_lines,
}  # fmt: skip
