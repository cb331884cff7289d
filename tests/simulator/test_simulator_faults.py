"""Faults that replace or edit an answer: which requests they strike, and what they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from pipeline.simulator.fault_kinds import FAULT_KINDS

Simulate = Callable[..., Any]
SEARCH = {"q": "genre:samba", "type": "artist"}
PREMIUM = "Active premium subscription required for the owner of the app.\n"


def struck(simulate: Simulate, **rule: Any) -> Any:
    """A simulator with one rule."""
    return simulate(scenario={"seed": 5, "rules": [rule]}, token_ttl_s=10**7)


RATE = '{"error":{"status":429,"message":"API rate limit exceeded"}}'
QUOTA = '{"error":{"status":429,"message":"Too many requests","reason":"QUOTA_EXCEEDED"}}'


@pytest.mark.parametrize(
    ("rule", "status", "body", "headers"),
    [
        ({"what": "rate_limit"}, 429, RATE, {"retry-after": "1"}),
        ({"what": "rate_limit", "retry_after_s": 9, "body": "text"}, 429, "Too many requests", {"retry-after": "9"}),
        ({"what": "rate_limit", "header": False}, 429, RATE, {"retry-after": None}),
        ({"what": "quota"}, 429, QUOTA, {"retry-after": "79892"}),
        ({"what": "server_error"}, 500, '{"error":{"status":500,"message":"Server error."}}', {}),
        ({"what": "server_error", "status": 503, "body": "empty"}, 503, "", {}),
        ({"what": "premium_lapsed"}, 403, PREMIUM, {"content-type": "text/plain; charset=utf-8"}),
        ({"what": "withdrawn"}, 403, '{"error":{"status":403,"message":"Forbidden"}}', {}),
        ({"what": "withdrawn", "status": 404}, 404, '{"error":{"status":404,"message":"Not found."}}', {}),
        ({"what": "empty_400"}, 400, "", {}),
        ({"what": "invalid_limit"}, 400, '{"error":{"status":400,"message":"Invalid limit"}}', {}),
        ({"what": "not_found"}, 404, '{"error":{"status":404,"message":"Resource not found"}}', {}),
        ({"what": "error_string"}, 400, '{"error":"the error as a bare string"}', {}),
        ({"what": "error_list", "status": 500}, 500, '["the error","as a list"]', {}),
    ],
)
def test_answer_is_replaced(simulate: Simulate, rule: dict[str, Any], status: int, body: str, headers: Any) -> None:
    """A fault instead of an answer has this status, this body and these headers."""
    answer = struck(simulate, **rule).get("search", **SEARCH)
    assert (answer.status_code, answer.text) == (status, body)
    assert {name: answer.headers.get(name) for name in headers} == headers
    assert answer.headers["x-simulated-now"]


def test_server_errors_take_turns(simulate: Simulate) -> None:
    """A list of statuses is taken in turn; an html body is HTML."""
    site = struck(simulate, what="server_error", status=[500, 502, 503], body="html", times=4)
    assert site.statuses("markets", 5) == [500, 502, 503, 500, 200]
    site.simulator.reset()
    answer = site.get("markets")
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>500</h1>" in answer.text


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        ({}, "xxxxxxxxxx"),
        ({"every": 3}, "..x..x..x."),
        ({"requests": [2, 9]}, ".x......x."),
        ({"from_request": 4, "until_request": 6}, "...xx....."),
        ({"times": 2}, "xx........"),
        ({"share": 1.0}, "xxxxxxxxxx"),
        ({"share": 0.0}, ".........."),
        ({"where": "search"}, ".........."),
        ({"from": "2026-11-20T12:00:01"}, ".........."),
        ({"until": "2026-11-20T12:00:01"}, "xxxxxxxxxx"),
    ],
)
def test_rules_strike_when_told(simulate: Simulate, rule: dict[str, Any], outcome: str) -> None:
    """How often and from when to when a rule strikes follows the file."""
    statuses = struck(simulate, what="server_error", **rule).statuses("markets", 10)
    assert "".join("x" if status == 500 else "." for status in statuses) == outcome


def test_share_is_seeded(simulate: Simulate) -> None:
    """A share strikes about that part of the requests, the same ones for the same seed."""
    one = struck(simulate, what="server_error", share=0.3).statuses("markets", 60)
    two = struck(simulate, what="server_error", share=0.3).statuses("markets", 60)
    assert one == two
    assert 8 < one.count(500) < 30


def test_endpoint_withdrawn_in_mid_run(simulate: Simulate) -> None:
    """From a simulated time on an endpoint is gone while the others stay."""
    site = struck(simulate, what="withdrawn", where="search", **{"from": "2026-11-21"})
    assert site.get("search", **SEARCH).status_code == 200
    site.simulator.set_clock("2026-11-21")
    assert site.get("search", **SEARCH).status_code == 403
    assert site.get("markets").status_code == 200


def test_token_expires_in_mid_run(simulate: Simulate) -> None:
    """The token is expired for every request until a new one is asked for."""
    site = struck(simulate, what="token_expired", requests=[3])
    assert site.statuses("markets", 4) == [200, 200, 401, 401]
    assert site.get("markets").headers["www-authenticate"] == 'Bearer realm="spotify", error="invalid_token"'
    site.renew_token()
    assert site.statuses("markets", 2) == [200, 200]


def test_a_single_401_may_leave_the_token(simulate: Simulate) -> None:
    """Without revoke the next request with the same token is good."""
    site = struck(simulate, what="token_expired", requests=[2], revoke=False)
    assert site.statuses("markets", 3) == [200, 401, 200]


def test_quota_fault_locks_the_bucket(simulate: Simulate) -> None:
    """An injected lock-out holds its bucket for the time announced, and only its bucket."""
    site = struck(simulate, what="quota", where="search", requests=[2], retry_after_s=7200)
    assert site.statuses("search", 3, **SEARCH) == [200, 429, 429]
    assert site.get("markets").status_code == 200
    site.simulator.advance(7200)
    assert site.get("search", **SEARCH).status_code == 200


def test_rate_fault_may_lock_everything(simulate: Simulate) -> None:
    """With lock = true an injected rate limit refuses everything until its time is over."""
    site = struck(simulate, what="rate_limit", requests=[1], retry_after_s=20, lock=True)
    assert site.statuses("markets", 2) + site.statuses("search", 1, **SEARCH) == [429] * 3
    site.simulator.advance(20)
    assert site.get("markets").status_code == 200
    assert site.simulator.counts()["answers_429"] == {"fault": 1, "window": 2}


def test_token_endpoint_has_faults(simulate: Simulate) -> None:
    """Faults may strike the token endpoint, and rules for the catalogue leave it alone."""
    site = simulate()
    rules = [{"what": "invalid_client", "times": 1}, {"what": "server_error", "where": "token", "times": 1}]
    site.simulator.set_scenario({"rules": [*rules, {"what": "withdrawn"}]})
    form = {"grant_type": "client_credentials"}
    answers = [requests.post(site.simulator.token_url, form, auth=("a", "b"), timeout=10) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 500, 200]
    assert answers[0].json()["error"] == "invalid_client"


def test_broken_json_is_200(simulate: Simulate) -> None:
    """A broken answer looks well until it is read."""
    answer = struck(simulate, what="broken_json").get("search", **SEARCH)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert int(answer.headers["content-length"]) == len(answer.content)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def test_field_is_withdrawn_from_a_date(simulate: Simulate) -> None:
    """From a simulated time on a field is missing from every object of its type."""
    site = struck(simulate, what="field_withdrawn", field="popularity", **{"from": "2026-11-21"})
    assert all("popularity" in item for item in site.found("samba")["items"])
    site.simulator.set_clock("2026-11-21")
    assert not any("popularity" in item for item in site.found("samba")["items"])
    assert "followers" in site.found("samba")["items"][0]


def test_unknown_field_is_added(simulate: Simulate) -> None:
    """Objects of one type gain a field, however deep they lie; others do not."""
    site = struck(simulate, what="field_added", object="album", field="mood", value=[1, None])
    artist_id = site.found("samba")["items"][0]["id"]
    assert "mood" not in site.json(f"artists/{artist_id}")
    assert site.json(f"artists/{artist_id}/top-tracks")["tracks"][0]["album"]["mood"] == [1, None]


def test_total_shifts(simulate: Simulate) -> None:
    """`total` differs between answers to the same question, by at most `by`; the items do not."""
    site = struck(simulate, what="shifting_total", by=2)
    pages = [site.found("samba") for _ in range(6)]
    true = site.simulator.catalog()["genres"]["samba"]
    assert len({page["total"] for page in pages}) > 2
    assert all(abs(page["total"] - true) <= 2 for page in pages)
    assert len({str(page["items"]) for page in pages}) == 1


def test_last_page_still_has_next(simulate: Simulate) -> None:
    """`next` leads past the end, to an empty page with a `next` of its own."""
    site = struck(simulate, what="next_past_end")
    page = site.found("samba", limit=50)
    beyond = site.session.get(page["next"], timeout=10).json()["artists"]
    assert page["next"].startswith(site.simulator.url + "/v1/search?offset=50&limit=50")
    assert (beyond["items"], beyond["offset"]) == ([], 50)
    assert "offset=100" in beyond["next"]


def test_edits_add_up(simulate: Simulate) -> None:
    """Several edits strike one answer together; an answer fault before them wins."""
    edits = [{"what": "field_added"}, {"what": "field_withdrawn", "field": "name"}]
    site = simulate(scenario={"rules": [*edits, {"what": "not_found", "requests": [2]}]})
    item = site.found("samba")["items"][0]
    assert (item["sim_new_field"], "name" in item) == ({"score": 1}, False)
    assert site.get("search", **SEARCH).status_code == 404


def test_only_the_first_terminal_fault_strikes(simulate: Simulate) -> None:
    """Of two faults that end a request the first rule strikes, and only it is counted."""
    site = simulate(scenario={"rules": [{"what": "not_found"}, {"what": "server_error"}]})
    assert site.get("markets").status_code == 404
    assert site.simulator.counts()["faults"] == {"not_found": 1}


def test_every_fault_has_a_line_of_help() -> None:
    """Each fault says what it does, in a line that fits the help."""
    assert all(15 <= len(kind.doc) <= 120 for kind in FAULT_KINDS.values())
    assert {kind.stage for kind in FAULT_KINDS.values()} == {"answer", "wire", "pace", "body", "listing"}
