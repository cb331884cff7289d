"""Any JSON of the documented shapes, with whatever in place of its fields: rows or rejects, and both readers agree."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.lake.normalize import SMALL
from pipeline.lake.shapes import ANSWERS, OBJECTS, Leaf, Shape, arrow_type
from pipeline.schema import LAKE
from tests.payloads import normalized

ARROW = {"VARCHAR": pa.string(), "VARCHAR[]": pa.list_(pa.string())}
ODD_TEXT = st.sampled_from(
    [
        "",
        " ",
        "x" * 1_001,
        "nul\u0000",
        "half \ud800",
        "\u202eright",
        "[x",
        "{x",
        "=1+1",
        "<b>",
        "12",
        "-3",
        "1.5",
        "é",
        "0000",
        "2020-02-30",
    ]
)
NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, 1, 100, 101, 2**15, 2**31, 2**63]),
    st.floats(-1e40, 1e40, allow_nan=False),
)
JUNK = st.recursive(
    st.one_of(
        st.none(), st.booleans(), NUMBERS, ODD_TEXT, st.text(max_size=8).filter(lambda text: not is_flag_word(text))
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["id", "name", "x"]), inner, max_size=3)
    ),
    max_leaves=4,
)


def is_flag_word(text: str) -> bool:
    """Words and notations that DuckDB takes for a truth value or a number and nobody else does."""
    return text.strip().lower() in {"t", "f", "y", "n", "yes", "no", "on", "off"} or not text.isascii() or "_" in text


def sound(shape: Shape, name: str) -> st.SearchStrategy[Any]:
    """A value as declared."""
    if isinstance(shape, list):
        return st.lists(anything(shape[0], name), max_size=3)
    if not isinstance(shape, Leaf):
        return st.fixed_dictionaries({}, optional={key: anything(inner, key) for key, inner in shape.items()})
    if name == "id" or name.endswith("_id"):
        return st.sampled_from(["a1", "a2", "b1", "t1"])
    if shape.type != "VARCHAR":
        return st.booleans() if shape.type == "BOOLEAN" else st.integers(0, min(shape.high, 60))
    days = ["2026-11-22", "2026-11-23T01:02:03Z"]
    return st.sampled_from(
        {"sweep_on": days, "fetched_at": days, "url": ["https://x/y"]}.get(name, ["mpb", "Samba", "2020"])
    )


def anything(shape: Shape, name: str) -> st.SearchStrategy[Any]:
    """Mostly a value as declared, sometimes something else."""
    declared = sound(shape, name)  # made once: each shape holds others, and three of each would be thousands
    thrice = (declared.map(lambda value: value) for _ in range(3))  # the same object would be taken for one choice
    return st.one_of(*thrice, JUNK)


ASKED = {"genre": "mpb", "sweep_on": "2026-11-22", "offset": 0, "artist_id": "a1", "group": "single", "album_id": "b1"}


def lines(endpoint: str) -> st.SearchStrategy[dict[str, Any]]:
    """A line of an endpoint, its request whole more often than not."""
    fields = {"endpoint": st.just(endpoint), endpoint: anything(ANSWERS[endpoint], endpoint)}
    whole = {"fetched_at": st.just("2026-11-22T06:00:01Z"), "request": st.just(ASKED)}
    torn = {name: anything(ANSWERS[name], name) for name in ("fetched_at", "request")}
    unparsed = {"unparsed": st.sampled_from(["<html>", None])}
    return st.one_of(
        st.fixed_dictionaries({**fields, **whole}),
        st.fixed_dictionaries({**fields, **whole}, optional={"more": JUNK}),
        st.fixed_dictionaries({**fields, **torn}, optional=unparsed),
    )


ANY_FILE = st.lists(st.one_of(*map(lines, OBJECTS), JUNK), min_size=1, max_size=4)
SLOWLY = settings(max_examples=45, deadline=None, suppress_health_check=list(HealthCheck))
PICTURES = {"id": "b1", "images": [{}, {"url": []}, {"url": 3}]}


@given(ANY_FILE)
@example([{"endpoint": "album", "fetched_at": "2026-11-22", "request": {}, "album": PICTURES}])
@example([{"endpoint": "artist", "fetched_at": "2026-11-22", "request": {"genre": ["mpb"]}, "artist": {"id": "a1"}}])
@example([{"endpoint": "artist", "fetched_at": "2026-11-22", "request": {"sweep_on": "soon"}, "artist": {"id": "a1"}}])
@example([{"endpoint": "artist", "fetched_at": "2026-1-2", "request": {"album_id": "-"}, "artist": {"id": "a1"}}])
@SLOWLY
def test_any_json_is_rows_or_rejects(content: list[Any]):
    """Nothing raises; tables have the declared columns and unique keys; every reason is a sentence with its line.

    The reader for much data and the one for a batch give the same rows and the same rejects.
    """
    with TemporaryDirectory() as folder:
        found, strict = (normalized(Path(folder), *map(json.dumps, content), small=small) for small in (SMALL, 0))
    for name, table in found.tables.items():
        assert table.column_names == LAKE[name].column_names()
        keys = list(zip(*(table[column].to_pylist() for column in {*LAKE[name].key, "observed_on"}), strict=True))
        assert len(set(keys)) == len(keys) == table.num_rows > 0
        assert all(None not in key for key in keys), name
    assert all(1 <= number <= len(content) and ": " in f"{reason}: " for number, reason in found.rejects)
    rows, walked = ({name: each.to_pylist() for name, each in one.tables.items()} for one in (strict, found))
    assert (rows, strict.rejects) == (walked, found.rejects)


def test_types_are_the_schemas(tmp_path: Path):
    """Arrow types of the lake are those of the declaration, whatever came."""
    types = {"DATE": pa.date32(), "BOOLEAN": pa.bool_(), **ARROW}
    types |= {"SMALLINT": pa.int16(), "INTEGER": pa.int32(), "BIGINT": pa.int64()}
    whole = arrow_type(ANSWERS["album"])
    assert whole.field("popularity").type == pa.int16()
    found = normalized(
        tmp_path, {"fetched_at": "2026-11-22", "endpoint": "album", "request": {}, "album": {"id": "b1"}}
    )
    for name, table in found.tables.items():
        assert [field.type for field in table.schema] == [types[column.type] for column in LAKE[name].columns]
