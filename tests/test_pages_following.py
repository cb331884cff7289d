"""Following on pages: a button on the artist's page, and on others the choice of those alone who are followed."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pipeline.records.capability_rows import set_capability
from pipeline.records.events import note_unknown
from pipeline.records.followed import follow
from tests.published import LAST_DAY, publish_many, publish_rows
from tests.receipts import BANDA, VIOLA
from tests.screens import LOCALES, SHELL, Screen, install_service, open_screen
from tests.test_pages_access import AUTH, OWNER

KEYS = {"client_id": "id", "client_secret": "secret"}


@pytest.fixture
def service(tmp_path):
    """Twelve artists with two releases each, on three days; nobody is followed."""
    made = install_service(tmp_path)
    publish_many(made.workspace, 12, 3)
    return made


def led(screen):
    """Where the links of a page lead to artists, each once."""
    return list(dict.fromkeys(target for _, target in screen.links if target.startswith("artist?")))


def test_button_follows_and_lets_go(service):
    """One press puts the artist on the list, which everybody sees, a second one takes it off."""
    app = open_screen("artist.py", id="artist000003").app
    assert app.button(key="follow").label == "Follow"
    app.button(key="follow").click().run()
    assert (service.followed(), app.button(key="follow").label) == (("artist000003",), "Unfollow")
    assert open_screen("artist.py", "pt", id="artist000003").app.button(key="follow").label == "Deixar de acompanhar"
    app.button(key="follow").click().run()
    assert (service.followed(), app.button(key="follow").label) == ((), "Follow")


@pytest.mark.parametrize("language", ["en", "pt"])
def test_list_can_be_narrowed(service, language):
    """Artists who are followed stand alone, in the order chosen, with the search, by the address and by a press."""
    for artist_id in ("artist000003", "artist000007", "unknown"):
        service.follow(artist_id)
    assert led(open_screen("artists.py", language, followed="true")) == [
        "artist?id=artist000007",
        "artist?id=artist000003",
    ]
    assert led(open_screen("artists.py", language, followed="true", q="banda 3")) == ["artist?id=artist000003"]
    app = open_screen("artists.py", language).app
    app.toggle(key="followed").set_value(True).run()
    assert len(led(Screen(app))) == 2


def test_radar_can_be_narrowed(service):
    """The newest releases on the overview are then those of the followed alone; growth stays that of all."""
    service.follow("artist000003")
    words = open_screen(newest_followed="true").words
    assert [f"Canto {artist}-0" in words for artist in (3, 11)] == [True, False]
    assert ("Canto 3-1" in words, "Banda 11" in words) == (True, True)
    window = "Albums and singles in the last twelve months."
    assert (window in words, window in open_screen().words) == (True, False)


@pytest.mark.parametrize(
    ("page", "choice", "language", "keys"),
    [
        ("overview.py", "newest_followed", "en", {}),
        ("overview.py", "newest_followed", "pt", KEYS),
        ("artists.py", "followed", "en", KEYS),
        ("artists.py", "followed", "pt", {}),
    ],
)
def test_empty_list_says_how(tmp_path, page, choice, language, keys):
    """While nobody is followed both pages say how one begins: by hand and, but in the demo, with a list."""
    said = {"en": "Nobody is followed yet", "pt": "Ninguém é acompanhado ainda"}[language]
    publish_many(install_service(tmp_path, **keys).workspace, 12, 3)
    words = open_screen(page, language, **{choice: "true"}).words
    assert (said in words, "python -m pipeline import" in words) == (True, bool(keys))


def test_nothing_new_is_said(tmp_path):
    """Where those who are followed released nothing for a year the page says that, and only then."""
    made = install_service(tmp_path)
    read = {"artist_id": "a", "name": "Banda", "last_seen_on": LAST_DAY, "releases_checked_on": LAST_DAY}
    publish_rows(made.workspace, artists=[read, {"artist_id": "b", "name": "Unread", "last_seen_on": LAST_DAY}])
    made.follow("a")
    assert "No release of theirs in twelve months" in open_screen(newest_followed="true").words
    made.unfollow("a")
    made.follow("b")
    words = open_screen(newest_followed="true").words
    assert ("No release of theirs" in words, "No releases yet" in words) == (False, True)
    assert "A genre over time" not in words  # nobody has one


def test_list_of_unread_says_so(service):
    """Of followed artists nobody has answered about yet, it is said how many there are, and that they come next."""
    service.follow("unknown")
    screen = open_screen("artists.py", followed="true")
    assert ("None of those you follow was read yet" in screen.words, led(screen)) == (True, [])
    service.follow("artist000003")
    assert "1 more is not read yet: the next run" in open_screen("artists.py", followed="true").words
    assert "more is not read yet" not in open_screen("artists.py").words


def test_list_names_whom_nobody_knows(service):
    """Whom the source did not know is named, as the list does, and not among those whom the next run asks about."""
    follow(service.ledger, {"gone": "Banda Sumida", "artist000003": "", "unread": ""})
    note_unknown(service.ledger, ["gone"])
    screen = open_screen("artists.py", followed="true")
    assert ("Banda Sumida", "artist?id=gone") in screen.links
    assert "1 more is not read yet: the next run" in screen.words


def test_unread_one_can_be_let_go(service):
    """The page of somebody of whom there is no more than the list's name tells it, and has the button."""
    follow(service.ledger, {"gone": "Banda Sumida"})
    screen = open_screen("artist.py", id="gone")
    assert ("Banda Sumida" in screen.words, "Not read yet" in screen.words) == (True, True)
    screen.app.button(key="follow").click().run()
    assert service.followed() == ()
    assert "No artist with the id gone here" in open_screen("artist.py", id="gone").words


