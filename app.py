"""The launcher: `streamlit run app.py`. Starts the service before any browser, serves the pages, guards the answers.

The main script stands in `pages/`, so that Streamlit does not mistake that folder for its older kind of pages.
"""

from __future__ import annotations

import base64
import gc
import gzip
import hashlib
import importlib
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from anyio import to_thread
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.errors import GarimpoError
from pipeline.service.scheduler import service
from pipeline.watching.status import plain_value

WARM = ("babel.dates", "babel.numbers", "duckdb", "plotly.graph_objects", "polars", "pyarrow", "pages._broadcast")


def content_policy() -> str:
    """What a page may load: all from here, pictures also from Spotify; of inline scripts only Streamlit's own."""
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    scripts = [body for body in re.findall(r"<script>(.*?)</script>", page, re.DOTALL) if body.strip()]
    hashes = [base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in scripts]
    rules = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", *(f"'sha256-{value}'" for value in hashes)]),
        "style-src": "'self' 'unsafe-inline'",  # Streamlit and plotly write styles into elements
        "img-src": "'self' data: blob: https://i.scdn.co",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


HEADERS = {
    "Content-Security-Policy": content_policy(),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class SecurityHeaders:
    """Adds HEADERS to every HTTP answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; headers go out with the answer's first message."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_guarded if scope["type"] == "http" else send)


async def healthz(_request: Request) -> JSONResponse:
    """What `python -m pipeline status --json` says of the health, for monitors; 503 when it cannot collect or read."""
    try:
        found = await to_thread.run_sync(service().health)
    except (GarimpoError, OSError) as error:
        found = {"status": "failing", "problems": [str(error)]}
    plain = json.loads(json.dumps(found, default=plain_value))
    return JSONResponse(plain, 503 if found["status"] == "failing" else 200)


async def live(request: Request) -> Response:
    """The live parts of a page: see `pages/_broadcast.py`. For everybody who may reach the app, as its pages are."""
    try:
        found = await to_thread.run_sync(
            _broadcast().broadcast, request.path_params["what"], dict(request.query_params)
        )
    except (GarimpoError, OSError) as error:
        return PlainTextResponse(str(error), 503)
    if found is None:
        return PlainTextResponse("There is nothing of that name.", 404)
    body, mark = found
    headers = {"ETag": mark, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == mark:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
    else:
        body = gzip.decompress(body)
    return Response(body, headers=headers, media_type="application/json")


async def live_script(_request: Request) -> Response:
    """What fetches them in the browser."""
    return Response(_broadcast().SCRIPT, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """The service lives as long as the server; heavy modules are loaded once and kept out of garbage collection."""
    await to_thread.run_sync(_warm)
    await to_thread.run_sync(service().start)
    try:
        yield
    finally:
        await to_thread.run_sync(service().stop)
        gc.unfreeze()  # or libraries find their objects alive at the very end, and call it a leak


def _broadcast() -> Any:
    """What makes live parts: loaded once the server is there, without which its caches would warn on the terminal."""
    return importlib.import_module("pages._broadcast")


def _warm() -> None:
    for name in WARM:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a light rerun falls from 90 to 15 ms: full collections no longer walk a million library objects


try:
    service()
except GarimpoError as error:
    sys.stderr.write(f"{error}\n")
    raise SystemExit(error.exit_code) from None

HOSTS = st.get_option("server.allowedHosts") or ["*"]
GUARD = [Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)]  # Streamlit's own guard knows its socket alone
ROUTES = [
    Route("/healthz", healthz, middleware=GUARD),
    Route("/live/{what}", live, middleware=GUARD),
    Route("/live.js", live_script, middleware=GUARD),
]
app = st.App("pages/_shell.py", lifespan=lifespan, middleware=[Middleware(SecurityHeaders)], routes=ROUTES)
