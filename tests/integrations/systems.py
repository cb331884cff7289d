"""Each system is set up from nothing, tried and taken down: `tests/integrations/run.sh list | all | fetch | NAME...`.

A system is a folder here with a `run.sh`: called from the root of the project with WORK, a folder that is removed
afterwards, it sources venv.sh, installs, and calls `tests`. It ends with 0 when it ran, with 77 when the system cannot
be had here (its last line says why), with anything else when it failed. While some are tried the next one installs.
One that failed is tried once more after the others, and says so: servers of this size stumble where two cores are busy.

Two are tried at a time: each waits for its own servers half of the time. While the process BESIDE works, or where
something is measured, it is one. LIMIT_S bounds each one's tests. DEADLINE_S bounds them all: what does not fit is
named as not run. `fetch` installs all and tries none, so that their packages are in uv's cache. KEEP=1 keeps WORK.
Needs nothing but Python and bash.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

__all__ = ["Ended", "main", "names", "turned"]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# What takes longest begins: two end at about the same time then. The others take turns in being last.
LONG = ("bigquery", "airflow", "spark", "pgledger", "snowflake", "objects")
NOT_HERE = 77
LEAST_S = 20.0  # less is not worth beginning with
TO_END_S = 15.0  # to take down what it started, before it is killed
LOOK_S = 0.1
NO_TIME = "no time left"


@dataclass(frozen=True)
class Ended:
    """How a system ended: `state` is ran, not run or FAILED; seconds of its installation and of its tests."""

    name: str
    state: str
    install_s: float = 0.0
    tests_s: float = 0.0
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.name:<12} {self.state:<8} {self.install_s:5.0f} s {self.tests_s:5.0f} s  {self.reason}"


class System:
    """One that is under way, in a process group of its own: whatever it leaves running ends with it."""

    def __init__(self, folder: Path, limit_s: float, deadline: float) -> None:
        self.name, self.folder, self._limit_s, self._deadline = folder.name, folder, limit_s, deadline
        self._began = self._since = time.monotonic()
        self.is_tried = False
        self._work = Path(tempfile.mkdtemp(prefix=f"garimpo-{folder.name}-"))
        self.log = self._work.with_name(f"{self._work.name}.log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["bash", str(folder / "run.sh")], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=os.environ | {"WORK": str(self._work)}, start_new_session=True,
                preexec_fn=_heed_interrupts,  # noqa: PLW1509  no thread is here
            )  # fmt: skip

    @property
    def is_installed(self) -> bool:
        """Whether it waits for its turn, or has had it."""
        return (self._work / "installed").exists()

    def give_turn(self) -> None:
        """Let its tests begin; from now on its limit counts."""
        self.is_tried, self._since = True, time.monotonic()
        (self._work / "turn").touch()

    def ended(self) -> Ended | None:
        """How it ended, once it did, at the latest when its time is up."""
        code, now = self.process.poll(), time.monotonic()
        waits = self.is_installed and not self.is_tried
        late = now >= self._deadline or (now >= self._since + self._limit_s and not waits)
        if code is None and not late:
            return None
        self.take_down()
        told = self.log.read_text(encoding="utf-8", errors="replace")
        reason = next((line.strip() for line in reversed(told.splitlines()) if line.strip()), "")
        state = {0: "ran", NOT_HERE: "not run"}.get(code, "FAILED") if code is not None else "FAILED"
        if code is None:
            state, reason = ("not run", NO_TIME) if now >= self._deadline else ("FAILED", "took too long")
        install_s, tests_s = self._times()
        self._show(told, state)
        self._forget()
        return Ended(self.name, state, install_s, tests_s, reason)

    def _times(self) -> tuple[float, float]:
        """Seconds until it was installed, and since its turn came."""
        marks = [self._work / name for name in ("installed", "turn")]
        at = [path.stat().st_mtime if path.exists() else None for path in marks]
        now, elapsed = time.time(), time.monotonic() - self._began
        install_s = elapsed - (now - at[0]) if at[0] else elapsed
        return install_s, now - at[1] if at[1] else 0.0

    def take_down(self) -> None:
        """End it and all of its group."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
            try:
                self.process.wait(TO_END_S)
            except subprocess.TimeoutExpired:
                sys.stdout.write(f"{self.name} did not end by itself\n")
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.process.wait()

    def _show(self, told: str, state: str) -> None:
        """All it said when it failed, else what it measured and how its tests ended."""
        lines = told.splitlines()
        if state == "ran":
            lines = [line for line in lines if re.match(r"FIGURES|\d+ passed", line)]
        sys.stdout.write("\n".join([f"== {self.name}: {state}", *lines]) + "\n")
        sys.stdout.flush()

    def _forget(self) -> None:
        if not os.environ.get("KEEP"):
            shutil.rmtree(self._work, ignore_errors=True)
            self.log.unlink()


