"""The processes that do the work: RQ workers and the scheduler."""

import logging
import signal
import subprocess
import sys
import threading
from pathlib import Path

from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy.exc import OperationalError

from recupero.kernel import jobs, periodic

log = logging.getLogger(__name__)

TICK_SECONDS = 2.0


def work(*, burst: bool) -> None:
    """Run jobs in this process until told to stop, or with `burst` until none is left."""
    if burst:
        jobs.drain()
    else:
        jobs.worker().work(logging_level="WARNING")


def work_many(number: int, data_dir: Path, *, burst: bool) -> int:
    """Start `number` worker processes, pass signals on and wait. Returns the highest exit code."""
    arguments = [sys.executable, "-m", "recupero.cli", "work", "--data-dir", str(data_dir)]
    children = [subprocess.Popen(arguments + ["--burst"] * burst) for _ in range(number)]

    def pass_on(number: int, frame: object) -> None:
        for child in children:
            child.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    return max(child.wait() for child in children)


def schedule(stop: threading.Event | None = None) -> None:
    """Ask for periodic jobs at their times and send again what was lost, until `stop` or a signal.

    Several schedulers at once do no harm: a periodic job that waits or runs is not asked for twice.
    """
    stop = stop or _stop_on_signal()
    while not stop.wait(TICK_SECONDS):
        try:
            periodic.ask_due()
            jobs.sweep()
        except (RedisConnectionError, OperationalError):
            log.warning("a server is away; the scheduler tries again", exc_info=True)


def _stop_on_signal() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
