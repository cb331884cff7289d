"""What the error tree promises to callers, workers and the documents."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from multiprocessing import get_context

import pytest

from pipeline import errors
from pipeline.errors import (
    BadRequest,
    BudgetSpent,
    Deferred,
    GarimpoError,
    RateLimited,
    Retryable,
    Skippable,
    SourceUnavailable,
    error_from_status,
)

DUE_AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def tree(root: type[GarimpoError] = GarimpoError) -> list[type[GarimpoError]]:
    """Every class below `root` that `errors` itself defines, `root` first."""
    below = [found for child in root.__subclasses__() for found in tree(child)]
    return [root, *(found for found in below if found.__module__ == errors.__name__)]


def example(cls: type[GarimpoError]) -> GarimpoError:
    """An instance as its callers make one."""
    return cls("search", DUE_AT, "daily quota exceeded") if issubclass(cls, Deferred) else cls("what, why, what next")


def raise_example(name: str) -> None:
    """Raise the named class, in another process."""
    raise example(getattr(errors, name))


@pytest.mark.parametrize("cls", tree(), ids=lambda cls: cls.__name__)
def test_error_survives_pickling(cls: type[GarimpoError]) -> None:
    """A worker's error arrives with its class, text and fields."""
    sent = example(cls)
    got = pickle.loads(pickle.dumps(sent))  # noqa: S301  our own bytes
    assert (type(got), str(got), vars(got)) == (cls, str(sent), vars(sent))


def test_errors_cross_processes() -> None:
    """A process pool hands on the deferral it met, not a broken pool."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        raised = pool.submit(raise_example, "QuotaExceeded").exception(timeout=60)
    assert (type(raised), str(raised)) == (
        errors.QuotaExceeded,
        "search: daily quota exceeded; due again at 2026-11-22 09:30:00 UTC",
    )


def test_every_class_is_public() -> None:
    """What is defined is in __all__, and nothing else but the status table and its reader."""
    named = {cls.__name__ for cls in tree()} | {"STATUS_ERRORS", "error_from_status"}
    assert named == set(errors.__all__)


def test_tree_in_docstring_is_whole() -> None:
    """The drawing at the top of the module names every class."""
    drawing = errors.__doc__ or ""
    assert [cls.__name__ for cls in tree() if cls.__name__ not in drawing] == []


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (400, errors.BadRequest),
        (401, errors.CredentialsRejected),
        (403, errors.EndpointWithdrawn),
        (404, errors.ArtistNotFound),
        (408, errors.SourceUnavailable),
        (429, errors.RateLimited),
        (500, errors.SourceUnavailable),
        (502, errors.SourceUnavailable),
        (503, errors.SourceUnavailable),
        (504, errors.SourceUnavailable),
    ],
)
def test_status_names_its_class(status: int, cls: type[GarimpoError]) -> None:
    """The table from HTTP status to class is the one that is documented."""
    assert errors.STATUS_ERRORS[status] is cls


def test_status_table_is_walked() -> None:
    """No status is in the table that the test above leaves out."""
    assert sorted(errors.STATUS_ERRORS) == [400, 401, 403, 404, 408, 429, 500, 502, 503, 504]


@pytest.mark.parametrize(
    ("status", "cls"), [(418, BadRequest), (451, BadRequest), (507, SourceUnavailable), (599, SourceUnavailable)]
)
def test_unknown_status_falls_by_hundred(status: int, cls: type[GarimpoError]) -> None:
    """An unknown 5xx may succeed later; any other unknown status concerns this item alone."""
    assert error_from_status(status) is cls


@pytest.mark.parametrize(
    ("cls", "code"),
    [
        (errors.TaskFailed, 1),
        (errors.SettingsError, 2),
        (errors.CredentialsRejected, 2),
        (errors.RunInProgress, 3),
        (errors.BudgetSpent, 4),
        (errors.RunCancelled, 130),
    ],
)
def test_exit_code_belongs_to_class(cls: type[GarimpoError], code: int) -> None:
    """The exit codes are those of the README."""
    assert cls.exit_code == code


def test_deferral_is_retryable() -> None:
    """Callers that know only the base class treat a deferral as temporary, never as a loss."""
    assert (issubclass(RateLimited, Retryable), issubclass(BudgetSpent, Skippable)) == (True, False)


def test_due_time_is_shown_in_utc() -> None:
    """Whatever zone the instant came in, the message says UTC and means it."""
    due_at = datetime(2026, 11, 22, 6, 30, tzinfo=timezone(timedelta(hours=-3)))
    assert (
        str(BudgetSpent("albums", due_at, "nothing left"))
        == "albums: nothing left; due again at 2026-11-22 09:30:00 UTC"
    )
