"""One token for all threads, renewed when it is refused, never shown and never written."""

from __future__ import annotations

import logging
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from pydantic import SecretStr

from pipeline.errors import CredentialsRejected, GarimpoError, RateLimited, SourceUnavailable
from pipeline.settings import Settings
from pipeline.source.calls import Call, Meter
from pipeline.source.spotify import Access, SpotifySource
from pipeline.source.token import Token, TokenKeeper
from tests.loopback import Asked, CountingGate, Sent, asking, serving

ACCESS = Access("http://127.0.0.1:1/v1/", "http://127.0.0.1:1/token", "an-id", "a-secret", 7.0)
ARTIST = Call("artist", {"id": "a1"})
GOOD = Sent({"id": "a1"})
INVALID_CLIENT = Sent({"error": "invalid_client", "error_description": "Invalid client secret"}, 400)
EXPIRED = Sent(
    {"error": {"status": 401, "message": "The access token expired"}},
    401,
    {"WWW-Authenticate": 'Bearer realm="spotify", error="invalid_token"'},
)


def numbered_tokens():
    """A token endpoint that gives token-1, token-2 and so on."""
    given: list[int] = []

    def token(_: Asked) -> Sent:
        given.append(1)
        return Sent({"access_token": f"token-{len(given)}", "token_type": "Bearer", "expires_in": 3600})

    return token


def test_threads_share_one_request():
    """Sixteen threads that start cold cost one token request."""
    together = threading.Barrier(16)

    def fetch(source: SpotifySource) -> str:
        together.wait()
        return source.fetch(ARTIST).data["id"]

    with asking(GOOD) as (server, source), ThreadPoolExecutor(16) as pool:
        assert set(pool.map(fetch, [source] * 16)) == {"a1"}
    assert (len(server.tokens), len(server.asked)) == (1, 16)


def test_expired_token_is_renewed():
    """A 401 costs one new token and one more request, each with its own ticket, and loses nothing."""
    gate, meter = CountingGate(), Meter()
    script = lambda asked: EXPIRED if asked.token == "token-1" else GOOD  # noqa: E731
    with asking(script, gate, token=numbered_tokens()) as (server, source):
        assert source.fetch(ARTIST, meter).data == {"id": "a1"}
        assert source.fetch(ARTIST, meter).data == {"id": "a1"}
    assert [asked.token for asked in server.asked] == ["token-1", "token-2", "token-2"]
    assert [row["status"] for row in gate.settled] == [401, 200, 200]
    assert (len(server.tokens), meter.sent) == (2, 3)


def test_expiry_under_threads():
    """Threads that meet the same expired token renew it once between them."""
    together = threading.Barrier(8)
    arrived: list[int] = []

    def script(asked: Asked) -> Sent:
        if asked.token == "token-1":
            arrived.append(1)
            together.wait(5)  # nobody gets the refusal before everybody has sent
            return EXPIRED
        return GOOD

    with asking(script, token=numbered_tokens()) as (server, source), ThreadPoolExecutor(8) as pool:
        list(pool.map(source.fetch, [ARTIST] * 8))
    assert (len(arrived), len(server.tokens), len(server.asked)) == (8, 2, 16)


def test_fresh_token_refused():
    """A 401 with a fresh token ends the call after one replay and says what to check."""
    with asking(EXPIRED, token=numbered_tokens()) as (server, source), pytest.raises(CredentialsRejected) as caught:
        source.fetch(ARTIST)
    assert len(server.asked) == 2
    assert "SPOTIPY_CLIENT_ID" in str(caught.value)
    assert "GARIMPO_TOKEN_URL" in str(caught.value)


def test_replay_needs_allowance():
    """A batch with no request left does not replay."""
    with asking(EXPIRED) as (server, source), pytest.raises(SourceUnavailable, match="no request was left"):
        source.fetch(ARTIST, Meter(limit=1))
    assert len(server.asked) == 1


def test_wrong_credentials_are_named():
    """A refused client names the variables to check and not their values; nothing else is sent."""
    gate = CountingGate()
    with asking(GOOD, gate, token=lambda _: INVALID_CLIENT) as (server, source):
        for ask in (source.check, lambda: source.fetch(ARTIST)):
            with pytest.raises(CredentialsRejected) as caught:
                ask()
            assert str(caught.value) == (
                "127.0.0.1 refused the client id and secret (400 Invalid client secret). Check SPOTIPY_CLIENT_ID, "
                "SPOTIPY_CLIENT_SECRET and GARIMPO_TOKEN_URL, then start again; what was collected is kept."
            )
    assert (len(server.tokens), len(server.asked), gate.tickets) == (1, 0, [])


