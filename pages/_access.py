"""Who may start runs and change schedules: everybody on this machine, or, where login is set up, those who are named.

Login is Streamlit's own (OpenID Connect, the section [auth] of `.streamlit/secrets.toml`). Without it and without
operators everybody may; with operators but without login nobody, so that a lost file opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st
from streamlit.errors import StreamlitAuthError

from pages import _cards
from pages._text import Text, current_text
from pipeline.errors import GarimpoError
from pipeline.service.scheduler import service

__all__ = ["act", "is_named", "may_operate", "say_read_only", "sign_in_control"]


def may_operate() -> bool:
    """Whether this visitor may change anything; asked again by whatever acts, since a page can be old."""
    return not (_has_login() or service().settings.operators) or is_named(
        st.user.to_dict(), service().settings.operators
    )


def act(change: Callable[[str], None], subject: str) -> None:
    """Change something, if this visitor may, and show the page afresh; why it cannot be is said in passing."""
    if may_operate():
        try:
            change(subject)
        except GarimpoError as error:  # somebody else may have changed it meanwhile
            st.toast(current_text().error(error))
    st.rerun()


def is_named(claims: Mapping[str, object], operators: Sequence[str]) -> bool:
    """Whether somebody who is logged in is one of these: by an address the provider has verified, or by subject id."""
    if claims.get("is_logged_in") is not True:
        return False
    address = str(claims.get("email") or "").casefold() if claims.get("email_verified") is True else ""
    subject = str(claims.get("sub") or "")
    return any(name.casefold() == address if "@" in name else name == subject for name in operators)


def say_read_only() -> None:
    """Why there is nothing to press, where that is so."""
    if may_operate():
        return
    text = current_text()
    if not _has_login():
        st.html(_cards.note(text("GARIMPO_OPERATORS names who may start and change things, but login is not set up.")))
    elif st.user.get("is_logged_in"):
        st.html(_cards.note(text("You may look at everything. The owner names who may start and change things.")))
    else:
        st.html(_cards.note(text("You may look at everything. To start or change things, sign in.")))


def sign_in_control(text: Text) -> None:
    """Sign in, or who is signed in and the way out; nothing where login is not set up."""
    if not _has_login():
        return
    if st.user.get("is_logged_in"):
        if st.button(text("Sign out"), help=_who(), type="tertiary", key="sign_out"):
            st.logout()
    elif st.button(text("Sign in"), type="tertiary", key="sign_in"):
        _sign_in(text)


def _sign_in(text: Text) -> None:
    auth = st.secrets["auth"]
    named = [name for name, section in auth.items() if isinstance(section, Mapping)]
    try:
        st.login(None if "client_id" in auth or not named else named[0])
    except StreamlitAuthError as error:
        st.toast(text("Login is not set up completely: {error}", error=error))


def _who() -> str:
    return str(st.user.get("email") or st.user.get("name") or st.user.get("sub") or "")


def _has_login() -> bool:
    return "is_logged_in" in st.user
