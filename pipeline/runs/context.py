"""What one run holds open: ledger, budget, gate and source of a workspace, made from the settings and closed together.

Imports the rooms below it; knows nothing of tasks or threads.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from pipeline.errors import SettingsError
from pipeline.lake.truth import claim_store
from pipeline.records.budget import Budget, Limits
from pipeline.records.events import kept_log
from pipeline.records.followed import followed_names
from pipeline.records.gate import LedgerGate
from pipeline.records.ledger import Ledger
from pipeline.records.opening import opened_ledger
from pipeline.setting_types import warehouse_addresses
from pipeline.settings import Settings
from pipeline.source.allowance import Workers
from pipeline.source.capabilities import Capabilities, load_capabilities
from pipeline.source.spotify import Access, SpotifySource
from pipeline.workspace import DEMO, Workspace, open_workspace

__all__ = [
    "Context",
    "check_source",
    "is_idle",
    "kept_run_log",
    "lacks_credentials",
    "named_systems",
    "open_context",
    "planning_limits",
    "require_credentials",
    "unsent",
]

DEVELOPMENT_QUOTA = 600  # per bucket and 24 h: 600 successes were seen before a refusal (planning figure, 2026-11-22)
SPOTIFY_WINDOW = 90  # in 30 s; the true number is unpublished, this one is cautious
LOCAL_WINDOW = 30_000  # a source on this machine: no limit in practice


@dataclass
class Context:
    """Everything one run holds open; tasks work on it."""

    settings: Settings
    workspace: Workspace
    ledger: Ledger
    budget: Budget
    gate: LedgerGate
    source: SpotifySource
    run_id: str
    genres: tuple[str, ...]
    max_requests: int
    capabilities: Capabilities = field(default_factory=Capabilities)
    followed: Mapping[str, str] = field(default_factory=dict)  # when the run began: ids, with the list's names
    workers: Workers | None = None  # of another system; None: threads of this process
    came_s: float | None = None  # what they took to begin with the first batch; None: none is back yet
    opened_s: float = field(default_factory=time.monotonic)
    told_awaited: bool = False  # the log says that batches are collected here until they have come


@contextmanager
def open_context(
    settings: Settings,
    ledger: Ledger,
    run_id: str = "",
    *,
    genres: tuple[str, ...] = (),
    max_requests: int | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Context]:
    """A context over an open ledger; empty genres and limit mean the settings'. SettingsError without credentials."""
    require_credentials(settings)
    stop, most = stop or threading.Event(), max_requests or settings.max_requests
    budget = Budget(ledger, planning_limits(settings, ledger))
    gate = LedgerGate(budget, run_id, wait=stop.wait, allowance=most)
    source = SpotifySource(Access.from_settings(settings), gate)
    workspace, workers = open_workspace(settings), None
    try:
        if run_id:
            claim_store(workspace, ledger)
            workers = _workers(settings)
        yield Context(
            settings, workspace, ledger, budget, gate, source, run_id, genres or settings.genres, most,
            followed=followed_names(ledger), workers=workers,
        )  # fmt: skip
    finally:
        source.close()
        if workers is not None:
            workers.close()


def kept_run_log(settings: Settings, ledger: Ledger, run_id: str) -> AbstractContextManager[None]:
    """What the run logs is kept until the end of the block, as severe as the settings say and without credentials."""
    secrets = [secret.get_secret_value() for secret in (settings.client_id, settings.client_secret)]
    return kept_log(ledger, run_id, settings.log_level, secrets)


def _workers(settings: Settings) -> Workers | None:
    """The workers that the settings name, looked for only then; raises SettingsError when they cannot be had."""
    if settings.backend == "threads":
        return None
    backends = importlib.import_module("pipeline.integrations.backends")
    opened: Workers = backends.open_workers(settings.backend)
    return opened


def lacks_credentials(settings: Settings) -> bool:
    """Whether requests would go to Spotify without credentials."""
    return settings.is_spotify and not settings.has_credentials


def is_idle(settings: Settings) -> bool:
    """Whether nothing can be collected: no credentials for Spotify, and no demo in its place."""
    return lacks_credentials(settings) and settings.workspace_name != DEMO


def require_credentials(settings: Settings) -> None:
    """Raise SettingsError where they are lacking."""
    if lacks_credentials(settings):
        raise SettingsError(
            "No Spotify credentials: set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET "
            "(spelled with PY; from an app of yours on developer.spotify.com/dashboard), or open the app without them "
            "for the demo. Nothing was started."
        )


def check_source(settings: Settings) -> str:
    """A sentence that the source takes our credentials; raises as a run would. Asks for a token only."""
    require_credentials(settings)
    with opened_ledger(settings) as (_, ledger), open_context(settings, ledger) as context:
        context.source.check()
    return f"{settings.api_url} accepts the credentials"


def unsent(settings: Settings) -> list[str]:
    """A sentence where runs are told to send to warehouses of which nobody gave an address; none where all is well."""
    known = warehouse_addresses(settings.warehouses.get_secret_value())
    unknown = [name for name in settings.publish_to if name not in known]
    said = (
        f"No run can send to {', '.join(unknown)}, which GARIMPO_PUBLISH_TO names: GARIMPO_WAREHOUSES names "
        f"{', '.join(known) or 'none'}. Write the same name in both, then start again."
    )
    return [said] if unknown else []


def named_systems(settings: Settings) -> list[tuple[str, Callable[[], str]]]:
    """What the settings name beside the source, each with a check that gives a sentence where runs can use it.

    Else that raises SettingsError. Nothing is started, and no warehouse is asked.
    """
    checks = list[tuple[str, Callable[[], str]]]()
    if settings.backend != "threads":
        checks.append(("backend", lambda: _check_backend(settings)))
    if settings.publish_to:
        checks.append(("warehouses", lambda: _check_warehouses(settings)))
    return checks


def _check_backend(settings: Settings) -> str:
    backends = importlib.import_module("pipeline.integrations.backends")
    backends.require_workers(settings.backend)
    if settings.backend.partition("://")[0] in backends.WITH_A_HEAD:
        return f"{settings.backend} can be asked for workers"
    return f"the package for {settings.backend} is here; whether that answers, the first batch tells"


def _check_warehouses(settings: Settings) -> str:
    for said in unsent(settings):
        raise SettingsError(said)
    warehouses = importlib.import_module("pipeline.integrations.warehouses")
    for name in settings.publish_to:
        warehouses.require_package(settings, name)
    names = settings.publish_to
    return f"every run sends to {', '.join(names)}; `python -m pipeline publish-to {names[0]} --dry-run` asks it"


def planning_limits(settings: Settings, ledger: Ledger) -> Limits:
    """The settings' figures where given, else careful ones for Spotify and none for a source on this machine."""
    quota, real = settings.quota_requests, settings.is_spotify and settings.has_credentials
    known = load_capabilities(ledger)
    if quota is None and real and (known is None or known.profile == "development"):
        quota = DEVELOPMENT_QUOTA
    return Limits(settings.window_requests or (SPOTIFY_WINDOW if settings.is_spotify else LOCAL_WINDOW), quota)