@pytest.mark.parametrize("change", [{"client_id": ""}, {"client_secret": ""}, {"client_secret": "sécret"}])
def test_unusable_credentials_send_nothing(change, monkeypatch):
    """Half or odd credentials are refused before anything is sent; the environment is not looked into."""
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", "from-the-environment")
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", "from-the-environment")
    with serving(GOOD) as server:
        source = SpotifySource(replace(server.access(), **change), CountingGate())
        with source, pytest.raises(CredentialsRejected, match="No usable client id and secret"):
            source.fetch(ARTIST)
    assert server.tokens == []


@pytest.mark.parametrize(
    "answer",
    [
        Sent(b"", 500),
        Sent(b"<html>hotel</html>"),
        Sent([1]),
        Sent({}),
        Sent({"access_token": 7}),
        Sent({"access_token": "two\r\nlines: x"}),
        Sent({"access_token": "não"}),
        Sent(b"", 302),
    ],
)
def test_token_endpoint_down(answer):
    """A token endpoint that fails, or answers something else, is tried four times and called unavailable."""
    gate = CountingGate()
    with asking(GOOD, gate, token=lambda _: answer) as (server, source), pytest.raises(SourceUnavailable) as caught:
        source.fetch(ARTIST)
    assert str(caught.value).startswith("token endpoint 127.0.0.1: ")
    assert (len(server.tokens), len(server.asked), len(gate.pauses)) == (4, 0, 3)
    assert gate.tickets == []
    assert "lines" not in str(caught.value)


def test_token_endpoint_recovers():
    """One failure of the token endpoint is not seen by whoever fetches."""
    answers = [Sent({"access_token": "token-2", "expires_in": "soon"}), Sent(b"", 503)]
    with asking(GOOD, token=lambda _: answers.pop()) as (server, source):
        assert source.fetch(ARTIST).data == {"id": "a1"}
        assert source.fetch(ARTIST).data == {"id": "a1"}
    assert [asked.token for asked in server.asked] == ["token-2", "token-2"]


def test_token_endpoint_asks_to_wait():
    """A 429 of the token endpoint is a deferral too."""
    busy = Sent(b"", 429, {"Retry-After": "7"})
    with asking(GOOD, token=lambda _: busy) as (server, source), pytest.raises(RateLimited) as caught:
        source.fetch(ARTIST)
    assert (caught.value.due_at - CountingGate().now()).total_seconds() == 7
    assert len(server.tokens) == 1


def test_nothing_secret_is_shown(caplog, tmp_path, monkeypatch):
    """Neither logs at the finest level nor errors nor files hold a token, the credentials or a query."""
    monkeypatch.chdir(tmp_path)
    answers = [Sent(b"", 404), Sent(b"", 500), EXPIRED, GOOD]
    with caplog.at_level(logging.DEBUG), asking(lambda _: answers.pop()) as (server, source):
        source.fetch(ARTIST)
        with pytest.raises(GarimpoError) as caught:
            source.fetch(ARTIST)
    shown = f"{caplog.text} {caught.value!r} {server.access()!r}"
    assert not [word for word in ("token-1", "a-secret", "an-id", "Basic", "Bearer", "?") if word in shown]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("lifetime_s", "holds_s"), [(3600.0, 3540.0), (100.0, 90.0), (5.0, 4.5)])
def test_token_is_renewed_early(lifetime_s, holds_s):
    """A token is used for most of its life, a minute short of its end at most."""
    seconds, given = [0.0], iter("12")
    keeper = TokenKeeper(lambda: Token(next(given), lifetime_s), lambda: seconds[0])
    tokens = []
    for seconds[0] in (0.0, holds_s - 0.1, holds_s + 0.1):
        tokens.append(keeper.current())
    assert tokens == ["1", "1", "2"]


def test_only_the_refused_token_is_discarded():
    """A thread that was slow to hear of a refusal does not throw away the token that replaced it."""
    given = iter("123")
    keeper = TokenKeeper(lambda: Token(next(given), 3600.0))
    tokens = [keeper.current()]
    for refused in ("1", "1", "2"):
        keeper.discard(refused)
        tokens.append(keeper.current())
    assert tokens == ["1", "2", "2", "3"]


def test_interrupt_frees_the_waiting():
    """When the thread that asks is interrupted, the next one asks anew instead of waiting for ever."""
    outcomes: list[BaseException | None] = [None, KeyboardInterrupt()]

    def request() -> Token:
        if outcome := outcomes.pop():
            raise outcome
        return Token("t", 60.0)

    keeper = TokenKeeper(request)
    with pytest.raises(KeyboardInterrupt):
        keeper.current()
    assert keeper.current() == "t"


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
