"""The simulator's state: catalogue, clock, what may be asked, what was asked, what goes wrong; and its switches."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .catalog import Catalog
from .catalog_sources import catalog_from_file, synthetic_catalog
from .clock import SimulatedClock, day_of, instant, iso
from .config import PROFILES, SimulatorConfig
from .counts import Counts
from .endpoints import Endpoints
from .faults import FaultEngine
from .objects import Shapes
from .profiles import PROFILE_RULES
from .quotas import Allowance
from .scenario import parsed_scenario
from .tokens import Tokens
from .truth import truth_of

__all__ = ["World"]

_COUNTED_ARTISTS = 5_000  # above this many, GET catalog does not count releases and tracks


class World:
    """Everything behind the endpoints. Raises ValueError (CatalogError, ScenarioError) for a config it cannot build."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.clock = SimulatedClock(time.time() if config.now is None else instant(config.now), config.clock_speed)
        self.catalog: Catalog = (
            synthetic_catalog(config.seed, config.artists)
            if config.catalog is None
            else catalog_from_file(Path(config.catalog), day_of(self.clock.now()))
        )
        self.tokens = Tokens(config.seed, config.token_ttl_s, config.client_id, config.client_secret)
        self.allowance = Allowance(config)
        self.counts = Counts(self.clock.now())
        self.set_scenario(config.scenario)
        self.set_profile(config.profile)

    def set_scenario(self, scenario: Mapping[str, Any]) -> None:
        """Replaces the faults; {} ends them all. Raises ScenarioError and keeps the old ones."""
        self.faults = FaultEngine(parsed_scenario(scenario))

    def set_profile(self, profile: str) -> None:
        """Answers as this profile from now on. Raises ValueError."""
        if profile not in PROFILES:
            raise ValueError(f"profile {profile!r} is not one of {', '.join(PROFILES)}")
        self.profile = profile
        rules = PROFILE_RULES[profile]
        self.shapes = Shapes(self.catalog, rules, self.config.genres_field)
        self.endpoints = Endpoints(self.catalog, rules, self.shapes, self.config)

    def set_clock(self, now: str) -> None:
        """Makes it this ISO instant; going back empties quotas and locks. Raises ValueError."""
        moment = instant(now)
        if moment < self.clock.now():
            self.allowance.forget()
        self.clock.set(moment)

    def advance(self, seconds: float) -> None:
        """Moves the clock on by this many seconds."""
        if seconds < 0:
            self.allowance.forget()
        self.clock.advance(seconds)

    def reset(self) -> None:
        """Forgets counts, quotas, locks and how far the faults have come; clock, tokens, profile and rules stay."""
        self.counts.reset(self.clock.now())
        self.allowance.forget()
        self.faults.restart()

    def catalog_info(self) -> dict[str, Any]:
        """What is in the catalogue today."""
        artists, day = self.catalog.artists, day_of(self.clock.now())
        genres: dict[str, int] = {}
        for artist in artists:
            for genre in artist.genres:
                genres[genre] = genres.get(genre, 0) + 1
        out = None if len(artists) > _COUNTED_ARTISTS else self.catalog.all_releases(day)
        return {
            "catalog": self.catalog.label,
            "profile": self.profile,
            "now": iso(self.clock.now()),
            "artists": len(artists),
            "artists_with_genre": sum(bool(artist.genres) for artist in artists),
            "albums": None if out is None else len(out),
            "tracks": None if out is None else sum(release.total_tracks for release in out),
            "genres": dict(sorted(genres.items(), key=lambda item: (-item[1], item[0]))),
        }

    def truth(self, on: str | None = None, genres: tuple[str, ...] = (), *, tracks: bool = True) -> dict[str, Any]:
        """Everything the catalogue holds on this day (default today), for artists of these genres (default all)."""
        day = day_of(self.clock.now() if on is None else instant(on))
        return truth_of(self.catalog, self.shapes, day, genres, tracks=tracks)
