"""Gunicorn's worker with threads, which leaves a connection to a process that has a thread to spare.

Whoever wakes up first takes a connection, and kept connections stay where they are: so one process may come
to hold them all while another rests, and answers take twice as long (measured in one run of nine).
"""

import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]  # the package has no types

#: What a process with as many connections as threads waits before it takes one more: long enough for another,
#: which takes it in a tenth of that, and nothing to who connects.
YIELD_SECONDS = 0.002


class FairWorker(ThreadWorker):  # type: ignore[misc]  # the package has no types
    """Takes a connection beyond its threads only where no other process wants it."""

    def accept(self, listener: Any) -> None:
        if self.nr_conns >= self.cfg.threads:
            time.sleep(YIELD_SECONDS)
        super().accept(listener)
