"""Batches on Google Cloud Functions: `GARIMPO_BACKEND=gcf://host/path`, called over HTTPS with an identity token.

On this machine (127.0.0.1) it is plain HTTP without a token, as `functions-framework` serves it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2 import id_token
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from pipeline.integrations.wire import FUNCTION_LINES, SLOTS, FunctionWorkers, slots_of
from pipeline.source.allowance import NotTaken

__all__ = ["open_workers", "poster"]

LOOPBACK = ("127.0.0.1", "localhost")
NOT_BEGUN = (401, 403, 404, 429)  # Google's own answers: no right, no such function, no instance free


def poster(url: str, slots: int = SLOTS) -> Any:
    """A function that posts JSON to a function and returns its answer.

    It raises NotTaken where that one was not begun, RuntimeError for any other status but 200.
    """
    session = requests.Session()
    session.trust_env = urlsplit(url).hostname not in LOOPBACK
    for scheme in ("http://", "https://"):
        session.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=slots))

    def post(event: dict[str, Any]) -> Any:
        try:
            token = id_token.fetch_id_token(Request(), url) if url.startswith("https") else ""
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            answer = session.post(url, json=event, headers=headers, timeout=900)
        except GoogleAuthError as error:
            raise NotTaken(str(error)) from None
        except requests.ConnectionError as error:
            why = getattr(error.args[0], "reason", None)
            raise NotTaken(str(why)) if isinstance(why, NewConnectionError | ConnectTimeoutError) else error from None
        if answer.status_code in NOT_BEGUN:
            raise NotTaken(f"it answered {answer.status_code}")
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
