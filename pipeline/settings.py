"""Every setting once: name, default, unit, help, origin. Nothing else reads the environment.

Order, strongest first: environment, `.streamlit/secrets.toml`, `garimpo.toml`, default. Imports only `errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, SettingsConfigDict, TomlConfigSettingsSource

from pipeline.errors import SettingsError

__all__ = ["SPOTIFY_API_URL", "Settings", "describe_settings", "load_settings"]

SPOTIFY_API_URL = "https://api.spotify.com/v1/"
SPOTIFY_TOKEN_URL = "https://accounts.spotify.com/api/token"  # noqa: S105  an address, not a secret

# Twelve genres of which most are Brazilian: what the first run asks for when nobody said anything.
DEFAULT_GENRES = (
    "mpb", "bossa nova", "samba", "pagode", "sertanejo", "forró", "funk carioca", "axé", "tropicália", "choro", "indie pop", "jazz",
)  # fmt: skip

Genres = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """One validated set of settings; frozen, and safe to print (secrets are masked)."""

    model_config = SettingsConfigDict(env_prefix="GARIMPO_", frozen=True, extra="forbid", populate_by_name=True)
    files: ClassVar[tuple[str, ...]] = (".streamlit/secrets.toml", "garimpo.toml")

    client_id: SecretStr = Field(
        SecretStr(""), validation_alias=AliasChoices("SPOTIPY_CLIENT_ID", "client_id"), description="Client id of your Spotify app"
    )
    client_secret: SecretStr = Field(
        SecretStr(""), validation_alias=AliasChoices("SPOTIPY_CLIENT_SECRET", "client_secret"), description="Its client secret"
    )
    data: Path = Field(Path("data"), description="Folder for everything that is kept")
    workspace: str = Field(
        "",
        pattern=r"^[a-z0-9_-]*$",
        description="Sub-folder of the data folder; empty: demo without credentials, spotify with them, simulator for any other API address",
    )
    api_url: str = Field(SPOTIFY_API_URL, description="Address of the Web API")
    token_url: str = Field(SPOTIFY_TOKEN_URL, description="Address of the token endpoint")
    genres: Genres = Field(DEFAULT_GENRES, description="Genres to collect, separated by commas")
    max_requests: int = Field(500, ge=1, description="Most requests one run may send")
    window_requests: int | None = Field(None, ge=1, description="Requests permitted in any 30 s; empty: 90 for Spotify until it teaches otherwise")
    quota_requests: int | None = Field(
        None, ge=1, description="Requests per bucket and 24 h; empty: 600 for a development app until Spotify teaches otherwise"
    )
    timeout_s: float = Field(15.0, gt=0, description="Longest wait for one answer, seconds")
    schedule: str = Field("0 6 * * *", description="When the app collects by itself: a crontab line, or empty for never")
    timezone: str = Field("America/Sao_Paulo", description="Time zone of the schedule")
    demo_days: int = Field(60, ge=1, le=400, description="Days of history the demo collects")
    demo_artists: int = Field(600, ge=1, le=20_000, description="Artists in the demo's catalogue")
    language: Literal["auto", "en", "pt_BR"] = Field("auto", description="Language of the pages; auto follows the browser")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe log line that is shown")

    @field_validator("genres", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, (list, tuple)) or not all(isinstance(part, str) for part in parts):
            return value
        return tuple(dict.fromkeys(" ".join(part.lower().split()) for part in parts if part.strip()))

    @field_validator("api_url", "token_url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("is not an http address")
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("is not encrypted: use https (http is for this machine alone)")
        return value

    @property
    def has_credentials(self) -> bool:
        """Whether both halves of the app's credentials are there."""
        return bool(self.client_id.get_secret_value() and self.client_secret.get_secret_value())

    @property
    def is_spotify(self) -> bool:
        """Whether requests would go to Spotify itself."""
        return self.api_url.rstrip("/") == SPOTIFY_API_URL.rstrip("/")

    @property
    def workspace_name(self) -> str:
        """Name of the folder that holds this source's data; demo and real data never share one."""
        if self.workspace:
            return self.workspace
        if not self.is_spotify:
            return "simulator"
        return "spotify" if self.has_credentials else "demo"


def load_settings(folder: Path = Path(), **overrides: Any) -> Settings:
    """Settings from environment and files of `folder`; raises SettingsError naming each wrong value and where it stands."""
    layers = _layers(folder)
    merged: dict[str, Any] = {}
    for _, values in reversed(layers):
        merged.update(values)
    merged.update(overrides)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise SettingsError(_explain(error, layers)) from None


def describe_settings(folder: Path = Path()) -> list[dict[str, str]]:
    """One row per setting: name, environment variable, value (secrets masked), origin, help."""
    settings, layers = load_settings(folder), _layers(folder)
    rows = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            shown = "set (hidden)" if value.get_secret_value() else "not set"
        else:
            shown = ", ".join(value) if isinstance(value, tuple) else str(value)
        origin = next((where for where, values in layers if name in values), "default")
        rows.append({"name": name, "variable": _variable(name), "value": shown, "origin": origin, "help": field.description or ""})
    return rows


def _variable(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"GARIMPO_{name.upper()}"


def _layers(folder: Path) -> list[tuple[str, Mapping[str, Any]]]:
    environment = {_field_name(key): value for key, value in EnvSettingsSource(Settings)().items()}
    layers: list[tuple[str, Mapping[str, Any]]] = [("environment", environment)]
    for name in Settings.files:
        path = folder / name
        if not path.is_file():
            continue
        try:
            values = cast("dict[str, Any]", TomlConfigSettingsSource(Settings, path)())
        except (ValueError, OSError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
            raise SettingsError(f"{path} cannot be read as TOML: {error}. Mend or remove the file; nothing was started.") from None
        known = {_field_name(key): value for key, value in values.items()}
        if name.endswith("secrets.toml"):  # shared with Streamlit, whose own sections (auth, connections) are not ours
            known = {key: value for key, value in known.items() if key in Settings.model_fields}
        layers.append((name, known))
    return layers


def _field_name(key: str) -> str:
    lowered = key.lower()
    return {"spotipy_client_id": "client_id", "spotipy_client_secret": "client_secret"}.get(lowered, lowered.removeprefix("garimpo_"))


def _explain(error: ValidationError, layers: list[tuple[str, Mapping[str, Any]]]) -> str:
    lines = []
    for problem in error.errors():
        name = str(problem["loc"][0]) if problem["loc"] else "?"
        origin = next((where for where, values in layers if name in values), "the command line")
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            lines.append(f"{name} (from {origin}) is not a setting; `python -m pipeline doctor` lists them.")
            continue
        shown = "(hidden)" if "secret" in name or "client" in name else repr(problem["input"])
        lines.append(f"{name} = {shown} (from {origin}): {message}.")
    return " ".join([*lines, "Nothing was started."])
