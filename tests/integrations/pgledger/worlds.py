"""Runs with a ledger on a server, in this process or one of their own, and what they leave."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from pipeline.records.copying import LEDGER_TABLES
from pipeline.records.ledger import Ledger
from pipeline.settings import Settings
from tests.integrations.far import SECRET

__all__ = ["begun", "rows_of", "settings_of", "until"]

RUN = """
import sys
from pipeline.errors import GarimpoError
from pipeline.runs.runner import run_pipeline
from pipeline.settings import Settings
settings = Settings.model_validate_json(sys.stdin.readline())
print("begun", flush=True)
try:
    print(run_pipeline(settings).state)
except GarimpoError as error:
    print(type(error).__name__, error)
"""


def settings_of(simulated: Any, data: Path, ledger: str = "", **changes: Any) -> Settings:
    """Settings of a run over everything there is."""
    return simulated.settings(data, ledger=ledger, client_id="garimpo", client_secret=SECRET, **changes)


def begun(simulated: Any, settings: Settings) -> subprocess.Popen[str]:
    """A run in a process of its own, under way."""
    values = settings.model_dump(mode="json") | {
        name: getattr(settings, name).get_secret_value()
        for name in ("client_id", "client_secret", "ledger", "notify_urls")
    }
    process = subprocess.Popen([sys.executable, "-c", RUN], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(json.dumps(values) + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "begun\n"
    return process


def rows_of(place: Any) -> dict[str, list[Any]]:
    """Every row of a ledger, but whose files it lists; without seals, which a recovered one makes anew."""
    with closing(Ledger(place)) as ledger:
        found = {}
        for table, columns in LEDGER_TABLES.items():
            rows = ledger.read(f"SELECT {', '.join(name for name in columns if name != 'seal')} FROM {table}")
            found[table] = sorted((tuple(row.values()) for row in rows if row.get("key") != "files"), key=repr)
        return found


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Look again and again."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
