"""What stands in the place of a page, or of a part of it, that cannot be shown: what is wrong and what to do."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec

import streamlit as st

from pages import _cards
from pages._text import Text, current_text
from pipeline.errors import GarimpoError

__all__ = ["advice", "explained", "say"]

P = ParamSpec("P")


def say(error: GarimpoError | OSError) -> None:
    """Draw an error as people may read it."""
    text = current_text()
    st.html(_cards.empty(text("This page cannot be shown"), advice(error, text)))


def advice(error: GarimpoError | OSError, text: Text) -> str:
    """What one of ours says; or what the system said, of a file where it names one: a write to an open one does not."""
    if not isinstance(error, OSError):
        return text.error(error)
    said = ": ".join(str(each) for each in (error.filename, error.strerror or error) if each)
    return text("{said}. See python -m pipeline doctor.", said=said)


def explained(draw: Callable[P, None]) -> Callable[P, None]:
    """The same with errors of ours drawn: of one in a fragment Streamlit would show no more than that there was one."""

    @functools.wraps(draw)
    def drawn(*arguments: P.args, **named: P.kwargs) -> None:
        try:
            draw(*arguments, **named)
        except (GarimpoError, OSError) as error:
            say(error)

    return drawn
