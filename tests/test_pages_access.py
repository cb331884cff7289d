"""Who may start and change things: all where no login is set up, else those who are named."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages._access import is_named
from pipeline.watching.schedules import Schedule
from tests.screens import LOCALES, SHELL, Screen, install_service, open_screen

OWNER = {"is_logged_in": True, "sub": "1", "email": "owner@example.org", "email_verified": True}
AUTH = {"client_id": "x", "client_secret": "y", "cookie_secret": "z" * 32, "redirect_uri": "http://127.0.0.1/"}


def open_schedules(user: dict[str, Any] | None) -> Screen:
    """The schedules where login is set up, for somebody who is signed in or not."""
    app = AppTest.from_file(SHELL, default_timeout=30)
    app.context = {"locale": LOCALES["en"], "theme": "light", "timezone": "UTC"}
    app.secrets["auth"] = AUTH
    app.user = user or {"is_logged_in": False}
    app.run()
    app.switch_page("schedules.py").run()
    return Screen(app)


@pytest.fixture
def service(tmp_path):
    """A service with an owner and one schedule."""
    made = install_service(tmp_path, operators=("owner@example.org",))
    made.add_schedule(Schedule("daily", "cron", "0 6 * * *", "UTC"))
    return made


def test_owner_has_buttons(service):
    """Who is named has every button."""
    keys = {button.key for button in open_schedules(OWNER).app.button}
    assert {"new_schedule", "pause_daily", "sign_out"} <= keys


@pytest.mark.parametrize("user", [None, {**OWNER, "email": "guest@example.org"}])
def test_guest_has_none(service, user):
    """Anybody else reads all of it and has nothing to press; settings are not shown."""
    screen = open_schedules(user)
    assert {button.key for button in screen.app.button} == {"sign_out" if user else "sign_in"}
    assert "every day at 06:00" in screen.words
    screen.app.switch_page("settings.py").run()
    assert "GARIMPO_MAX_REQUESTS" not in screen.words


def test_lost_login_opens_nothing(service):
    """Operators are named but login is not set up: nobody may act, and the page says so."""
    screen = open_screen("schedules.py")
    assert [button.key for button in screen.app.button] == []
    assert "but login is not set up" in screen.words


def test_old_page_cannot_act(service):
    """A button that stood on a page before its visitor signed out does nothing."""
    screen = open_schedules(OWNER)
    screen.app.user = {**OWNER, "email": "guest@example.org"}
    screen.app.button(key="pause_daily").click().run()
    assert [each.paused for each in service.schedules()] == [False]


@pytest.mark.parametrize(
    ("changes", "operators", "named"),
    [
        ({}, ("owner@example.org",), True),
        ({"email": "Owner@Example.org"}, ("OWNER@example.org",), True),
        ({}, ("1",), True),
        ({}, ("2", "guest@example.org"), False),
        ({}, (), False),
        ({"email_verified": False}, ("owner@example.org",), False),
        ({"email_verified": "true"}, ("owner@example.org",), False),
        ({"email_verified": None}, ("owner@example.org",), False),
        ({"is_logged_in": False}, ("owner@example.org", "1"), False),
        ({"sub": "owner@example.org", "email": None}, ("owner@example.org",), False),
    ],
)
def test_names_are_verified(changes, operators, named):
    """A name counts as a subject id, or as an address that the provider has verified; nothing else does."""
    assert is_named({**OWNER, **changes}, operators) is named
