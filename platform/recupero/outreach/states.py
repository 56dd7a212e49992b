"""The states of an action, which follows which, and the one way to move between them.

    proposed ─▶ approved
                   ▼
               scheduled ─▶ claimed ─▶ reserved ─▶ sent ─▶ delivered ─▶ answered
                   ▲           │           ├─▶ done | failed | unknown
                   └───────────┴───────────┘
    and before reserved: blocked, cancelled, expired.

`proposed` waits for a person's yes; `approved` has it, and is scheduled as soon as the law named the moment.
`claimed` is a lease given to a job; `reserved` has its contact written and may have gone out. Each move
appends an `ActionEvent` in the same statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, DateTime, String, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.database import scope_of

FOLLOWS: dict[str, frozenset[str]] = {
    "proposed": frozenset({"proposed", "approved", "blocked", "cancelled", "expired"}),
    "approved": frozenset({"scheduled", "blocked", "cancelled", "expired"}),
    "scheduled": frozenset({"scheduled", "claimed", "reserved", "blocked", "cancelled", "expired"}),
    "claimed": frozenset({"scheduled", "reserved", "blocked", "cancelled", "expired"}),
    "reserved": frozenset(
        {"sent", "delivered", "answered", "done", "failed", "unknown", "scheduled", "expired"}
    ),
    "sent": frozenset({"delivered", "answered", "done", "failed"}),
    "unknown": frozenset({"sent", "delivered", "answered", "done", "failed", "scheduled", "expired"}),
    "delivered": frozenset({"answered", "done"}),
    "answered": frozenset({"done"}),
    "done": frozenset(),
    "failed": frozenset(),
    "blocked": frozenset(),
    "cancelled": frozenset(),
    "expired": frozenset(),
}
STATES = tuple(FOLLOWS)
#: How long a job, or a person on a call, may have an action.
CLAIM_LEASE = timedelta(minutes=10)
#: Nothing has gone out yet and nothing is going out: may still be cancelled.
WAITING = ("proposed", "approved", "scheduled", "claimed")
#: Of these, what nobody has to agree to any more.
AGREED = ("scheduled", "claimed")
OPEN = (*WAITING, "reserved")


def before(state: str) -> list[str]:
    """The states from which an action may come into `state`."""
    return [earlier for earlier, later in FOLLOWS.items() if state in later]


@dataclass(frozen=True, slots=True)
class Move:
    """One action into another state. `due_at` None keeps the time; `tries` is added to its attempts."""

    action_id: int
    state: str
    reason: str | None = None
    details: dict[str, Any] | None = None
    due_at: datetime | None = None
    leased_until: datetime | None = None
    tries: int = 0


_MOVE = text(
    "WITH moved AS ("
    " UPDATE actions a SET state = r.state, reason = r.reason, due_at = coalesce(r.due_at, a.due_at),"
    " leased_until = r.leased_until, attempts = a.attempts + r.tries, changed_at = :now"
    " FROM unnest(:ids, :states, :reasons, :details, :dues, :leases, :tries, :befores)"
    " AS r(id, state, reason, details, due_at, leased_until, tries, befores)"
    " WHERE a.tenant_id = :tenant AND a.id = r.id AND a.state = ANY (string_to_array(r.befores, ','))"
    " RETURNING a.id, r.state, r.reason, r.details)"
    " INSERT INTO action_events (tenant_id, action_id, at, state, reason, details)"
    " SELECT :tenant, id, :now, state, reason, details FROM moved RETURNING action_id"
).bindparams(
    bindparam("ids", type_=ARRAY(BigInteger)),
    bindparam("states", type_=ARRAY(String)),
    bindparam("reasons", type_=ARRAY(String)),
    bindparam("details", type_=ARRAY(JSONB(none_as_null=True))),
    bindparam("dues", type_=ARRAY(DateTime(timezone=True))),
    bindparam("leases", type_=ARRAY(DateTime(timezone=True))),
    bindparam("tries", type_=ARRAY(BigInteger)),
    bindparam("befores", type_=ARRAY(String)),
)
_BEFORE = {state: ",".join(before(state)) for state in STATES}


def move(session: Session, moves: Sequence[Move]) -> list[int]:
    """Move actions of the tenant in scope, each only from a state that may precede. Returns which moved."""
    if not moves:
        return []
    return list(
        session.execute(
            _MOVE,
            {
                "tenant": scope_of(session).tenant(), "now": clock.now(),
                "ids": [one.action_id for one in moves],
                "states": [one.state for one in moves], "reasons": [one.reason for one in moves],
                "details": [one.details for one in moves], "dues": [one.due_at for one in moves],
                "leases": [one.leased_until for one in moves], "tries": [one.tries for one in moves],
                "befores": [_BEFORE[one.state] for one in moves],
            },
        ).scalars()
    )  # fmt: skip
