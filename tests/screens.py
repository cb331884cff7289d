"""Pages run without a browser: the real shell, service and generation, in a folder of the test's own."""

from __future__ import annotations

import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from pipeline.service.scheduler import HOLDER, Service
from pipeline.settings import Settings

__all__ = ["Screen", "install_service", "open_screen"]

SHELL = Path(__file__).parent.parent / "pages" / "_shell.py"
LOCALES = {"en": "en-US", "pt": "pt-BR"}
# A server looks once for components among all packages installed, but each AppTest does: 90 ms of processor time.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


class Screen:
    """What a page shows: its words, its links, its charts."""

    def __init__(self, app: AppTest) -> None:
        self.app = app

    @property
    def words(self) -> str:
        """Every word that stands on the page, markup removed."""
        parts = [
            element.value
            for kind in ("title", "header", "subheader", "error", "warning")
            for element in self.app.get(kind)
        ]
        parts += [_plain(element.proto.body) for element in self.app.get("html")]
        parts += [element.proto.text for element in self.app.get("progress")]
        return " ".join(parts)

    @property
    def links(self) -> list[tuple[str, str]]:
        """Links within the app: (label, page with its query)."""
        found = [element.proto for element in self.app.get("page_link")]
        return [(link.label, f"{link.page}?{link.query_string}".rstrip("?")) for link in found]

    @property
    def outside(self) -> list[str]:
        """Addresses that lead out of the app."""
        found = [url for element in self.app.get("html") for url in _addresses(element.proto.body)]
        return [url for url in found if url != "live.js"]

    @property
    def charts(self) -> list[Any]:
        """The charts."""
        return list(self.app.get("plotly_chart"))


def install_service(data: Path, **changes: Any) -> Service:
    """The process-wide service that pages ask, on a folder of the test's own and not started: the demo by default."""
    made = Service(Settings.model_validate({"data": data, **changes}))
    sys.modules[HOLDER] = type(sys)(HOLDER)
    sys.modules[HOLDER].service = made  # type: ignore[attr-defined]
    return made


def open_screen(file: str = "overview.py", language: str = "en", /, **query: str) -> Screen:
    """A page as a browser in that language shows it."""
    app = _visit(language)
    if file != "overview.py":
        app._registered_pages = _pages()
        app.switch_page(file)
    app.query_params.update(query)
    app.run()
    return Screen(app)


def _visit(language: str) -> AppTest:
    app = AppTest.from_file(SHELL, default_timeout=30)
    app.context = {"locale": LOCALES[language], "theme": "light", "timezone": "UTC"}
    return app


@cache
def _pages() -> Any:
    """The pages as the shell makes them known: a server has seen it run, an AppTest would begin with another page."""
    return _visit("en").run()._registered_pages


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if name in ("href", "src") and value]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _plain(body: str) -> str:
    reader = _Reader()
    reader.feed(body if not body.startswith("<style>") else "")
    return " ".join(reader.texts)


def _addresses(body: str) -> list[str]:
    reader = _Reader()
    reader.feed(body)
    return [address for address in reader.addresses if not address.startswith("data:")]
