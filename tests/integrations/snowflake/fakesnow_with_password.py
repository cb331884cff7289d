"""fakesnow's server, for one password: any other is refused in Snowflake's words. DELETE / ends all sessions."""

from __future__ import annotations

import gzip
import json
import sys

import fakesnow.server
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

REFUSED = {"code": "390100", "message": "Incorrect username or password was specified.", "success": False, "data": {}}
PORT, PASSWORD = int(sys.argv[1]), sys.argv[2]


async def log_in(request: Request) -> Response:
    """A session for who has the password."""
    body = await request.body()
    told = json.loads(gzip.decompress(body) if request.headers.get("Content-Encoding") == "gzip" else body)
    if told["data"]["PASSWORD"] != PASSWORD:
        return JSONResponse(REFUSED)
    return await fakesnow.server.login_request(request)


async def end_sessions(_: Request) -> Response:
    """What Snowflake does by itself to sessions whose client is gone: their transactions are undone."""
    fakesnow.server.sessions.clear()
    return Response()


fakesnow.server.app.router.routes[:0] = [
    Route("/session/v1/login-request", log_in, methods=["POST"]),
    Route("/", end_sessions, methods=["DELETE"]),
]
uvicorn.run(fakesnow.server.app, host="127.0.0.1", port=PORT, log_level="warning")
