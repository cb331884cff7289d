"""Which language a page speaks: the address, else the setting, else the browser."""

from __future__ import annotations

import pytest

from pages._text import COOKIE
from tests.screens import install_service, open_screen


@pytest.mark.parametrize(
    ("setting", "browser", "query", "title"),
    [
        ("auto", "en", {}, "Runs"),
        ("auto", "pt", {}, "Coletas"),
        ("pt_BR", "en", {}, "Coletas"),
        ("en", "pt", {}, "Runs"),
        ("auto", "en", {"lang": "PT"}, "Coletas"),
        ("auto", "pt", {"lang": "EN"}, "Runs"),
        ("auto", "pt", {"lang": "XX"}, "Coletas"),
    ],
)
def test_language_is_found(tmp_path, setting, browser, query, title):
    """The address decides, then the setting, then the browser; nonsense in the address is ignored."""
    install_service(tmp_path, language=setting)
    assert open_screen("runs.py", browser, **query).app.title[0].value == title


def test_switch_changes_the_language(service):
    """The switch in the frame changes the language at once."""
    app = open_screen("runs.py").app
    app.get("button_group")[0].set_value("PT").run()
    assert app.title[0].value == "Coletas"


def test_choice_is_handed_to_the_browser(service):
    """Only what somebody chose is kept by the browser, not what the setting or the browser itself asked for."""
    app = open_screen("runs.py").app
    assert "data-language" not in foot(app)
    app.get("button_group")[0].set_value("PT").run()
    assert 'data-language="PT"' in foot(app)
    app.get("button_group")[0].set_value("EN").run()
    assert 'data-language="EN"' in foot(app)


@pytest.mark.parametrize(("kept", "query", "title"), [("PT", {}, "Coletas"), ("PT", {"lang": "EN"}, "Runs"),
                                                      ("xx", {}, "Runs")])  # fmt: skip
def test_kept_choice_holds_for_later_visits(service, monkeypatch, kept, query, title):
    """A visitor who chose before is spoken to in that language; the address still decides."""
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.cookies", {COOKIE: kept})
    assert open_screen("runs.py", **query).app.title[0].value == title


def foot(app):
    """The line below the page."""
    return next(each.proto.body for each in app.get("html") if "g-foot" in each.proto.body)
