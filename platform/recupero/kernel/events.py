"""Domain events inside one transaction.

A room announces what happened; rooms above it, which it may not import, react in the same transaction:
a payment cancels queued actions although payments knows nothing of outreach. Handlers are registered by
`recupero.app.wire()`, run in the order of registration, and an exception rolls everything back.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.orm import Session

Event = TypeVar("Event")
_handlers: dict[type[Any], list[Callable[[Session, Any], None]]] = {}


def subscribe(kind: type[Event], handler: Callable[[Session, Event], None]) -> None:
    """Call `handler(session, event)` for each event of exactly this class; registering twice is one."""
    registered = _handlers.setdefault(kind, [])
    if handler not in registered:
        registered.append(handler)


def publish(session: Session, event: object) -> None:
    """Run the handlers of the event now, inside the session's transaction."""
    for handler in _handlers.get(type(event), ()):
        handler(session, event)
