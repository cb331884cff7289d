"""The pipeline beside a plain script and a dlt pipeline: same simulator, same data, once well and once with faults.

Each is a process of its own, so that CPU, memory and disk are all that it takes. dlt gets an environment of its own,
made for the occasion; where that cannot be done it is left out, and the table says so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.published.generations import open_generation
from pipeline.workspace import open_workspace
from tests.benchmarks.figures import Figure, load, say
from tests.benchmarks.worlds import World, world
from tests.commands import variables

__all__ = ["measure_beside"]

HERE, ROOT = Path(__file__).parent, Path(__file__).resolve().parents[2]
ARTISTS, QUICK_ARTISTS = 60, 15
LATENCY_MS, RATE = 100, 30  # what a request takes, and what the simulator permits, a second
TIMEOUT_S = 420
INSTALL_TIMEOUT_S = 300
DLT = "dlt[duckdb]>=1.31,<2"
FAULT_SHARE = 0.02 / 8  # `mixed` stands for eight kinds of fault
SCENARIOS = {"no faults": {}, "2 % faults": {"seed": 11, "rules": [{"what": "mixed", "share": FAULT_SHARE}]}}
Ids = Mapping[str, list[str]]


@dataclass(frozen=True)
class _Run:
    """What a process took; `kept`: ids in its database afterwards."""

    code: int
    wall_s: float
    cpu_s: float
    peak_mb: float
    kept: Ids
    last_words: str


def measure_beside(*, quick: bool = False) -> Iterator[Figure]:
    """One row per program and scenario; then whether ours loses an artist, and how much longer the others take."""
    with tempfile.TemporaryDirectory() as made:
        programs = _programs(Path(made))
        config = {"artists": QUICK_ARTISTS if quick else ARTISTS, "latency_ms": LATENCY_MS}
        with world(profile="extended", window_requests=RATE * 30, **config) as simulated:
            for scenario, rules in SCENARIOS.items():
                for name, python in programs.items():
                    yield from _measured(simulated, name, python, scenario, rules)


def _programs(made: Path) -> dict[str, str]:
    found = {"this pipeline": sys.executable, "plain script": sys.executable}
    python = _dlt_python(made)
    return found | ({"dlt pipeline": python} if python else {})


def _measured(simulated: World, name: str, python: str, scenario: str, rules: Mapping[str, object]) -> Iterator[Figure]:
    say(f"beside: {name}, {scenario} …")
    simulated.restart(rules)
    with tempfile.TemporaryDirectory() as folder:
        run = _run(simulated, name, python, Path(folder))
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 2**20
    sent = simulated.counts()["total"]
    artists = {row["artist_id"] for row in simulated.truth["artists"]}
    own = {row["album_id"] for row in simulated.truth["credits"] if row["album_group"] != "appears_on"}
    lost = len(artists - set(run.kept.get("artists", [])))
    note = (
        f"{run.wall_s:.1f} s, {run.cpu_s:.1f} s CPU, {run.peak_mb:.0f} MB at most, {size:.1f} MB on disk; lost "
        f"{lost} of {len(artists)} artists, {len(own - set(run.kept.get('releases', [])))} of {len(own)} releases; "
        f"exit code {run.code} {run.last_words}; {load()}"
    )
    ours = name == "this pipeline"
    goal = "0 artists lost" if ours else ""
    yield Figure(f"{name}, {scenario}", f"{sent} requests", goal, lost == 0 if ours else None, note)


def _run(simulated: World, name: str, python: str, folder: Path) -> _Run:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GARIMPO_", "SPOTIPY_"))}
    settings = simulated.settings(folder, window_requests=RATE * 30, timeout_s=5.0)
    if name == "this pipeline":
        environment |= variables(
            simulated,
            folder,
            GARIMPO_MAX_REQUESTS=str(settings.max_requests),
            GARIMPO_WINDOW_REQUESTS=str(settings.window_requests),
            GARIMPO_TIMEOUT_S=str(settings.timeout_s),
        )
        command = [python, "-m", "pipeline", "run"]
    else:
        program = {"plain script": "plain_script.py", "dlt pipeline": "dlt_pipeline.py"}[name]
        command = [python, str(HERE / program), simulated.api_url, simulated.token_url, str(folder)]
    watched = _watched(command, json.dumps(simulated.genres), environment)
    if name == "this pipeline":
        generation = open_generation(open_workspace(settings))
        tables = {"artists": "artist_id", "releases": "album_id"}
        kept = {
            table: [row[0] for row in generation.rows(f"SELECT {key} FROM {table}")] for table, key in tables.items()
        }
    else:
        path = folder / "kept.json"
        kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return replace(watched, kept=kept)


def _watched(command: list[str], given: str, environment: Mapping[str, str]) -> _Run:
    """What a command took; it is ended when it takes too long."""
    with tempfile.TemporaryDirectory() as folder:
        result, words = Path(folder) / "took.json", Path(folder) / "words.log"
        with words.open("w", encoding="utf-8") as told:
            watch = [sys.executable, str(HERE / "stopwatch.py"), str(result), str(TIMEOUT_S), *command]
            subprocess.run(
                watch, input=given, stdout=told, stderr=told, text=True, env=dict(environment), cwd=ROOT, check=True
            )
        took = json.loads(result.read_text(encoding="utf-8"))
        said = words.read_text(encoding="utf-8", errors="replace").split("\n") if took["code"] else []
    last = next((line.strip()[:90].replace("|", "/") for line in reversed(said) if line.strip()), "")
    return _Run(**took, kept={}, last_words=last)


def _dlt_python(made: Path) -> str:
    """A Python that has dlt, installed by uv or pip into a folder; empty, with a word why, where that fails."""
    say(f"beside: making an environment for {DLT} …")
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    python = made / "dlt" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    create = [uv, "venv", "--python", sys.executable] if uv else [sys.executable, "-m", "venv"]
    install = [uv, "pip", "install", "--python", str(python)] if uv else [str(python), "-m", "pip", "install"]
    try:
        for command in ([*create, "--quiet", str(made / "dlt")], [*install, "--quiet", DLT]):
            subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError) as error:
        say(f"beside: dlt is left out, its environment could not be made ({type(error).__name__})")
        return ""
    return str(python)
