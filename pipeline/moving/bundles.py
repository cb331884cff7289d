"""A bundle: published tables as Parquet with their schema and a manifest, a folder or one ZIP, for another Garimpo.

`open_bundle` gives what `queries` take, read-only and without a network, once every file is what the manifest says.
Imports `engine`, `files`, `generations`, `schema`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from pipeline.errors import DamagedFile, DiskFull, SchemaMismatch, SettingsError, StorageError
from pipeline.lake import engine
from pipeline.lake.files import explained, sha256_of
from pipeline.published.generations import Generation
from pipeline.schema import PUBLISHED, SCHEMA_VERSION, Table, create_statement, create_statements

__all__ = ["TERMS", "Bundle", "Filters", "open_bundle", "write_bundle"]

FORMAT, VERSION, MANIFEST, SCHEMA = "garimpo-bundle", 1, "manifest.json", "schema.json"
LARGEST_TEXT = 16 * 1024 * 1024  # bytes of a manifest or schema
STAYS_HOME = ("runs", "task_runs")  # how the collector fared; messages may name folders of its machine
TERMS = (
    "These rows were received from Spotify's Web API. Its Developer Terms bind whoever holds them: keep no more than "
    "you need and not for ever, train no model on them, link each artist, album and track back to Spotify, and use "
    "them personally and not commercially while the app that collected them is in development mode. Cover art is "
    "here as links only. Delete the bundle when you no longer need it."
)


@dataclass(frozen=True)
class Filters:
    """What of a generation goes into a bundle; empty: all of it. Days bound dated rows, both included."""

    genres: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None


class Bundle(Generation):
    """The tables of a bundle as a generation; its database is private and goes with it."""

    def __init__(self, manifest: dict[str, Any], path: Path) -> None:
        super().__init__(manifest["generation"], path)
        self.manifest = manifest
        weakref.finalize(self, shutil.rmtree, path.parent, ignore_errors=True)


def write_bundle(
    generation: Generation, target: Path, made_at: datetime, filters: Filters | None = None
) -> dict[str, Any]:
    """Write a bundle to a new folder, or to a new file that ends in .zip; its manifest.

    Raises SettingsError when there is something at `target`, DiskFull: then nothing is left there.
    """
    chosen = filters or Filters()
    if target.exists() and (target.is_file() or any(target.iterdir())):
        raise SettingsError(f"{target} is there already. Name another place; nothing was written.")
    aside = target.with_name(f".tmp-{target.name}")
    try:
        with explained(target):
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(parents=True)
            rows = _write_tables(generation, aside, chosen)
            tables = {name: asdict(table) for name, table in PUBLISHED.items()}
            (aside / SCHEMA).write_text(_as_json(tables), encoding="utf-8")
            manifest = _manifest(generation, aside, rows, chosen, made_at)
            (aside / MANIFEST).write_text(_as_json(manifest), encoding="utf-8")
            if target.suffix.lower() == ".zip":
                _zip(aside, aside / target.name).replace(target)
            else:
                if target.exists():
                    target.rmdir()
                aside.replace(target)
    except duckdb.Error as error:
        raise StorageError(f"{generation.path} cannot be read ({error}). Nothing was written.") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return manifest


def open_bundle(path: Path) -> Bundle:
    """The tables of a bundle, to be asked like a generation.

    Raises DamagedFile naming the file that is not what the manifest says, SchemaMismatch for a bundle of a newer
    program or of one that had not all of today's columns, SettingsError when there is no bundle at `path`.
    """
    scratch, private = (Path(tempfile.mkdtemp(prefix="garimpo-bundle-")) for _ in range(2))
    try:
        with explained(scratch):
            folder = _unzip(path, scratch) if path.is_file() else path
            manifest = _checked(path, folder)
            _build(path, folder, manifest, private / "bundle.duckdb")
        return Bundle(manifest, private / "bundle.duckdb")
    except BaseException:
        shutil.rmtree(private, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write_tables(generation: Generation, folder: Path, filters: Filters) -> dict[str, int]:
    rows = dict.fromkeys(PUBLISHED, 0)
    asked = {"genres": list(filters.genres), "since": filters.since, "until": filters.until}
    with generation.cursor() as cursor:
        for name, table in PUBLISHED.items():
            condition = _condition(table, filters)
            params = {key: value for key, value in asked.items() if f"${key}" in condition}
            reader = cursor.sql(f"FROM {name} WHERE {condition}", params=params).to_arrow_reader(100_000)
            with pq.ParquetWriter(folder / f"{name}.parquet", reader.schema, version="2.6", compression="zstd") as out:
                for batch in reader:
                    out.write_batch(batch)
                    rows[name] += batch.num_rows
    return rows


_ARTISTS = "SELECT artist_id FROM artist_genres WHERE list_contains($genres, genre)"
_ALBUMS = f"SELECT album_id FROM release_artists WHERE artist_id IN ({_ARTISTS})"
# By the first of these columns that a table has: the condition under which a row has to do with the genres.
_BY_GENRE = {
    "album_id": f"album_id IN ({_ALBUMS})",
    "track_id": f"track_id IN (SELECT track_id FROM tracks WHERE album_id IN ({_ALBUMS}))",
    "artist_id": f"artist_id IN ({_ARTISTS})",
    "artist_no": f"artist_no IN (SELECT artist_no FROM artists WHERE artist_id IN ({_ARTISTS}))",
    "genre": "list_contains($genres, genre)",
}


def _condition(table: Table, filters: Filters) -> str:
    if table.name in STAYS_HOME:
        return "false"
    names, conditions = table.column_names(), ["true"]
    if filters.genres:
        conditions += [condition for name, condition in _BY_GENRE.items() if name in names][:1]
    if "observed_on" in names:
        conditions += ["observed_on >= $since"] * bool(filters.since) + ["observed_on <= $until"] * bool(filters.until)
    return " AND ".join(conditions)


def _manifest(
    generation: Generation, folder: Path, rows: Mapping[str, int], filters: Filters, made_at: datetime
) -> dict[str, Any]:
    files = {path.name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)} for path in sorted(folder.iterdir())}
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "schema_version": SCHEMA_VERSION,
        "generation": generation.number,
        "made_at": made_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "filters": {"genres": list(filters.genres), "since": _day(filters.since), "until": _day(filters.until)},
        "rows": dict(rows),
        "files": files,
        "terms": TERMS,
    }
    return {**manifest, "sha256": _digest(manifest)}


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _digest(manifest: Mapping[str, Any]) -> str:
    """Hash of everything a manifest says but for the hash itself."""
    said = {name: value for name, value in manifest.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _zip(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as out:  # stored: Parquet is compressed already
        for path in sorted(each for each in folder.iterdir() if each != target):
            out.write(path, path.name)
    return target


def _unzip(path: Path, scratch: Path) -> Path:
    """The files of a ZIP that a bundle can have, each no larger than the manifest says, in a folder of their own."""
    folder = scratch / "files"
    folder.mkdir()
    name = MANIFEST
    try:
        with zipfile.ZipFile(path) as packed:
            (folder / name).write_bytes(_read(packed, name, LARGEST_TEXT))
            sizes = {key: each["bytes"] for key, each in _manifest_in(path, folder)["files"].items()}
            for name in packed.namelist():
                if name not in (MANIFEST, *sizes):
                    raise _damaged(path, name, "is not in the manifest")
                if name != MANIFEST:
                    (folder / name).write_bytes(_read(packed, name, sizes[name]))
    except KeyError:
        raise SettingsError(f"{path} is no bundle: it has no {MANIFEST}. Nothing was read.") from None
    except zipfile.BadZipFile as error:
        if name == MANIFEST and not zipfile.is_zipfile(path):
            raise SettingsError(f"{path} is no bundle: neither a folder nor a ZIP. Nothing was read.") from None
        raise _damaged(path, name, f"cannot be unpacked ({error})") from None
    except (zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _damaged(path, name, f"cannot be unpacked ({error})") from None
    return folder


def _read(packed: zipfile.ZipFile, name: str, most: int) -> bytes:
    with packed.open(name) as file:
        return file.read(most + 1)  # one byte too many shows as a wrong hash


def _manifest_in(path: Path, folder: Path) -> dict[str, Any]:
    try:
        found: Any = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise SettingsError(f"{path} is no bundle: its {MANIFEST} is of {found['format']!r}. Nothing was read.")
        if found["version"] > VERSION or found["schema_version"] > SCHEMA_VERSION:
            raise SchemaMismatch(f"{path} was written by a newer version of this program. Update it; nothing was read.")
        if found["sha256"] != _digest(found) or not _is_sound(found):
            raise _damaged(path, MANIFEST, "is not what was written")
    except FileNotFoundError:
        raise SettingsError(f"{path} is no bundle: it has no {MANIFEST}. Nothing was read.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, MANIFEST, f"cannot be read ({type(error).__name__})") from None
    return dict(found)


def _is_sound(manifest: Mapping[str, Any]) -> bool:
    """Whether tables and files are those that a bundle can have: their names become SQL and paths."""
    sizes = [each["bytes"] for each in manifest["files"].values()]
    named = {SCHEMA, *(f"{name}.parquet" for name in manifest["rows"])}
    numbers = (manifest["generation"], *sizes, *manifest["rows"].values())
    return (
        set(manifest["rows"]) <= set(PUBLISHED)
        and set(manifest["files"]) == named
        and all(isinstance(number, int) and number >= 0 for number in numbers)
    )


def _checked(path: Path, folder: Path) -> dict[str, Any]:
    manifest = _manifest_in(path, folder)
    for name, said in manifest["files"].items():
        try:
            found = {"bytes": (folder / name).stat().st_size, "sha256": sha256_of(folder / name)}
        except OSError as error:
            raise _damaged(path, name, f"cannot be read ({error.strerror})") from None
        if found != said:
            raise _damaged(path, name, "is not what was written: its hash differs")
    if strange := {each.name for each in folder.iterdir()} - {MANIFEST, *manifest["files"]}:
        raise _damaged(path, min(strange), "is not in the manifest")
    if lacking := _lacking(folder, manifest):
        raise SchemaMismatch(f"{path} is of another version: it has no {lacking[0]}. Ask for one of this program.")
    return manifest


def _lacking(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Columns of today that a bundle does not have: a question that needs one would be answered with nothing."""
    with suppress(OSError, ValueError):  # what cannot be read is told of where its rows are
        files = {name: pq.read_schema(folder / f"{name}.parquet").names for name in manifest["rows"]}
        return [f"{n}.{c}" for n, table in PUBLISHED.items() for c in table.column_names() if c not in files.get(n, ())]
    return []


