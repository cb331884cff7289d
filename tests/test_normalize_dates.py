"""Release dates as Spotify gives them: of three precisions, unknown, or no date at all."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.payloads import album, albums_line, normalized, rows


@pytest.mark.parametrize("small", [2**20, 0], ids=["walking", "strict"])
@pytest.mark.parametrize(
    ("text", "precision", "day"),
    [
        ("2021-05-17", "day", date(2021, 5, 17)),
        ("2021-05", "month", date(2021, 5, 1)),
        ("2021", "year", date(2021, 1, 1)),
        ("2024-02-29", "day", date(2024, 2, 29)),
        ("2023-02-29", "day", None),
        ("0000", "year", None),
        ("0000-00-00", "day", None),
        ("2021-13", "month", None),
        ("2021-05-17", None, date(2021, 5, 17)),
        ("soon", "day", None),
        ("", "day", None),
        (" 2021", "year", None),
        ("20210517", "day", None),
        ("12021-05-17", "day", None),
        (None, None, None),
        (2021, "year", date(2021, 1, 1)),
    ],
)
def test_release_date(tmp_path: Path, small: int, text: object, precision: str | None, day: date | None):
    """The date is the first day the text can mean, NULL where it means none; the text stays as given."""
    item = album("b1", release_date=text, release_date_precision=precision)
    found = normalized(tmp_path, albums_line(item), small=small)
    kept = None if text is None else str(text)
    columns = ("release_date", "release_date_text", "release_date_precision")
    assert rows(found, "releases", *columns) == [(day, kept, precision)]
    assert found.rejects == ()
