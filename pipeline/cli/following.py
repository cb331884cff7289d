"""`python -m pipeline follow`: artists put on the list of one's own or taken off it, by id, as the pages' button does.

Imports `console` and the rooms below.
"""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli import console
from pipeline.cli.options import AsJson
from pipeline.errors import SettingsError
from pipeline.lake.store import require_ledger
from pipeline.moving.import_values import artist_id
from pipeline.records import followed
from pipeline.records.opening import opened_ledger
from pipeline.settings import load_settings

__all__ = ["follow"]


def follow(
    artists: Annotated[list[str], typer.Argument(metavar="ARTIST", help="Their ids, URIs or links.")],
    stop: Annotated[bool, typer.Option("--stop", help="Take them off the list instead.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put artists on the list of those you follow, or take them off with --stop; what is known of them stays."""
    named, settings = tuple(dict.fromkeys(map(_given, artists))), load_settings()
    with opened_ledger(settings, to_read=dry_run) as (workspace, ledger):
        require_ledger(workspace, ledger)
        listed = followed.followed_ids(ledger)
        changed = [each for each in named if (each in listed) is stop]
        if changed and not dry_run:
            (followed.unfollow if stop else followed.follow)(ledger, changed)
    rest = [each for each in named if each not in changed]
    said = {"dry_run": dry_run, "stop": stop, "changed": changed, "unchanged": rest}
    done = f"{'would be ' * dry_run}{'taken off' if stop else 'put on'} the list"
    told = f"artists: {len(changed):,} {done}, {len(rest):,} {'not on it' if stop else 'on it already'}"
    console.tell(said, told, as_json=as_json)


def _given(text: str) -> str:
    found, reason = artist_id(text)
    if reason:
        wrong = reason if text in reason else f"{text} is {reason}"
        raise SettingsError(f"{wrong}. Share, on the artist's page in Spotify, copies the link. Nothing was changed.")
    return found
