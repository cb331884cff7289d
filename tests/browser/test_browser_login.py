"""Login by OpenID Connect: everybody may look, those who are named may start and change things."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.apps import RunningApp, free_port, running_app
from tests.oidc import Provider, running_provider

pytest.importorskip("authlib", reason="Login needs Authlib: pip install 'streamlit[auth]'")
pytestmark = [pytest.mark.browser, pytest.mark.slow]

OWNER = {"sub": "1", "email": "Owner@example.org", "email_verified": True, "name": "The Owner"}
DEMO = {"GARIMPO_DEMO_DAYS": "1", "GARIMPO_DEMO_ARTISTS": "40", "GARIMPO_OPERATORS": "owner@example.org"}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """A provider on this machine."""
    with running_provider() as started:
        yield started


@pytest.fixture(scope="module")
def guarded(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """The app with login set up as the README says."""
    folder, port = tmp_path_factory.mktemp("guarded"), free_port()
    auth = {
        "redirect_uri": f"http://127.0.0.1:{port}/oauth2callback",
        "cookie_secret": "a-secret-of-this-test-alone-32-characters",
        "client_id": "garimpo",
        "client_secret": "made-up",
        "server_metadata_url": f"{provider.url}/.well-known/openid-configuration",
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in auth.items()]
    secrets = folder / "secrets.toml"
    secrets.write_text("\n".join(["[auth]", *lines]), encoding="utf-8")
    with running_app(folder, DEMO, [f"--secrets.files={secrets}"], port) as app:
        yield app


@pytest.fixture
def page(browser: Browser, guarded: RunningApp) -> Iterator[Page]:
    """The schedules, opened by somebody who is not signed in."""
    context = browser.new_context(locale="en-US")
    opened = context.new_page()
    opened.goto(f"{guarded.url}/schedules")
    opened.wait_for_selector(".g-plan")
    yield opened
    context.close()


def sign_in(page: Page, provider: Provider, person: dict[str, object]) -> None:
    """Sign in as somebody and come back to the schedules."""
    provider.person = person
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
    page.get_by_role("link", name="Schedules").click()
    page.wait_for_selector(".g-plan")


def test_named_person_operates(page: Page, provider: Provider):
    """Who is not signed in reads all and presses nothing, and the page says why; who is named may, until signed out."""
    expect(page.get_by_text("To start or change things, sign in.")).to_be_visible()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    for name in ("Pause", "New schedule", "Run now"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    sign_in(page, provider, OWNER)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_others_only_look(page: Page, provider: Provider):
    """Whoever else signs in, here with an address that nobody verified, only looks."""
    sign_in(page, provider, {**OWNER, "email_verified": False})
    expect(page.get_by_text("The owner names who may start")).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
