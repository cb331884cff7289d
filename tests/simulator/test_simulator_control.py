"""The simulator's clock, its counts and its other switches, over HTTP as scripts use them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests

from pipeline.simulator.clock import SimulatedClock, day_of, http_date, instant, iso

Simulate = Callable[..., Any]
SEARCH = {"q": "a", "type": "artist"}


def control(site: Any, name: str, body: Any = None, **params: Any) -> requests.Response:
    """GET of a control endpoint, or POST where there is a body."""
    url = f"{site.simulator.url}/_simulator/{name}"
    return requests.get(url, params, timeout=10) if body is None else requests.post(url, json=body, timeout=10)


def test_clock_can_be_read_and_moved(simulate: Simulate) -> None:
    """The clock tells its time, is set to another and moved on."""
    site = simulate(now="2026-01-05T00:00:00")
    assert control(site, "clock").json() == {"now": "2026-01-05T00:00:00.000Z"}
    assert control(site, "clock", {"advance_s": 90.5}).json()["now"] == "2026-01-05T00:01:30.500Z"
    assert control(site, "clock", {"now": "2026-02-01"}).json()["now"] == "2026-02-01T00:00:00.000Z"
    assert control(site, "clock", {"now": "2026-02-01T12:00:00+02:00"}).json()["now"] == "2026-02-01T10:00:00.000Z"


def test_answers_carry_the_simulated_time(simulate: Simulate) -> None:
    """Good answers and refusals alike tell the simulated time, and Date agrees."""
    site = simulate(now="2026-01-05T10:00:00.250")
    for path in ("markets", "nonsense"):
        headers = site.get(path).headers
        assert headers["x-simulated-now"] == "2026-01-05T10:00:00.250Z"
        assert headers["date"] == "Mon, 05 Jan 2026 10:00:00 GMT"


def test_clock_runs_at_its_speed() -> None:
    """A clock of speed 60 makes a minute of a second; one of speed 0 stands; setting restarts from there."""
    seconds = [100.0]
    quick, still = SimulatedClock(1e9, 60, lambda: seconds[0]), SimulatedClock(1e9, 0, lambda: seconds[0])
    seconds[0] += 2
    assert (quick.now(), still.now()) == (1e9 + 120, 1e9)
    quick.set(2e9)
    quick.advance(-5)
    seconds[0] += 1
    assert quick.now() == 2e9 + 55
    with pytest.raises(ValueError, match="between the years 1970 and 9000"):
        quick.set(-1)


def test_instants_are_utc() -> None:
    """Times without an offset are UTC, days are UTC days."""
    assert iso(instant("2026-01-05")) == "2026-01-05T00:00:00.000Z"
    assert day_of(instant("2026-01-05T23:59:59")) == date(2026, 1, 5).toordinal()
    assert http_date(instant("2026-01-05T07:08:09.9")) == "Mon, 05 Jan 2026 07:08:09 GMT"


def test_going_back_forgets_locks(simulate: Simulate) -> None:
    """A clock set back empties quotas and locks, which lie in the future now."""
    site = simulate(quotas={"search": 1}, token_ttl_s=10**7)
    assert site.statuses("search", 2, **SEARCH) == [200, 429]
    site.simulator.set_clock("2026-11-20T11:00:00")
    assert site.statuses("search", 2, **SEARCH) == [200, 429]
    site.simulator.advance(-60)
    assert site.get("search", **SEARCH).status_code == 200


def test_counts_tell_what_was_asked(simulate: Simulate) -> None:
    """Requests are counted by bucket, endpoint and status; control and images are not; reset starts afresh."""
    site = simulate(profile="development")
    site.statuses("search", 2, **SEARCH)
    site.get("artists", ids="0" * 22)
    site.get("albums/" + "0" * 22 + "/tracks")
    counts = control(site, "counts").json()
    assert (counts["total"], counts["token_requests"], counts["max_in_30_s"]) == (4, 1, 4)
    assert counts["by_bucket"] == {"artist": 1, "search": 2, "tracks": 1}
    assert counts["by_endpoint"] == {"album_tracks": 1, "artists": 1, "search": 2}
    assert counts["by_status"] == {"200": 2, "403": 1, "404": 1}
    assert {"bucket": "search", "endpoint": "search", "status": "200", "count": 2} in counts["answers"]
    control(site, "reset", {})
    assert (site.simulator.counts()["total"], site.simulator.counts()["by_status"]) == (0, {})


def test_busiest_window_is_known(simulate: Simulate) -> None:
    """max_in_30_s is the most requests received in any 30 simulated seconds."""
    site = simulate()
    for wait, times in ((0, 2), (20, 3), (20, 4), (100, 5)):
        site.simulator.advance(wait)
        site.statuses("markets", times)
    assert site.simulator.counts()["max_in_30_s"] == 7


def test_catalogue_introduces_itself(simulate: Simulate) -> None:
    """GET catalog names the seed, the profile and the numbers, which agree with the truth."""
    site = simulate()
    found, truth = control(site, "catalog").json(), control(site, "truth").json()
    assert (found["catalog"], found["profile"], found["artists"]) == ("seed 3", "extended", 120)
    assert (found["albums"], found["tracks"]) == (len(truth["albums"]), len(truth["tracks"]))
    assert found["genres"]["mpb"] == sum("mpb" in row["genres"] for row in truth["artists"])
    assert found["artists_with_genre"] == sum(bool(row["genres"]) for row in truth["artists"])


def test_large_catalogues_are_not_counted_out(simulate: Simulate) -> None:
    """Above 5,000 artists releases and tracks are not counted, for that would take long."""
    found = simulate(artists=5001).simulator.catalog()
    assert (found["artists"], found["albums"], found["tracks"]) == (5001, None, None)


def test_truth_can_be_narrowed(simulate: Simulate) -> None:
    """Truth is told for a date, for some genres, without tracks; a date that is none is refused."""
    site = simulate()
    early = control(site, "truth", on="2000-01-01", genre=["samba", "forró"], tracks=0).json()
    late = control(site, "truth", genre="SAMBA").json()
    assert early["on"] == "2000-01-01"
    assert all({"samba", "forró"} & set(row["genres"]) for row in early["artists"])
    assert all(row["release_date"][:4] <= "2000" for row in early["albums"])
    assert "tracks" not in early
    assert {row["album_id"] for row in late["tracks"]} == {row["album_id"] for row in late["albums"]}
    assert control(site, "truth", on="yesterday").status_code == 400


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("clock", {"now": "soon"}),
        ("clock", {"advance_s": "long"}),
        ("clock", []),
        ("scenario", {"rules": [{"what": "earthquake"}]}),
        ("profile", {"profile": "secret"}),
        ("profile", {}),
    ],
)
def test_bad_orders_are_refused(simulate: Simulate, name: str, body: Any) -> None:
    """An order that makes no sense is answered 400 with the reason, and changes nothing."""
    site = simulate()
    answer = control(site, name, body)
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert site.simulator.now == "2026-11-20T12:00:00.000Z"


def test_orders_must_be_json(simulate: Simulate) -> None:
    """A body that is not JSON is refused, an empty one is an empty order."""
    url = simulate().simulator.url + "/_simulator/"
    assert requests.post(url + "clock", data=b"{", timeout=10).status_code == 400
    assert requests.post(url + "reset", timeout=10).status_code == 200


def test_control_changes_profile_and_faults(simulate: Simulate) -> None:
    """Profile and scenario are replaced while the server runs; an empty scenario ends the faults."""
    site = simulate()
    assert control(site, "profile", {"profile": "development"}).json()["profile"] == "development"
    assert site.get("markets").status_code == 403
    control(site, "scenario", {"rules": [{"what": "server_error", "status": 503}]})
    assert site.get("markets").status_code == 503
    control(site, "scenario", {})
    assert site.get("markets").status_code == 403


def test_request_log_has_a_line_each(simulate: Simulate, tmp_path: Path) -> None:
    """Every request to the catalogue is a JSON line, with no token in it."""
    log = tmp_path / "asked.jsonl"
    site = simulate(request_log=str(log), scenario={"rules": [{"what": "not_found", "requests": [2]}]})
    site.statuses("markets", 2, country="BR")
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    first = {
        "at": "2026-11-20T12:00:00.000Z",
        "path": "/v1/markets",
        "query": "country=BR",
        "endpoint": "markets",
        "bucket": "other",
        "outcome": "200",
        "faults": [],
        "bytes": 323,
    }
    assert lines == [first, first | {"outcome": "404", "faults": ["not_found"], "bytes": 55}]