def test_unmatched_list_leads_back(service):
    """Where none of those who are followed matches, a button leads to all."""
    service.follow("artist000003")
    screen = open_screen("artists.py", followed="true", q="nobody")
    assert ("No artist matches" in screen.words, led(screen)) == (True, [])
    screen.app.button(key="show_all").click().run()
    assert len(led(screen)) == 12


@pytest.mark.parametrize("language", ["en", "pt"])
def test_links_are_pasted(tmp_path, language):
    """Cells of a spreadsheet with names and links put artists on the list; what names nobody stays to be mended."""
    made = install_service(tmp_path, **KEYS)
    publish_many(made.workspace, 12, 3)
    made.follow(BANDA)
    pasted = f"Nome\tLink\nBanda\t{BANDA}\nViola\thttps://open.spotify.com/artist/{VIOLA}?si=1\nNinguém\t\n"
    screen = open_screen("artists.py", language)
    screen.app.text_area(key="pasted").set_value(pasted)
    next(each for each in screen.app.button if each.label in ("Follow", "Acompanhar")).click().run()
    assert made.followed_names() == {BANDA: "", VIOLA: "Viola"}
    assert screen.app.text_area(key="pasted").value == "Ninguém\t"
    told = {
        "en": "1 artist put on your list; 1 on it already; what is left above names no artist by a link",
        "pt": "1 artista entrou na sua lista; 1 já na lista; o que ficou acima não traz link de artista",
    }
    assert told[language] in screen.words


def test_own_list_comes_first(tmp_path):
    """Where no genre is searched nothing comes by itself: the pages say so, and take links before there are data."""
    made = install_service(tmp_path, genres=(), **KEYS)
    screen = open_screen("artists.py")
    assert "No genre is searched here: follow artists by link, then start a run" in screen.words
    screen.app.text_area(key="pasted").set_value(VIOLA)
    next(each for each in screen.app.button if each.label == "Follow").click().run()
    assert made.followed() == (VIOLA,)
    assert "Start a run on the page Runs" in open_screen("artists.py").words


def test_pasted_cell_may_have_a_break(service):
    """What names nobody is given back as the line it was, also below a cell that a spreadsheet wrote in two lines."""
    pasted = f"Nome\tLink\nBanda\x0bUm\t{BANDA}\nNinguém\t\n"
    assert service.follow_all(pasted) == (1, 0, "Ninguém\t")
    assert service.followed_names() == {BANDA: "Banda Um"}


def test_demo_takes_nobody_from_outside(service):
    """Whom its source does not know cannot be put on its list."""
    assert [each.key for each in open_screen("artists.py").app.text_area] == []


