"""Handlers are there before the first event, also where many threads ask at once or wiring fails at first."""

import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from recupero.kernel import events


class Happened:
    """Something that rooms above listen to."""


@pytest.fixture
def heard() -> Iterator[list[object]]:
    yield (noted := [])
    events._handlers.pop(Happened, None)
    events._waiting.clear()
    del noted[:]


def listen(heard: list[object]) -> None:
    events.subscribe(Happened, lambda session, event: heard.append(event))


def test_threads_that_ask_at_once_all_find_the_handlers(heard: list[object]) -> None:
    def slowly() -> None:
        time.sleep(0.1)
        listen(heard)

    events.wire_when_needed(slowly)
    asking = [threading.Thread(target=events.publish, args=(Session(), Happened())) for _ in range(4)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join(timeout=10)
    assert len(heard) == 4


def test_an_event_is_not_lost_to_wiring_that_failed(heard: list[object]) -> None:
    tries = []

    def at_the_second_try() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ImportError("a room is broken")
        listen(heard)

    events.wire_when_needed(at_the_second_try)
    with pytest.raises(ImportError, match="a room is broken"):
        events.publish(Session(), Happened())
    events.publish(Session(), Happened())
    assert len(heard) == 1


def test_what_a_handler_raises_stops_the_transaction(heard: list[object]) -> None:
    def refuse(session: Session, event: Happened) -> None:
        raise ValueError("not now")

    events.subscribe(Happened, refuse)
    with pytest.raises(ValueError, match="not now"):
        events.publish(Session(), Happened())
