"""Files read together give what each of them gives by itself."""

from __future__ import annotations

import random
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.lake import engine
from pipeline.lake.normalize import SMALL, Normalizer
from pipeline.lake.parquet import seal
from pipeline.lake.strict import JOINED, StrictReader
from pipeline.lake.walking import CHUNK, WalkingReader
from pipeline.schema import LAKE
from tests.payloads import album, albums_line, artist, line, payload, search_line, shared_normalizer


def written(folder: Path, *files: tuple[object, ...]) -> list[Path]:
    """Raw files of these lines."""
    paths = [folder / f"{place}.jsonl.zst" for place in range(len(files))]
    for path, lines in zip(paths, files, strict=True):
        path.write_bytes(payload(*lines))
    return paths


def test_each_file_by_itself(tmp_path: Path) -> None:
    """The same artist in two files is a row of each; a file without a table has none of it."""
    tracks = {"items": [{"id": "t1", "name": "T", "artists": [{"id": "a1", "name": "A"}]}], "next": None}
    paths = written(
        tmp_path,
        (search_line(artist("a2"), artist("a1")), albums_line(album("b1"), album("b1", name="later"))),
        (search_line(artist("a1", followers={"total": 11})),),
        (line("album", album("b1", tracks=tracks)),),
    )
    together, walking = shared_normalizer(0), shared_normalizer(SMALL)
    found = [{name: rows.to_pylist() for name, rows in each.tables.items()} for each in together.each(paths)]
    alone = [{name: rows.to_pylist() for name, rows in walking.tables([path]).tables.items()} for path in paths]
    assert found == alone
    assert [row["artist_id"] for row in found[0]["artists"]] == ["a1", "a2"]
    assert together.tables(paths[:2]).tables["artists"].num_rows == 2


def test_more_than_is_read_as_one(tmp_path: Path) -> None:
    """Of files that make several when they are joined each still has its own rows."""
    rng, places = random.Random(1), range(7)
    found = [[artist(f"a{place}x{n}", name=rng.randbytes(50).hex()) for n in range(900)] for place in places]
    paths = written(tmp_path, *((search_line(*each),) for each in found))
    assert sum(path.stat().st_size for path in paths) > JOINED
    with closing(StrictReader()) as reader:
        read = reader.read(paths, apart=True) or []
    ids = [each["artists"].column("artist_id").to_pylist() for each in read]
    assert [(len(each), {each_id[:3] for each_id in each}) for each in ids] == [(900, {f"a{n}x"}) for n in places]


@pytest.mark.parametrize(("small", "reader"), [(0, StrictReader), (2**20, WalkingReader)], ids=["strict", "walking"])
def test_lost_engine_costs_no_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, small: int, reader: type) -> None:
    """Where DuckDB gave up the engine that reads, whoever broke it, the answers are read once more with a new one."""
    paths, read, losses = written(tmp_path, (search_line(artist("a1")),)), reader.read, engine.losses()

    def broken_once(self: Any, *args: Any, **options: Any) -> Any:
        if engine.losses() == losses:
            raise duckdb.FatalException("database has been invalidated because of a previous fatal error")
        return read(self, *args, **options)

    monkeypatch.setattr(reader, "read", broken_once)
    with closing(Normalizer(small=small)) as normalizer:
        assert [normalizer.tables(paths).tables["artists"].num_rows for _ in range(2)] == [1, 1]
    assert engine.losses() == losses + 1


def test_rows_have_one_seal(tmp_path: Path) -> None:
    """Whichever reader they come from, alone or beside others, with and without what is withheld."""
    whole, part = artist("a1", genres=["x"]), artist("a2", followers=None, popularity=None, name=None)
    found = [search_line(whole, part, *[artist(f"b{n}") for n in range(place)]) for place in range(4)]
    credited = [{"id": "a1"}, {"id": "a2", "name": "A"}]
    albums = albums_line(album("b1", total_tracks=3), album("b2", artists=credited, release_date=None))
    paths = written(tmp_path, *((each, albums) for each in found))
    strict, walking = shared_normalizer(0), shared_normalizer(SMALL)
    for path, beside in zip(paths, strict.each(paths), strict=True):
        alone, walked = strict.tables([path]), walking.tables([path])
        seals = [{name: seal(name, rows, "") for name, rows in each.tables.items()} for each in (alone, walked)]
        assert seals == [{name: seal(name, rows, "") for name, rows in beside.tables.items()}] * 2


