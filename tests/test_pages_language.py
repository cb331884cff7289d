"""Which language a page speaks: the address, else the setting, else the browser."""

from __future__ import annotations

import pytest

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


def test_switch_changes_the_language(tmp_path):
    """The switch in the frame changes the language at once."""
    install_service(tmp_path)
    app = open_screen("runs.py").app
    app.get("button_group")[0].set_value("PT").run()
    assert app.title[0].value == "Coletas"
