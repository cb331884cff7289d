"""Every fault the simulator can commit, as data: its name, the stage at which it acts, its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["FAULT_KINDS", "MIXED", "FaultKind"]

Value = str | int | float | bool | list[int] | dict[str, int] | None


@dataclass(frozen=True)
class FaultKind:
    """A fault; its stage says what it spoils: the `answer`, its `body`, the `listing`, the `wire` or the `pace`."""

    name: str
    stage: str
    doc: str
    params: Mapping[str, Value] = field(default_factory=dict)


_KINDS = (
    FaultKind(
        "rate_limit",
        "answer",
        "429 with Retry-After (header = false: without), body json or text; lock = true refuses everything until then",
        {"retry_after_s": 1, "header": True, "body": "json", "lock": False},
    ),
    FaultKind(
        "quota",
        "answer",
        "429 with reason QUOTA_EXCEEDED and hours of Retry-After; lock = true locks the bucket",
        {"retry_after_s": 79892, "header": True, "lock": True},
    ),
    FaultKind(
        "server_error",
        "answer",
        "a 5xx (status may be a list, taken in turn), body json, html or empty",
        {"status": 500, "body": "json"},
    ),
    FaultKind(
        "token_expired",
        "answer",
        "401 as for an expired token; revoke = true expires every token issued so far",
        {"revoke": True},
    ),
    FaultKind("premium_lapsed", "answer", "403 in plain text: the app's owner has no active Premium subscription"),
    FaultKind("withdrawn", "answer", "403 Forbidden, as a removed endpoint answers; or 404", {"status": 403}),
    FaultKind("empty_400", "answer", "400 with an empty body"),
    FaultKind("invalid_limit", "answer", "400 Invalid limit"),
    FaultKind("not_found", "answer", "404 Resource not found"),
    FaultKind("error_string", "answer", 'the error body is a bare string: {"error": "…"}', {"status": 400}),
    FaultKind("error_list", "answer", "the error body is a list", {"status": 400}),
    FaultKind("invalid_client", "answer", '400 invalid_client from the token endpoint (where = "token")'),
    FaultKind("broken_json", "body", "200 whose JSON stops in the middle"),
    FaultKind("timeout", "wire", "no answer for hang_s seconds, then the connection is closed", {"hang_s": 3600.0}),
    FaultKind("reset", "wire", "the connection is reset (RST) instead of an answer"),
    FaultKind("truncated", "wire", "content-length promises more than arrives before the connection is closed"),
    FaultKind("slow", "pace", "the answer comes delay_s seconds late", {"delay_s": 2.0}),
    FaultKind("dribble", "wire", "the answer comes chunk bytes at a time", {"chunk": 256, "pause_s": 0.05}),
    FaultKind("field_withdrawn", "body", "objects of a type lose a field", {"object": "artist", "field": "genres"}),
    FaultKind(
        "field_added",
        "body",
        "objects of a type gain a field nobody knows",
        {"object": "artist", "field": "sim_new_field", "value": {"score": 1}},
    ),
    FaultKind("shifting_total", "body", "`total` of a page is off by up to `by`, differently each time", {"by": 3}),
    FaultKind("next_past_end", "body", "the last page still hands out a `next`"),
    FaultKind(
        "duplicates",
        "listing",
        "an item comes again `distance` places further on; share and every count positions",
        {"distance": 7},
    ),
    FaultKind("null_items", "listing", "null between items; share and every count positions"),
    FaultKind("short_pages", "listing", "pages shorter than limit, with `next`; share and every count positions"),
)

FAULT_KINDS: Mapping[str, FaultKind] = {kind.name: kind for kind in _KINDS}

#: What `mixed` stands for: one rule each, every one with the share given.
MIXED: tuple[tuple[str, Mapping[str, Value]], ...] = (
    ("rate_limit", {}),
    ("server_error", {"status": 500}),
    ("server_error", {"status": 502, "body": "html"}),
    ("server_error", {"status": 503, "body": "empty"}),
    ("timeout", {}),
    ("reset", {}),
    ("truncated", {}),
    ("broken_json", {}),
)