def test_sealing_starts_no_pandas() -> None:
    """What pyarrow makes of Python's values brings pandas along: a third of a second of each process that commits."""
    script = """if True:
        import sys, pyarrow
        from pipeline.lake.parquet import seal
        seal("artists", pyarrow.Table.from_arrays([pyarrow.nulls(1, pyarrow.int64())], ["followers"]), "")
        sys.exit("pandas" in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[1], check=False).returncode == 0


def test_statements_are_planned_once(tmp_path: Path) -> None:
    """Run again they are not planned anew, which takes longer than running them: nothing is called `answers` here."""
    tracks = {"items": [{"id": "t1", "name": "T", "artists": [{"id": "a1", "name": "A"}]}], "next": None}
    lines = (
        search_line(artist("a1", genres=["x"])),
        albums_line(album("b1")),
        line("album", album("b2", tracks=tracks)),
    )
    with closing(WalkingReader()) as reader:
        read, _ = reader.read(written(tmp_path, lines))
        assert sorted(read) == sorted(LAKE)
        (statement,) = reader._prepared
        assert reader._con.execute(f"EXECUTE {statement}").fetchall() == [(None,) * len(read)]


def test_kinds_that_come_late(tmp_path: Path) -> None:
    """Rows are all there whichever kinds of objects a batch holds, and wherever the first of each stands."""
    searches = tuple(search_line(artist(f"a{number}"), offset=number) for number in range(CHUNK + 1))
    albums = (albums_line(album("b1")),) * CHUNK
    batches = ((*searches, *albums), searches, (*albums, *searches), searches[:1])
    with closing(WalkingReader()) as reader:
        found = [reader.read(written(tmp_path, batch))[0] for batch in batches]
    assert [len(each["artists"]) for each in found] == [CHUNK + 1, CHUNK + 1, CHUNK + 1, 1]
    releases = [each["releases"]["album_id"].to_pylist() if "releases" in each else [] for each in found]
    assert releases == [["b1"], [], ["b1"], []]


def test_a_doubtful_file_among_sound_ones(tmp_path: Path) -> None:
    """One line that is not as declared is rejected of its own file; the others are whole."""
    paths = written(tmp_path, (search_line(artist("a1")),), ("no JSON", search_line(artist("a2"))))
    found = shared_normalizer(0).each(paths)
    assert [each.rejects for each in found] == [(), ((1, "the line is not JSON"),)]
    assert [each.tables["artists"].column("artist_id").to_pylist() for each in found] == [["a1"], ["a2"]]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("harm", ["cut", "empty", "open", "blank", "longer", "no end"])
def test_a_strange_file_beside_others(tmp_path: Path, harm: str, place: int) -> None:
    """Wherever a file ends, and whatever its lines pretend, the others are what they are by themselves."""
    sound = search_line(artist("a1")), albums_line(album("b1"))
    paths = written(tmp_path, sound, sound, sound)
    content = paths[place].read_bytes()
    pretended = payload({"endpoint": "end of file"}, {"endpoint": ""}, *sound)
    strange = {
        "cut": content[:90],
        "empty": b"",
        "open": payload('{"endpoint":'),
        "blank": payload("", *sound, " ", ""),
        "longer": content + content,
        "no end": pretended,
    }
    paths[place].write_bytes(strange[harm])
    normalizer = shared_normalizer(0)
    found = [(each.rejects, {name: rows.to_pylist() for name, rows in each.tables.items()})
             for each in normalizer.each(paths)]  # fmt: skip
    strange_alone, sound_alone = (normalizer.tables([paths[at]]) for at in (place, place - 1))
    alone = [strange_alone if at == place else sound_alone for at in range(3)]
    assert found == [(each.rejects, {name: rows.to_pylist() for name, rows in each.tables.items()}) for each in alone]
    assert sorted(tmp_path.iterdir()) == paths


def test_a_cut_file_hides_no_end(tmp_path: Path) -> None:
    """Files are read as one only where each has its end: what is cut and takes in all behind it is found."""
    paths = written(tmp_path, *[(search_line(artist("a1")),)] * 3)
    with closing(StrictReader()) as reader:
        assert reader.read(paths, apart=True) is not None
        paths[2].write_bytes(paths[2].read_bytes()[:90])
        assert reader.read(paths, apart=True) is None


def test_a_file_of_another_beginning(tmp_path: Path) -> None:
    """Lines of other endpoints than the first one's are read strictly, too; only those of none go to the walking."""
    mixed = (search_line(artist("a1")), albums_line(album("b1")), line("album", album("b2")))
    path, other = written(tmp_path, mixed, (*mixed, line("playlist", {"id": "p1"})))
    with closing(StrictReader()) as reader:
        (found,) = reader.read([path]) or [{}]
        assert {name: rows.num_rows for name, rows in found.items()} == {
            "artists": 1, "artist_snapshots": 1, "artist_genres": 1, "releases": 2, "release_artists": 2,
            "search_pages": 1, "release_pages": 1,
        }  # fmt: skip
        assert reader.read([other]) is None
