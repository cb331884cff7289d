"""Who goes first where cores are few: pages and other programs, before what collects and publishes. Imports nothing."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

__all__ = ["give_way"]

NICENESS = 5  # a third of the share that others get: enough for them to go first, and no run stands still


def give_way() -> None:
    """From now on let others go first, for the calling thread and whatever it starts; on Linux alone.

    It cannot be taken back: for threads and processes that have nothing else to do than work that nobody waits for
    (docs/decisions/0055).
    """
    if sys.platform == "linux":  # elsewhere a priority is that of a whole process, in the app that of its pages too
        mine = os.getpriority(os.PRIO_PROCESS, 0)
        with suppress(OSError):  # hardened services may not: what there is to do is done all the same
            os.setpriority(os.PRIO_PROCESS, 0, max(mine, NICENESS))
