"""Looking back: pages tell what was known on an earlier day, say so, and keep it in the address."""

from __future__ import annotations

import pytest

from pipeline.published.publish import publish
from pipeline.records.ledger import Ledger
from tests.copies import made_once
from tests.payloads import artist, commit, search_line
from tests.screens import install_service, open_screen

DAYS = ("2026-11-18", "2026-11-20", "2026-11-22")


@pytest.fixture(autouse=True)
def service(tmp_path):
    """Three days, on each a further artist; the first one is renamed each time."""
    made = install_service(tmp_path, schedule="")
    made_once(made.workspace, made.ledger, fill)
    return made


def fill(workspace, ledger: Ledger) -> None:
    """A batch for each day, published."""
    ledger.begin_run("r0", "cli", {}, 1)
    for number, day in enumerate(DAYS):
        found = [artist(f"a{n}", name=f"Artist {n} of {number}", followers={"total": 2000}) for n in range(number + 1)]
        commit(workspace, ledger, f"b{number}", search_line(*found, day=day))
    publish(workspace, ledger)


def shown(**query):
    """The words of the list of artists."""
    return open_screen("artists.py", **query).words


def test_past_is_shown_and_said():
    """What came later is not there, names are those of then, and a badge tells the day."""
    words = shown(as_of="2026-11-20")
    assert ("Artist 0 of 1" in words, "Artist 2" in words, "As known on Nov 20, 2026" in words) == (True, False, True)
    assert "2 artists" in words


def test_followed_are_those_of_today(service):
    """The list is today's: of those on it who were known on the day, all are shown as known then."""
    for artist_id in ("a0", "a2"):
        service.follow(artist_id)
    words = shown(as_of="2026-11-20", followed="true")
    assert ["Artist 0 of 1" in words, "Artist 1" in words, "Artist 2" in words] == [True, False, False]


def test_present_has_no_badge():
    """Without a day everything that is known is shown; the same for the last day of all."""
    for query in ({}, {"as_of": "2026-11-22"}):
        words = shown(**query)
        assert ("Artist 2 of 2" in words, "As known on" in words) == (True, False)


@pytest.mark.parametrize(
    ("asked", "said"), [("2020-01-01", "as of Jan 1, 2020"), ("2030-01-01", "as of Jan 1, 2030"), ("yesterday", "")]
)
def test_other_days_show_today(asked, said):
    """A day outside of what is known shows the present and says so, as of a bookmark whose data went; no error."""
    words = shown(as_of=asked)
    assert ("3 artists" in words, f"No data {said}: today's are shown" in words) == (True, bool(said))


def test_day_is_kept_from_page_to_page():
    """The overview tells of the day, its links keep it, and one button leads back."""
    screen = open_screen("overview.py", as_of="2026-11-18")
    assert "As known on Nov 18, 2026" in screen.words
    screen.app.switch_page("artists.py").run()
    assert "1 artist" in screen.words
    next(each for each in screen.app.button if each.key == "as_of_today").click().run()
    assert "3 artists" in screen.words
    assert "as_of" not in screen.app.query_params


def test_answers_of_days_are_kept_apart():
    """The cache never gives one day's answer for another."""
    found = []
    for query in ({}, {"as_of": "2026-11-18"}, {"as_of": "2026-11-20"}, {}):
        screen = open_screen("artists.py", **query)
        found.append(next(word for word in ("3 artists", "2 artists", "1 artist") if word in screen.words))
    assert found == ["3 artists", "1 artist", "2 artists", "3 artists"]


def test_artist_not_known_then():
    """The page of an artist who was found later says that there is none."""
    assert "No artist with the id a2 here" in open_screen("artist.py", id="a2", as_of="2026-11-18").words
    assert "Artist 0 of 0" in open_screen("artist.py", id="a0", as_of="2026-11-18").words


def test_past_is_not_told_of_today():
    """What a day long gone lacked is not promised for tomorrow, and the last run, which is of today, is not told."""
    words = open_screen("artist.py", id="a0", as_of="2026-11-18").words
    assert ("One day until then" in words, "tomorrow" in words) == (True, False)
    past, present = open_screen("overview.py", as_of="2026-11-18").words, open_screen("overview.py").words
    assert ("No growth was known then" in past, "The last run" in past, "The last run" in present) == (
        True,
        False,
        True,
    )


def test_pages_of_runs_know_no_past():
    """Runs are told as they are: the control is not there."""
    screen = open_screen("runs.py", as_of="2026-11-18")
    assert "As known on" not in screen.words
