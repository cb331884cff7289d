"""Where to ask and as whom: comes from the settings, travels to workers, is never shown."""

from __future__ import annotations

import pickle

from pydantic import SecretStr

from pipeline.settings import Settings
from pipeline.source.spotify import Access

ACCESS = Access("http://127.0.0.1:1/v1/", "http://127.0.0.1:1/token", "an-id", "a-secret", 7.0)


def test_access_comes_from_settings():
    """Addresses, credentials and time-out are those of the settings."""
    settings = Settings(
        api_url="http://127.0.0.1:1/v1/",
        token_url="http://127.0.0.1:1/token",
        client_id=SecretStr("an-id"),
        client_secret=SecretStr("a-secret"),
        timeout_s=7.0,
    )
    assert Access.from_settings(settings) == ACCESS


def test_access_hides_credentials():
    """Printed, it shows the addresses and nothing that opens them."""
    assert repr(ACCESS) == (
        "Access(api_url='http://127.0.0.1:1/v1/', token_url='http://127.0.0.1:1/token', timeout_s=7.0)"
    )


def test_access_travels():
    """A worker gets all of it."""
    assert pickle.loads(pickle.dumps(ACCESS)) == ACCESS  # noqa: S301  our own bytes
