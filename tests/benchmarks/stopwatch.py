"""Runs a command and writes what it took as JSON: exit code, seconds, CPU seconds, peak memory in MB.

A program of its own, and a small one: a process's peak memory begins with that of the process that starts it. Standard
library alone, for POSIX. Arguments: file to write, seconds after which the command is killed, the command.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path


def main(result: Path, timeout_s: float, command: list[str]) -> None:
    """Watch one command; it gets our standard input and output."""
    began = time.perf_counter()
    process = subprocess.Popen(command)
    too_long = threading.Timer(timeout_s, process.kill)
    too_long.start()
    _, status, usage = os.wait4(process.pid, 0)
    too_long.cancel()
    wall, process.returncode = time.perf_counter() - began, os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    took = {
        "code": process.returncode,
        "wall_s": wall,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": peak,
    }
    result.write_text(json.dumps(took), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
