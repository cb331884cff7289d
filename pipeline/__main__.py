"""`python -m pipeline`: the headless door. The commands are in `cli.commands`; what holds until they are loaded, here.

To load them takes a second or two, in which Ctrl-C would otherwise print where Python was. Imports `priority` and
`cli.commands`.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from types import FrameType

from pipeline.priority import give_way

__all__ = ["main"]

FAILED, CANCELLED = 1, 130  # exit codes, before `errors` is loaded
LACKING = (
    "{python} has no package {package}. Type .venv/bin/python instead of python (on Windows .venv\\Scripts\\python); "
    "what is installed there is in requirements.txt. Nothing was started."
)
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    """Run the command line; its exit code. Signals before it is loaded end the process with 130, in silence."""
    before = {number: signal.signal(number, _leave) for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN}
    give_way()
    try:
        commands = importlib.import_module("pipeline.cli.commands")
    except ModuleNotFoundError as error:
        sys.stderr.write(f"{LACKING.format(python=sys.executable, package=error.name)}\n")
        return FAILED
    for number, handler in before.items():
        signal.signal(number, handler)
    code: int = commands.main()
    return code


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End at once: nothing has begun, so there is nothing to put away."""
    os._exit(CANCELLED)


if __name__ == "__main__":
    sys.exit(main())
