"""`python -m pipeline` as a process of its own, pointed at a simulator. Shared by tests of the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.worlds import genre_names

__all__ = ["answer", "command", "environment", "start", "variables"]

ROOT = Path(__file__).parent.parent


def variables(simulator: Any, data: Path, **more: str) -> dict[str, str]:
    """What makes a process collect from a simulator."""
    return {
        "GARIMPO_DATA": str(data),
        "GARIMPO_API_URL": simulator.api_url,
        "GARIMPO_TOKEN_URL": simulator.token_url,
        "GARIMPO_GENRES": ",".join(genre_names(simulator)),
        "GARIMPO_MAX_REQUESTS": "100000",
        "SPOTIPY_CLIENT_ID": "simulator",
        "SPOTIPY_CLIENT_SECRET": "simulator",
        **more,
    }


def environment(simulator: Any, data: Path, **more: str) -> dict[str, str]:
    """The whole environment of such a process, which finds this program."""
    return os.environ | {"PYTHONPATH": str(ROOT)} | variables(simulator, data, **more)


def start(settings: dict[str, str], folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """A command that has begun, in a folder without settings of its own."""
    line = [sys.executable, "-m", "pipeline", *arguments]
    return subprocess.Popen(
        line, cwd=folder, env=settings, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )


def command(settings: dict[str, str], folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    with start(settings, folder, *arguments) as process:
        out, err = process.communicate(timeout=90)
        return process.returncode, out, err


def answer(settings: dict[str, str], folder: Path, *arguments: str) -> tuple[int, Any]:
    """Exit code and the JSON of a command: there must be nothing else on standard output."""
    code, out, _ = command(settings, folder, *arguments, "--json")
    return code, json.loads(out)
