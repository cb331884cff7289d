"""Every setting once: name, default, unit, help, origin. Nothing else reads the environment.

Order, strongest first: environment, `.streamlit/secrets.toml`, `garimpo.toml`, default. Imports `errors` and its types.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from pipeline.errors import SettingsError
from pipeline.setting_types import (
    DEFAULT_GENRES,
    Address,
    Backend,
    Count,
    Crontab,
    Database,
    Folder,
    Genres,
    LogLevel,
    Name,
    People,
    Secret,
    Store,
    TimeZone,
    Warehouses,
    host,
    shown,
)  # fmt: skip

__all__ = ["SPOTIFY_API_URL", "Settings", "describe_settings", "list_settings", "load_settings"]

SPOTIFY_API_URL = "https://api.spotify.com/v1/"
SPOTIFY_TOKEN_URL = "https://accounts.spotify.com/api/token"  # noqa: S105  an address, not a secret

Layer = tuple[str, Mapping[str, Any]]


class Settings(BaseSettings):
    """One validated set of settings; frozen, and safe to print (secrets are masked)."""

    model_config = SettingsConfigDict(
        env_prefix="GARIMPO_", frozen=True, extra="forbid", populate_by_name=True, str_strip_whitespace=True
    )
    files: ClassVar[tuple[str, ...]] = (".streamlit/secrets.toml", "garimpo.toml")
    foreign: ClassVar[frozenset[str]] = frozenset({"GARIMPO_REQUIRE_BROWSER"})  # the tests' own, not the program's

    client_id: Secret = Field(
        SecretStr(""), validation_alias="SPOTIPY_CLIENT_ID", description="Client id of your Spotify app"
    )
    client_secret: Secret = Field(
        SecretStr(""), validation_alias="SPOTIPY_CLIENT_SECRET", description="Its client secret"
    )
    data: Folder = Field(Path("data"), description="Folder for everything that is kept")
    store: Store = Field(
        "",
        description="Object store of answers and parts, of which the data folder then holds copies: s3://bucket/prefix",
    )
    workspace: Name = Field(
        "",
        description="Sub-folder of the data folder; empty: demo without credentials, spotify with them, "
        "simulator for any other API address",
    )
    api_url: Address = Field(SPOTIFY_API_URL, description="Address of the Web API")
    token_url: Address = Field(SPOTIFY_TOKEN_URL, description="Address of the token endpoint")
    ledger: Database = Field(
        SecretStr(""),
        description="Where the ledger is kept: empty for a file of the workspace, or postgresql://user@host/database "
        "for several machines",
    )
    genres: Genres = Field(
        DEFAULT_GENRES,
        description="Genres to collect, separated by commas; empty: none, only the artists of your own list",
    )
    max_requests: int = Field(500, ge=1, description="Most requests one run may send")
    window_requests: Count = Field(
        None, ge=1, description="Requests permitted in any 30 s; empty: 90 for Spotify until it teaches otherwise"
    )
    quota_requests: Count = Field(
        None,
        ge=1,
        description="Requests per bucket and 24 h; empty: 600 for a development app until Spotify teaches otherwise",
    )
    backend: Backend = Field(
        "threads",
        description="Where batches are collected: threads, dask://host:port, ray://host:port, spark://host:port, "
        "lambda://function or gcf://host/path",
    )
    timeout_s: float = Field(15.0, gt=0, allow_inf_nan=False, description="Longest wait for one answer, seconds")
    schedule: Crontab = Field("0 6 * * *", description="When the app collects by itself: a crontab line; empty: never")
    timezone: TimeZone = Field("America/Sao_Paulo", description="Time zone of the schedule")
    demo_days: int = Field(60, ge=1, le=400, description="Days of history the demo collects")
    demo_artists: int = Field(600, ge=1, le=20_000, description="Artists in the demo's catalogue")
    language: Literal["auto", "en", "pt_BR"] = Field(
        "auto", description="Language of pages and notifications: en or pt_BR; auto: the browser's, and English"
    )
    fresh_days: Count = Field(
        None, ge=1, description="Days after which a genre counts as stale; empty: 7, or 1 with Spotify's full quota"
    )
    notify_urls: Secret = Field(
        SecretStr(""),
        description="Who is told of failures, recoveries, new releases: addresses of Apprise, with spaces between",
    )
    warehouses: Warehouses = Field(
        SecretStr(""),
        description="Databases that can be sent what is published: NAME=postgresql://… or mysql://…, bigquery://…, "
        "snowflake://…, redshift://…, separated by spaces",
    )
    publish_to: People = Field(
        (), description="Names of those that every run sends to once it has published, separated by commas"
    )
    operators: People = Field(
        (),
        description="Who may start runs and change schedules where login is set up: e-mail addresses that the provider "
        "has verified, or subject ids, separated by commas",
    )
    keep_raw_days: int = Field(
        90, ge=0, description="Days that answers are kept as received; 0: for ever. `replay` and `trace` need them"
    )
    keep_snapshot_days: int = Field(
        400, ge=0, description="Days that daily numbers (followers, popularity) are kept; they go monthly; 0: for ever"
    )
    keep_log_days: int = Field(
        30, ge=1, description="Days that log lines of runs are kept, and items that were answered"
    )
    log_level: LogLevel = Field("INFO", description="Least severe log line that is shown")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  the signature is the library's
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments alone: `load_settings` reads environment and files, so that it can say where a value came from."""
        return (init_settings,)

    @model_validator(mode="after")
    def _fit_together(self) -> Settings:
        if bool(self.client_id.get_secret_value()) != bool(self.client_secret.get_secret_value()):
            there, missing = ("ID", "SECRET") if self.client_id.get_secret_value() else ("SECRET", "ID")
            raise ValueError(
                f"SPOTIPY_CLIENT_{there} is set, SPOTIPY_CLIENT_{missing} is not: set both, or neither for the demo"
            )
        if self.is_spotify != (host(self.token_url) == host(SPOTIFY_TOKEN_URL)):
            raise ValueError(
                f"api_url {self.api_url} and token_url {self.token_url} belong to different services, so one would see "
                "the other's credentials: set GARIMPO_API_URL and GARIMPO_TOKEN_URL together"
            )
        if self.workspace == ("demo" if self.is_spotify and self.has_credentials else "spotify"):
            raise ValueError(
                f"workspace {self.workspace} would mix synthetic and real data: choose another name, or leave it empty"
            )
        return self

    @property
    def has_credentials(self) -> bool:
        """Whether both halves of the app's credentials are there."""
        return bool(self.client_id.get_secret_value() and self.client_secret.get_secret_value())

    @property
    def is_spotify(self) -> bool:
        """Whether requests would go to Spotify itself."""
        return host(self.api_url) == host(SPOTIFY_API_URL)

    @property
    def workspace_name(self) -> str:
        """Name of the folder that holds this source's data; demo and real data never share one."""
        if self.workspace:
            return self.workspace
        if not self.is_spotify:
            return "simulator"
        return "spotify" if self.has_credentials else "demo"


