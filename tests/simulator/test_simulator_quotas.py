"""The 30 s window, the 24 h quotas and their locks, all by the simulated clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.simulator.config import SimulatorConfig
from pipeline.simulator.quotas import WINDOW, Allowance, Verdict

Simulate = Callable[..., Any]
SEARCH = {"q": "a", "type": "artist"}
HOUR = 3600.0


def test_quota_ends_a_bucket_only(simulate: Simulate) -> None:
    """After its quota a bucket answers 429 with reason and hours of Retry-After; the other buckets go on."""
    site = simulate(quotas={"search": 3})
    assert site.statuses("search", 4, **SEARCH) == [200, 200, 200, 429]
    answer = site.get("search", **SEARCH)
    assert answer.json() == {"error": {"status": 429, "message": "Too many requests", "reason": "QUOTA_EXCEEDED"}}
    assert int(answer.headers["retry-after"]) == 86_400
    assert site.get("markets").status_code == 200


def test_quota_comes_back_after_the_lock(simulate: Simulate) -> None:
    """When the announced time has passed the bucket answers again, as far as the window has rolled."""
    site = simulate(quotas={"search": 4}, token_ttl_s=10**6)
    site.statuses("search", 2, **SEARCH)
    site.simulator.advance(6 * HOUR)
    assert site.statuses("search", 3, **SEARCH) == [200, 200, 429]
    wait = int(site.get("search", **SEARCH).headers["retry-after"])
    site.simulator.advance(wait - 1)
    assert site.get("search", **SEARCH).status_code == 429
    site.simulator.advance(2 + 600)
    assert site.statuses("search", 5, **SEARCH) == [200, 200, 200, 200, 429]


def test_failures_cost_no_quota(simulate: Simulate) -> None:
    """Only successes count: errors of any kind, injected or not, leave the quota alone."""
    site = simulate(quotas={"artist": 2}, scenario={"rules": [{"what": "server_error", "requests": [3]}]})
    unknown = "artists/" + "0" * 22
    assert site.statuses(unknown, 4) == [404, 404, 500, 404]
    known = "artists/" + site.simulator.truth(tracks=False)["artists"][0]["artist_id"]
    assert site.statuses(known, 3) == [200, 200, 429]


def test_window_limits_everything(simulate: Simulate) -> None:
    """More than N requests in any 30 s are refused over all buckets, without a reason, until there is room."""
    site = simulate(window_requests=5)
    assert site.statuses("markets", 3) + site.statuses("search", 3, **SEARCH) == [200] * 5 + [429]
    answer = site.get("markets")
    assert answer.json() == {"error": {"status": 429, "message": "API rate limit exceeded"}}
    assert answer.headers["retry-after"] == "30"
    site.simulator.advance(30)
    assert site.statuses("markets", 6) == [200] * 5 + [429]


def test_locked_requests_are_proven(simulate: Simulate) -> None:
    """Counts tell how many requests ran into a lock of which the client had been told, by bucket."""
    site = simulate(quotas={"search": 1}, lock_notice_s=0)
    assert site.statuses("search", 2, **SEARCH) == [200, 429]
    assert site.simulator.counts()["into_lock_total"] == 0
    site.statuses("search", 3, **SEARCH)
    counts = site.simulator.counts()
    assert (counts["into_lock"], counts["answers_429"]) == ({"search": 3}, {"quota": 4})


def allowance(**config: Any) -> Allowance:
    """An allowance of this config."""
    return Allowance(SimulatorConfig(**config))


def test_calls_into_a_lock_lengthen_it() -> None:
    """Each call after the announcement adds the penalty; what was on its way does not."""
    limits = allowance(quotas={"search": 0}, lock_s=7200, lock_penalty_s=100, lock_notice_s=0.5)
    assert limits.admit("search", 0.0, real=10.0) == Verdict("quota", 7200, told=False)
    limits.announced("search", real=10.1)
    assert limits.admit("search", 1.0, real=10.3) == Verdict("quota", 7199, told=False)
    assert limits.admit("search", 1.0, real=10.7) == Verdict("quota", 7299, told=True)
    assert limits.admit("search", 7299.0, real=11.0) == Verdict("quota", 101, told=True)


def test_window_lock_is_not_lengthened() -> None:
    """Calls into a locked window are refused and told apart, but do not lengthen it."""
    limits = allowance(window_requests=1)
    assert limits.admit("other", 100.0, real=0.0) is None
    assert limits.admit("search", 110.0, real=1.0) == Verdict("window", 20, told=False)
    limits.announced("search", real=1.0)
    assert limits.admit("albums", 120.0, real=9.0) == Verdict("window", 10, told=True)
    assert limits.admit("albums", 130.0, real=9.0) is None


def test_fixed_lock_ends_with_a_fresh_quota() -> None:
    """A lock of fixed length shorter than the day starts the bucket afresh when it is over."""
    limits = allowance(quotas={"search": 2}, lock_s=60)
    assert [limits.admit("search", float(second), real=0.0) for second in (0, 1)] == [None, None]
    assert limits.admit("search", 2.0, real=0.0) == Verdict("quota", 60, told=False)
    assert [limits.admit("search", float(second), real=0.0) for second in (62, 63)] == [None, None]


def test_lock_waits_for_half_the_quota() -> None:
    """Otherwise the lock lasts until half of the successes are a day old."""
    limits = allowance(quotas={"search": 4})
    for hour in (0, 2, 4, 6):
        assert limits.admit("search", hour * HOUR, real=0.0) is None
    assert limits.admit("search", 7 * HOUR, real=0.0) == Verdict("quota", int(21 * HOUR), told=False)
    assert [limits.admit("search", 28 * HOUR + s, real=0.0) for s in (1, 2, 3)] == [None, None, None]


def test_outside_locks_hold() -> None:
    """A lock from outside refuses its bucket, or with WINDOW everything, even without limits."""
    limits = allowance()
    limits.lock("albums", 0.0, 50.0)
    assert limits.admit("albums", 10.0, real=0.0) == Verdict("quota", 40, told=False)
    assert limits.admit("search", 10.0, real=0.0) is None
    limits.lock(WINDOW, 10.0, 5.0)
    assert limits.admit("search", 12.0, real=0.0) == Verdict("window", 3, told=False)
    limits.forget()
    assert limits.admit("albums", 12.0, real=0.0) is None


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"profile": "secret"}, "profile 'secret'"),
        ({"quotas": {"searches": 5}}, "quota bucket 'searches'"),
        ({"port": 70_000}, "port"),
        ({"genres_field": "often"}, "genres field 'often'"),
    ],
)
def test_bad_config_is_refused(config: dict[str, Any], complaint: str) -> None:
    """A config that makes no sense is refused with the value and what is allowed."""
    with pytest.raises(ValueError, match=complaint):
        SimulatorConfig(**config)
