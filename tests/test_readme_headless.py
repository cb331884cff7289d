"""The README's examples for systemd and cron are understood by those who will read them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cron import parse_cron
from pipeline.errors import Deferred, RunCancelled

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SERVICE, TIMER = re.findall(r"```ini\n(.*?)```", README, re.DOTALL)
CRON = re.search(r"```text\n(0 6 \* \* \* .*?)```", README, re.DOTALL)[1].strip()  # type: ignore[index]
ANALYZE = shutil.which("systemd-analyze")


@pytest.mark.skipif(ANALYZE is None, reason="systemd is not here")
def test_units_are_understood(tmp_path: Path):
    """Systemd finds no fault in service and timer, and takes the time of day."""
    home = SERVICE.replace("%h/garimpo/.venv/bin/python", sys.executable).replace("%h/garimpo", str(tmp_path))
    (tmp_path / "garimpo.service").write_text(home, encoding="utf-8")
    (tmp_path / "garimpo.timer").write_text(TIMER, encoding="utf-8")
    units = [str(tmp_path / name) for name in ("garimpo.service", "garimpo.timer")]
    runtime = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    checked = subprocess.run(
        [ANALYZE, "--user", "verify", *units], capture_output=True, text=True, env=runtime, check=False
    )
    assert [line for line in checked.stderr.splitlines() if "garimpo" in line] == []
    when = re.search(r"OnCalendar=(.*)", TIMER)[1]  # type: ignore[index]
    subprocess.run([ANALYZE, "calendar", when], capture_output=True, check=True)


def test_success_is_what_it_is():
    """The exit codes that the service counts as success are those of a deferred and of a cancelled run."""
    assert f"SuccessExitStatus={Deferred.exit_code} {RunCancelled.exit_code}" in SERVICE


@pytest.mark.skipif(os.name == "nt", reason="cron is not there")
def test_crontab_line_runs(tmp_path: Path):
    """The time is a crontab's, and the command does what it says from the folder, in a bare environment."""
    fields, command = CRON.split()[:5], CRON.split(maxsplit=5)[5]
    assert parse_cron(" ".join(fields)).hours == {6}
    folder = tmp_path / "garimpo"
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (folder / "pipeline").symlink_to(Path(__file__).parent.parent / "pipeline")
    bare = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(["/bin/sh", "-c", command], env=bare, check=False)
    assert ended.returncode == 2  # there are no credentials there
    assert "SPOTIPY_CLIENT_ID" in (folder / "data" / "cron.log").read_text(encoding="utf-8")