def load_settings(folder: Path = Path(), **overrides: Any) -> Settings:
    """Settings from environment and files of `folder`; raises SettingsError naming each wrong value and its origin."""
    return _validated([("the command line", overrides), *_layers(folder)])


def list_settings() -> list[dict[str, str]]:
    """One row per setting: name, environment variable, default and help."""
    return [
        {
            "name": name,
            "variable": _variable(name),
            "default": "" if isinstance(field.default, SecretStr) else shown(field.default),
            "help": field.description or "",
        }
        for name, field in Settings.model_fields.items()
    ]


def describe_settings(folder: Path = Path()) -> list[dict[str, str]]:
    """One row per setting: name, environment variable, value (secrets masked), origin and help."""
    layers = _layers(folder)
    settings = _validated(layers)
    return [
        {
            "name": row["name"],
            "variable": row["variable"],
            "value": shown(getattr(settings, row["name"])),
            "origin": _origin(row["name"], layers) or "default",
            "help": row["help"],
        }
        for row in list_settings()
    ]


def _validated(layers: list[Layer]) -> Settings:
    merged: dict[str, Any] = {}
    for _, values in reversed(layers):
        merged.update(values)
    try:
        return Settings(**merged)
    except ValidationError as error:
        said = _explain(error, layers)
    raise SettingsError(said)  # keeping pydantic's error it would never be let go of, and DuckDB complain at exit


def _layers(folder: Path) -> list[Layer]:
    layers: list[Layer] = [("environment", _environment())]
    for name in Settings.files:
        path = folder / name
        if not path.is_file():
            continue
        try:
            values = TomlConfigSettingsSource(Settings, path)()
        except (ValueError, OSError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
            raise SettingsError(
                f"{path} cannot be read as TOML: {error}. Mend or remove the file; nothing was started."
            ) from None
        if name.endswith("secrets.toml"):  # shared with Streamlit, whose own sections (auth, connections) are not ours
            ours, known = ("GARIMPO_", "SPOTIPY_CLIENT_"), Settings.model_fields
            values = {key: each for key, each in values.items() if key.upper().startswith(ours) or key.lower() in known}
        layers.append((name, {_field_name(key): value for key, value in values.items()}))
    return layers


def _environment() -> dict[str, Any]:
    variables = [row["variable"] for row in list_settings()]
    for name in map(str.upper, os.environ):
        if name.startswith("GARIMPO_") and name not in variables and name not in Settings.foreign:
            raise SettingsError(f"{_unknown(name, 'environment')} Nothing was started.")
    return {_field_name(key): value for key, value in EnvSettingsSource(Settings)().items()}


def _unknown(name: str, origin: str | None) -> str:
    near = get_close_matches(_field_name(name), Settings.model_fields, 1)
    meant = [_variable(each) if origin == "environment" else each for each in near]
    hint = f"did you mean {meant[0]}?" if meant else "the README lists them."
    return f"{name} (from {origin}) is not a setting; {hint}"


def _variable(name: str) -> str:
    return str(Settings.model_fields[name].validation_alias or f"GARIMPO_{name.upper()}")


def _field_name(key: str) -> str:
    lowered = key.lower()
    aliases = {"spotipy_client_id": "client_id", "spotipy_client_secret": "client_secret"}
    return aliases.get(lowered, lowered.removeprefix("garimpo_"))


def _origin(name: str, layers: list[Layer]) -> str | None:
    found = [(where, str(values[name])) for where, values in layers if name in values]  # Streamlit sets variables, too:
    return next((where for where, value in reversed(found) if value == found[0][1]), None)  # as secrets.toml has them


def _explain(error: ValidationError, layers: list[Layer]) -> str:
    lines = []
    for problem in error.errors():
        message = problem["msg"].removeprefix("Value error, ")
        if not problem["loc"]:
            lines.append(f"{message}.")
            continue
        name = _field_name(str(problem["loc"][0]))
        origin = _origin(name, layers)
        if problem["type"] == "extra_forbidden":
            lines.append(_unknown(name, origin))
            continue
        shy = ("client_", "notify_", "ledger", "warehouses")
        hidden = name.startswith(shy) or "@" in str(problem["input"])
        said = _variable(name) if origin == "environment" else name
        lines.append(f"{said} = {'(hidden)' if hidden else repr(problem['input'])} (from {origin}): {message}.")
    return " ".join([*lines, "Nothing was started."])
