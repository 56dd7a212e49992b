"""Kept connections are shared among the web processes, whoever wakes up first; no process stops to look
through what all of them have loaded."""

import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from recupero.kernel import burst
from recupero.kernel.supervisor import ProcessSpec

ROOT = Path(__file__).parents[2]
ROUNDS = 41


def _web(listener: int, _port: int) -> ProcessSpec:
    command = [
        sys.executable, "-m", "gunicorn", "-c", "python:recupero.kernel.web", "--chdir", str(ROOT),
        "-b", f"fd://{listener}", "tests.kernel.who_answers:app",
    ]  # fmt: skip
    settings = {"RECUPERO_WEB_WORKERS": "2", "RECUPERO_WEB_THREADS": "4"}
    return ProcessSpec("web", command, settings, inherits=(listener,))


def _held(port: int) -> Counter[bytes]:
    """How many of the connections that are open at once each process has."""
    asked = burst.request("GET", "/", {})
    with ExitStack() as kept:
        connections = [kept.enter_context(burst.Connection(port)) for _ in range(burst.CONNECTIONS)]
        return Counter(connection.ask(asked)[1] for connection in connections)


def test_no_process_holds_all_kept_connections_while_another_rests() -> None:
    """Who wakes up first is luck, and a busy machine may wake the other too late: so most of many rounds
    count. With the worker's wait nine of ten leave no process more than five; without it one of ten does."""
    with burst.serving(_web) as port:
        assert any(len(_held(port)) == 2 for _ in range(1000))  # both have started
        most_held = [max(_held(port).values()) for _ in range(ROUNDS)]
    assert median(most_held) <= burst.CONNECTIONS // 2 + 1, most_held


def test_what_was_loaded_before_the_fork_is_not_looked_through_for_garbage() -> None:
    with burst.serving(_web) as port, burst.Connection(port) as connection:
        assert int(connection.ask(burst.request("GET", "/frozen", {}))[1]) > 10_000
