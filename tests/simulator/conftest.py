"""Served simulators: real HTTP, a clock that stands still, a client that holds a token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from pipeline.simulator.config import SimulatorConfig
from pipeline.simulator.server import Running, running

NOW = "2026-11-20T12:00:00"
DEFAULTS = {"artists": 120, "seed": 3, "clock_speed": 0}


class Site:
    """A served simulator and one client of it."""

    def __init__(self, simulator: Running) -> None:
        self.simulator = simulator
        self.session = requests.Session()

    def start(self, *, now: str, profile: str, scenario: dict[str, Any]) -> None:
        """Begin as if it had just been started like this."""
        self.simulator.set_clock(now)
        self.simulator.set_profile(profile)
        self.simulator.set_scenario({})
        self.simulator.reset()
        self.renew_token()
        self.simulator.set_scenario(scenario)

    def renew_token(self) -> None:
        """Ask for a token and use it from now on."""
        config = self.simulator.simulator.config
        client = (config.client_id or "id", config.client_secret or "secret")
        answer = requests.post(self.simulator.token_url, {"grant_type": "client_credentials"}, auth=client, timeout=10)
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def get(self, path: str, **params: Any) -> requests.Response:
        """The answer to /v1/{path}."""
        return self.session.get(self.simulator.api_url + path, params=params, timeout=10)

    def json(self, path: str, **params: Any) -> Any:
        """The JSON of a good answer to /v1/{path}."""
        answer = self.get(path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def found(self, genre: str, **params: Any) -> dict[str, Any]:
        """The page of artists of a genre."""
        page: dict[str, Any] = self.json("search", q=f'genre:"{genre}"', type="artist", **params)["artists"]
        return page

    def statuses(self, path: str, times: int, **params: Any) -> list[int]:
        """The statuses of asking the same again and again."""
        return [self.get(path, **params).status_code for _ in range(times)]


@pytest.fixture(scope="session")
def served() -> Iterator[Callable[[SimulatorConfig], Site]]:
    """Simulators by config, each served once until the session ends: starting and stopping costs 0.2 s."""
    with ExitStack() as stack:
        sites: dict[str, Site] = {}

        def site(config: SimulatorConfig) -> Site:
            key = config.to_json()
            if key not in sites:
                sites[key] = Site(stack.enter_context(running(config)))
                stack.callback(sites[key].session.close)
            return sites[key]

        yield site


@pytest.fixture
def simulate(served: Callable[[SimulatorConfig], Site]) -> Callable[..., Site]:
    """Simulators of any config, as if just started: 120 artists, extended, a Friday noon unless told otherwise."""

    def started(
        *, now: str = NOW, profile: str = "extended", scenario: dict[str, Any] | None = None, **config: Any
    ) -> Site:
        site = served(SimulatorConfig(**DEFAULTS | {"now": NOW} | config))
        site.start(now=now, profile=profile, scenario=scenario or {})
        return site

    return started
