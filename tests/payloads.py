"""Raw lines as the collector writes them, made by hand. Shared by tests of normalizing, storing and publishing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import zstandard

from pipeline.lake.normalize import SMALL, Normalized, Normalizer
from pipeline.lake.store import commit_raw_batch
from pipeline.records.ledger import Ledger
from pipeline.source.calls import Batch, RawBatch
from pipeline.workspace import Workspace

__all__ = [
    "album",
    "albums_line",
    "artist",
    "commit",
    "data",
    "line",
    "normalized",
    "payload",
    "rows",
    "search_line",
    "shared_normalizer",
]

DAY = "2026-11-22"
Row = dict[str, Any]


def data(name: str) -> Any:
    """A hand-made answer from tests/data."""
    return json.loads((Path(__file__).parent / "data" / f"{name}.json").read_text(encoding="utf-8"))


def line(endpoint: str, body: object, day: str = DAY, **request: object) -> Row:
    """One line of a raw file."""
    return {"fetched_at": f"{day}T06:00:01Z", "endpoint": endpoint, "request": request, endpoint: body}


def artist(artist_id: str, **fields: object) -> Row:
    """An artist object of the extended profile; keyword arguments replace fields, None takes them out."""
    whole = {"id": artist_id, "name": f"Artist {artist_id}", "followers": {"total": 10}, "popularity": 5, **fields}
    return {name: value for name, value in whole.items() if value is not None}


def album(album_id: str, **fields: object) -> Row:
    """A simplified album object, credited to artist a1."""
    credited = [{"id": "a1", "name": "Artist a1"}]
    return {"id": album_id, "name": f"Album {album_id}", "release_date": "2020-05-17", "artists": credited, **fields}


def search_line(*items: object, day: str = DAY, genre: str = "mpb", offset: int = 0, **page: object) -> Row:
    """A page of a genre search; nothing follows unless `next` says so."""
    body = {"artists": {"items": list(items), "total": len(items), "next": None, **page}}
    return line("search", body, day, genre=genre, offset=offset, limit=50, sweep_on=day)


def albums_line(*items: object, day: str = DAY, artist_id: str = "a1", **page: object) -> Row:
    """A page of an artist's singles."""
    body = {"items": list(items), "total": len(items), "next": None, **page}
    return line("artist_albums", body, day, artist_id=artist_id, group="single", offset=0, limit=50)


def payload(*lines: object) -> bytes:
    """Lines as a raw file; a str or bytes stands for itself."""
    written = [each if isinstance(each, (str, bytes)) else json.dumps(each) for each in lines]
    joined = b"\n".join(each if isinstance(each, bytes) else each.encode("utf-8") for each in written)
    return zstandard.ZstdCompressor(level=3).compress(joined + b"\n")


def normalized(folder: Path, *lines: object, small: int = SMALL) -> Normalized:
    """What the lines become; `small=0` takes the reader meant for much data."""
    path = folder / "raw.jsonl.zst"
    path.write_bytes(payload(*lines))
    return shared_normalizer(small).tables([path])


@cache
def shared_normalizer(small: int) -> Normalizer:
    """One for all tests of a process: what a file leaves behind in it would show."""
    return Normalizer(small)


def rows(found: Normalized, table: str, *columns: str) -> list[tuple[Any, ...]]:
    """A table's rows, whole or some columns of them; none when it is absent."""
    if table not in found.tables:
        return []
    whole: Sequence[Mapping[str, Any]] = found.tables[table].to_pylist()
    return [tuple(row[column] for column in columns or row) for row in whole]


def commit(
    workspace: Workspace,
    ledger: Ledger,
    batch_id: str,
    *lines: object,
    run_id: str = "run-1",
    attempt: int = 1,
    begin: bool = True,
) -> int:
    """Commit one batch of lines, of a run that is begun when it is new; the rows it gave."""
    if begin and not ledger.read("SELECT 1 FROM runs WHERE run_id = ?", (run_id,)):
        ledger.begin_run(run_id, "cli", {}, 1)
    if begin:
        ledger.begin_task(run_id, batch_id, attempt, "discover", "mpb")
    batch = Batch(run_id, batch_id, "discover", "mpb", attempt, (), 50)
    raw = RawBatch(batch_id, payload(*lines), len(lines), len(lines))
    return commit_raw_batch(workspace, ledger, shared_normalizer(SMALL), batch, raw, "succeeded", "")
