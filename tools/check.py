"""Every check of the project, one after the other: `python -m tools.check`, or some of them by name.

`scenarios`, the slow tests, run only when named.

With `--write` it first mends what can be mended by itself: format, import order, generated parts of the documents.
Every check runs even when an earlier one failed, so that one run says all there is to say; the exit code is 1 then.
In CI a test that failed is tried once more, alone, and both are told: servers and browsers on two cores stumble.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["CHECKS", "PARALLEL", "compiling", "main", "place_of_tests"]

ROOT = Path(__file__).resolve().parent.parent
WORKERS = "2"  # processes for the tests: measured best on two cores

# Tests commit many thousand times, and a disk takes milliseconds for each: their folders are in memory where there is
# room for what the quick tests write, 2.5 GB. Not removed one by one: DuckDB and caches know files by their paths.
MEMORY = Path("/dev/shm")  # noqa: S108  whoever else writes there has other names
LEAST_FREE = 6 * 2**30

# Counting branches in every child process costs a third more time: CI does it, and whoever sets CI=1. What recovers and
# removes is tried by scenarios, so that only both together can be asked for enough.
COUNTED = bool(os.environ.get("CI"))
COVERAGE = ["--cov", "--cov-report=", "--cov-fail-under=0"] if COUNTED else []
COVERAGE_OF_BOTH = ["--cov", "--cov-append", "--cov-report=term"] if COUNTED else []
# A worker that crashes is followed by another, as often as it takes: else tests are left out, and nothing says so.
PARALLEL = ["-n", WORKERS, "--max-worker-restart", "1000"]
ONCE_MORE = ["-n", "0", "--maxfail=1", "--last-failed", "--last-failed-no-failures=none", "--cov-append"]

CHECKS: dict[str, list[str]] = {
    "format": ["ruff", "format", "--check", "--quiet", "."],
    "lint": ["ruff", "check", "--quiet", "--output-format=concise", "."],
    "types": ["mypy", "--no-error-summary"],
    "sizes": ["tools.sizes"],
    "pins": ["tools.pins"],
    "docs": ["tools.documents"],
    "tests": ["pytest", "-q", *PARALLEL, "-m", "not slow", "--durations=5", *COVERAGE],
}
# Whole scenarios of minutes (kills, faults, locks, real catalogues): only when named.
SCENARIOS = {"scenarios": ["pytest", "-q", *PARALLEL, "-m", "slow", "--durations=5", *COVERAGE_OF_BOTH]}
FAILED = "FAILED"
TESTS_FAILED = 1  # pytest's code where it came to its end; of what did not, nobody knows what else would have failed
MENDS = (["ruff", "check", "--fix", "--quiet", "."], ["ruff", "format", "--quiet", "."], ["tools.documents", "--write"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named checks, or all; 0 when every one of them passed."""
    parser = argparse.ArgumentParser(prog="python -m tools.check", description="Run every check of the project.")
    parser.add_argument(
        "checks",
        nargs="*",
        metavar="CHECK",
        help=f"some of: {', '.join(CHECKS | SCENARIOS)}; none means all but scenarios",
    )
    parser.add_argument("--write", action="store_true", help="first mend format, import order and generated documents")
    asked = parser.parse_args(arguments)
    known = CHECKS | SCENARIOS
    if unknown := [name for name in asked.checks if name not in known]:
        parser.error(f"no such check: {', '.join(unknown)} (there are {', '.join(known)})")
    for command in MENDS if asked.write else ():
        _run(command)
    results = {name: _timed(name, known[name]) for name in asked.checks or CHECKS}
    failed = [name for name, (how, _) in results.items() if how == FAILED]
    print("\n" + "  ".join(f"{name} {how} {took_s:.0f} s" for name, (how, took_s) in results.items()))
    print(f"Failed: {', '.join(failed)}." if failed else "All checks are well.")
    return 1 if failed else 0


def _timed(name: str, command: list[str]) -> tuple[str, float]:
    print(f"\n== {name}", flush=True)
    began = time.perf_counter()
    code = _run(command)
    how = FAILED if code else "ok"
    if code == TESTS_FAILED and COUNTED and "pytest" in command:
        print(f"\n== {name}, what failed once more", flush=True)
        how = FAILED if _run([*command, *ONCE_MORE]) else "ok AT THE SECOND TRY"
    return how, time.perf_counter() - began


def _run(command: list[str]) -> int:
    if "not slow" not in command:
        return _ended(command)
    with TemporaryDirectory(prefix="tests-", dir=place_of_tests(MEMORY), ignore_cleanup_errors=True) as folder:
        return _ended([*command, f"--basetemp={folder}/t"])  # short: a socket's path has 108 bytes


def _ended(command: list[str]) -> int:
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=compiling(os.environ), check=False).returncode


def compiling(variables: Mapping[str, str]) -> dict[str, str]:
    """The same variables, by which Python keeps what it compiles: tests start some hundred programs of ours."""
    return {name: value for name, value in variables.items() if name != "PYTHONDONTWRITEBYTECODE"}


def place_of_tests(memory: Path) -> Path | None:
    """Below what the tests' folders should be: this one, which is memory; None for the usual where it has no room."""
    return memory if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= LEAST_FREE else None


if __name__ == "__main__":
    sys.exit(main())
