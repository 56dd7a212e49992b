"""Domain events inside one transaction.

A room announces what happened; rooms above it, which it may not import, react in the same transaction:
a payment cancels queued actions although payments knows nothing of outreach. Handlers are registered by
`recupero.wiring.wire()`, run in the order of registration, and an exception rolls everything back.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:  # the command line starts without a database
    from sqlalchemy.orm import Session

Event = TypeVar("Event")
_handlers: dict[type[Any], list[Callable[[Session, Any], None]]] = {}
_waiting: list[Callable[[], None]] = []
_wiring = Lock()


def wire_when_needed(wire: Callable[[], None]) -> None:
    """Call `wire` before the first event or job of this process, so that a command which causes neither
    does not pay for the rooms of others."""
    _waiting.append(wire)


def wired() -> None:
    """See to it that handlers of events and jobs are registered. Threads that come meanwhile wait; where
    `wire` fails, so does whoever comes next: an event without its handlers is never taken for handled."""
    if not _waiting:
        return
    with _wiring:
        while _waiting:
            _waiting[-1]()
            _waiting.pop()


def subscribe(kind: type[Event], handler: Callable[[Session, Event], None]) -> None:
    """Call `handler(session, event)` for each event of exactly this class; registering twice is one."""
    registered = _handlers.setdefault(kind, [])
    if handler not in registered:
        registered.append(handler)


def publish(session: Session, event: object) -> None:
    """Run the handlers of the event now, inside the session's transaction."""
    wired()
    for handler in _handlers.get(type(event), ()):
        handler(session, event)
