"""The states of an action, which follows which, and the one way to move between them.

    proposed ─▶ approved
                   ▼
               scheduled ─▶ claimed ─▶ reserved ─▶ sent ─▶ delivered ─▶ answered ─▶ closed
                   ▲           │           ├─▶ failed | unknown | closed
                   └───────────┴───────────┘
    and before reserved: blocked, cancelled, expired.

`proposed` waits for a person's yes; `approved` has it, and is scheduled as soon as the law named the moment.
`closed`: nothing more is expected. A message that nobody will confirm is so at once, others once they had
time to be answered (`CLOSES_AFTER`). It may still come back (a mail bounces hours later), or be answered.
`claimed` is a lease given to a job; `reserved` has its contact written and may have gone out. Each move
appends an `ActionEvent` in the same statement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from recupero.kernel import clock, jobs
from recupero.kernel.bulk import NUMBERS, numbered
from recupero.kernel.database import scope_of
from recupero.kernel.statements import Parameters, Statement, ask
from recupero.outreach.actions.kinds import OF_THE_HOUSE
from recupero.payments.agreements import settlements

FOLLOWS: dict[str, frozenset[str]] = {
    "proposed": frozenset({"proposed", "approved", "blocked", "cancelled", "expired"}),
    "approved": frozenset({"scheduled", "blocked", "cancelled", "expired"}),
    "scheduled": frozenset({"scheduled", "claimed", "reserved", "blocked", "cancelled", "expired"}),
    "claimed": frozenset({"scheduled", "reserved", "blocked", "cancelled", "expired"}),
    "reserved": frozenset(
        {"sent", "delivered", "answered", "closed", "failed", "unknown", "scheduled", "expired"}
    ),
    "sent": frozenset({"delivered", "answered", "closed", "failed"}),
    "unknown": frozenset({"sent", "delivered", "answered", "closed", "failed", "scheduled", "expired"}),
    "delivered": frozenset({"answered", "closed"}),
    "answered": frozenset({"closed"}),
    "closed": frozenset({"answered", "failed"}),
    "failed": frozenset(),
    "blocked": frozenset(),
    "cancelled": frozenset(),
    "expired": frozenset(),
}
STATES = tuple(FOLLOWS)
#: How long a job, or a person on a call, may have an action.
CLAIM_LEASE = timedelta(minutes=10)
#: They went out and nothing has to be done about them: closed when nothing was heard of them for so long.
SETTLED = ("sent", "delivered", "answered")
CLOSES_AFTER = timedelta(days=7)
#: Nothing has gone out yet and nothing is going out: may still be cancelled.
WAITING = ("proposed", "approved", "scheduled", "claimed")
#: Where the words of an action end that nobody has read and nobody will.
_NEVER_ARRIVES = frozenset({"failed", "blocked", "cancelled", "expired"})
#: Of these, what nobody has to agree to any more.
AGREED = ("scheduled", "claimed")
OPEN = (*WAITING, "reserved")


def before(state: str) -> list[str]:
    """The states from which an action may come into `state`."""
    return [earlier for earlier, later in FOLLOWS.items() if state in later]


@dataclass(frozen=True, slots=True)
class Claimed:
    """An action as the job that claimed it carries it out; see `tables.Action`."""

    id: int
    account_id: int
    debtor_id: int
    draft_id: int | None
    channel: str
    contact_point_id: int | None
    template: str
    tone: str
    purpose: str
    answers: str | None
    expires_at: datetime
    attempts: int
    assistant: dict[str, Any] | None


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


# What many share stands in `kinds` once. It is looked up for each row, not joined: of a join the planner
# does not know how few rows it has, and reads the whole table.
_MOVE = Statement(text(
    "WITH moved AS ("
    " UPDATE actions a SET state = k ->> 'state', reason = k ->> 'reason',"
    " due_at = coalesce(CAST(k ->> 'due_at' AS timestamptz), a.due_at),"
    " leased_until = CAST(k ->> 'leased_until' AS timestamptz),"
    " attempts = a.attempts + CAST(k ->> 'tries' AS int), changed_at = :now"
    " FROM (SELECT id, :kinds -> CAST(number AS int) AS k"
    " FROM unnest(:ids, :numbers) AS r(id, number)) AS r"
    " WHERE a.tenant_id = :tenant AND a.id = r.id AND k -> 'befores' ? a.state"
    " RETURNING a.id, k)"
    " INSERT INTO action_events (tenant_id, action_id, at, state, reason, details)"
    " SELECT :tenant, id, :now, k ->> 'state', k ->> 'reason', nullif(k -> 'details', 'null') FROM moved"
    " RETURNING action_id"
).bindparams(
    bindparam("ids", type_=NUMBERS), bindparam("numbers", type_=NUMBERS), bindparam("kinds", type_=JSONB)
))  # fmt: skip
_BEFORE = {state: before(state) for state in STATES}


def move(
    session: Session, moves: Sequence[Move], *, beside: Sequence[tuple[Statement, Parameters]] = ()
) -> list[int]:
    """Move actions of the tenant in scope, each only from a state that may precede. Returns which moved.
    `beside` is asked first, in the same round trip."""
    if not moves:
        ask(session, beside)
        return []
    kinds, numbers = numbered(
        (
            one.state, one.reason, None if one.details is None else orjson.dumps(one.details),
            one.due_at, one.leased_until, one.tries,
        )
        for one in moves
    )  # fmt: skip
    told = [
        {
            "state": state, "reason": reason, "details": orjson.loads(details or b"null"), "due_at": due_at,
            "leased_until": leased_until, "tries": tries, "befores": _BEFORE[state],
        }
        for state, reason, details, due_at, leased_until, tries in kinds
    ]  # fmt: skip
    return _moved(session, [one.action_id for one in moves], told, numbers, beside)


def move_all(session: Session, action_ids: Sequence[int], state: str, reason: str) -> list[int]:
    """Move these actions for one reason, as `move` does: a plan takes back tens of thousands."""
    if not action_ids:
        return []
    kind = {"state": state, "reason": reason, "tries": 0, "befores": _BEFORE[state]}
    return _moved(session, action_ids, [kind], [0] * len(action_ids))


def _moved(
    session: Session,
    ids: Sequence[int],
    kinds: Sequence[Mapping[str, Any]],
    numbers: Sequence[int],
    beside: Sequence[tuple[Statement, Parameters]] = (),
) -> list[int]:
    """Move each action as the kind of its number says."""
    columns = {
        "tenant": scope_of(session).tenant(), "now": clock.now(), "kinds": kinds, "numbers": numbers,
        "ids": ids,
    }  # fmt: skip
    *_beside, rows = ask(session, [*beside, (_MOVE, columns)])
    moved: list[int] = [row[0] for row in rows]
    states = [kind["state"] for kind in kinds]
    into = {action_id: states[number] for action_id, number in zip(ids, numbers, strict=True)}
    if gone := sorted(one for one in moved if into[one] in _NEVER_ARRIVES):
        _unsay(session, gone)
        # What was cancelled is not wanted any more.
        _hand_over(session, [one for one in gone if into[one] != "cancelled"])
    return moved


def _unsay(session: Session, action_ids: Sequence[int]) -> None:
    """The offers that only these messages named do not stand. Whoever moves actions has locks and waits for
    nobody: of accounts that somebody holds a job looks after as soon as they are free."""
    left = settlements.unsay(session, action_ids)
    if left:
        jobs.enqueue(session, "outreach.unsay", action_ids=left)


def _hand_over(session: Session, action_ids: Sequence[int]) -> None:
    """Whoever asked something and gets no answer of the house is not left waiting: a job looks after them."""
    if not action_ids:
        return
    asked = session.execute(_ASKED, {
        "tenant": scope_of(session).tenant(), "ids": list(action_ids), "templates": list(OF_THE_HOUSE),
    }).scalars().all()  # fmt: skip
    if asked:
        jobs.enqueue(session, "outreach.unanswered", queue="urgent", action_ids=list(asked))


_ASKED = text(
    "SELECT id FROM actions WHERE tenant_id = :tenant AND id = ANY (:ids) AND template = ANY (:templates)"
)
