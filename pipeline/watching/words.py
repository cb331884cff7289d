"""What runs say of themselves in the words of whoever reads it: tasks and buckets by their labels, instants at home.

Imports `budget`, `dag`, `text`.
"""

from __future__ import annotations

import re
from datetime import datetime

from pipeline.records.budget import BUCKETS
from pipeline.runs.dag import DAG
from pipeline.text import Text

__all__ = ["BUCKETS", "TASKS", "bucket_label", "task_label", "told"]

TASKS = tuple(task.name for task in DAG)
_TASK = re.compile(rf"(?:^|(?<=[:;,.] ))({'|'.join(TASKS)})(?=: |, | did not finish)|\brefresh_[a-z]+\b(?!-)")
_BUCKET = re.compile(rf"(?:^|(?<=: ))({'|'.join(BUCKETS)})(?=: )")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")
_TOGETHER = re.compile(r"its rows are in [a-z_]+-[\d-]+")


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


def told(message: str, text: Text) -> str:
    """A message of the pipeline in the reader's language and time zone, with its tasks and buckets by their labels."""
    message = _TOGETHER.sub(text("its rows are counted with another item"), message)
    message = _TASK.sub(lambda found: task_label(found[0], text), message)
    message = _BUCKET.sub(lambda found: bucket_label(found[0], text), message)
    return _INSTANT.sub(lambda found: _zoned(found, text), text.error(message))


def _zoned(found: re.Match[str], text: Text) -> str:
    try:
        return text.zoned(datetime.fromisoformat(f"{found[1]}+00:00"))
    except ValueError:  # somebody else's words, which a message quotes
        return found[0]
