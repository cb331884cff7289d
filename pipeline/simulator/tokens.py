"""The token endpoint and the check of bearer tokens, by the simulated clock."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from .endpoints import Reply, error_reply
from .objects import compact

__all__ = ["Tokens"]

_REALM = 'Bearer realm="spotify"'
_MOST_KEPT = 10_000


class Tokens:
    """Issues tokens to any client, or only to the one client whose id and secret are given."""

    def __init__(self, seed: int, ttl_s: int, client_id: str | None, client_secret: str | None) -> None:
        self._seed, self._ttl_s = seed, ttl_s
        self._client_id, self._client_secret = client_id, client_secret
        self._expiry: dict[str, float] = {}
        self._issued = 0

    def grant(self, authorization: str, form: Mapping[str, str], now: float) -> Reply:
        """The answer of POST /api/token: a token, or the error of an unknown client or grant."""
        client, secret = _client(authorization, form)
        if not client or not self._is_known(client, secret):
            return _denied("invalid_client", "Invalid client" if client else "Missing client credentials")
        if form.get("grant_type") != "client_credentials":
            return _denied("unsupported_grant_type", "grant_type must be client_credentials")
        if len(self._expiry) > _MOST_KEPT:
            self._expiry = {token: expiry for token, expiry in self._expiry.items() if expiry > now}
        self._issued += 1
        token = "BQ" + hashlib.blake2b(f"{self._seed}:{now}:{self._issued}".encode(), digest_size=32).hexdigest()
        self._expiry[token] = now + self._ttl_s
        return Reply(200, compact({"access_token": token, "token_type": "Bearer", "expires_in": self._ttl_s}).encode())

    def refusal(self, authorization: str, now: float) -> Reply | None:
        """The 401 for a missing, unknown or expired token; None for a good one."""
        scheme, _, token = authorization.partition(" ")
        if not token or scheme.lower() != "bearer":
            return error_reply(401, "No token provided", headers=(("www-authenticate", _REALM),))
        expiry = self._expiry.get(token)
        if expiry is None:
            return _unauthorised("Invalid access token")
        return self.expired() if expiry <= now else None

    def expired(self) -> Reply:
        """The answer to an expired token."""
        return _unauthorised("The access token expired")

    def revoke(self) -> None:
        """Expires every token issued so far."""
        self._expiry = dict.fromkeys(self._expiry, 0.0)

    def _is_known(self, client: str, secret: str) -> bool:
        right = self._client_id is None or hmac.compare_digest(client.encode(), self._client_id.encode())
        return right and (
            self._client_secret is None or hmac.compare_digest(secret.encode(), self._client_secret.encode())
        )


def _client(authorization: str, form: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return client, secret
    return form.get("client_id", ""), form.get("client_secret", "")


def _denied(error: str, description: str) -> Reply:
    return Reply(400, compact({"error": error, "error_description": description}).encode())


def _unauthorised(message: str) -> Reply:
    return error_reply(401, message, headers=(("www-authenticate", f'{_REALM}, error="invalid_token"'),))
