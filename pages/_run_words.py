"""Runs in the reader's words: states, tasks, triggers, buckets, and messages in which tasks are named."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pages._text import Text

__all__ = [
    "STATES",
    "TASKS",
    "TRIGGERS",
    "begun_by",
    "bucket_label",
    "budget_note",
    "shown_state",
    "state_label",
    "task_label",
    "told",
    "tone",
    "trigger_label",
]

Row = Mapping[str, Any]
STATES = ("running", "succeeded", "deferred", "failed", "cancelled", "crashed")  # of runs
TRIGGERS = ("schedule", "button", "cli", "external", "import", "demo")
TASKS = (
    "probe", "plan", "discover", "refresh_artists", "refresh_releases", "refresh_tracks", "publish", "check",
    "send",
)  # fmt: skip
BUCKETS = ("search", "artist", "albums", "tracks", "other")
TONES = {
    "running": "live",
    "retrying": "live",
    "cancelling": "warn",
    "succeeded": "good",
    "failed": "bad",
    "crashed": "bad",
    "deferred": "warn",
    "partial": "warn",
}
_TASK = re.compile(rf"(?:^|(?<=[:;,] ))({'|'.join(TASKS)})(?=: |, | did not finish)|\brefresh_[a-z]+\b(?!-)")
_BUCKET = re.compile(rf"(?:^|(?<=: ))({'|'.join(BUCKETS)})(?=: )")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")
_TOGETHER = re.compile(r"its rows are in [a-z_]+-[\d-]+")


def tone(state: str) -> str:
    """The tone of a state's badge."""
    return TONES.get(state, "quiet")


def state_label(state: str, text: Text) -> str:
    """The state of a run, task or item."""
    labels = {
        "pending": text("pending"),
        "waiting": text("waiting"),
        "running": text("running"),
        "retrying": text("retrying"),
        "cancelling": text("cancelling"),
        "succeeded": text("succeeded"),
        "partial": text("in part"),
        "failed": text("failed"),
        "crashed": text("crashed"),
        "cancelled": text("cancelled"),
        "skipped": text("skipped"),
        "deferred": text("deferred"),
    }
    return labels.get(state, state)


def shown_state(run: Row) -> str:
    """The state to show: a run that was asked to stop is cancelling until it has."""
    return "cancelling" if run["state"] == "running" and run["cancel_requested"] else str(run["state"])


def task_label(name: str, text: Text) -> str:
    """A task of the graph."""
    labels = {
        "": text("starting"),
        "probe": text("probing the source"),
        "plan": text("planning"),
        "discover": text("discovering artists"),
        "refresh_artists": text("reading artists"),
        "refresh_releases": text("reading releases"),
        "refresh_tracks": text("reading tracks"),
        "publish": text("publishing"),
        "check": text("checking"),
        "send": text("sending to warehouses"),
    }
    return labels.get(name, name.replace("_", " "))


def begun_by(run: Row, text: Text) -> str:
    """What began a run: a schedule by its name, where one did."""
    name = json.loads(run["params"]).get("schedule")
    return text("the schedule {name}", name=name) if name else trigger_label(run["trigger"], text)


def trigger_label(trigger: str, text: Text) -> str:
    """What begins runs. The app begins some without a schedule: its first one, what was put off, old genres."""
    labels = {
        "schedule": text("the app by itself"),
        "button": text("a button on these pages"),
        "cli": text("the command line"),
        "external": text("another system"),
        "import": text("an import"),
        "demo": text("the demo (made-up history)"),
    }
    return labels.get(trigger, trigger)


def bucket_label(bucket: str, text: Text) -> str:
    """A bucket of the request budget."""
    labels = {
        "search": text("searches"),
        "artist": text("artists"),
        "albums": text("releases"),
        "tracks": text("tracks"),
        "other": text("other requests"),
    }
    return labels.get(bucket, bucket)


def budget_note(text: Text) -> str:
    """Why reading tracks may show as releases in the budget."""
    return text("Counted as Spotify counts: where tracks are read by asking for their release, they count as releases.")


def told(message: str, text: Text) -> str:
    """A message of the pipeline in the reader's language and time zone, with its tasks and buckets by their labels."""
    message = _TOGETHER.sub(text("its rows are counted with another item"), message)
    message = _TASK.sub(lambda found: task_label(found[0], text), message)
    message = _BUCKET.sub(lambda found: bucket_label(found[0], text), message)
    return _INSTANT.sub(lambda found: text.zoned(datetime.fromisoformat(f"{found[1]}+00:00")), text.error(message))
