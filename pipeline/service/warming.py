"""The generation that pages see: a new one is opened and asked in the background before it replaces the last.

So no visitor pays for a file that was never read. One that another version of the program published is not shown: it
has other tables, and is published anew. Imports `generations`, `queries`, `upgrade`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from pipeline import queries
from pipeline.errors import DamagedFile, GarimpoError, StorageError
from pipeline.published.generations import Generation, current_number, open_generation
from pipeline.published.upgrade import has_todays_tables
from pipeline.workspace import Workspace

__all__ = ["Shown"]

log = logging.getLogger(__name__)

Question = Callable[[Generation], object]


def _first_list(generation: Generation) -> object:
    """The list of artists as it opens: what orders it by releases takes as long to find out as all the rest."""
    given = queries.numbers_given(generation)
    return queries.artists(generation, order="followers" if any(given.values()) else "released")


# What the first pages ask: it reads the parts of the file that most answers come from.
FIRST_QUESTIONS: tuple[Question, ...] = (
    queries.coverage,
    queries.genres,
    _first_list,
    lambda generation: queries.newest_releases(generation, 6),
    lambda generation: queries.growth_leaders(generation, 30, 7),
)


class Shown:
    """What pages read of a workspace; without anybody calling `look` that is always the newest generation."""

    def __init__(self, workspace: Workspace, questions: Sequence[Question] = FIRST_QUESTIONS) -> None:
        self._workspace, self._questions = workspace, questions
        self._generation: Generation | None = None
        self._proved: Generation | None = None  # the last one that was seen to have today's tables

    def look(self) -> bool:
        """Open and warm the newest generation where pages do not see it yet; whether they see another from now on.

        One that cannot be opened is logged and not shown; when the last one was taken away, nothing is.
        """
        before = self._generation
        try:
            number = current_number(self._workspace)
            if number is not None and before is open_generation(self._workspace):
                return False
            self._generation = None if number is None or self.is_old() else self._warmed()
        except GarimpoError as error:
            log.warning("generation_not_shown %s", error)
        return self._generation is not before

    def _warmed(self) -> Generation:
        newest = open_generation(self._workspace)
        for question in self._questions:
            question(newest)
        return newest

    def generation(self) -> Generation:
        """The generation to read; raises as `open_generation` does, and StorageError while it is published anew."""
        if self._generation is None and self.is_old():
            raise StorageError("The program was updated; what was collected is published anew. Try again in a minute.")
        return self._generation or open_generation(self._workspace)

    def number(self) -> int | None:
        """Its number; None before the first, and while that of another version of the program is published anew."""
        if self._generation is not None:
            return self._generation.number
        return None if self.is_old() else current_number(self._workspace)

    def is_old(self) -> bool:
        """Whether another version of the program published what there is; False where it cannot be opened."""
        try:
            if current_number(self._workspace) is None:
                return False
            newest = open_generation(self._workspace)
        except DamagedFile:
            return False
        if newest is not self._proved and has_todays_tables(newest):
            self._proved = newest
        return newest is not self._proved
