"""The error tree: the base class says what the caller should do.

    GarimpoError
    ├─ SettingsError            fix a setting, then start again (exit code 2)
    ├─ SourceError
    │  ├─ Retryable             ask again later, the request was not refused for good
    │  │  ├─ SourceUnavailable  5xx, time-out, reset, truncated or broken answer
    │  │  └─ Deferred           not before `due_at`: no attempt was used up
    │  │     ├─ RateLimited     429 of the rolling 30 s window
    │  │     ├─ QuotaExceeded   429 of the day's quota, one bucket locked
    │  │     ├─ BudgetSpent     our own budget says wait; nothing was sent
    │  │     └─ AllowanceSpent  this run's own limit is reached; nothing was sent
    │  ├─ Skippable             this item only; go on with the others
    │  │  ├─ ArtistNotFound     404
    │  │  ├─ BadRequest         400
    │  │  └─ MalformedRecord    an answer that is not of the documented shape
    │  └─ Fatal                 no request of this kind will succeed
    │     ├─ CredentialsRejected
    │     ├─ PremiumRequired
    │     └─ EndpointWithdrawn  403: replan without this endpoint
    ├─ StorageError
    │  ├─ WriterBusy · SchemaMismatch · DiskFull · DamagedFile · PublishRefused
    └─ RunError
       ├─ RunInProgress (exit code 3) · TaskFailed · RunCancelled (exit code 130)

Every class takes positional arguments only and pickles, since errors travel back from workers. Imports nothing of ours.
"""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = [
    "STATUS_ERRORS",
    "AllowanceSpent",
    "ArtistNotFound",
    "BadRequest",
    "BudgetSpent",
    "CredentialsRejected",
    "DamagedFile",
    "Deferred",
    "DiskFull",
    "EndpointWithdrawn",
    "Fatal",
    "GarimpoError",
    "MalformedRecord",
    "PremiumRequired",
    "PublishRefused",
    "QuotaExceeded",
    "RateLimited",
    "Retryable",
    "RunCancelled",
    "RunError",
    "RunInProgress",
    "SchemaMismatch",
    "SettingsError",
    "Skippable",
    "SourceError",
    "SourceUnavailable",
    "StorageError",
    "TaskFailed",
    "WriterBusy",
    "error_from_status",
]


class GarimpoError(Exception):
    """Any failure we can explain; the message names the value, the state left behind and the next step."""

    exit_code = 1


class SettingsError(GarimpoError):
    """A setting is missing or wrong: nothing was started."""

    exit_code = 2


class SourceError(GarimpoError):
    """The source did not give what was asked."""


class Retryable(SourceError):
    """The same request may succeed later."""


class SourceUnavailable(Retryable):
    """5xx, time-out, connection reset, truncated body or broken JSON."""


class Deferred(Retryable):
    """Not before `due_at` (UTC); whoever owns the run decides to wait or to end as deferred."""

    exit_code = 4

    def __init__(self, bucket: str, due_at: datetime, reason: str) -> None:
        super().__init__(bucket, due_at, reason)
        self.bucket, self.due_at, self.reason = bucket, due_at, reason

    def __str__(self) -> str:
        return f"{self.bucket}: {self.reason}; due again at {self.due_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


class RateLimited(Deferred):
    """429 without a quota reason: too many requests in the rolling 30 s window."""


class QuotaExceeded(Deferred):
    """429 with QUOTA_EXCEEDED: the bucket is locked until `due_at`."""

    beyond_s = 300.0  # a 429 that asks for more than this is one, whatever its reason says


class BudgetSpent(Deferred):
    """Our own ledger refused the reservation: nothing was sent."""


class AllowanceSpent(Deferred):
    """The most requests this run may send are sent: the next run goes on."""


class Skippable(SourceError):
    """This item fails alone; the others go on."""


class ArtistNotFound(Skippable):
    """404: the id is unknown to the source (removed, or never was)."""


class BadRequest(Skippable):
    """400: the source did not understand the request (malformed id, limit too large)."""


class MalformedRecord(Skippable):
    """An answer, or a part of it, is not of the documented shape."""


class Fatal(SourceError):
    """No request of this kind will succeed until somebody changes something."""


class CredentialsRejected(Fatal):
    """The token endpoint or a fresh token was refused."""

    exit_code = 2


class PremiumRequired(Fatal):
    """403 in plain text: the app's owner needs an active Premium subscription."""


class EndpointWithdrawn(Fatal):
    """403 Forbidden on one endpoint: this app does not have it (any more)."""


class StorageError(GarimpoError):
    """The disk did not take or give what it should; committed rows are untouched."""


class WriterBusy(StorageError):
    """Another process holds the write lock."""


class SchemaMismatch(StorageError):
    """Files of another version of the program."""


class DiskFull(StorageError):
    """No space left (or the folder cannot be written)."""


class DamagedFile(StorageError):
    """A file does not match its recorded size, hash or format."""


class PublishRefused(StorageError):
    """A blocking check failed on what was to become the current generation: the one before stays."""


class RunError(GarimpoError):
    """A run could not start or did not finish."""


class RunInProgress(RunError):
    """Another process is running the pipeline on this workspace."""

    exit_code = 3


class TaskFailed(RunError):
    """A task ended without a usable result."""


class RunCancelled(RunError):
    """Somebody asked the run to stop; everything committed is kept."""

    exit_code = 130


# One table maps HTTP status to class. A 401 is first answered with a fresh token, and headers and body tell 429 and 403
# apart further (QuotaExceeded, PremiumRequired): where requests are made.
STATUS_ERRORS: dict[int, type[SourceError]] = {
    400: BadRequest,
    401: CredentialsRejected,
    403: EndpointWithdrawn,
    404: ArtistNotFound,
    408: SourceUnavailable,
    429: RateLimited,
    500: SourceUnavailable,
    502: SourceUnavailable,
    503: SourceUnavailable,
    504: SourceUnavailable,
}


def error_from_status(status: int) -> type[SourceError]:
    """The class for an HTTP status: unknown 5xx are retryable, any other unknown status is a bad request.

    The class of 429 takes the bucket, the instant it is due again and a reason; every other a message.
    """
    return STATUS_ERRORS.get(status) or (SourceUnavailable if status >= 500 else BadRequest)
