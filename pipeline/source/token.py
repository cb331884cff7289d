"""One access token for all threads: asked for once, however many want it at the same moment.

Owns the token; it is never written anywhere. Imports `errors`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from pipeline.errors import CredentialsRejected, GarimpoError, SourceUnavailable

__all__ = ["Token", "TokenKeeper"]


@dataclass(frozen=True)
class Token:
    """An access token and how long it was promised to hold."""

    value: str = field(repr=False)
    lifetime_s: float


class TokenKeeper:
    """Keeps a token while it holds; `request` is called by one thread at a time and the others share its outcome."""

    def __init__(self, request: Callable[[], Token], clock: Callable[[], float] = time.monotonic) -> None:
        self._request, self._clock, self._guard = request, clock, threading.Lock()
        self._token, self._good_until = "", 0.0
        self._flight: Future[str] | None = None
        self._rejected: CredentialsRejected | None = None

    def current(self) -> str:
        """A token that holds; raises what `request` raised, and credentials once rejected are not tried again."""
        with self._guard:
            if self._rejected:
                raise CredentialsRejected(*self._rejected.args)
            if self._holds():
                return self._token
            mine = self._flight is None
            flight = self._flight = self._flight or Future()
        if mine:
            self._fly(flight)
        return flight.result()

    def holds(self) -> bool:
        """Whether `current` needs to ask nobody."""
        with self._guard:
            return self._holds()

    def discard(self, token: str) -> None:
        """Forget a token that was refused, unless another thread has already replaced it."""
        with self._guard:
            if self._token == token:
                self._token = ""

    def _holds(self) -> bool:
        return bool(self._token) and self._clock() < self._good_until

    def _fly(self, flight: Future[str]) -> None:
        error: GarimpoError = SourceUnavailable("The request for a token was broken off. Nothing was sent; run again.")
        token = None
        try:
            token = self._request()
        except GarimpoError as raised:
            error = raised
        finally:  # whatever happened, nobody may wait for ever
            with self._guard:
                self._flight = None
                if token:
                    self._token = token.value
                    self._good_until = self._clock() + token.lifetime_s - min(60.0, token.lifetime_s / 10)
                elif isinstance(error, CredentialsRejected):
                    self._rejected = error
            if token:
                flight.set_result(token.value)
            else:
                flight.set_exception(error)
