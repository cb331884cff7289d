"""The generation that pages see: a new one is opened and asked in the background before it replaces the last.

So no visitor pays for a file that was never read. Imports `generations` and `queries`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from pipeline import queries
from pipeline.errors import GarimpoError
from pipeline.published.generations import Generation, current_number, open_generation
from pipeline.workspace import Workspace

__all__ = ["Shown"]

log = logging.getLogger(__name__)

Question = Callable[[Generation], object]

# What the first pages ask: it reads the parts of the file that most answers come from.
FIRST_QUESTIONS: tuple[Question, ...] = (
    queries.coverage,
    queries.genres,
    lambda generation: queries.artists(generation, limit=25),
    lambda generation: queries.newest_releases(generation, 6),
    lambda generation: queries.growth_leaders(generation, 30, 7),
)


class Shown:
    """What pages read of a workspace; without anybody calling `look` that is always the newest generation."""

    def __init__(self, workspace: Workspace, questions: Sequence[Question] = FIRST_QUESTIONS) -> None:
        self._workspace, self._questions = workspace, questions
        self._generation: Generation | None = None

    def look(self) -> bool:
        """Open and warm the newest generation where pages do not see it yet; whether they see another from now on.

        One that cannot be opened is logged and not shown; when the last one was taken away, nothing is.
        """
        before = self._generation
        try:
            number = current_number(self._workspace)
            if before is not None and number == before.number:
                return False
            self._generation = None if number is None else self._warmed()
        except GarimpoError as error:
            log.warning("generation_not_shown %s", error)
        return self._generation is not before

    def _warmed(self) -> Generation:
        newest = open_generation(self._workspace)
        for question in self._questions:
            question(newest)
        return newest

    def generation(self) -> Generation:
        """The generation to read; raises as `open_generation` does."""
        return self._generation or open_generation(self._workspace)

    def number(self) -> int | None:
        """Its number; None before the first."""
        return self._generation.number if self._generation else current_number(self._workspace)
