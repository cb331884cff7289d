"""A simulator in a process of its own, as benchmarks use it, and settings that point there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from pipeline.settings import Settings
from pipeline.simulator.config import SimulatorConfig
from pipeline.simulator.process import spawn
from tests.worlds import genre_names, settings_for

__all__ = ["TODAY", "World", "world"]

TODAY = "2026-03-10"


class World:
    """A simulator that answers; everything it holds has been drawn up, so that no answer is slowed by that."""

    def __init__(self, url: str, api_url: str, token_url: str) -> None:
        self.url, self.api_url, self.token_url = url, api_url, token_url
        self.genres = genre_names(self)
        self.truth: dict[str, Any] = self._get("truth", genre=self.genres)

    def catalog(self) -> dict[str, Any]:
        """What it says of itself."""
        return self._get("catalog")

    def counts(self) -> dict[str, Any]:
        """What it was asked since the last reset."""
        return self._get("counts")

    def restart(self, scenario: Mapping[str, Any] | None = None) -> None:
        """Forget what was asked and obey a scenario (none: no faults)."""
        self._post("scenario", scenario or {})
        self._post("reset", {})

    def settings(self, data: Path, **changes: Any) -> Settings:
        """Settings for a run over everything it holds."""
        return settings_for(self, data, **{"genres": self.genres, "max_requests": 1_000_000, **changes})

    # The address is our own child's: hence the exceptions about schemes.
    def _get(self, name: str, **query: object) -> dict[str, Any]:
        with urlopen(f"{self.url}/_simulator/{name}?{urlencode(query, doseq=True)}", timeout=120) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
            return found

    def _post(self, name: str, body: Mapping[str, Any]) -> None:
        request = Request(f"{self.url}/_simulator/{name}", json.dumps(body).encode(), method="POST")  # noqa: S310
        urlopen(request, timeout=30).close()  # noqa: S310


@contextmanager
def world(**config: Any) -> Iterator[World]:
    """A simulator of this configuration for as long as the context lasts."""
    with spawn(SimulatorConfig(**{"now": f"{TODAY}T12:00:00Z", "seed": 5, **config})) as process:
        yield World(process.url, process.api_url, process.token_url)
