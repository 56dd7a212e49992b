"""What a lone urgent action costs the database: it is most of its time, and must not grow unseen."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg.pq import Trace
from sqlalchemy import Engine, event

from recupero.kernel import runtime
from recupero.outreach.sending.execution import execute
from tests.factories import World
from tests.outreach.placed import place
from tests.outreach.test_carrying_out import states
from tests.outreach.test_urgent import ask

pytestmark = pytest.mark.usefixtures("noon")

#: Scope, claim, what there is to know (14), link, lock and history, contact, action and words; then scope,
#: outcome and action. One more is a millisecond for everybody who waits for a code or an answer.
STATEMENTS = 25
#: Of which many go together: scope and claim; reading; link; lock and history; contact; action and words;
#: commit. Then scope, outcome and action; commit.
ROUND_TRIPS = 9


@contextmanager
def traced(engine: Engine, noted: Path) -> Iterator[list[str]]:
    """Every statement, and in `noted` every message to and from the server."""
    asked = list[str]()
    with noted.open("wb") as file:

        def trace(connection: Any, *_: object) -> None:
            connection.pgconn.trace(file.fileno())
            connection.pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)

        def end(connection: Any, *_: object) -> None:
            connection.pgconn.untrace()

        def note(*told: Any) -> None:
            asked.append(told[2])

        heard = {"checkout": trace, "checkin": end, "before_cursor_execute": note}
        for name, listener in heard.items():
            event.listen(engine, name, listener)
        try:
            yield asked
        finally:
            for name, listener in heard.items():
                event.remove(engine, name, listener)


def test_a_lone_action_asks_little_and_rarely(world: World, tmp_path: Path) -> None:
    placed = place(world.tenant(), 2)
    first, second = ask(placed)
    database, scope, noted = runtime.current().database, placed[0].scope, tmp_path / "protocol"
    execute(database, scope, [first])  # what a process reads once
    with traced(database.engine, noted) as asked:
        execute(database, scope, [second])
    assert [state for state, _reason in states(placed)] == ["closed", "closed"]
    assert 0 < len(asked) <= STATEMENTS, asked
    waits = re.findall(r"^F\t\d+\t(Sync|Query)\b", noted.read_text(errors="replace"), re.MULTILINE)
    assert 0 < len(waits) <= ROUND_TRIPS, waits
