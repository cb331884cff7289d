"""After an upgrade of the program: whether what is published has the tables of this one, and publishing it anew.

Imports `building`, `generations`, `publish`, `events`, `ledger`.
"""

from __future__ import annotations

import logging

from pipeline.errors import SchemaMismatch
from pipeline.published.building import shape
from pipeline.published.generations import Generation, current_number, open_generation
from pipeline.published.publish import rebuild
from pipeline.records.events import note
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace

__all__ = ["has_todays_tables", "open_todays", "publish_anew"]

log = logging.getLogger(__name__)


def has_todays_tables(generation: Generation) -> bool:
    """Whether the questions of this program can be put to a generation.

    No list of tables is asked for: DuckDB would look into every database that is open, also into one being built.
    """
    return generation.meta("shape") == shape()


def open_todays(workspace: Workspace) -> Generation:
    """The current generation, for whoever hands on what is in it.

    Raises SchemaMismatch where another version of the program made it, otherwise as `open_generation` does.
    """
    if has_todays_tables(generation := open_generation(workspace)):
        return generation
    raise SchemaMismatch(
        f"{generation.path} was published by another version of this program. The next run publishes it anew, or "
        "`python -m pipeline rebuild` does; nothing was read from it."
    )


def publish_anew(workspace: Workspace, ledger: Ledger) -> bool:
    """Build what another version of the program published from the committed parts; whether there was need.

    Raises as `publish` does; a generation that cannot be opened is left to `recover`.
    """
    if current_number(workspace) is None or has_todays_tables(open_generation(workspace)):
        return False
    note(log, "published_anew", generation=rebuild(workspace, ledger).number)
    return True
