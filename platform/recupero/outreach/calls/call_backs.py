"""Calls that a debtor asked for: moments at which people work and the law allows a call, and the booking.

A booked call is an action like any other, for people only (`TEMPLATE`): it is due at its moment, the law is
asked once more when it is made, and the person's conversation is handed over from that moment on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts.grounds import judge_planned
from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound
from recupero.outreach.actions.states import OPEN, Move, move
from recupero.outreach.tables import Action, ActionEvent
from recupero.outreach.understanding import hand_overs, hours
from recupero.placements import reach
from recupero.placements.lifecycle import SILENCING

TEMPLATE, PURPOSE, CHANNEL = "call_back", "reply", "call"
#: The first moment is so far away, the last so many working days.
NOTICE = timedelta(hours=1)
DAYS = 5
STEP = timedelta(minutes=30)
#: For how long after its moment the call may still be made.
LATE = timedelta(hours=4)
_FIRST_PLACE = 1000
#: Why a person takes the debtor over.
_WHY = "call_me_back"
#: For how long after its moment the debtor is told that a call was not made.
TOLD_FOR = timedelta(days=14)
NOT_MADE = ("blocked", "cancelled", "expired")
#: Why a debtor needs not be told: they moved it, gave it up, or were promised another one.
OWN_WILL = ("moved", "not_wanted", TEMPLATE)


def slots(session: Session, account_id: int, *, days: int = DAYS, step: timedelta = STEP) -> list[datetime]:
    """The moments within so many working days, each `step` later, at which people work and the law, asked
    now, allows the call. Needs one tenant and its agency in scope. Empty where nobody can be called: there is
    no number, a hold forbids it, or the law does. Raises NotFound."""
    account = reach.reachable(session, [account_id]).get(account_id)
    if account is None:
        raise NotFound("no such account")
    points = reach.points_of(session, [account.debtor_id]).get(account.debtor_id, ())
    if not any(point.kind == "phone" for point in points):
        return []
    held = reach.open_holds(session, [account.debtor_id]).get(account.debtor_id, ())
    if any(hold.kind in SILENCING for hold in held):
        return []
    wanted = _when_people_work(session, days, step)
    judged = judge_planned(session, [(account_id, CHANNEL, PURPOSE, at) for at in wanted])
    return [at for at, verdict in zip(wanted, judged, strict=True) if verdict.at == at]


def _when_people_work(session: Session, most: int, step: timedelta) -> list[datetime]:
    """Each step of the coming working days, by the clock of the creditor."""
    people, now = hours.hours(session), clock.now()
    found, day, days = list[datetime](), (now + NOTICE).astimezone(people.zone).date(), 0
    while days < most:
        if people.is_working(day):
            days += 1
            at = datetime.combine(day, people.opens, people.zone)
            closes = datetime.combine(day, people.closes, people.zone)
            while at + STEP <= closes:
                if at >= now + NOTICE:
                    found.append(at.astimezone(now.tzinfo))
                at += step
        day += timedelta(days=1)
    return found


def book(session: Session, account_id: int, at: datetime, *, actor: str) -> int:
    """Keep a call to the debtor of the account at that moment, one of `slots`; its action. One that was
    booked before is moved. Raises Conflict where the moment is no slot any more."""
    if at not in slots(session, account_id):
        raise Conflict("this moment is not free any more: choose another one")
    account = reach.reachable(session, [account_id])[account_id]
    for old in booked(session, account.debtor_id):
        move(session, [Move(old.id, "cancelled", "moved")])
    given = hand_overs.asked_on_page(session, account.debtor_id, account_id, why=_WHY, not_before=at)
    if given.why == _WHY:
        hand_overs.put_off(session, account.debtor_id, at)
    now, tenant = clock.now(), scope_of(session).tenant()
    action = Action(
        tenant_id=tenant, account_id=account_id, debtor_id=account.debtor_id, person_id=account.person_id,
        decision_id=None, channel=CHANNEL, contact_point_id=None, template=TEMPLATE, tone="kind",
        purpose=PURPOSE, due_at=at, expires_at=at + LATE, priority=_FIRST_PLACE, state="scheduled",
        attempts=0, created_at=now, changed_at=now,
    )  # fmt: skip
    session.add(action)
    session.flush()
    session.add(ActionEvent(tenant_id=tenant, action_id=action.id, at=now, state="scheduled"))
    audit.record(
        session, "outreach.call_booked", f"action:{action.id}", actor=actor, tenant_id=tenant,
        debtor_id=account.debtor_id, at=at.isoformat(),
    )  # fmt: skip
    session.flush()
    return action.id


def booked(session: Session, debtor_id: int) -> Sequence[Action]:
    """The calls of a debtor of the tenant in scope that are booked and not made yet."""
    return (
        session.execute(
            select(Action)
            .where(
                Action.tenant_id == scope_of(session).tenant(), Action.debtor_id == debtor_id,
                Action.channel == CHANNEL, Action.template == TEMPLATE, Action.state == "scheduled",
                Action.expires_at > clock.now(),
            )
            .order_by(Action.due_at)
        )
        .scalars()
        .all()
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dropped:
    """A booked call that was not, or will not be made; `state` is the action's: forgotten (`expired`),
    refused (`blocked`) or taken back (`cancelled`)."""

    at: datetime
    state: str


def dropped(session: Session, debtor_id: int) -> Dropped | None:
    """The last call of a debtor of the tenant in scope that was booked for a moment in the last or coming
    `TOLD_FOR` and that the house did not make; None where they gave it up or moved it themselves, or have
    another one."""
    if booked(session, debtor_id):
        return None
    row = session.execute(
        select(Action.due_at, Action.state, Action.reason)
        .where(
            Action.tenant_id == scope_of(session).tenant(), Action.debtor_id == debtor_id,
            Action.channel == CHANNEL, Action.template == TEMPLATE,
            Action.state.not_in(OPEN), Action.due_at > clock.now() - TOLD_FOR,
        )
        .order_by(Action.changed_at.desc(), Action.id.desc())
        .limit(1)
    ).one_or_none()  # fmt: skip
    if row is None or row.state not in NOT_MADE or row.reason in OWN_WILL:
        return None
    return Dropped(row.due_at, row.state)


def cancel(session: Session, debtor_id: int, *, actor: str) -> None:
    """The debtor does not want the call any more: nobody has to call, and the machines may go on. Doing it
    twice is once."""
    for old in booked(session, debtor_id):
        move(session, [Move(old.id, "cancelled", "not_wanted")])
        audit.record(
            session, "outreach.call_cancelled", f"action:{old.id}", actor=actor,
            tenant_id=scope_of(session).tenant(), debtor_id=debtor_id,
        )  # fmt: skip
        hand_overs.withdraw(session, debtor_id, why=_WHY)
