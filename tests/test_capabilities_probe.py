"""What a probe finds out, against the simulator's profiles, and what it costs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.errors import EndpointWithdrawn, QuotaExceeded, SourceUnavailable
from pipeline.records.capability_rows import capability_rows
from pipeline.records.ledger import Ledger
from pipeline.source.capabilities import Capabilities, is_stale, load_capabilities, probe, save
from pipeline.source.spotify import Access, SpotifySource
from tests.loopback import NOW, CountingGate, Sent, asking
from tests.worlds import running_world


@pytest.fixture
def ledger(tmp_path):
    """An empty ledger with a fixed clock."""
    opened = Ledger(tmp_path / "ledger.sqlite", lambda: NOW)
    yield opened
    opened.close()


def probed(profile: str, ledger: Ledger, genre: str = "mpb") -> tuple[Capabilities, list[str]]:
    """What is found in a profile, and the requests it took."""
    gate = CountingGate()
    with running_world(profile=profile, artists=60) as simulator:
        access = Access(simulator.api_url, simulator.token_url, "an-id", "a-secret", 5.0)
        with SpotifySource(access, gate) as source:
            return probe(source, ledger, genre=genre), [endpoint for _, endpoint in gate.tickets]


def test_development_is_recognised(ledger):
    """In development mode pages are of ten, nothing is read in batches, and artists come without numbers."""
    found, asked = probed("development", ledger)
    limits = (found.search_limit, found.albums_limit, found.artists_per_call, found.albums_per_call)
    assert limits == (10, 10, 1, 1)
    assert (found.profile, found.has_numbers, found.incomplete) == ("development", False, False)
    assert asked == ["search", "search", "artist_albums", "artists", "albums", "album"]


@pytest.mark.parametrize("profile", ["extended", "legacy"])
def test_extended_is_recognised(ledger, profile):
    """Elsewhere pages are of fifty, batches are read, and artists come with numbers."""
    found, asked = probed(profile, ledger)
    limits = (found.search_limit, found.albums_limit, found.artists_per_call, found.albums_per_call)
    assert limits == (50, 50, 50, 20)
    assert (found.profile, found.has_numbers, found.incomplete) == ("extended", True, False)
    assert asked == ["search", "artist_albums", "artists", "albums", "album"]


def test_findings_are_kept(ledger):
    """What was found is read back, dated, with its evidence; fields looked for and absent are on record."""
    found, _ = probed("development", ledger)
    rows = capability_rows(ledger)
    assert load_capabilities(ledger) == found
    assert rows["limit:search"]["evidence"] == (
        "search limit 50 refused; search limit 10 answered; artist_albums limit 10 answered; artists refused; "
        "albums refused; album answered"
    )
    assert (rows["field:artist.followers"]["value"], rows["field:artist.name"]["value"]) == (False, True)
    assert (rows["field:artist.followers"]["withdrawn_since"], rows["probe"]["checked_at"]) == (None, NOW)


def test_change_of_profile_is_dated(ledger):
    """What a later probe no longer finds is withdrawn since then; what comes back is there again."""
    probed("extended", ledger)
    probed("development", ledger)
    gone = {name for name, row in capability_rows(ledger).items() if row["withdrawn_since"] == NOW}
    assert gone >= {"endpoint:artists", "endpoint:albums", "field:artist.followers", "field:album.label"}
    assert "field:artist.name" not in gone
    probed("extended", ledger)
    assert {row["withdrawn_since"] for row in capability_rows(ledger).values()} == {None}


def test_first_date_is_kept(tmp_path):
    """What stays away keeps the instant at which it was first missed."""
    instants = iter(NOW + timedelta(minutes=number) for number in range(1_000))
    ledger = Ledger(tmp_path / "moving.sqlite", lambda: next(instants))
    dates = []
    for given in (("followers", "name"), ("name",), ("name",)):
        save(ledger, Capabilities(fields={"artist": given}), "probe")
        dates.append(capability_rows(ledger)["field:artist.followers"]["withdrawn_since"])
    ledger.close()
    assert dates[0] is None
    assert dates[1] == dates[2] > NOW


def test_unknown_genre_leaves_questions(ledger):
    """Without an artist to ask with, the least is assumed and the next run probes again."""
    found, asked = probed("extended", ledger, genre="no such genre")
    assert (found.search_limit, found.artists_per_call, found.incomplete) == (50, 1, True)
    assert asked == ["search"]
    assert is_stale(found, NOW)


def search_then(answer: Sent):
    """A source that answers searches and gives one answer to all else."""
    page = Sent({"artists": {"items": [{"id": "a1"}], "next": None}})
    return lambda asked: page if asked.path == "/v1/search" else answer


@pytest.mark.parametrize("answer", [Sent(b"", 503), Sent({"error": {"reason": "QUOTA_EXCEEDED"}}, 429)])
def test_open_question_is_asked_again(ledger, answer):
    """What could not be asked now, being down or locked, is asked in the next run; until then it is not there."""
    with asking(search_then(answer)) as (_, source):
        found = probe(source, ledger, genre="mpb")
    assert (found.artists_per_call, found.albums_limit, found.incomplete) == (1, 10, True)


def test_everything_else_refused(ledger):
    """A source that refuses all but searches leaves the least, and the album questions open."""
    with asking(search_then(Sent(b"", 400))) as (server, source):
        found = probe(source, ledger, genre="mpb")
    assert (found.search_limit, found.albums_limit, found.artists_per_call, found.incomplete) == (50, 10, 1, True)
    assert [asked.query.get("limit") for asked in server.asked] == ["50", "50", "10", None]


def test_open_question_unlearns_nothing(ledger):
    """What an earlier probe found holds until a later one could ask."""
    before, _ = probed("extended", ledger)
    with asking(search_then(Sent(b"", 503))) as (_, source):
        found = probe(source, ledger, genre="mpb")
    limits = (found.albums_limit, found.artists_per_call, found.albums_per_call)
    assert (limits, found.incomplete) == ((50, 50, 20), True)
    assert found.fields["album"] == before.fields["album"]
    assert load_capabilities(ledger) == found


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Sent(b"", 503), SourceUnavailable),
        (Sent({"error": {"reason": "QUOTA_EXCEEDED"}}, 429), QuotaExceeded),
        (Sent({"error": {"status": 403, "message": "Forbidden"}}, 403), EndpointWithdrawn),
    ],
)
def test_failed_search_is_raised(ledger, answer, expected):
    """Without a search nothing is known: the error goes to the run and nothing is recorded."""
    with asking(answer) as (_, source), pytest.raises(expected):
        probe(source, ledger, genre="mpb")
    assert load_capabilities(ledger) is None


def test_week_makes_stale():
    """Findings hold for a week; a clock set back makes them stale too."""
    found = Capabilities(checked_at=NOW, incomplete=False)
    ages = [timedelta(0), timedelta(days=6, hours=23), timedelta(days=7), timedelta(seconds=-1)]
    assert [is_stale(found, NOW + age) for age in ages] == [False, False, True, True]


def test_nothing_known_is_the_least():
    """Before any probe the least is assumed, and stale."""
    assert is_stale(Capabilities(), NOW)
    assert (Capabilities().search_limit, Capabilities().artists_per_call, Capabilities().has_numbers) == (10, 1, False)