def _heed_interrupts() -> None:
    """What a shell runs in the background ignores SIGINT, and so would all that it begins: nothing would end by it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def names(here: Path = HERE) -> list[str]:
    """Every system in a folder."""
    return sorted(path.parent.name for path in here.glob("*/run.sh"))


def turned(listed: Sequence[str], by: int) -> list[str]:
    """What takes longest, then the others, beginning with another one."""
    others = [name for name in listed if name not in LONG]
    start = by % len(others) if others else 0
    return [*(name for name in LONG if name in listed), *others[start:], *others[:start]]


def lanes() -> int:
    """How many are tried at a time now."""
    beside = os.environ.get("BESIDE")
    return 1 if os.environ.get("MEASURE") or (beside and Path(f"/proc/{beside}").exists()) else 2


def tried(folders: Sequence[Path], limit_s: float, deadline: float) -> Iterator[Ended]:
    """How each one ended, as they end; `deadline` by `time.monotonic`."""
    waiting, under_way, failed = list(folders), list[System](), dict[str, Ended]()
    try:
        while waiting or under_way:
            while waiting and all(system.is_tried for system in under_way):
                folder = waiting.pop(0)
                if deadline - time.monotonic() < LEAST_S:
                    yield failed.get(folder.name) or Ended(folder.name, "not run", reason=NO_TIME)
                else:
                    under_way.append(System(folder, limit_s, deadline))
            for system in list(under_way):
                if ended := system.ended():
                    under_way.remove(system)
                    if ended.state == "FAILED" and ended.name not in failed:
                        failed[ended.name] = ended
                        waiting.append(system.folder)
                    else:
                        yield _at_last(ended, failed.get(ended.name))
            _give_turns(under_way)
            time.sleep(LOOK_S)
    finally:
        for system in under_way:
            system.take_down()


def _give_turns(under_way: Sequence[System]) -> None:
    for system in under_way:
        if system.is_installed and not system.is_tried and sum(each.is_tried for each in under_way) < lanes():
            system.give_turn()


def _at_last(ended: Ended, before: Ended | None) -> Ended:
    """How a system ended, if need be after its second try: one that time ran out for has failed all the same."""
    if before is None:
        return ended
    if ended.state == "not run":
        return before
    return replace(ended, reason=f"at the second try: {ended.reason}")


def _environment() -> None:
    """What every run.sh finds: the program uv."""
    if not shutil.which("uv"):
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "garimpo" / "uv"
        if not (cache / "bin/uv").exists():
            subprocess.run([sys.executable, "-m", "venv", str(cache)], check=True)
            pip = [str(cache / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", "uv"]
            if subprocess.run(pip, check=False).returncode:
                sys.stdout.write("The program uv cannot be had here: nothing can be installed.\n")
        os.environ["PATH"] += f"{os.pathsep}{cache / 'bin'}"


def _commits() -> int:
    told = subprocess.run(["git", "rev-list", "--count", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return int(told.stdout or 0)


def main(arguments: Sequence[str]) -> int:
    """Try what is asked for; 0 unless one failed."""
    listed, asked = names(), list(arguments) or ["list"]
    if asked == ["list"]:
        sys.stdout.write("".join(f"{name}\n" for name in listed))
        return 0
    seconds = float(os.environ.get("DEADLINE_S") or "inf")
    if asked == ["fetch"]:
        os.environ["FETCH"] = "1"
    if asked in (["all"], ["fetch"]):
        asked = turned(listed, _commits())
    if unknown := [name for name in asked if name not in listed]:
        sys.stderr.write(f"no such system: {', '.join(unknown)} (there are {', '.join(listed)})\n")
        return 2
    _environment()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # and so end what is under way
    found = list(
        tried([HERE / name for name in asked], float(os.environ.get("LIMIT_S") or 600), time.monotonic() + seconds)
    )
    sys.stdout.write(f"\n{'':<12} {'':<8} install   tests\n" + "".join(f"{each}\n" for each in sorted(found, key=str)))
    return 1 if any(each.state == "FAILED" for each in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
