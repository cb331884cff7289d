"""Airflow as it is deployed, on this machine: API server, scheduler and DAG processor, each a process of its own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.apps import free_port
from tests.integrations import far

__all__ = ["Airflow", "environment", "running"]

ROOT = Path(__file__).parents[3]
DAG_FILE = ROOT / "docs" / "integrations" / "deploy" / "airflow_dag.py"
SERVICES = {
    "api-server": ("--host", "127.0.0.1", "--workers", "1"),
    "scheduler": ("--skip-serve-logs",),
    "dag-processor": (),
}
PATIENCE_S = 360.0  # of a run, on a machine with much else to do
ANSWER_S = 120.0


def environment(home: Path, port: int) -> dict[str, str]:
    """What all of its processes are to find: a home, one address, one secret, nobody to sign in."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    }


class Airflow:
    """What it answers, once it answers."""

    def __init__(self, url: str, home: Path) -> None:
        self.url, self.home, self._token = url, home, ""

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of its API."""
        if not self._token:
            self._token = self._answer(Request(f"{self.url}/auth/token"))["access_token"]  # noqa: S310  our own child's
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        return self._answer(Request(f"{self.url}/api/v2/dags/garimpo{path}", data, headers, method=method))  # noqa: S310

    def run(self, **params: Any) -> str:
        """The id of a run that was begun with these parameters and has ended."""
        run_id = str(self.ask("POST", "/dagRuns", {"logical_date": None, "conf": params})["dag_run_id"])
        self.ended(run_id)
        return run_id

    def clear(self, run_id: str, task_id: str, map_index: int) -> None:
        """Have one mapped instance executed again, and what comes after it, as its page offers; until the end."""
        what = {"dag_run_id": run_id, "task_ids": [[task_id, map_index]], "include_downstream": True}
        self.ask("POST", "/clearTaskInstances", {"dry_run": False, "only_failed": False, **what})
        self.ended(run_id)

    def ended(self, run_id: str) -> str:
        """How a run ended."""
        end = time.monotonic() + PATIENCE_S
        while (state := self.ask("GET", f"/dagRuns/{run_id}")["state"]) not in ("success", "failed"):
            assert time.monotonic() < end, f"{run_id} is still {state}"
            time.sleep(0.5)
        return str(state)

    def instances(self, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run, mapped or not."""
        found = self.ask("GET", f"/dagRuns/{run_id}/taskInstances?limit=1000")["task_instances"]
        return sorted(found, key=lambda each: (each["task_id"], each["map_index"]))

    @staticmethod
    def _answer(request: Request) -> Any:
        with urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310
            return json.load(answer)


@contextmanager
def running(home: Path, variables: Mapping[str, str], empty: Path) -> Iterator[Airflow]:
    """Airflow with the DAG as documented, not paused; `empty` is a database that was migrated and nothing else."""
    (home / "dags").mkdir(parents=True)
    shutil.copy(DAG_FILE, home / "dags")
    shutil.copy(empty, home / "airflow.db")
    port = free_port()
    env = os.environ | environment(home, port) | variables
    processes = [_service(home / f"{name}.log", [name, *options], env) for name, options in SERVICES.items()]
    try:
        airflow = Airflow(f"http://127.0.0.1:{port}", home)
        far.until(lambda: airflow.ask("PATCH", "", {"is_paused": False}), 120)
        yield airflow
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            _wait(process)


def _service(log: Path, arguments: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
    with log.open("wb") as told:
        command = [sys.executable, "-m", "airflow", *arguments]
        return subprocess.Popen(command, env=env, stdout=told, stderr=told)


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
