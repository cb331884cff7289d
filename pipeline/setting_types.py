"""Kinds of values a setting can have, each with the check that says what is wrong with one. Imports `cron`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from pipeline.cron import parse_cron

__all__ = [
    "DEFAULT_GENRES", "Address", "Backend", "Count", "Crontab", "Database", "Folder", "Genres", "LogLevel", "Name",
    "People", "Secret", "Store", "TimeZone", "Warehouses", "host", "shown", "warehouse_addresses",
]  # fmt: skip

# Twelve genres of which most are Brazilian: what the first run asks for when nobody said anything.
DEFAULT_GENRES = (
    "mpb", "bossa nova", "samba", "pagode", "sertanejo", "forró", "funk carioca", "axé", "tropicália", "choro",
    "indie pop", "jazz",
)  # fmt: skip

LOOPBACK = ("127.0.0.1", "localhost", "::1")
WAREHOUSES = ("postgresql", "mysql", "bigquery", "snowflake", "redshift")
STORES = ("s3", "gs")
BACKENDS = ("dask", "ray", "spark", "lambda", "gcf")


def host(address: str) -> str | None:
    """The host an address names, lower case."""
    return urlsplit(address).hostname


def shown(value: object) -> str:
    """A value in words; of a secret only whether it is set."""
    if isinstance(value, SecretStr):
        return "set (hidden)" if value.get_secret_value() else "not set"
    if isinstance(value, tuple):
        return ", ".join(value)
    return "" if value is None else str(value)


def warehouse_addresses(text: str) -> dict[str, str]:
    """Addresses by name; ValueError, without the address, for what is not NAME=scheme://… of a known scheme."""
    found: dict[str, str] = {}
    for number, word in enumerate(text.split(), start=1):
        name, _, address = word.partition("=")
        scheme, _, rest = address.partition("://")
        if not re.fullmatch(r"[a-z0-9_-]+", name) or scheme not in WAREHOUSES or not rest or name in found:
            raise ValueError(
                f"word {number} is not NAME=ADDRESS: a name of its own (a-z, 0-9, _ and -) and "
                f"an address of {', '.join(WAREHOUSES)}, such as postgresql://host/database"
            )
        found[name] = address
    return found


def _warehouses(value: SecretStr) -> SecretStr:
    warehouse_addresses(value.get_secret_value())
    return value


def _trimmed(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


def _names(value: object) -> list[str] | tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(part, str) for part in value):
        raise ValueError("is not a list of names in quotes, nor one text with commas between them")
    return value


def _split(value: object) -> object:
    parts = value.split(",") if isinstance(value, str) else _names(value)
    genres = tuple(dict.fromkeys(" ".join(part.lower().split()) for part in parts if part.strip()))
    if value and not genres:
        raise ValueError("names no genre")
    return genres


def _people(value: object) -> object:
    parts = value.split(",") if isinstance(value, str) else _names(value)
    return tuple(filter(None, map(str.strip, parts)))


def _folder(value: object) -> object:
    if isinstance(value, str) and not value.strip():
        raise ValueError("names no folder")  # an empty path would mean the current one
    return Path(value).expanduser() if isinstance(value, (str, Path)) else value


def _address(value: str) -> str:
    parts = urlsplit(value)
    _ = parts.port  # raises ValueError when it is no number
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not an http address")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("carries more than scheme, host and path")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("is not encrypted: use https (http is for this machine alone)")
    return value


def _backend(value: str) -> str:
    parts = urlsplit(value)
    if value != "threads" and (parts.scheme not in BACKENDS or not parts.netloc or parts.username):
        raise ValueError("is not threads, nor one of dask, ray, spark, lambda, gcf followed by :// and an address")
    return value


def _crontab(value: str) -> str:
    if value:
        try:
            parse_cron(value)
        except ValueError as error:
            raise ValueError(f"is no crontab line: {error}") from None
    return value


def _database(value: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(value.get_secret_value())
        sound = not parts.scheme or (parts.scheme in ("postgresql", "postgres") and len(parts.path) > 1)
        _ = parts.port
    except ValueError:
        sound = False
    if value.get_secret_value() and not (sound and parts.scheme):
        raise ValueError("is not postgresql:// with a host and the name of a database")
    return value


def _store(value: str) -> str:
    parts, asked = urlsplit(value), dict(parse_qsl(urlsplit(value).query, keep_blank_values=True))
    if value and (parts.scheme not in STORES or not parts.netloc or parts.username or parts.fragment):
        raise ValueError("is not s3:// or gs:// followed by a bucket and, if you like, a prefix")
    if unknown := set(asked) - {"endpoint_override", "region"}:
        raise ValueError(f"asks for {', '.join(sorted(unknown))}; endpoint_override and region are understood")
    if "endpoint_override" in asked:
        _address(asked["endpoint_override"])
    return value


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9_-]*", value):
        raise ValueError("is no name of a workspace: small letters a to z, digits, _ and - alone, such as my-archive")
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # unknown, not a key at all, a folder of the time zone database
        raise ValueError("is not a time zone; an example is America/Sao_Paulo") from None
    return value


Address = Annotated[str, AfterValidator(_address)]
Backend = Annotated[str, AfterValidator(_backend)]
Count = Annotated[int | None, BeforeValidator(_none_if_empty)]  # None: not said
Crontab = Annotated[str, AfterValidator(_crontab)]  # empty: never
Database = Annotated[SecretStr, BeforeValidator(_trimmed), AfterValidator(_database)]
Folder = Annotated[Path, BeforeValidator(_folder)]
Genres = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)]
Name = Annotated[str, AfterValidator(_name)]  # empty: by the other settings
People = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_people)]
Secret = Annotated[SecretStr, BeforeValidator(_trimmed)]
Store = Annotated[str, AfterValidator(_store)]
Warehouses = Annotated[SecretStr, BeforeValidator(_trimmed), AfterValidator(_warehouses)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
