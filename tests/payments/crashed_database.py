"""A burst of events during which PostgreSQL is killed, twice: run by `test_killed_burst` in a process of its
own, since it has engines of its own."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psutil
from sqlalchemy.exc import OperationalError

from recupero.kernel import clock, engines, job_requests, jobs, migrate, periodic, runtime
from recupero.kernel.burst import request
from recupero.kernel.config import Config
from recupero.wiring import wire
from tests.factories import World
from tests.ledger.placed import Placed, place
from tests.payments.test_faults import books
from tests.payments.test_killed_burst import AMOUNT, EVENTS, environment, payments, send_all, told


def main() -> None:
    with engines.throwaway_folder() as folder, engines.start(folder, environment={}) as running:
        config = Config.build(
            folder, owner_database_url=running.owner_database_url, redis_url=running.redis_url, testing=True
        )
        migrate.upgrade(config.owner_database_url)
        platform = runtime.start(config)
        wire()
        try:
            _burst(platform, running)
        finally:
            runtime.stop()


def _burst(platform: runtime.Runtime, running: engines.Engines) -> None:
    placed = place(platform, World(platform).tenant(), [{"principal": 1_000_000}])
    path = f"/webhooks/sandbox/{placed.scope.tenant()}"
    requests = [request("POST", path, headers, body) for body, headers in told(placed)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    web = [sys.executable, "-m", "gunicorn", "-c", "python:recupero.kernel.web", "-b", f"127.0.0.1:{port}",
           "recupero.app:create_from_environment()"]  # fmt: skip
    with _process(platform.config, web):
        send_all(port, requests[:10])
        senders = [threading.Thread(target=send_all, args=(port, requests[part::4])) for part in range(4)]
        for sender in senders:
            sender.start()
        _kill(running)
        for sender in senders:
            sender.join(timeout=60)
            assert not sender.is_alive()
    with _process(platform.config, [sys.executable, "-m", "recupero.cli", "work"]):
        _wait_for_a_payment(placed)
        _kill(running)
    _answers()
    with clock.simulated(datetime.now(UTC) + jobs.LEASE + timedelta(minutes=2)):
        periodic.ask_due()
        jobs.drain()
        trial, lies = books(placed)
    assert trial["CLP", "trust_cash"] == EVENTS * AMOUNT, trial
    assert len(lies) == EVENTS, lies


@contextmanager
def _process(config: Config, command: list[str]) -> Iterator[None]:
    started = subprocess.Popen(
        command, env=environment(config), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        started.kill()
        started.wait(timeout=30)


def _kill(running: engines.Engines) -> None:
    """PostgreSQL and all its processes, with nothing written any more; then it is started again."""
    child = running.own[0].child
    assert child is not None
    for process in [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]:
        if "postgres" in process.name():
            os.kill(process.pid, signal.SIGKILL)
    child.wait(timeout=10)
    assert running.revive() == ["postgresql"]


def _wait_for_a_payment(placed: Placed) -> None:
    for _ in range(200):
        try:
            if payments(placed):
                return
        except OperationalError:
            pass  # the connection was the killed server's
        time.sleep(0.05)


def _answers() -> None:
    """Wait until this process has connections to the server that came back."""
    for _ in range(100):
        try:
            job_requests.counts()
            return
        except OperationalError:
            time.sleep(0.1)  # that connection was the killed server's: the pool drops it


if __name__ == "__main__":
    main()
