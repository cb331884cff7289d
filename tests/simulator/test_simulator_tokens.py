"""The token endpoint, and what happens without a good token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

Simulate = Callable[..., Any]
GRANT = {"grant_type": "client_credentials"}


def asked(site: Any, data: dict[str, str], **more: Any) -> tuple[int, Any]:
    """Status and JSON of a question to the token endpoint."""
    answer = requests.post(site.simulator.token_url, data, timeout=10, **more)
    return answer.status_code, answer.json()


def test_any_client_gets_a_token(simulate: Simulate) -> None:
    """Any id and secret will do, in the Basic header or in the form, and the token says how long it lasts."""
    site = simulate(token_ttl_s=120)
    for status, body in (
        asked(site, GRANT, auth=("anyone", "anything")),
        asked(site, GRANT | {"client_id": "anyone", "client_secret": "anything"}),
    ):
        assert (status, body["token_type"], body["expires_in"]) == (200, "Bearer", 120)
        assert len(body["access_token"]) > 40


@pytest.mark.parametrize(
    ("data", "auth", "error"),
    [
        (GRANT, ("me", "wrong"), "invalid_client"),
        (GRANT, ("someone", "secret"), "invalid_client"),
        (GRANT, None, "invalid_client"),
        ({}, ("me", "secret"), "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, ("me", "secret"), "unsupported_grant_type"),
    ],
)
def test_wrong_client_is_refused(simulate: Simulate, data: dict[str, str], auth: Any, error: str) -> None:
    """With a client id and secret of its own the simulator gives tokens to that client alone."""
    site = simulate(client_id="me", client_secret="secret")
    status, body = asked(site, data, auth=auth)
    assert (status, body["error"]) == (400, error)
    assert asked(site, GRANT, auth=("me", "secret"))[0] == 200


def test_unreadable_credentials_are_refused(simulate: Simulate) -> None:
    """A Basic header that is not base64 is no client."""
    site = simulate()
    assert asked(site, GRANT, headers={"Authorization": "Basic ?"})[1]["error"] == "invalid_client"
    assert requests.get(site.simulator.token_url, timeout=10).status_code == 405


@pytest.mark.parametrize(
    ("header", "message", "challenge"),
    [
        (None, "No token provided", 'Bearer realm="spotify"'),
        ("Basic abc", "No token provided", 'Bearer realm="spotify"'),
        ("Bearer nonsense", "Invalid access token", 'Bearer realm="spotify", error="invalid_token"'),
    ],
)
def test_without_token_401(simulate: Simulate, header: str | None, message: str, challenge: str) -> None:
    """A request without a good token is 401 and tells why in www-authenticate."""
    site = simulate()
    site.session.headers["Authorization"] = header
    answer = site.get("search", q="a", type="artist")
    assert (answer.status_code, answer.json()["error"]["message"]) == (401, message)
    assert answer.headers["www-authenticate"] == challenge


def test_token_expires_by_the_simulated_clock(simulate: Simulate) -> None:
    """A token is good until its time is over on the simulator's clock; a new one is good again."""
    site = simulate(token_ttl_s=3600)
    site.simulator.advance(3599)
    assert site.get("markets").status_code == 200
    site.simulator.advance(1)
    answer = site.get("markets")
    assert (answer.status_code, answer.json()["error"]["message"]) == (401, "The access token expired")
    assert answer.headers["www-authenticate"] == 'Bearer realm="spotify", error="invalid_token"'
    site.renew_token()
    assert site.get("markets").status_code == 200
