"""A source that answers for a limited time: what bounds one attempt at a task. Imports `calls` and `errors`."""

from __future__ import annotations

import time

from pipeline.errors import SourceUnavailable
from pipeline.source.calls import Answer, Call, Meter, Source

__all__ = ["TimedSource"]


class TimedSource:
    """Another source until `seconds` have passed; a request under way ends by its own time limit."""

    def __init__(self, source: Source, seconds: float, what: str) -> None:
        self._source, self._seconds, self._what = source, seconds, what
        self._end = time.monotonic() + seconds

    def fetch(self, call: Call, meter: Meter | None = None) -> Answer:
        """The answer to one call; raises SourceUnavailable without asking once the time is over."""
        if time.monotonic() > self._end:
            raise SourceUnavailable(
                f"{self._what} took longer than {self._seconds:.0f} s: what came is kept, the rest is asked again"
            )
        return self._source.fetch(call, meter)
