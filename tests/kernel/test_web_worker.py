"""Kept connections are shared among the web processes, whoever wakes up first."""

import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from recupero.kernel import burst
from recupero.kernel.supervisor import ProcessSpec

ROOT = Path(__file__).parents[2]


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
    with burst.serving(_web) as port:
        for _ in range(20):  # until both have started
            if len(_held(port)) == 2:
                break
        held = _held(port)
    assert len(held) == 2
    assert max(held.values()) <= 5  # a busy machine may wake the other too late for one
