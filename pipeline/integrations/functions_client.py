"""Batches on Google Cloud Functions: `GARIMPO_BACKEND=gcf://host/path`, called over HTTPS with an identity token.

On this machine (127.0.0.1) it is plain HTTP without a token, as `functions-framework` serves it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from google.auth.transport.requests import Request
from google.oauth2 import id_token

from pipeline.integrations.backends import Pool
from pipeline.integrations.wire import FUNCTION_LINES, question, raw_from_json

__all__ = ["open_workers", "poster"]

SLOTS, LOOPBACK = 32, ("127.0.0.1", "localhost")  # calls at once, unless the address says ?slots=


class FunctionWorkers(Pool):
    """Threads that call a function."""

    def __init__(self, url: str, slots: int) -> None:
        self._post = poster(url, slots)
        super().__init__(ThreadPoolExecutor(slots), slots, FUNCTION_LINES)

    def perform(self, function: Any, *arguments: Any) -> Any:  # noqa: ARG002  the function is there already
        """One call; the access stays here."""
        batch, _, allowance = arguments
        return raw_from_json(self._post(question(batch, allowance)))


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
    slots = int(parse_qs(parts.query).get("slots", [SLOTS])[0])
    return FunctionWorkers(f"{scheme}://{parts.netloc}{parts.path}", slots)
