"""Scenario files and fault flags: what they say, and how a mistake in them is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.simulator.routes import route_of
from pipeline.simulator.scenario import ScenarioError, parsed_scenario, rule_from_flag, scenario_file

Simulate = Callable[..., Any]
TOML = """
seed = 9
[[rule]]
what = "quota"
where = ["search", "endpoint:albums"]
requests = [3, 5]
from = 2026-01-05T06:00:00Z
until = 2026-01-06
times = 1
retry_after_s = 7200
"""


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    """A rule means the same in TOML and in JSON, TOML's own times included."""
    (tmp_path / "one.toml").write_text(TOML, encoding="utf-8")
    (tmp_path / "two.json").write_text(
        '{"seed": 9, "rules": [{"what": "quota", "where": ["search", "endpoint:albums"], "requests": [3, 5],'
        '"from": "2026-01-05T06:00:00+00:00", "until": "2026-01-06", "times": 1, "retry_after_s": 7200}]}',
        encoding="utf-8",
    )
    one, two = (parsed_scenario(scenario_file(tmp_path / name)) for name in ("one.toml", "two.json"))
    assert one == two
    rule = one.rules[0]
    assert (rule.kind.name, rule.requests, rule.times) == ("quota", frozenset({3, 5}), 1)
    assert rule.params == {"retry_after_s": 7200, "header": True, "lock": True}
    assert (rule.is_due(1767592800.0), rule.is_due(1767592799.0), rule.is_due(1767657600.0)) == (True, False, False)


@pytest.mark.parametrize(
    ("where", "paths"),
    [
        ("*", {"/v1/albums", "/v1/albums/x", "/v1/artists/x", "/v1/artists/x/albums"}),
        ("albums", {"/v1/albums", "/v1/albums/x", "/v1/artists/x/albums"}),
        ("endpoint:albums", {"/v1/albums"}),
        ("bucket:artist", {"/v1/artists/x"}),
        ("/v1/artists/*", {"/v1/artists/x", "/v1/artists/x/albums"}),
        (["artist_albums", "album"], {"/v1/albums/x", "/v1/artists/x/albums"}),
        ("token", set()),
    ],
)
def test_rules_know_their_place(where: Any, paths: set[str]) -> None:
    """A rule is about a bucket, an endpoint or a pattern of paths; "*" is everything but tokens."""
    rule = parsed_scenario({"rules": [{"what": "reset", "where": where}]}).rules[0]
    asked = ("/v1/albums", "/v1/albums/x", "/v1/artists/x", "/v1/artists/x/albums")
    assert {path for path in asked if rule.concerns(route_of(path), path)} == paths


def test_flags_are_rules() -> None:
    """A flag names the fault, its share and its place, the last two if wanted."""
    assert rule_from_flag("reset") == {"what": "reset"}
    assert rule_from_flag("slow=0.5@/v1/artists/*") == {"what": "slow", "share": 0.5, "where": "/v1/artists/*"}
    with pytest.raises(ScenarioError, match="'often' is not a share"):
        rule_from_flag("slow=often")


def test_mixed_is_eight_rules() -> None:
    """`mixed` stands for the eight faults of a bad day, each with the share given."""
    rules = parsed_scenario({"rules": [{"what": "mixed", "share": 0.01}]}).rules
    kinds = [(rule.kind.name, rule.params.get("status")) for rule in rules]
    assert kinds == [
        ("rate_limit", None), ("server_error", 500), ("server_error", 502), ("server_error", 503), ("timeout", None),
        ("reset", None), ("truncated", None), ("broken_json", None),
    ]  # fmt: skip
    assert {rule.share for rule in rules} == {0.01}


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"what": "earthquake"}, "rule 1: what = 'earthquake' is not one of broken_json"),
        ({"where": "search"}, "rule 1 must be a table with a `what`"),
        ("reset", "rule 1 must be a table"),
        ({"what": "slow", "delay": 3}, r"rule 1 \(slow\) does not know delay"),
        ({"what": "slow", "delay_s": "long"}, "delay_s = 'long' should look like 2.0"),
        ({"what": "slow", "share": 2}, "share 2 does not lie between 0 and 1"),
        ({"what": "slow", "share": 0.5, "every": 2}, "give one of share, every, requests"),
        ({"what": "slow", "where": "serach"}, "where = 'serach' is not a path"),
        ({"what": "slow", "from": "soon"}, "soon"),
        ({"what": "server_error", "status": "500"}, "status = '500' should look like 500"),
        ({"what": "quota", "header": 1}, "header = 1 should look like True"),
    ],
)
def test_mistakes_are_named(rule: Any, complaint: str) -> None:
    """A rule that cannot be read is refused with its number, the key, the value and what is allowed."""
    with pytest.raises(ScenarioError, match=complaint):
        parsed_scenario({"rules": [rule]})


@pytest.mark.parametrize("data", [{"rulez": []}, {"seed": "x"}, {"rules": 5}])
def test_odd_scenarios_are_refused(data: Any) -> None:
    """A scenario of another shape is refused, not ignored."""
    with pytest.raises(ScenarioError):
        parsed_scenario(data)


@pytest.mark.parametrize(("name", "text"), [("a.toml", "what ="), ("a.json", "{"), ("a.json", "[]")])
def test_unreadable_files_are_named(tmp_path: Path, name: str, text: str) -> None:
    """A file that is absent or no TOML or JSON table is named in the message."""
    with pytest.raises(ScenarioError, match="scenario"):
        scenario_file(tmp_path / "absent.toml")
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=name):
        scenario_file(tmp_path / name)
