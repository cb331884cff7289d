"""Lists whose rows lead to a page: our HTML below, Streamlit's page link over it, so that a click stays in the app."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages import _cards, _data
from pages._look import current_palette
from pages._text import Text
from pipeline import queries

__all__ = ["artist_list", "release_grid"]

Row = dict[str, Any]


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
        with grid.cell():
            if row.get("artist_id"):
                with st.container(key=f"go_{key}_{row['album_id']}"):
                    st.html(_cards.release_card(row, text))
                    st.page_link(
                        "artist.py",
                        label=(row["artist_names"] or [row["name"]])[0],
                        query_params={"id": row["artist_id"]},
                    )
            else:
                st.html(_cards.release_card(row, text))
