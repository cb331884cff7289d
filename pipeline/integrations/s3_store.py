"""Files in a bucket of S3, or of what speaks like it: `GARIMPO_STORE=s3://bucket/prefix?endpoint_override=…&region=…`.

A file is put by one conditional request (`If-None-Match: *`), whole, with its checksum. Credentials are found in the
environment, or given by the machine or the pod (docs/integrations/object-storage.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from pipeline.integrations.object_store import PATIENCE_S, Bucket, Refusal

__all__ = ["open_store"]

_STATUS, _CODE = re.compile(r"status code: (\d{3})"), re.compile(r"<Code>(\w+)</Code>")


def open_store(address: str, prefix: str) -> Bucket:
    """The files below a prefix of the bucket that an address names."""
    parts, options = urlsplit(address), dict(parse_qsl(urlsplit(address).query))
    names = {"endpoint": "endpoint_override", "region": "region"}
    chosen: Any = {ours: options[theirs] for ours, theirs in names.items() if theirs in options}
    patience: Any = {"max_retries": 40, "retry_timeout": timedelta(seconds=PATIENCE_S)}
    chosen["retry_config"] = patience | {"backoff": {"max_backoff": timedelta(seconds=2)}}
    chosen["client_options"] = {"allow_http": "endpoint" in chosen, "timeout": "60s"}
    store = S3Store(parts.netloc, prefix=prefix, checksum_algorithm="SHA256", **chosen)

    def put(name: str, content: bytes, told: dict[str, str]) -> object:
        return obstore.put(store, name, content, mode="create", use_multipart=False, attributes=told)

    def read(name: str) -> tuple[bytes, dict[str, str]]:
        found = obstore.get(store, name)
        return bytes(found.bytes()), dict(found.attributes)

    def listed() -> dict[str, int]:
        return {each["path"]: each["size"] for group in obstore.list(store) for each in group}

    def delete(names: Sequence[str]) -> object:
        return obstore.delete(store, names)

    return Bucket(f"s3://{parts.netloc}/{prefix}", put, read, listed, delete, _refusal)


def _refusal(error: Exception) -> Refusal | None:
    if not isinstance(error, (BaseError, OSError)):
        return None
    status, code = (next(iter(form.findall(str(error))), "") for form in (_STATUS, _CODE))
    there, missing = isinstance(error, AlreadyExistsError), isinstance(error, FileNotFoundError)
    return Refusal(there or (missing and code != "NoSuchBucket"), status, code, no_bucket=code == "NoSuchBucket")
