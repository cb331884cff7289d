"""Values in the forms that people's files have them: ids, counts, genres, days; what cannot be is told."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pipeline.moving.import_values import Observation, artist_id, day_in_name, observation
from tests.receipts import BANDA

TODAY = date(2026, 11, 22)


def told(**values: Any) -> Observation:
    """The observation that these values of one artist give."""
    found = observation({"id": BANDA, **values}, TODAY)
    assert isinstance(found, Observation)
    return found


@pytest.mark.parametrize(
    "text",
    [
        BANDA,
        f" '{BANDA}',",
        f"spotify:artist:{BANDA}",
        f"https://open.spotify.com/artist/{BANDA}",
        f"https://open.spotify.com/intl-pt/artist/{BANDA}?si=1a2b",
        f"http://open.spotify.com/artist/{BANDA}/discography",
        f"open.spotify.com/artist/{BANDA}",
    ],
)
def test_ids_and_links_are_understood(text: str) -> None:
    """An id, a URI and a link, from whatever language's site, give the id."""
    assert artist_id(text) == (BANDA, "")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (f"spotify:episode:{BANDA}", "a link to an episode, not to an artist"),
        (BANDA[:-1], f"'{BANDA[:-1]}' is no artist's id or link"),
        (7, "7 is no artist's id or link"),
        ("x" * 90, f"'{'x' * 76}... is no artist's id or link"),
        (
            f"https://open.spotify.com/artist/{'x' * 21}",
            f"'https://open.spotify.com/artist/{'x' * 21}' is no artist's id or link",
        ),
    ],
)
def test_other_ids_are_told(value: Any, reason: str) -> None:
    """What is no artist's id is named, shortened."""
    assert artist_id(value) == ("", reason)


@pytest.mark.parametrize(
    ("value", "count"),
    [(69, 69), ("71", 71), (70.0, 70), ("1.234", 1234), ("1,234,567", 1_234_567), ("1 234", 1234), ({"total": 5}, 5),
     ("1234,00", 1234), ("1.234.567,0", 1_234_567), ("1,234.0", 1234), ("71.0", 71),
     (None, None), ("", None), ("NaN", None), (float("nan"), None), ("-", None), ({"href": "x"}, None)],
)  # fmt: skip
def test_counts_are_understood(value: Any, count: int | None) -> None:
    """Whole numbers in any usual writing; what stands for nothing is unknown."""
    assert (told(seguidores=value).followers, told(seguidores=value).reasons) == (count, ())


@pytest.mark.parametrize("value", [-1, 1.5, "12,5 mil", True, 10**30, float("inf"), [], "9" * 5000])
def test_other_counts_are_told(value: Any) -> None:
    """A count that cannot be is dropped with its column and the reason."""
    found = told(seguidores=value)
    assert (found.followers, [reason[:12] for reason in found.reasons]) == (None, ["seguidores: "])


@pytest.mark.parametrize(
    ("value", "reason"),
    [("42,5", "'42,5' is not a whole number from 0 to 100"), ("1.2.0", "'1.2.0' is no number"),
     ("não sei", "'não sei' is no number")],
)  # fmt: skip
def test_reasons_name_what_is_wrong(value: str, reason: str) -> None:
    """A number with decimals is one, but no popularity; what is shown of a value is as its author wrote it."""
    assert told(popularidade=value).reasons == (f"popularidade: {reason}",)


@pytest.mark.parametrize(
    "value",
    [["mpb", "samba"], ("mpb", "samba", "mpb"), '["mpb", "samba"]', "['mpb', 'samba']", "{'samba', 'mpb'}",
     "mpb, samba", "mpb;samba", "mpb | samba", ["mpb", None, "", "samba"]],
)  # fmt: skip
def test_genres_are_understood(value: Any) -> None:
    """A list, a list written as text, or names with separators."""
    assert told(generos=value).genres == ("mpb", "samba")


@pytest.mark.parametrize(
    ("value", "genres"), [([], ()), ("[]", ()), (None, None), ("none", None), (float("nan"), None)]
)
def test_no_genres_differ_from_unknown(value: Any, genres: tuple[str, ...] | None) -> None:
    """An empty list says that there are none; an empty cell says nothing."""
    assert told(generos=value).genres == genres


@pytest.mark.parametrize(
    "value",
    ["2024-05-01", "2024-05-01T23:59:59", "2024-05-01 03:00:00", "2024-04-30T23:00:00-03:00", "2024-05-01T00:00:00Z",
     "01/05/2024", "1-5-2024", "20240501", 1714550400, 1714550400.5, " 1714550400 ",
     "1714550400.25"],
)  # fmt: skip
def test_days_are_understood(value: Any) -> None:
    """Dates and instants in ISO form, Brazilian dates, seconds since 1970: all as days in UTC."""
    assert told(data=value).day == date(2024, 5, 1)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("05/31/2024", "data: '05/31/2024' is no date"),
        ("2026-11-23", "data: 2026-11-23 is in the future"),
        ("1999-01-01", "data: 1999-01-01 is before Spotify began"),
        ([1], "data: [1] is no date"),
        ("0001-01-01T00:00:00+14:00", "data: '0001-01-01T00:00:00+14:00' is no date"),
    ],
)
def test_other_days_reject_the_row(value: Any, reason: str) -> None:
    """A row whose own date cannot be is not given another one."""
    assert observation({"id": BANDA, "data": value}, TODAY) == reason


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("artistas_2024-05-01.json", date(2024, 5, 1)),
        ("20240501T030000.csv", date(2024, 5, 1)),
        ("dt=2024_05_01", date(2024, 5, 1)),
        ("mpb 01.05.2024", date(2024, 5, 1)),
        ("mpb-2024.json", None),
        ("id-12345678901.json", None),
        ("2024-13-45.json", None),
    ],
)
def test_names_carry_days(name: str, day: date | None) -> None:
    """A file's name may carry its day, in the usual ways; other numbers are none."""
    assert day_in_name(name) == day


def test_everything_else_is_kept() -> None:
    """Pictures as Spotify lists them or as an address; names as text without what no text can hold."""
    found = told(nome=" Vi\0ola \ud800", images=[{"url": "https://i.scdn.co/image/x"}, {}], external_urls={})
    assert (found.name, found.image_url, found.told) == ("Vi\ufffdola \ufffd", "https://i.scdn.co/image/x", True)
    assert (told(imagem="ftp://x").image_url, told(nome=["x"]).reasons, told().told) == (
        None, ("nome: ['x'] where text belongs",), False,
    )  # fmt: skip
