"""The workspace's clock: the machine's, or a simulator's that lives on another day. Imports `settings`."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.parse import urljoin
from urllib.request import urlopen

if TYPE_CHECKING:  # a worker elsewhere has none, and need not spend a quarter of a second on their machinery
    from pipeline.settings import Settings

__all__ = ["system_now", "workspace_clock"]


def system_now() -> datetime:
    """This machine's instant, UTC."""
    return datetime.now(UTC)


def workspace_clock(settings: Settings) -> Callable[[], datetime]:
    """The clock that observations are dated by: a simulator says its own day, Spotify lives in ours."""
    if settings.is_spotify:
        return system_now
    try:
        address = urljoin(settings.api_url, "/_simulator/clock")
        with urlopen(address, timeout=2.0) as answer:  # noqa: S310  scheme checked by Settings
            simulated = datetime.fromisoformat(json.load(answer)["now"])
    except (URLError, OSError, ValueError, KeyError, TypeError):
        return system_now  # not a simulator, or not reachable: the run itself will say so
    offset = simulated - system_now()
    return lambda: system_now() + offset
