"""Batches on Google Cloud Functions: `GARIMPO_BACKEND=gcf://host/path`, called over HTTPS with an identity token.

On this machine (127.0.0.1) it is plain HTTP without a token, as `functions-framework` serves it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from google.auth.transport.requests import Request
from google.oauth2 import id_token

from pipeline.integrations.wire import FUNCTION_LINES, SLOTS, FunctionWorkers, slots_of

__all__ = ["open_workers", "poster"]

LOOPBACK = ("127.0.0.1", "localhost")


def poster(url: str, slots: int = SLOTS) -> Any:
    """A function that posts JSON to a function and returns its answer; raises RuntimeError for any status but 200."""
    session = requests.Session()
    session.trust_env = urlsplit(url).hostname not in LOOPBACK
    for scheme in ("http://", "https://"):
        session.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=slots))

    def post(event: dict[str, Any]) -> Any:
        token = id_token.fetch_id_token(Request(), url) if url.startswith("https") else ""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = session.post(url, json=event, headers=headers, timeout=900)
        if answer.status_code != 200:
            raise RuntimeError(f"the function answered {answer.status_code}")
        return answer.json()

    return post


def open_workers(address: str) -> FunctionWorkers:
    """The function at an address, gcf://host/path or gcf://host/path?slots=16."""
    parts = urlsplit(address)
    scheme = "http" if parts.hostname in LOOPBACK else "https"
    url, slots = f"{scheme}://{parts.netloc}{parts.path}", slots_of(address)
    return FunctionWorkers(poster(url, slots), slots, FUNCTION_LINES)
