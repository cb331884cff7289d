"""`python -m pipeline follow`: the list of one's own from the command line, by ids, URIs and links."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.records.followed import follow, followed_ids
from pipeline.records.ledger import Ledger
from pipeline.workspace import Workspace
from tests.published import publish_rows

A, B, C = (letter * 22 for letter in "ABC")
FOLDER = {
    "GARIMPO_DATA": "data",
    "GARIMPO_WORKSPACE": "spotify",
    "SPOTIPY_CLIENT_ID": "x",
    "SPOTIPY_CLIENT_SECRET": "y",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace that follows one artist."""
    found = Workspace(tmp_path / "data" / "spotify")
    found.root.mkdir(parents=True)
    with closing(Ledger(found.ledger)) as ledger:
        follow(ledger, [A])
    return found


@pytest.fixture
def ask(inside: Any, tmp_path: Path, workspace: Workspace) -> Any:
    """Exit code of the command, what it printed, and who is followed then."""

    def asked(*arguments: str) -> tuple[int, str, str, tuple[str, ...]]:
        code, out, err = inside(FOLDER, tmp_path, "follow", *arguments)
        with closing(Ledger(workspace.ledger)) as ledger:
            return code, out, err, followed_ids(ledger)

    return asked


def test_ids_and_links_are_followed(ask: Any) -> None:
    """Ids, URIs and links come onto the list, each once; who was on it stays."""
    given = [A, f"spotify:artist:{B}", f"https://open.spotify.com/intl-pt/artist/{C}?si=1", C]
    assert ask(*given) == (0, "artists: 2 put on the list, 1 on it already\n", "", (A, B, C))


def test_stop_takes_them_off(ask: Any) -> None:
    """With --stop they go from the list; who was not on it is counted and no error."""
    assert ask("--stop", A, B) == (0, "artists: 1 taken off the list, 1 not on it\n", "", ())


@pytest.mark.parametrize(("options", "changed", "rest"), [((), [B], [A]), (("--stop",), [A], [B])])
def test_dry_run_changes_nothing(ask: Any, options: tuple[str, ...], changed: list[str], rest: list[str]) -> None:
    """A dry run says who would change places, by id in JSON, and leaves the list as it is."""
    code, out, _, listed = ask("--dry-run", "--json", *options, A, B)
    said = {"dry_run": True, "stop": bool(options), "changed": changed, "unchanged": rest}
    assert (code, json.loads(out), listed) == (0, said, (A,))


def test_lost_list_is_not_an_empty_one(ask: Any, inside: Any, tmp_path: Path, workspace: Workspace) -> None:
    """With the ledger the list is lost: nobody is told that it is empty, or begins a new one before `recover`."""
    workspace.db.mkdir()
    publish_rows(workspace, artists=[{"artist_id": A}])  # under a number that this ledger has not given out
    for words in (("follow", B), ("export", "followed")):
        code, out, err = inside(FOLDER, tmp_path, *words)
        assert (code, out, "`python -m pipeline recover`" in err) == (1, "", True)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("nobody", "'nobody' is no artist's id or link"),
        (
            f"https://open.spotify.com/album/{B}",
            f"https://open.spotify.com/album/{B} is a link to an album, not to an artist",
        ),
    ],
)
def test_one_wrong_stops_all(ask: Any, given: str, reason: str) -> None:
    """Where one of them is no artist's id or link nobody is followed: 2, and where links come from."""
    told = f"SettingsError {reason}. Share, on the artist's page in Spotify, copies the link. Nothing was changed.\n"
    assert ask(B, given) == (2, "", told, (A,))
