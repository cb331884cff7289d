"""What an answer other than 200 means: status, headers and body become one class of `errors`.

Pure functions over `transport.Reply`; the Web API as it answered on 2026-11-22. Imports `errors`, `calls`, `transport`.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from pipeline.errors import (
    ArtistNotFound,
    BadRequest,
    EndpointWithdrawn,
    PremiumRequired,
    QuotaExceeded,
    RateLimited,
    SourceError,
    SourceUnavailable,
    error_from_status,
)
from pipeline.source.calls import Call, bucket_of, label
from pipeline.source.transport import Fault, Reply

__all__ = ["NO_MESSAGE", "QUOTA_REASON", "refusal", "said", "wait_s"]

QUOTA_REASON = "QUOTA_EXCEEDED"
NO_MESSAGE = "(no message)"
# Used when Retry-After is missing or unreadable. Rate: the window itself. Quota: the whole rolling day, since asking
# while locked lengthens the penalty and every lock-out seen was of half a day to a day.
RATE_WAIT_S, QUOTA_WAIT_S = 30.0, 86_400.0
LONGEST_WAIT_S = 7 * 86_400.0  # a wait beyond a week is taken for an error of the header
_ONE_OF_MANY = ("artist", "artist_albums", "album", "album_tracks")  # endpoints in whose path an id stands


def refusal(call: Call, reply: Reply, now: datetime) -> SourceError | Fault:
    """The error that a refused call ends in, or a Fault when it may simply be asked again; 401 is the caller's."""
    what, status = label(call), reply.status
    if status == 429:
        return _deferral(call, reply, now)
    if status == 403:
        return _forbidden(call, reply)
    if status in (404, 410) and call.endpoint in _ONE_OF_MANY:
        return ArtistNotFound(
            f"{what}: unknown to Spotify ({status} {said(reply.body)}). Nothing was stored for it; the others go on."
        )
    if status in (404, 410) and call.endpoint in (
        "artists",
        "albums",
    ):  # unknown ids come back as null: the endpoint itself is gone
        return _withdrawn(call, status)
    if 400 <= status < 500 and error_from_status(status) is not SourceUnavailable:
        return BadRequest(
            f"{what}: refused ({status} {said(reply.body)}). Nothing was stored for it; the others go on."
        )
    return Fault(f"HTTP {status}", status)


def wait_s(reply: Reply, now: datetime) -> float:
    """Seconds to wait after a 429: Retry-After in seconds or as a date; a documented default where it is missing."""
    value = reply.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,12}(\.\d*)?", value):
        return min(max(float(value), 1.0), LONGEST_WAIT_S)
    try:
        at = parsedate_to_datetime(value)
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return QUOTA_WAIT_S if _is_quota(reply) else RATE_WAIT_S
    return min(max(seconds, 1.0), LONGEST_WAIT_S)


def said(body: bytes) -> str:
    """The source's own message, safe for a log: one short line without addresses or anything as long as a token."""
    answered = _json(body)
    fields = answered if isinstance(answered, dict) else {"error": answered}
    error = fields.get("error")
    spoken = (error.get("message") if isinstance(error, dict) else None, fields.get("error_description"), error)
    message = next((text for text in spoken if isinstance(text, str) and text.strip()), NO_MESSAGE)
    line = "".join(character if character.isprintable() else " " for character in message[:2_000])
    line = re.sub(r"https?://\S*|\?\S+|[\w.~+/=-]{40,}", "…", line)
    return " ".join(line.split())[:160]


def _deferral(call: Call, reply: Reply, now: datetime) -> SourceError:
    bucket, seconds = bucket_of(call.endpoint), wait_s(reply, now)
    due_at = now + timedelta(seconds=seconds)
    if _is_quota(reply) or seconds > QuotaExceeded.beyond_s:
        return QuotaExceeded(bucket, due_at, "the day's quota is used up (429)")
    return RateLimited(bucket, due_at, "too many requests in 30 s (429)")


def _forbidden(call: Call, reply: Reply) -> SourceError | Fault:
    text = reply.body[:10_000].decode("utf-8", "replace").lower()
    if "premium" in text:
        return PremiumRequired(
            "Spotify refused because the owner of the app has no active Premium subscription (403). "
            "What was collected is kept; renew Premium or use another app's credentials, then run again."
        )
    if text.lstrip().startswith("<"):  # a page of a proxy or of the delivery network, not of the API
        return Fault("HTTP 403 with a web page", 403)
    return _withdrawn(call, 403)


def _withdrawn(call: Call, status: int) -> EndpointWithdrawn:
    return EndpointWithdrawn(
        f"{label(call)}: this app does not have the endpoint {call.endpoint!r} (HTTP {status}). "
        "What was collected is kept; the plan has to do without it."
    )


def _is_quota(reply: Reply) -> bool:
    body = _json(reply.body)
    error = body.get("error") if isinstance(body, dict) else None
    return isinstance(error, dict) and error.get("reason") == QUOTA_REASON


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
