"""Which faults strike a request (a function of the scenario's seed and the request's number) and what they answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .distortions import Distortion
from .draws import Dice
from .endpoints import Reply, error_reply
from .objects import compact
from .routes import Route
from .scenario import Rule, Scenario

__all__ = ["FaultEngine", "edited", "spoiled"]

_PREMIUM = b"Active premium subscription required for the owner of the app.\n"
_TEXT = "text/plain; charset=utf-8"
_TERMINAL = ("answer", "wire")
_MESSAGES = {500: "Server error.", 502: "Bad gateway.", 503: "Service unavailable"}
Params = Mapping[str, Any]


class FaultEngine:
    """Counts, per rule, the requests it concerns and decides which it strikes."""

    def __init__(self, scenario: Scenario) -> None:
        self._rules, self._dice = scenario.rules, Dice(f"faults:{scenario.seed}")
        self.restart()

    def restart(self) -> None:
        """Counts from the first request again."""
        self._seen = [0] * len(self._rules)
        self._struck = [0] * len(self._rules)

    def strikes(self, route: Route, path: str, now: float) -> list[tuple[Rule, int]]:
        """The rules that strike this request and how often each has; of answer and wire faults only the first does."""
        struck: list[tuple[Rule, int]] = []
        for number, rule in enumerate(self._rules):
            if rule.kind.stage == "listing" or not rule.concerns(route, path) or not rule.is_due(now):
                continue
            self._seen[number] += 1
            taken = rule.kind.stage in _TERMINAL and any(other.kind.stage in _TERMINAL for other, _ in struck)
            if not taken and self._hits(number, rule):
                self._struck[number] += 1
                struck.append((rule, self._struck[number]))
        return struck

    def distortions(self, route: Route, path: str, now: float) -> Sequence[Distortion]:
        """The listing faults in force for this request."""
        return tuple(
            Distortion(rule.kind.name, number, 1.0 if rule.share is None else rule.share, rule.every, rule.params)
            for number, rule in enumerate(self._rules)
            if rule.kind.stage == "listing" and rule.is_due(now) and rule.concerns(route, path)
        )

    def _hits(self, number: int, rule: Rule) -> bool:
        seen = self._seen[number]
        if seen < rule.from_request or (rule.until_request is not None and seen >= rule.until_request):
            return False
        if rule.times is not None and self._struck[number] >= rule.times:
            return False
        if rule.requests:
            return seen in rule.requests
        if rule.every:
            return seen % rule.every == 0
        return rule.share is None or self._dice(number, seen)[0] < rule.share


def spoiled(rule: Rule, turn: int) -> Reply:
    """The reply of a fault that replaces the answer; `turn` counts how often the rule has struck."""
    return _SPOILED[rule.kind.name](rule.params, turn)


def _rate_limit(params: Params, _: int) -> Reply:
    if params["body"] == "text":
        return Reply(429, b"Too many requests", _TEXT, _retry_after(params))
    return error_reply(429, "API rate limit exceeded", headers=_retry_after(params))


def _quota(params: Params, _: int) -> Reply:
    return error_reply(429, "Too many requests", reason="QUOTA_EXCEEDED", headers=_retry_after(params))


def _retry_after(params: Params) -> tuple[tuple[str, str], ...]:
    return (("retry-after", str(params["retry_after_s"])),) if params["header"] else ()


def _withdrawn(params: Params, _: int) -> Reply:
    return error_reply(params["status"], "Forbidden" if params["status"] == 403 else "Not found.")


def _server_error(params: Params, turn: int) -> Reply:
    statuses, body = params["status"], params["body"]
    status = statuses[(turn - 1) % len(statuses)] if isinstance(statuses, list) else statuses
    if body == "json":
        return error_reply(status, _MESSAGES.get(status, "Server error."))
    page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1><hr>upstream</body></html>"
    return Reply(status, page.encode() if body == "html" else b"", "text/html; charset=utf-8")


_SPOILED: Mapping[str, Callable[[Params, int], Reply]] = {
    "rate_limit": _rate_limit,
    "quota": _quota,
    "server_error": _server_error,
    "premium_lapsed": lambda _, __: Reply(403, _PREMIUM, _TEXT),
    "withdrawn": _withdrawn,
    "empty_400": lambda _, __: Reply(400, b""),
    "invalid_limit": lambda _, __: error_reply(400, "Invalid limit"),
    "not_found": lambda _, __: error_reply(404, "Resource not found"),
    "error_string": lambda params, _: Reply(params["status"], b'{"error":"the error as a bare string"}'),
    "error_list": lambda params, _: Reply(params["status"], b'["the error","as a list"]'),
    "invalid_client": lambda _, __: Reply(400, b'{"error":"invalid_client","error_description":"Invalid client"}'),
}


def edited(reply: Reply, rules: Sequence[tuple[Rule, int]]) -> Reply:
    """A healthy reply after the faults that edit its JSON."""
    if reply.status != 200 or not rules:
        return reply
    content, broken = json.loads(reply.body), False
    for rule, turn in rules:
        broken = broken or rule.kind.name == "broken_json"
        _walk(content, rule, turn)
    body = compact(content).encode()
    return reply._replace(body=body[: len(body) * 2 // 3] if broken else body)


def _walk(value: Any, rule: Rule, turn: int) -> None:
    """Applies one rule to every object within; a page is an object with items and total."""
    if isinstance(value, list):
        for part in value:
            _walk(part, rule, turn)
    elif isinstance(value, dict):
        for part in value.values():
            _walk(part, rule, turn)
        if rule.kind.name.startswith("field_"):
            _edit_object(value, rule)
        elif "items" in value and "total" in value:
            _edit_page(value, rule, turn)


def _edit_object(value: dict[str, Any], rule: Rule) -> None:
    if value.get("type") == rule.params["object"]:
        if rule.kind.name == "field_withdrawn":
            value.pop(rule.params["field"], None)
        else:
            value[rule.params["field"]] = rule.params["value"]


def _edit_page(page: dict[str, Any], rule: Rule, turn: int) -> None:
    if rule.kind.name == "shifting_total":
        by = int(rule.params["by"])
        page["total"] = max(page["total"] + turn * 7919 % 101 % (2 * by + 1) - by, 0)
    elif rule.kind.name == "next_past_end" and page["next"] is None:
        page["next"] = page["href"].replace(f"offset={page['offset']}", f"offset={page['offset'] + page['limit']}")
