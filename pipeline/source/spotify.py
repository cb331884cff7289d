"""The source: Spotify's Web API through spotipy, or anything that speaks like it.

The only importer of spotipy, which builds the requests; `transport` sends them, `refusals` says what answers mean,
`token` keeps the access token. Nothing but classes of `errors` leaves, and nothing is waited for here but the gate.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import spotipy
from spotipy.cache_handler import MemoryCacheHandler
from spotipy.oauth2 import SpotifyClientCredentials

from pipeline.errors import CredentialsRejected, MalformedRecord, QuotaExceeded, RateLimited
from pipeline.source.asking import Question, question
from pipeline.source.backoff import Backoff
from pipeline.source.calls import Answer, Call, Gate, Meter, bucket_of, label
from pipeline.source.refusals import QUOTA_REASON, refusal, said, wait_s
from pipeline.source.token import Token, TokenKeeper
from pipeline.source.transport import Fault, Refused, Reply, Transport

if TYPE_CHECKING:  # a worker elsewhere has none: see `clock`
    from pipeline.settings import Settings

__all__ = ["Access", "SpotifySource"]


@dataclass(frozen=True)
class Access:
    """Where to ask and as whom; picklable, and safe to print."""

    api_url: str
    token_url: str
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    timeout_s: float = 15.0

    @classmethod
    def from_settings(cls, settings: Settings) -> Access:
        """The access that the settings describe."""
        return cls(
            settings.api_url,
            settings.token_url,
            settings.client_id.get_secret_value(),
            settings.client_secret.get_secret_value(),
            settings.timeout_s,
        )


class SpotifySource(AbstractContextManager["SpotifySource"]):
    """A source for all threads of a run."""

    def __init__(self, access: Access, gate: Gate, *, rng: Random | None = None) -> None:
        _silence_clients()
        self._gate, self._transport = gate, Transport(access.timeout_s)
        self._backoff = Backoff(gate.pause, rng or Random())
        self._credentials = _Credentials(access, self._transport, self._backoff, gate)
        self._client = spotipy.Spotify(
            auth_manager=self._credentials,
            requests_session=self._transport,
            requests_timeout=access.timeout_s,
            retries=0,
            status_retries=0,
        )
        self._client.prefix = access.api_url.rstrip("/") + "/"

    def fetch(self, call: Call, meter: Meter | None = None) -> Answer:
        """The answer to one call, faults tried again up to three times; raises classes of `errors` only.

        Retryable: ask again (a Deferred not before its `due_at`). Skippable: this call only. Fatal: stop asking.
        """
        counted, ask = meter or Meter(), question(call)
        if not self._credentials.holds():  # a closed bucket says so first: it may be that no token is to be had either
            self._gate.refuse(bucket_of(call.endpoint))
        self._credentials.get_access_token()  # its own retries; no ticket is taken before there is a token
        return self._backoff.attempts_at(
            label(call), lambda: self._attempt(call, ask, counted), lambda: not counted.spent
        )

    def check(self) -> None:
        """Asks for a token and nothing else; raises CredentialsRejected or SourceUnavailable."""
        self._credentials.get_access_token()

    def close(self) -> None:
        """Break off requests under way, at once, from any thread: they end as RunCancelled."""
        self._transport.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _attempt(self, call: Call, ask: Question, meter: Meter) -> Answer:
        """One request, and one more with a new token when it is answered 401."""
        try:
            return self._exchange(call, ask, meter)
        except _TokenRefused:
            self._credentials.discard()
        if meter.spent:
            raise Fault("the token had run out and no request was left to ask again", 401)
        try:
            return self._exchange(call, ask, meter)
        except _TokenRefused:
            raise CredentialsRejected(
                f"{label(call)}: a fresh token was refused (401). Check SPOTIPY_CLIENT_ID, SPOTIPY_CLIENT_SECRET and "
                "that GARIMPO_API_URL and GARIMPO_TOKEN_URL belong together. What was collected is kept."
            ) from None

    def _exchange(self, call: Call, ask: Question, meter: Meter) -> Answer:
        ticket = self._gate.acquire(bucket_of(call.endpoint), call.endpoint)
        meter.sent += 1
        began, ending = time.monotonic(), _Ending()
        try:
            return self._answer(call, ask, meter, ending)
        finally:
            duration_ms = (time.monotonic() - began) * 1000
            self._gate.settle(ticket, duration_ms=duration_ms, **asdict(ending))

    def _answer(self, call: Call, ask: Question, meter: Meter, ending: _Ending) -> Answer:
        try:
            reply = self._asked(ask)
        except Refused as refused:
            raise self._judged(call, refused.reply, ending) from None
        except Fault as fault:
            ending.status, ending.reason, ending.size = fault.status, str(fault), len(fault.body or b"")
            if fault.body is not None:
                meter.unparsed.append((self._gate.now(), fault.body.decode("utf-8", "replace")))
            raise
        ending.status, ending.reason, ending.size = reply.status, "", len(reply.body)
        return Answer(reply.body, reply.data, self._gate.now())

    def _asked(self, ask: Question) -> Reply:
        """The reply that spotipy brings; its own surprises become a MalformedRecord."""
        try:
            reply = ask.put_to(self._client)
        except (spotipy.SpotifyException, AttributeError, LookupError, TypeError, ValueError) as error:
            raise MalformedRecord(
                f"The client stumbled over a request ({type(error).__name__}). Nothing was stored for it."
            ) from None
        if not isinstance(reply, Reply):
            raise MalformedRecord("The client swallowed an answer. Nothing was stored for it.")
        return reply

    def _judged(self, call: Call, reply: Reply, ending: _Ending) -> Exception:
        ending.status, ending.size = reply.status, len(reply.body)
        if reply.status == 401:
            ending.reason = "token refused"
            return _TokenRefused()
        error = refusal(call, reply, self._gate.now())
        ending.reason = str(error) if isinstance(error, Fault) else type(error).__name__
        if isinstance(error, QuotaExceeded):
            ending.reason = QUOTA_REASON
        if reply.status == 429:
            ending.retry_after_s = wait_s(reply, self._gate.now())
        return error


@dataclass
class _Ending:
    """How a request ended, as `Gate.settle` takes it; status 0: no answer came."""

    status: int = 0
    reason: str = "no answer"
    retry_after_s: float | None = None
    size: int = 0


class _TokenRefused(Exception):
    """A 401: the token has run out, or was never good. Never leaves this module."""


class _Credentials(SpotifyClientCredentials):  # type: ignore[misc]  # spotipy has no types
    """Client credentials at an address of our choice: one request for all threads, kept in memory only."""

    def __init__(self, access: Access, transport: Transport, backoff: Backoff, gate: Gate) -> None:
        self._backoff, self._gate, self._used = backoff, gate, threading.local()
        self._keeper = TokenKeeper(self._ask)
        # An empty value would make spotipy look into the environment by itself.
        super().__init__(
            access.client_id or "-",
            access.client_secret or "-",
            requests_session=transport,
            cache_handler=MemoryCacheHandler(),
        )
        self.OAUTH_TOKEN_URL = access.token_url
        self._complete = (
            bool(access.client_id and access.client_secret) and (access.client_id + access.client_secret).isascii()
        )

    def get_access_token(self, as_dict: bool = False, check_cache: bool = True) -> str:  # noqa: ARG002, FBT001, FBT002  spotipy's signature
        """A token that holds; raises CredentialsRejected, RateLimited, SourceUnavailable or RunCancelled."""
        self._used.token = self._keeper.current()
        return str(self._used.token)

    def holds(self) -> bool:
        """Whether there is a token already."""
        return self._keeper.holds()

    def discard(self) -> None:
        """Forget the token that this thread used last."""
        self._keeper.discard(self._used.token)

    def _ask(self) -> Token:
        if not self._complete:
            raise CredentialsRejected(f"No usable client id and secret. {_CHECK}")
        return self._backoff.attempts_at(f"token endpoint {_host(self.OAUTH_TOKEN_URL)}", self._ask_once)

    def _ask_once(self) -> Token:
        try:
            reply = self._request_access_token()
        except Refused as refused:
            raise self._judged(refused.reply) from None
        answered: dict[str, Any] = reply.data if isinstance(reply.data, dict) else {}
        value, lifetime_s = answered.get("access_token"), answered.get("expires_in")
        # A token with a line break would end in a header, and in the message of whoever refuses the header.
        if not isinstance(value, str) or not re.fullmatch(r"[!-~]{1,4096}", value):
            raise Fault("an answer without a usable token", reply.status)
        return Token(value, lifetime_s if isinstance(lifetime_s, int) and 0 < lifetime_s <= 86_400 else 3_600)

    def _judged(self, reply: Reply) -> Exception:
        if reply.status == 429:
            seconds = wait_s(reply, self._gate.now())
            return RateLimited(
                "other", self._gate.now() + timedelta(seconds=seconds), "the token endpoint asked to wait (429)"
            )
        if 400 <= reply.status < 500 and reply.status != 408:
            host, words = _host(self.OAUTH_TOKEN_URL), said(reply.body)
            return CredentialsRejected(f"{host} refused the client id and secret ({reply.status} {words}). {_CHECK}")
        return Fault(f"HTTP {reply.status}", reply.status)


_CHECK = (
    "Check SPOTIPY_CLIENT_ID, SPOTIPY_CLIENT_SECRET and GARIMPO_TOKEN_URL, then start again; "
    "what was collected is kept."
)


def _host(url: str) -> str:
    return urlsplit(url).hostname or "?"


def _silence_clients() -> None:
    """At DEBUG these loggers print tokens and query strings."""
    for name in ("spotipy", "spotipy.client", "spotipy.oauth2", "urllib3", "urllib3.connectionpool"):
        logger = logging.getLogger(name)
        logger.setLevel(max(logging.INFO, logger.level))
