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

CANCELLED = 130  # the exit code, before `errors` is loaded
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    """Run the command line; its exit code. Signals before it is loaded end the process with 130, in silence."""
    before = {number: signal.signal(number, _leave) for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN}
    give_way()
    commands = importlib.import_module("pipeline.cli.commands")
    for number, handler in before.items():
        signal.signal(number, handler)
    code: int = commands.main()
    return code


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End at once: nothing has begun, so there is nothing to put away."""
    os._exit(CANCELLED)


if __name__ == "__main__":
    sys.exit(main())