def _build(path: Path, folder: Path, manifest: Mapping[str, Any], database: Path) -> None:
    with engine.building(database) as con:
        for statement in create_statements():
            con.execute(statement)
        con.execute("DROP VIEW genre_growth")  # a bundle holds the rows that it shows, not those behind it
        con.execute(create_statement(PUBLISHED["genre_growth"]))
        for name, rows in manifest["rows"].items():
            table = "state_snapshots" if name == "artist_snapshots" else name
            try:
                con.execute(f"INSERT INTO {table} BY NAME FROM read_parquet(?)", [str(folder / f"{name}.parquet")])
                found = con.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
            except duckdb.Error as error:
                if "No space left" in str(error):
                    raise DiskFull(f"No space left for {database}. Free some space; nothing was changed.") from None
                raise _damaged(path, f"{name}.parquet", f"cannot be read ({engine.first_line(error)})") from None
            if found != rows:
                raise _damaged(path, f"{name}.parquet", f"has {found} rows, not {rows}")
        con.execute("INSERT INTO state_meta VALUES ('number', ?)", [str(manifest["generation"])])


def _damaged(path: Path, name: str, what: str) -> DamagedFile:
    return DamagedFile(f"{path}: {name} {what}. Ask for the bundle again; nothing was read from it.")


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)
