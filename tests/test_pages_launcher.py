"""The launcher: guarded answers, one service, a clear word when it cannot start."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.screens import install_service

ROOT = Path(__file__).parent.parent


def in_thread(work: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns, run where no other test's event loop is."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@pytest.fixture
def launcher(tmp_path):
    """The launcher's module, its service in a folder of the test's own."""
    install_service(tmp_path)
    import app  # it asks for the service when it is imported

    return app


@pytest.mark.parametrize("status", [200, 404, 500])
def test_answers_are_guarded(launcher, status):
    """Every HTTP answer carries the security headers, errors included."""
    sent = []

    async def answer(_scope, _receive, send):
        await send({"type": "http.response.start", "status": status, "headers": [(b"x-own", b"kept")]})

    async def keep(message):
        sent.append(message)

    in_thread(launcher.SecurityHeaders(answer)({"type": "http"}, None, keep))
    headers = {name.decode().title(): value.decode() for name, value in sent[0]["headers"]}
    assert headers == {"X-Own": "kept", **{name.title(): value for name, value in launcher.HEADERS.items()}}


def test_health_is_the_status(launcher):
    """/healthz says what the command line's status says of the health."""
    answer = in_thread(launcher.healthz(None))
    said = json.loads(answer.body)
    assert (answer.status_code, said["status"], said["workspace"], said["running"]) == (200, "ok", "demo", None)
    assert set(said) == set(launcher.service().health())


@pytest.mark.parametrize("broken", ["disk", "ledger"])
def test_failing_is_503(launcher, broken, monkeypatch):
    """What keeps the app from collecting or reading answers 503, with the reason."""
    if broken == "disk":
        monkeypatch.setattr("pipeline.watching.status.LEAST_FREE", 1e18)
    else:
        launcher.service().ledger.close()
        launcher.service().workspace.ledger.write_bytes(b"not a ledger, but long enough to be taken for some file" * 99)
    answer = in_thread(launcher.healthz(None))
    assert (answer.status_code, json.loads(answer.body)["status"]) == (503, "failing")


def test_policy_allows_nothing_foreign(launcher):
    """Scripts come from here alone and are never evaluated; the only other server is Spotify's, for pictures."""
    policy = dict(rule.split(" ", 1) for rule in launcher.content_policy().split("; "))
    assert "unsafe" not in policy["script-src"]
    assert [name for name, sources in policy.items() if "http" in sources] == ["img-src"]
    assert (policy["default-src"], policy["connect-src"], policy["object-src"]) == ("'self'", "'self'", "'none'")


def test_config_stays_at_home():
    """The server listens on this machine alone, knows its own names, and sends no statistics."""
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["address"] == "127.0.0.1"
    assert config["server"]["allowedHosts"] == ["127.0.0.1", "localhost"]
    assert config["browser"]["gatherUsageStats"] is False


def test_wrong_setting_is_one_sentence(tmp_path):
    """A wrong setting ends the launcher with its name and value and exit code 2, without a traceback."""
    environment = {**os.environ, "GARIMPO_DATA": str(tmp_path), "GARIMPO_MAX_REQUESTS": "many"}
    ended = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "GARIMPO_MAX_REQUESTS = 'many'" in ended.stderr
    assert "Traceback" not in ended.stderr