def test_withheld_numbers_are_no_hindrance(tmp_path):
    """An app that is given no followers is told the releases of those whom it follows."""
    made = install_service(tmp_path)
    publish_many(made.workspace, 30, 2, withheld=True)
    for number in (4, 20):
        made.follow(f"artist{number:06d}")
    screen = open_screen("artists.py", followed="true")
    assert led(screen) == ["artist?id=artist000020", "artist?id=artist000004"]
    assert "2 artists · followers not given by Spotify to this app" in screen.words


@pytest.mark.parametrize(("user", "shown"), [(OWNER, ("Unfollow", False)), (None, (None, True))])
def test_guest_only_sees(tmp_path, user, shown):
    """Who may not change anything sees that an artist is followed, and has nothing to press."""
    made = install_service(tmp_path, operators=("owner@example.org",))
    publish_many(made.workspace, 2, 2)
    made.follow("artist000001")
    app = AppTest.from_file(SHELL, default_timeout=30)
    app.context = {"locale": LOCALES["en"], "theme": "light", "timezone": "UTC"}
    app.secrets["auth"] = AUTH
    app.user = user or {"is_logged_in": False}
    app.run()
    app.switch_page("artist.py")
    app.query_params["id"] = "artist000001"
    app.run()
    labels = [button.label for button in app.button if button.key == "follow"]
    badges = [element.proto.body for element in app.get("html") if ">followed<" in element.proto.body]
    assert (next(iter(labels), None), bool(badges)) == shown


@pytest.mark.parametrize(
    ("language", "unread", "unknown"),
    [
        ("en", "Not read yet", "Spotify does not know this artist"),
        ("pt", "Ainda não lido", "O Spotify não conhece este artista"),
    ],
)
def test_bare_id_has_the_name_of_the_list(tmp_path, language, unread, unknown):
    """Of somebody nobody has answered about there are the list's name and why no more is known: no number, no day."""
    row, other = ({"artist_id": each * 22, "first_seen_on": LAST_DAY, "last_seen_on": LAST_DAY} for each in "ab")
    service = install_service(tmp_path, workspace="archive")
    publish_rows(service.workspace, artists=[row, {**other, "name": "Beta"}])
    follow(service.ledger, {"a" * 22: "Banda da Lista"})
    assert "Banda da Lista" in open_screen("artists.py", language, followed="true").words
    words = open_screen("artist.py", language, id="a" * 22).words
    told = ("Banda da Lista", unread, unknown, "2026", "development", "desenvolvimento")
    assert [each in words for each in told] == [True, True, False, False, False, False]
    note_unknown(service.ledger, ["a" * 22])
    assert unknown in open_screen("artist.py", language, id="a" * 22).words


@pytest.mark.parametrize(
    ("language", "unasked", "withheld"),
    [
        ("en", "Spotify was not asked yet", "followers not given by Spotify to this app"),
        ("pt", "ainda não se perguntou ao Spotify", "seguidores não informados pelo Spotify a este app"),
    ],
)
@pytest.mark.parametrize("name", [None, "Banda"])
def test_nobody_was_asked_yet(tmp_path, language, unasked, withheld, name):
    """Before the first run a list's artists lack numbers since nobody asked, with or without names of an import."""
    service = install_service(tmp_path, workspace="archive")
    day = {"first_seen_on": LAST_DAY, "last_seen_on": LAST_DAY}
    publish_rows(service.workspace, artists=[{"artist_id": each * 22, "name": name, **day} for each in "ab"])
    pages = ("artists.py", "overview.py")
    assert [[said in open_screen(page, language).words for said in (unasked, withheld)] for page in pages] == [
        [True, False]
    ] * 2
    if name:
        words = open_screen("artist.py", language, id="a" * 22).words
        assert ("not asked yet" in words or "ainda não perguntado" in words, withheld[11:] in words) == (True, False)
    set_capability(service.ledger, "field:artist.followers", value=False, evidence="seen in a run")
    told = [[said in open_screen(page, language).words for said in (unasked, withheld)] for page in pages]
    assert told == [[not name, bool(name)]] * 2
