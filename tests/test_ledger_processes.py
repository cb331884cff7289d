"""The ledger between processes: one truth, and a kill loses nothing that was written."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.records.ledger import Ledger

ROOT = Path(__file__).parent.parent
COMMIT_MANY = """
import sys
from pathlib import Path
from pipeline.records.ledger import Ledger, Part, TaskOutcome
ledger = Ledger(Path(sys.argv[1]))
won = 0
for n in range(60):
    part = Part("artists", f"{sys.argv[2]}-{n}.parquet", "2026-11-22", 1, 1, "aa", 1)
    won += ledger.commit_batch(TaskOutcome("r1", f"b{n}", int(sys.argv[2]), "succeeded"), None, [part])
print(won)
"""
RESERVE_AND_HANG = """
import sys
from pathlib import Path
from pipeline.records.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
with ledger.write(durable=False) as connection:
    connection.execute("INSERT INTO requests (at, bucket, endpoint, run_id) VALUES (1, 'search', 'search', 'r1')")
with ledger.write() as connection:
    connection.execute("INSERT INTO meta VALUES ('half', 'written')")
    print("reserved", flush=True)
    sys.stdin.read()
"""


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    """A process of its own that runs a script of this repository."""
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_two_processes_commit_each_batch_once(tmp_path: Path) -> None:
    """Two processes that race for the same sixty batches, on a file neither found, share them without a double."""
    path = tmp_path / "l.sqlite"
    racers = [start(COMMIT_MANY, str(path), attempt) for attempt in ("1", "2")]
    won = [int(racer.communicate(timeout=60)[0]) for racer in racers]
    ledger = Ledger(path)
    assert (sum(won), len(ledger.parts())) == (60, 60)
    ledger.close()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_kill_keeps_reservations(tmp_path: Path) -> None:
    """A kill -9 loses no reserved request and leaves no half-written transaction, nor a lock."""
    path = tmp_path / "l.sqlite"
    victim = start(RESERVE_AND_HANG, str(path))
    with victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "reserved\n"
        victim.kill()
    ledger = Ledger(path)
    ledger.set_meta("after", "the kill")
    assert ledger.read("SELECT bucket, run_id, status FROM requests") == [
        {"bucket": "search", "run_id": "r1", "status": None}
    ]
    assert ledger.meta("half") is None
    ledger.close()
