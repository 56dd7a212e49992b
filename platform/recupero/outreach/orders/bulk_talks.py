"""Orders about many conversations: given to one person, or said to need no answer; and back as they stood.

What a conversation was before an order stands with the order (`BulkOrder.talks`), once, however often the
order is carried out. It is taken back only where nobody has changed it since.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.outreach.conversations.tables import Conversation
from recupero.outreach.tables import BulkOrder
from recupero.outreach.understanding.tables import HandOver
from recupero.placements import browse

#: Orders about conversations.
TALKING = ("give", "answered")


def standing(session: Session, debtor_ids: Collection[int]) -> Mapping[int, str]:
    """How the conversations of these debtors of the tenants in scope stand: `handed` to a person who has to
    say the cause first, `waits` for an answer, or `answered`. Who never had one is not among them."""
    handed = (
        select(HandOver.id)
        .where(
            HandOver.tenant_id == Conversation.tenant_id,
            HandOver.debtor_id == Conversation.debtor_id,
            HandOver.closed_at.is_(None),
        )
        .exists()
    )
    rows = session.execute(
        select(Conversation.debtor_id, Conversation.waiting_since, handed).where(
            Conversation.tenant_id.in_(scope_of(session).tenant_ids),
            among(Conversation.debtor_id, debtor_ids),
        )
    )
    return {debtor: "handed" if taken else "waits" if since else "answered" for debtor, since, taken in rows}


def spared(do: str, state: str | None) -> str | None:
    """Why an order about conversations leaves one as it is; None where it changes it."""
    if state is None:
        return "no_talk"
    return None if do == "give" or state == "waits" else state


def carry_out(session: Session, found: BulkOrder) -> int:
    """Change the conversations of the tenant in scope that do not yet stand as ordered; how many."""
    giving = found.do == "give"
    debtors = {one.debtor_id for one in browse.chosen(session, found.account_ids, "")}
    states = standing(session, debtors)
    wanted = {one for one in debtors if spared(found.do, states.get(one)) is None}
    differs = (
        Conversation.assigned_to.is_distinct_from(found.user_id) if giving
        else Conversation.waiting_since.is_not(None)
    )  # fmt: skip
    before = session.execute(
        select(Conversation.id, Conversation.assigned_to, Conversation.waiting_since, Conversation.due_at)
        .where(
            Conversation.tenant_id == scope_of(session).tenant(),
            among(Conversation.debtor_id, wanted),
            differs,
        )
        .with_for_update()
    ).all()
    after: dict[str, Any] = (
        {"assigned_to": found.user_id} if giving
        else {"waiting_since": None, "due_at": None, "assigned_to": None}
    )  # fmt: skip
    session.execute(
        update(Conversation)
        .where(
            Conversation.tenant_id == scope_of(session).tenant(),
            among(Conversation.id, [row.id for row in before]),
        )
        .values(after)
    )
    _keep(session, found.id, [_as_it_stood(row) for row in before])
    return len(before)


def _as_it_stood(row: Any) -> dict[str, Any]:
    return {
        "id": row.id, "assigned_to": row.assigned_to,
        "waiting_since": row.waiting_since.isoformat() if row.waiting_since else None,
        "due_at": row.due_at.isoformat() if row.due_at else None,
    }  # fmt: skip


def _keep(session: Session, order_id: int, stood: list[dict[str, Any]]) -> None:
    """Beside what other creditors' conversations were before the order."""
    session.execute(
        update(BulkOrder)
        .where(BulkOrder.agency_id == scope_of(session).agency(), BulkOrder.id == order_id)
        .values(talks=func.coalesce(BulkOrder.talks, text("'[]'::jsonb")).op("||")(stood))
    )


_BACK = """
UPDATE conversations c
SET assigned_to = b.assigned_to, waiting_since = {since}, due_at = {due}
FROM jsonb_to_recordset(CAST(:talks AS jsonb))
    AS b (id bigint, assigned_to bigint, waiting_since timestamptz, due_at timestamptz)
WHERE c.tenant_id = :tenant AND c.id = b.id AND {untouched}
RETURNING c.id
"""
_GIVEN = text(
    _BACK.format(
        since="c.waiting_since", due="c.due_at", untouched="c.assigned_to IS NOT DISTINCT FROM :user_id"
    )
)
# whoever wrote since then waits for that
_ANSWERED = text(
    _BACK.format(
        since="b.waiting_since", due="b.due_at",
        untouched="c.waiting_since IS NULL AND c.assigned_to IS NOT DISTINCT FROM :user_id",
    )
)  # fmt: skip


def take_back(session: Session, found: BulkOrder) -> int:
    """The conversations of the tenant in scope stand as before, where nobody changed them since; how many."""
    statement = _GIVEN if found.do == "give" else _ANSWERED
    rows = session.execute(
        statement,
        {
            "talks": json.dumps(found.talks or []),
            "tenant": scope_of(session).tenant(),
            "user_id": found.user_id,
        },
    )
    return len(rows.all())
