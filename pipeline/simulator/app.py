"""The simulator as an ASGI application: what happens to a request from its arrival to its last byte."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import parse_qsl

from . import wire
from .clock import day_of, http_date, iso
from .control import control_app
from .endpoints import Reply, Request, error_reply
from .faults import edited, spoiled
from .quotas import WINDOW, Verdict
from .requestlog import RequestLog
from .routes import Route, route_of
from .scenario import Rule
from .wire import Receive, Scope, Send
from .world import World

__all__ = ["SimulatorApp"]

_TOKEN_ROUTE = Route("token", "token", "")
_DROPPED = ("timeout", "reset")
_READ_HEADERS = (b"host", b"authorization")
_MOST_FORM_BYTES = 64_000
Strikes = list[tuple[Rule, int]]


class SimulatorApp:
    """Serves a world: /v1/… and /api/token as the real API does, /image/… and /_simulator/… beside them."""

    def __init__(self, world: World, log: RequestLog) -> None:
        self._world, self._log = world, log
        self._beside = control_app(world)
        self._stopping = asyncio.Event()
        self._date = (0, b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request (or follows the server's start and end)."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["path"].startswith("/v1/"):
            await self._catalogue(scope, receive, send)
        elif scope["path"] == "/api/token":
            await self._token(scope, receive, send)
        else:
            await self._beside(scope, receive, send)

    def release_waiting(self) -> None:
        """Lets every hanging or dribbling answer end, so that the server can stop; call it in the server's loop."""
        self._stopping.set()

    async def _catalogue(self, scope: Scope, receive: Receive, send: Send) -> None:
        world, arrived = self._world, self._world.clock.now()
        route = route_of(scope["path"])
        headers = _headers(scope)
        world.counts.received(arrived)
        refused = self._gate(scope["method"], route, headers.get(b"authorization", ""), arrived)
        strikes = [] if refused else world.faults.strikes(route, scope["path"], arrived)
        await self._pace(strikes)
        reply = refused or self._reply(scope, route, f"http://{headers.get(b'host', 'localhost')}", strikes)
        self._account(route, reply, strikes, arrived, admitted=refused is None)
        self._note(scope, route, reply, strikes, arrived)
        await self._deliver(receive, send, reply, strikes)
        if reply.status == 429:
            world.allowance.announced(route.bucket, time.monotonic())

    def _gate(self, method: str, route: Route, authorization: str, now: float) -> Reply | None:
        """The refusal of a request before it reaches an endpoint: method, token, lock, window, quota."""
        if method != "GET":
            return error_reply(405, "Method not allowed", headers=(("allow", "GET"),))
        if refused := self._world.tokens.refusal(authorization, now):
            return refused
        verdict = self._world.allowance.admit(route.bucket, now, time.monotonic())
        if verdict is None:
            return None
        if verdict.told:
            self._world.counts.ran_into_lock(WINDOW if verdict.kind == "window" else route.bucket)
        self._world.counts.refused(verdict.kind)
        return _too_many(verdict)

    def _reply(self, scope: Scope, route: Route, base: str, strikes: Strikes) -> Reply:
        world = self._world
        for rule, turn in _at("answer", strikes):
            return self._spoiled(rule, turn, route)
        now = world.clock.now()
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        bent = world.faults.distortions(route, scope["path"], now)
        reply = world.endpoints.reply(Request(route, query, day_of(now), base, bent))
        return edited(reply, _at("body", strikes))

    def _spoiled(self, rule: Rule, turn: int, route: Route) -> Reply:
        world, now, params = self._world, self._world.clock.now(), rule.params
        match rule.kind.name:
            case "token_expired":
                if params["revoke"]:
                    world.tokens.revoke()
                return world.tokens.expired()
            case "rate_limit" if params["lock"]:
                world.allowance.lock(WINDOW, now, params["retry_after_s"])
            case "quota" if params["lock"]:
                world.allowance.lock(route.bucket, now, params["retry_after_s"])
        return spoiled(rule, turn)

    def _account(self, route: Route, reply: Reply, strikes: Strikes, arrived: float, *, admitted: bool) -> None:
        outcome = _outcome(reply, strikes)
        self._world.counts.answered(route, outcome)
        for rule, _ in strikes:
            self._world.counts.fault(rule.kind.name)
        if reply.status == 429 and admitted:
            self._world.counts.refused("fault")
        if admitted and (reply.status >= 300 or outcome in _DROPPED):
            self._world.allowance.give_back(route.bucket, arrived)

    async def _token(self, scope: Scope, receive: Receive, send: Send) -> None:
        world, now = self._world, self._world.clock.now()
        world.counts.token()
        form = dict(parse_qsl((await _body(receive)).decode("latin-1")))
        authorization = _headers(scope).get(b"authorization", "")
        strikes = world.faults.strikes(_TOKEN_ROUTE, scope["path"], now)
        await self._pace(strikes)
        for rule, _ in strikes:
            world.counts.fault(rule.kind.name)
        await self._deliver(receive, send, self._granted(scope["method"], authorization, form, strikes), strikes)

    def _granted(self, method: str, authorization: str, form: dict[str, str], strikes: Strikes) -> Reply:
        for rule, turn in _at("answer", strikes):
            return spoiled(rule, turn)
        if method != "POST":
            return error_reply(405, "Method not allowed", headers=(("allow", "POST"),))
        reply = self._world.tokens.grant(authorization, form, self._world.clock.now())
        return edited(reply, _at("body", strikes))

    async def _pace(self, strikes: Strikes) -> None:
        wait = self._world.config.latency_ms / 1000
        wait += sum(rule.params["delay_s"] for rule, _ in strikes if rule.kind.name == "slow")
        if wait > 0:
            try:
                await asyncio.wait_for(self._stopping.wait(), wait)
            except TimeoutError:
                return

    async def _deliver(self, receive: Receive, send: Send, reply: Reply, strikes: Strikes) -> None:
        headers = self._headers(reply)
        rule = next((rule for rule, _ in _at("wire", strikes)), None)
        match rule.kind.name if rule else "":
            case "timeout" if rule:
                await wire.hang(receive, rule.params["hang_s"], self._stopping)
                await wire.close_silently(receive, send)
            case "reset":
                await wire.reset(receive, send)
            case "truncated":
                await wire.break_off(receive, send, reply.status, headers, reply.body, len(reply.body) * 2 // 3)
            case "dribble" if rule:
                pace = wire.Dribble(int(rule.params["chunk"]), rule.params["pause_s"], self._stopping)
                await wire.dribble(receive, send, reply.status, headers, reply.body, pace)
            case _:
                await wire.send_whole(send, reply.status, headers, reply.body)

    def _headers(self, reply: Reply) -> list[tuple[bytes, bytes]]:
        now = self._world.clock.now()
        if int(now) != self._date[0]:
            self._date = (int(now), http_date(now).encode())
        headers = [
            (b"content-type", reply.content_type.encode()),
            (b"content-length", str(len(reply.body)).encode()),
            (b"date", self._date[1]),
            (b"x-simulated-now", iso(now).encode()),
        ]
        return headers + [(name.encode(), value.encode()) for name, value in reply.headers]

    def _note(self, scope: Scope, route: Route, reply: Reply, strikes: Strikes, arrived: float) -> None:
        if self._log.is_wanted:
            self._log.write(
                {
                    "at": iso(arrived),
                    "path": scope["path"],
                    "query": scope["query_string"].decode("latin-1"),
                    "endpoint": route.endpoint,
                    "bucket": route.bucket,
                    "outcome": _outcome(reply, strikes),
                    "faults": [rule.kind.name for rule, _ in strikes],
                    "bytes": len(reply.body),
                }
            )


def _headers(scope: Scope) -> dict[bytes, str]:
    return {name: value.decode("latin-1") for name, value in scope["headers"] if name in _READ_HEADERS}


def _at(stage: str, strikes: Strikes) -> Strikes:
    """The faults that act at one stage of a request."""
    return [strike for strike in strikes if strike[0].kind.stage == stage]


def _outcome(reply: Reply, strikes: Strikes) -> str:
    for rule, _ in strikes:
        if rule.kind.name in (*_DROPPED, "truncated"):
            return rule.kind.name
    return str(reply.status)


def _too_many(verdict: Verdict) -> Reply:
    headers = (("retry-after", str(verdict.retry_after_s)),)
    if verdict.kind == "quota":
        return error_reply(429, "Too many requests", reason="QUOTA_EXCEEDED", headers=headers)
    return error_reply(429, "API rate limit exceeded", headers=headers)


async def _body(receive: Receive) -> bytes:
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body") or len(body) > _MOST_FORM_BYTES:
            break
    return body


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
