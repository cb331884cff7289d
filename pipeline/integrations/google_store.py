"""Files in a bucket of Google Cloud Storage: `GARIMPO_STORE=gs://bucket/prefix`.

A file is put by one request, on the condition that there is no generation of it. Credentials are the application's
default ones; to an `endpoint_override`, an emulator's, none are sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from google.api_core.exceptions import GoogleAPIError, NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage import Client
from google.cloud.storage.retry import DEFAULT_RETRY

from pipeline.integrations.object_store import PATIENCE_S, Bucket, Refusal

__all__ = ["open_store"]

RETRY = DEFAULT_RETRY.with_timeout(PATIENCE_S)


def open_store(address: str, prefix: str) -> Bucket:
    """The files below a prefix of the bucket that an address names."""
    parts, endpoint = urlsplit(address), dict(parse_qsl(urlsplit(address).query)).get("endpoint_override")

    @cache
    def bucket() -> Any:
        known: Any = {"credentials": AnonymousCredentials(), "client_options": {"api_endpoint": endpoint}}
        return Client(**({"project": "none", **known} if endpoint else {})).bucket(parts.netloc)

    def put(name: str, content: bytes, told: dict[str, str]) -> None:
        (file := bucket().blob(f"{prefix}/{name}")).metadata = told
        file.upload_from_string(content, "application/octet-stream", if_generation_match=0, retry=RETRY)

    def read(name: str) -> tuple[bytes, dict[str, str]]:
        if (file := bucket().get_blob(f"{prefix}/{name}", retry=RETRY)) is None:
            raise FileNotFoundError(name)
        return file.download_as_bytes(retry=RETRY), file.metadata or {}

    def listed() -> dict[str, int]:
        found = bucket().list_blobs(prefix=f"{prefix}/", retry=RETRY)
        return {file.name.removeprefix(f"{prefix}/"): file.size for file in found}

    def delete(names: Sequence[str]) -> None:
        bucket().delete_blobs([f"{prefix}/{name}" for name in names], on_error=lambda _: None, retry=RETRY)

    return Bucket(f"gs://{parts.netloc}/{prefix}", put, read, listed, delete, _refusal)


def _refusal(error: Exception) -> Refusal | None:
    if not isinstance(error, (GoogleAPIError, GoogleAuthError, OSError)):  # those of connections are OSErrors
        return None
    status = "401" if isinstance(error, GoogleAuthError) else str(int(getattr(error, "code", None) or 0) or "")
    known = isinstance(error, (PreconditionFailed, FileNotFoundError))
    return Refusal(known, status, no_bucket=isinstance(error, NotFound))
