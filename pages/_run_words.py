"""Runs in the reader's words: states and triggers; tasks, buckets and messages as notifications have them, too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pages._text import Text
from pipeline.watching.words import BUCKETS, TASKS, bucket_label, task_label, told

__all__ = [
    "BUCKETS",
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


def budget_note(text: Text) -> str:
    """Why reading tracks may show as releases in the budget."""
    return text("Counted as Spotify counts: where tracks are read by asking for their release, they count as releases.")
