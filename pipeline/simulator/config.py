"""Every knob of a simulator in one value that can be written as JSON and read back by a child process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["BUCKETS", "DEFAULT_PORT", "PROFILES", "SimulatorConfig", "config_path"]

PROFILES = ("development", "legacy", "extended")
BUCKETS = ("search", "artist", "albums", "tracks", "other")
DEFAULT_PORT = 8808


@dataclass(frozen=True)
class SimulatorConfig:
    """What to simulate; port 0 takes a free one, without `now` it starts at the real time."""

    profile: str = "development"
    port: int = 0
    seed: int = 1
    artists: int = 600
    catalog: str | None = None
    now: str | None = None
    clock_speed: float = 1.0
    latency_ms: float = 0.0
    quotas: Mapping[str, int] = field(default_factory=dict)
    lock_s: int | None = None
    lock_penalty_s: int = 600
    lock_notice_s: float = 0.5
    window_requests: int | None = None
    token_ttl_s: int = 3600
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    scenario: Mapping[str, Any] = field(default_factory=dict)
    request_log: str | None = None
    search_cap: int = 1000
    genres_field: str = "auto"
    old_app: bool = True

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise ValueError(f"profile {self.profile!r} is not one of {', '.join(PROFILES)}")
        unknown = [bucket for bucket in self.quotas if bucket not in BUCKETS]
        if unknown:
            raise ValueError(f"quota bucket {unknown[0]!r} is not one of {', '.join(BUCKETS)}")
        if not 0 <= self.port <= 65535 or self.artists < 0 or self.clock_speed < 0 or self.latency_ms < 0:
            raise ValueError("port, artists, clock speed and latency cannot be negative, a port is at most 65535")
        if self.genres_field not in ("auto", "mixed", "list", "empty", "null", "absent"):
            raise ValueError(f"genres field {self.genres_field!r} is not one of auto, mixed, list, empty, null, absent")

    def to_json(self) -> str:
        """One line that `from_json` reads back."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> SimulatorConfig:
        """The config written by `to_json`."""
        return cls(**json.loads(line))


def config_path(value: Path | str | None) -> str | None:
    """A path as the `catalog` or `request_log` of a config, independent of the working directory."""
    return None if value is None else str(Path(value).absolute())
