"""What pages list as a file for a spreadsheet, in the way that spreadsheets in the page's language open it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import polars as pl
import streamlit as st

from pages import _data, _following
from pages._text import Text
from pipeline import queries
from pipeline.moving.exporting import export_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MOST_ARTISTS", "offer_artists", "offer_csv", "offer_releases"]

MOST_ARTISTS = 10_000  # in a file: a third of a second of a processor, of which a million would take half a minute
_KNOWN_LETTERS = {"year": 4, "month": 7}  # of a date in ISO form, as far as it is known
_NUMBERS: tuple[str, ...] = ("followers", "popularity", "gained", "growth", "since")


def offer_csv(rows: Callable[[], pl.DataFrame], text: Text, *, name: str, key: str, about: str | None = None) -> None:
    """A button that brings the rows as `name`; they are asked for once it is pressed, in a thread of no page."""
    file_format = "csv-semicolon" if text.language == "pt_BR" else "csv"
    st.download_button(
        text("Download as CSV"), lambda: export_rows(rows().to_arrow(), file_format), f"{name}.csv", "text/csv",
        on_click="ignore", key=f"{key}_csv", type="tertiary", help=about,
    )  # fmt: skip


def offer_releases(found: pl.DataFrame, text: Text, *, key: str) -> None:
    """The releases that a list pages through, all of them; dated as far as their dates are known."""
    last_on = _data.ask(queries.coverage)["last_on"]
    offer_csv(lambda: _release_rows(found), text, name=f"releases-{last_on}", key=key)


def _release_rows(found: pl.DataFrame) -> pl.DataFrame:
    known = pl.col("release_date_precision").replace_strict(_KNOWN_LETTERS, default=10, return_dtype=pl.Int64)
    return found.select(
        pl.col("release_date").dt.to_string("%Y-%m-%d").str.head(known), "name",
        pl.col("artist_names").list.join(", ").alias("artists"), "album_type", "total_tracks", "album_id",
        "spotify_url",
    )  # fmt: skip


def offer_artists(count: int, text: Text, asked: Mapping[str, Any], *, with_releases: bool, key: str) -> None:
    """The artists that a list pages through, in its order, as many as one file takes; `asked`: what narrows it."""
    find = _data.ask_later(queries.artists, **asked, limit=MOST_ARTISTS)
    read = _data.ask_later(queries.release_counts)
    about = None
    if count > MOST_ARTISTS:
        first = text.number(MOST_ARTISTS)
        about = text("The first {count} in this order; python -m pipeline export artists has all.", count=first)

    def rows() -> pl.DataFrame:
        found = find()
        counts = read(found["artist_id"].to_list()) if with_releases else None
        return _artist_rows(found, counts)

    offer_csv(rows, text, name="artists", key=key, about=about)


def _artist_rows(found: pl.DataFrame, counts: pl.DataFrame | None) -> pl.DataFrame:
    names = [row["name"] for row in _following.named(found.select("artist_id", "name").to_dicts())]
    shown = _NUMBERS
    if counts is not None:
        found, shown = found.join(counts, "artist_id", "left", maintain_order="left"), tuple(counts.columns[1:])
    return found.select(
        pl.Series("name", names, pl.String), pl.col("found").list.join(", ").alias("genres"), *shown, "artist_id",
        pl.format("https://open.spotify.com/artist/{}", "artist_id").alias("spotify_url"),
    )  # fmt: skip
