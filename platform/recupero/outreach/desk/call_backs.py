"""Calls that an agent promised while talking: only for moments at which the law allows them and people work.

Which are offered is what debtors are offered on their own page (`outreach.calls.call_backs`)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts import proving
from recupero.contacts.grounds import judge_planned
from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, UserError
from recupero.outreach import service
from recupero.outreach.actions.kinds import CALL
from recupero.outreach.calls.call_backs import PURPOSE
from recupero.outreach.calls.call_backs import TEMPLATE as CALL_BACK
from recupero.outreach.conversations.tables import Conversation
from recupero.outreach.tables import Action, ActionEvent
from recupero.outreach.understanding import hours
from recupero.placements import reach

#: How far ahead a call may be promised, and how long it stays due.
AHEAD, LASTS = timedelta(days=14), timedelta(days=3)
FIRST_PLACE = 900  # before the plan


def promise(session: Session, account_id: int, at: datetime, *, actor: str) -> int:
    """Schedule the call that somebody was promised; the action. What a plan had waiting for the account gives
    way to it. Raises UserError at `call_back` for a moment that has passed, is too far away, that the law
    does not allow or at which nobody works, and Conflict where nobody works the account."""
    now, account = clock.now(), reach.reachable(session, [account_id]).get(account_id)
    if account is None or account.ended:
        raise Conflict("nothing is collected on this account any more")
    if not now < at <= now + AHEAD:
        raise UserError("choose a moment within the next fourteen days", field="call_back")
    (verdict,) = judge_planned(session, [(account_id, CALL, PURPOSE, at)])
    if verdict.reason is not None:
        raise UserError("the law does not allow a call at that moment: choose another", field="call_back")
    # who asks for it may be called at hours at which the law forbids it otherwise, but nobody would be there
    if not hours.hours(session).at_work(at):
        raise UserError("nobody works at that moment: choose another", field="call_back")
    service.cancel(session, account_ids=[account_id], reason=CALL_BACK)
    tenant = scope_of(session).tenant()
    action = Action(
        tenant_id=tenant, account_id=account_id, debtor_id=account.debtor_id, person_id=account.person_id,
        decision_id=None, channel=CALL, contact_point_id=None, template=CALL_BACK, tone="kind",
        purpose=PURPOSE, due_at=at, expires_at=at + LASTS, priority=FIRST_PLACE, state="scheduled",
        attempts=0, created_at=now, changed_at=now,
    )  # fmt: skip
    session.add(action)
    session.flush()
    session.add(ActionEvent(tenant_id=tenant, action_id=action.id, at=now, state="scheduled"))
    session.flush()
    audit.record(
        session, "outreach.call_back", f"action:{action.id}", actor=actor, tenant_id=tenant,
        at=at.isoformat(),
    )  # fmt: skip
    return action.id


@dataclass(frozen=True, slots=True)
class Coming:
    """A call that was promised, by the clock of whoever waits for it."""

    account_id: int
    name: str
    at: datetime


def coming(session: Session, user_id: int, limit: int = 10) -> list[Coming]:
    """The next calls promised to people with whom the user talked last, of the tenants in scope."""
    rows = session.execute(
        select(Action.account_id, Action.due_at)
        .join(
            Conversation,
            (Conversation.tenant_id == Action.tenant_id) & (Conversation.debtor_id == Action.debtor_id),
        )
        .where(
            Action.tenant_id.in_(scope_of(session).tenant_ids),
            Action.state == "scheduled",
            Action.template == CALL_BACK,
            Conversation.spoke_with == user_id,
        )
        .order_by(Action.due_at)
        .limit(limit)
    ).all()
    known = reach.reachable(session, [row.account_id for row in rows])
    return [Coming(row.account_id, known[row.account_id].name, row.due_at) for row in rows]


def local(session: Session, account_id: int, text: str) -> datetime:
    """A moment as a form's field sends it, by the debtor's clock. Raises UserError at `call_back`."""
    account = reach.reachable(session, [account_id])[account_id]
    zone = account.timezone or proving.account_week(session, account_id, clock.now(), days=1).zone
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise UserError("This is not a moment.", field="call_back") from None
    return read if read.tzinfo else read.replace(tzinfo=ZoneInfo(zone))
