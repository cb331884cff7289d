"""Scenarios: rules that say what goes wrong, where, how often, from when to when; from a file or `--fault` flags."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .clock import instant
from .config import BUCKETS
from .fault_kinds import FAULT_KINDS, MIXED, FaultKind
from .routes import ENDPOINTS, Route

__all__ = ["Rule", "Scenario", "ScenarioError", "parsed_scenario", "rule_from_flag", "scenario_file"]

_FREQUENCY = ("share", "every", "requests")
_KEYS = {"what", "where", *_FREQUENCY, "from", "until", "from_request", "until_request", "times"}


class ScenarioError(ValueError):
    """A scenario that cannot be read; the message names the rule, the key and what is allowed."""


@dataclass(frozen=True)
class Rule:
    """One rule; it acts on every matching request unless `share`, `every` or `requests` says how often."""

    kind: FaultKind
    where: tuple[str, ...]
    share: float | None
    every: int
    requests: frozenset[int]
    start: float
    end: float
    from_request: int
    until_request: int | None
    times: int | None
    params: Mapping[str, Any]

    def concerns(self, route: Route, path: str) -> bool:
        """True when the rule is about this request: its bucket, its endpoint, or a pattern of its path."""
        names = (route.bucket, route.endpoint, f"bucket:{route.bucket}", f"endpoint:{route.endpoint}")
        return any(
            where in names
            or (where == "*" and route.endpoint != "token")
            or (where.startswith("/") and fnmatchcase(path, where))
            for where in self.where
        )

    def is_due(self, now: float) -> bool:
        """True between `from` and `until` of the simulated clock."""
        return self.start <= now < self.end


@dataclass(frozen=True)
class Scenario:
    """Rules in order, and the seed that decides which requests a `share` hits."""

    seed: int
    rules: tuple[Rule, ...]


def scenario_file(path: Path) -> dict[str, Any]:
    """The content of a .json or TOML scenario file, not yet checked. Raises ScenarioError."""
    try:
        text = path.read_text(encoding="utf-8")
        found = (
            json.loads(text)
            if path.suffix.lower() == ".json"
            else json.loads(json.dumps(tomllib.loads(text), default=_iso))
        )
    except (OSError, ValueError) as error:
        raise ScenarioError(f"cannot read the scenario {path}: {error}") from error
    if not isinstance(found, dict):
        raise ScenarioError(f"the scenario {path} must be a table (an object), not {type(found).__name__}")
    return found


def parsed_scenario(data: Mapping[str, Any]) -> Scenario:
    """The scenario of `{"seed": …, "rules": [{…}]}` (`rule` will do, too). Raises ScenarioError."""
    unknown = set(data) - {"seed", "rule", "rules"}
    if unknown:
        raise ScenarioError(f"a scenario has seed and rules, not {_listed(unknown)}")
    seed, rules, more = data.get("seed", 1), data.get("rules", []), data.get("rule", [])
    if not isinstance(seed, int):
        raise ScenarioError(f"seed {seed!r} is not a whole number")
    if not isinstance(rules, list) or not isinstance(more, list):
        raise ScenarioError("rules must be a list of tables")
    return Scenario(
        seed, tuple(rule for number, row in enumerate([*rules, *more], 1) for rule in _rules(row, f"rule {number}"))
    )


def rule_from_flag(text: str) -> dict[str, Any]:
    """The rule of `--fault WHAT[=SHARE][@WHERE]`, for example `server_error=0.01@search`. Raises ScenarioError."""
    head, _, where = text.partition("@")
    what, _, share = head.partition("=")
    try:
        return {"what": what} | ({"share": float(share)} if share else {}) | ({"where": where} if where else {})
    except ValueError as error:
        raise ScenarioError(f"--fault {text}: {share!r} is not a share between 0 and 1") from error


def _rules(row: object, name: str) -> Iterable[Rule]:
    if not isinstance(row, Mapping) or not isinstance(row.get("what"), str):
        raise ScenarioError(f"{name} must be a table with a `what`")
    if row["what"] == "mixed":
        for what, params in MIXED:
            yield _rule({**params, **row, "what": what}, name)
    else:
        yield _rule(row, name)


def _rule(row: Mapping[str, Any], name: str) -> Rule:
    kind = FAULT_KINDS.get(row["what"])
    if kind is None:
        raise ScenarioError(f"{name}: what = {row['what']!r} is not one of {_listed([*FAULT_KINDS, 'mixed'])}")
    unknown = set(row) - _KEYS - set(kind.params)
    if unknown:
        raise ScenarioError(
            f"{name} ({kind.name}) does not know {_listed(unknown)}; it knows {_listed(_KEYS | set(kind.params))}"
        )
    if sum(key in row for key in _FREQUENCY) > 1:
        raise ScenarioError(f"{name} ({kind.name}): give one of share, every, requests")
    where = row.get("where", "token" if kind.name == "invalid_client" else "*")
    try:
        return Rule(
            kind,
            _places([where] if isinstance(where, str) else where),
            _share(row.get("share")),
            int(row.get("every", 0)),
            frozenset(int(number) for number in row.get("requests", ())),
            _time(row.get("from"), 0.0),
            _time(row.get("until"), float("inf")),
            int(row.get("from_request", 0)),
            None if row.get("until_request") is None else int(row["until_request"]),
            None if row.get("times") is None else int(row["times"]),
            {key: _like(row.get(key, default), default, key) for key, default in kind.params.items()},
        )
    except (TypeError, ValueError) as error:
        raise ScenarioError(f"{name} ({kind.name}): {error}") from error


def _places(places: Iterable[Any]) -> tuple[str, ...]:
    found = tuple(str(place) for place in places)
    for place in found:
        name = place.removeprefix("bucket:").removeprefix("endpoint:")
        if not place.startswith("/") and name not in ("*", "token", *BUCKETS, *ENDPOINTS):
            raise ValueError(f"where = {place!r} is not a path, *, token or one of {_listed({*BUCKETS, *ENDPOINTS})}")
    return found


def _share(value: Any) -> float | None:
    if value is None:
        return None
    if not 0 <= float(value) <= 1:
        raise ValueError(f"share {value!r} does not lie between 0 and 1")
    return float(value)


def _time(value: Any, default: float) -> float:
    return default if value is None else instant(str(value))


def _like(value: Any, default: Any, key: str) -> Any:
    numeric = isinstance(default, int | float) and not isinstance(default, bool)
    if key == "status" and isinstance(value, list) and value and all(isinstance(status, int) for status in value):
        return value
    right = (
        isinstance(value, int | float) and not isinstance(value, bool) if numeric else isinstance(value, type(default))
    )
    if not right and key != "value":
        raise ValueError(f"{key} = {value!r} should look like {default!r}")
    return value


def _iso(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{value!r} is not a value of a scenario")


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
