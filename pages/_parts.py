"""Parts that several pages put together: lists whose rows lead to a page, charts, page numbers.

A row that leads somewhere is our HTML with Streamlit's page link lying over it, so that a click stays in the app.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages import _cards, _charts, _data, _downloads
from pages._look import current_palette
from pages._text import Text
from pipeline import queries

if TYPE_CHECKING:
    import polars as pl

__all__ = ["artist_list", "choose_one", "choose_page", "name_page", "release_grid", "show_chart"]

Row = dict[str, Any]


def name_page(title: str) -> None:
    """Give the browser's tab its title: it tells pages apart, as those of two artists."""
    st.set_page_config(page_title=f"{title} \u00b7 Garimpo")


def artist_list(rows: Sequence[Row], text: Text, *, key: str) -> None:
    """Artists one below the other, each leading to its page, with its followers of the last 30 days as a line."""
    lines = _data.ask(queries.recent_followers, tuple(row["artist_id"] for row in rows))
    palette = current_palette()
    with st.container(key=f"list_{key}"):
        for row in rows:
            with st.container(key=f"go_{key}_{row['artist_id']}"):
                st.html(_cards.artist_row(row, text, palette, lines.get(row["artist_id"], ())))
                st.page_link("artist.py", label=row["name"] or row["artist_id"], query_params={"id": row["artist_id"]})


def release_grid(rows: Sequence[Row], text: Text, *, key: str, columns: int = 6) -> None:
    """Releases as covers, leading to the artist where `artist_id` is given."""
    grid = st.grid(columns, min_column_width=140, gap="xsmall", key=f"covers_{key}")
    for row in rows:
        lead = row.get("artist_id")
        with grid.cell(), st.container(key=f"{'go' if lead else 'on'}_{key}_{row['album_id']}"):
            st.html(_cards.release_card(row, text))
            if lead:
                name = (row["artist_names"] or [row["name"]])[0]
                st.page_link("artist.py", label=name, query_params={"id": lead})


def show_chart(
    chart: Callable[..., Any], frame: pl.DataFrame, text: Text, *, about: str, key: str, numbers_of: str | None = None
) -> None:
    """A figure of `_charts` in the theme of this browser; a screen reader hears `about` and what there is to see.

    With `numbers_of`, whose numbers they are, there is a CSV of them as spreadsheets in this language open it.
    """
    figure = chart(frame, _charts.Style(text, current_palette()))
    heard = f"{about}: {figure.layout.meta}" if figure.layout.meta else about
    st.plotly_chart(figure, theme=None, config=_charts.CONFIG, alt=heard, key=key)
    if numbers_of:
        _downloads.offer_csv(lambda: frame, text, name=f"{key}-{numbers_of}", key=key)


def choose_one(label: str, options: Mapping[str, str], *, key: str, everything: str) -> str:
    """The name of one of the options, or nothing for all; in the address by that name, alike in both languages."""
    place, asked = f"choice_{key}", st.query_params.get(key)
    st.session_state[place] = asked if asked in options else None  # a step back in the browser changes it, too

    def keep() -> None:
        if chosen := st.session_state[place]:
            st.query_params[key] = chosen
        else:
            st.query_params.pop(key, None)

    chosen = st.selectbox(
        label, list(options), None, format_func=lambda name: options[name], key=place, on_change=keep,
        placeholder=everything,
    )  # fmt: skip
    return chosen or ""


def choose_page(rows: int, per_page: int, key: str = "page") -> int:
    """The page of a list that the reader is on, from 1; kept in the address."""
    pages = math.ceil(rows / per_page)
    return min(st.pagination(pages, key=key, bind="query-params"), pages) if pages > 1 else 1
