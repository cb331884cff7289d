"""A small OpenID Connect provider on this machine: it logs everybody in as the person it was told."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from tests.apps import serving

__all__ = ["Provider", "running_provider"]


class Provider:
    """The provider's state: its `url` once it is served; `person` are the claims of whoever logs in next."""

    def __init__(self) -> None:
        self.url, self.person = "", dict[str, Any]()
        self._key, self._nonces = RSAKey.generate_key(2048, {"kid": "one"}), dict[str, str]()

    def routes(self) -> list[Route]:
        """What it answers."""
        return [
            Route("/.well-known/openid-configuration", self._metadata),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
            Route("/keys", self._keys),
        ]

    async def _metadata(self, _request: Request) -> JSONResponse:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
            }
        )

    async def _authorize(self, request: Request) -> RedirectResponse:
        asked, code = request.query_params, secrets.token_urlsafe(16)
        self._nonces[code] = asked.get("nonce", "")
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")

    async def _token(self, request: Request) -> JSONResponse:
        form = await request.form()
        now = int(time.time())
        claims = {"iss": self.url, "aud": "garimpo", "iat": now, "exp": now + 600, **self.person}
        claims["nonce"] = self._nonces.pop(str(form["code"]))
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self._key)
        return JSONResponse({"access_token": "opaque", "token_type": "Bearer", "expires_in": 600, "id_token": token})

    async def _keys(self, _request: Request) -> JSONResponse:
        return JSONResponse({"keys": [self._key.as_dict(private=False)]})


@contextmanager
def running_provider() -> Iterator[Provider]:
    """The provider on a free port."""
    provider = Provider()
    with serving(provider.routes()) as provider.url:
        yield provider
