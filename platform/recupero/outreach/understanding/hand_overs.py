"""Hand-overs: a person takes a debtor over from the machines, which are silent until that person is done."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, jobs
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, Faults, NotFound, UserError
from recupero.outreach.conversations import conversations
from recupero.outreach.scripts.shape import Reason
from recupero.outreach.understanding import hours, policy
from recupero.outreach.understanding.tables import HandOver, MessageReading
from recupero.placements import reach
from recupero.placements import service as placements
from recupero.placements.events import HoldsEnded

CAUSES: tuple[str, ...] = get_args(Reason)
LONGEST = 1000  # characters of a next step
#: An answer of the house goes out within a day, or not at all.
ANSWERED_WITHIN = timedelta(days=2)


def open_for(session: Session, debtor_id: int) -> HandOver | None:
    """The hand-over of a debtor of the tenants in scope that waits for a person."""
    return session.execute(
        select(HandOver).where(
            HandOver.tenant_id.in_(scope_of(session).tenant_ids),
            HandOver.debtor_id == debtor_id,
            HandOver.closed_at.is_(None),
        )
    ).scalar_one_or_none()


def opened_before(session: Session, moment: datetime) -> Sequence[HandOver]:
    """Those of the tenants in scope that have waited since before `moment`, the longest first."""
    query = select(HandOver).where(
        HandOver.tenant_id.in_(scope_of(session).tenant_ids), HandOver.closed_at.is_(None),
        HandOver.opened_at < moment,
    )  # fmt: skip
    return session.execute(query.order_by(HandOver.opened_at, HandOver.id)).scalars().all()


def open_one(
    session: Session,
    *,
    debtor_id: int,
    account_id: int,
    contact_id: int | None,
    why: str,
    not_before: datetime | None = None,
    at: datetime | None = None,
) -> HandOver:
    """Hand the debtor over, `at` the moment of their asking, by default now; one that is open already only
    becomes more urgent, and keeps why it was opened unless the new reason is an urgent one. What is queued is
    stopped in this transaction; a job looks for the person at once. The time runs from `not_before` on, where
    what is to be done cannot be done earlier."""
    people = hours.hours(session)
    start = max(clock.now(), not_before or clock.now())
    due = people.after(start, policy.SOON if why in policy.URGENT else people.day())
    found = open_for(session, debtor_id)
    if found is not None:
        if due < found.due_at:
            found.due_at = due
            found.why = why if why in policy.URGENT else found.why
        conversations.due(session, debtor_id, found.due_at)
        return found
    conversations.due(session, debtor_id, due)
    held = any(
        hold.kind == "person" and hold.account_id is None
        for hold in reach.open_holds(session, [debtor_id]).get(debtor_id, ())
    )
    hold_id = None if held else placements.open_hold(
        session, debtor_id=debtor_id, account_id=None, kind="person", source="hand_over",
    )  # fmt: skip
    made = HandOver(
        tenant_id=scope_of(session).tenant(), debtor_id=debtor_id, account_id=account_id,
        contact_id=contact_id, why=why, opened_at=at or clock.now(), due_at=due, hold_id=hold_id,
    )  # fmt: skip
    session.add(made)
    session.flush()
    jobs.enqueue(session, "outreach.give", queue="urgent", debtor_id=debtor_id)
    return made


def unanswered(session: Session, debtor_id: int, account_id: int) -> None:
    """The house's answer to what the debtor wrote did not go out: a person answers, unless one has them. A
    link that was to follow a call leaves nobody without an answer."""
    wrote = session.execute(
        select(MessageReading.id)
        .where(
            MessageReading.tenant_id == scope_of(session).tenant(),
            MessageReading.debtor_id == debtor_id,
            MessageReading.course == "answer",
            MessageReading.read_at > clock.now() - ANSWERED_WITHIN,
        )
        .limit(1)
    ).scalar_one_or_none()
    if wrote is not None and open_for(session, debtor_id) is None:
        open_one(session, debtor_id=debtor_id, account_id=account_id, contact_id=None, why=policy.UNANSWERED)


def put_off(session: Session, debtor_id: int, not_before: datetime) -> None:
    """What is to be done for the debtor cannot be done earlier: their hand-over runs from then."""
    found = open_for(session, debtor_id)
    if found is None:
        return
    people = hours.hours(session)
    due = people.after(not_before, policy.SOON if found.why in policy.URGENT else people.day())
    if due > found.due_at:
        found.due_at = due
        conversations.due(session, debtor_id, due)


def asked_on_page(
    session: Session,
    debtor_id: int,
    account_id: int,
    *,
    why: str = "wants_person",
    not_before: datetime | None = None,
) -> HandOver:
    """The debtor asked on their own page for a person, or told what only a person can look into: it stands in
    their conversation and is handed over, not to be done before `not_before`."""
    now = clock.now()
    conversations.note(
        session, debtor_id=debtor_id, account_id=account_id, channel=conversations.LINK, at=now
    )
    return open_one(
        session, debtor_id=debtor_id, account_id=account_id, contact_id=None, why=why,
        not_before=not_before, at=now,
    )  # fmt: skip


def withdraw(session: Session, debtor_id: int, *, why: str) -> None:
    """The debtor does not want any more what they asked for on their page: the hand-over that was opened for
    it ends, and the machines may go on. One for anything else stays."""
    found = open_for(session, debtor_id)
    if found is None or (found.why, found.contact_id) != (why, None):
        return
    found.closed_at, found.closed_by = clock.now(), "debtor"
    _end_hold(session, found, by="debtor")
    conversations.not_due(session, debtor_id, since=found.opened_at)
    audit.record(
        session, "outreach.hand_over_closed", f"debtor:{debtor_id}", actor="debtor",
        tenant_id=scope_of(session).tenant(), why=why,
    )  # fmt: skip


def _end_hold(session: Session, done: HandOver, *, by: str) -> None:
    if done.hold_id is not None and _is_held(session, done):
        placements.end_hold(session, done.hold_id, by=by)


def on_holds_ended(session: Session, event: HoldsEnded) -> None:
    """Raises Conflict where work would go on while a person is still to say what came of a hand-over."""
    if event.kind != "person":
        return
    for debtor_id in event.debtor_ids:
        found = open_for(session, debtor_id)
        if found is not None and found.hold_id is not None and not _is_held(session, found):
            raise Conflict("A person has them: say the cause and what comes next.", field="cause")


def _is_held(session: Session, one: HandOver) -> bool:
    holds = reach.open_holds(session, [one.debtor_id]).get(one.debtor_id, ())
    return one.hold_id in {hold.id for hold in holds}


def settle(session: Session, debtor_id: int, *, actor: str) -> None:
    """A person says that nothing more is to be answered. Raises NotFound, and Conflict where the debtor was
    handed over: else nobody would see any more that the machines are silent."""
    if open_for(session, debtor_id) is not None:
        raise Conflict("A person has them: say the cause and what comes next.", field="cause")
    conversations.answered(session, debtor_id, actor=actor)


def close(session: Session, debtor_id: int, *, cause: str, next_step: str, actor: str) -> None:
    """The person is done: what was the cause, and what comes next; the machines may go on.

    Raises NotFound where nothing is handed over, UserError on an unknown cause or no next step.
    """
    found = open_for(session, debtor_id)
    if found is None:
        raise NotFound("nothing is handed over here")
    next_step, faults = next_step.replace("\x00", "").strip(), Faults()
    if cause not in CAUSES:
        faults.note(UserError("Please choose one.", field="cause"))
    if not next_step:
        faults.note(UserError("Please fill this in.", field="next_step"))
    if len(next_step) > LONGEST:
        faults.note(UserError("At most %(most)s characters fit here.", field="next_step", most=LONGEST))
    faults.tell()
    found.closed_at, found.closed_by, found.cause, found.next_step = clock.now(), actor, cause, next_step
    _end_hold(session, found, by=actor)
    conversations.spoke(session, debtor_id=debtor_id, account_id=found.account_id, actor=actor)
    conversations.answered(session, debtor_id, actor=actor)
    audit.record(
        session, "outreach.hand_over_closed", f"debtor:{debtor_id}", actor=actor,
        tenant_id=scope_of(session).tenant(), cause=cause,
    )  # fmt: skip
