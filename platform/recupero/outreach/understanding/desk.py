"""Who takes a debtor over: somebody who speaks their language, is trained for the matter, spoke with them
before, and has the least to do, in this order."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import UserError
from recupero.outreach.conversations.tables import Conversation
from recupero.outreach.understanding.tables import HandOver
from recupero.placements import reach
from recupero.tenancy import queries as tenancy
from recupero.tenancy.permissions import Role

#: The skill (tenancy.users.SKILLS) that a matter wants; the others want none.
SKILL = {
    "angry": "complaints", "complaint": "complaints", "stop": "complaints", "cannot_pay": "hardship",
    "hardship": "hardship", "disputes": "disputes", "no_invoice": "disputes", "paid_already": "disputes",
    "sends_proof": "disputes", "dispute_answered": "disputes", "invoice_refused": "disputes",
    "wrong_person": "identity",
}  # fmt: skip


class Worker(Protocol):
    """A user who may be given work."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def locale(self) -> str: ...
    @property
    def languages(self) -> Sequence[str]: ...
    @property
    def skills(self) -> Sequence[str]: ...
    @property
    def tenant_ids(self) -> Sequence[int] | None: ...


def workers(session: Session, tenant_id: int) -> list[Worker]:
    """The agents of the agency in scope who may be given work of the tenant."""
    return [
        user
        for user in tenancy.users(session)
        if user.active
        and user.role == Role.AGENT.value
        and (user.tenant_ids is None or tenant_id in user.tenant_ids)
    ]


def load(session: Session) -> Mapping[int, int]:
    """How many debtors of the tenants in scope each user has been given and has not closed."""
    rows = session.execute(
        select(Conversation.assigned_to, func.count())
        .join(
            HandOver,
            (HandOver.tenant_id == Conversation.tenant_id) & (HandOver.debtor_id == Conversation.debtor_id),
        )
        .where(
            Conversation.tenant_id.in_(scope_of(session).tenant_ids),
            HandOver.closed_at.is_(None),
            Conversation.assigned_to.is_not(None),
        )
        .group_by(Conversation.assigned_to)
    )
    return {user_id: count for user_id, count in rows if user_id is not None}


def waiting(session: Session) -> Mapping[int, tuple[int, int]]:
    """How many hand-overs of each tenant in scope are open, and how many of them are past their time."""
    rows = session.execute(
        select(HandOver.tenant_id, func.count(), func.count().filter(HandOver.due_at < clock.now()))
        .where(HandOver.tenant_id.in_(scope_of(session).tenant_ids), HandOver.closed_at.is_(None))
        .group_by(HandOver.tenant_id)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def choose(
    users: Sequence[Worker], why: str, language: str, load: Mapping[int, int], before: int | None
) -> Worker | None:
    """The one of the users who takes the matter over; None where there is nobody."""
    skill = SKILL.get(why)

    def worth(user: Worker) -> tuple[bool, bool, bool, int, int]:
        return (
            language not in (user.languages or [user.locale[:2]]),
            skill is not None and skill not in user.skills,
            user.id != before,
            load.get(user.id, 0),
            user.id,
        )

    return min(users, key=worth, default=None)


def give(session: Session, debtor_id: int) -> int | None:
    """Give an open hand-over to somebody, unless it was given already. Needs the whole agency in scope, since
    what people have to do counts over all its creditors. Returns the user."""
    found = session.execute(
        select(HandOver, Conversation)
        .join(
            Conversation,
            (HandOver.tenant_id == Conversation.tenant_id) & (HandOver.debtor_id == Conversation.debtor_id),
        )
        .where(
            HandOver.tenant_id.in_(scope_of(session).tenant_ids),
            HandOver.debtor_id == debtor_id,
            HandOver.closed_at.is_(None),
        )
        .with_for_update(of=Conversation)
    ).one_or_none()
    if found is None or found[1].assigned_to is not None:
        return None
    given, talk = found
    language = reach.reachable(session, [given.account_id])[given.account_id].language
    user = choose(workers(session, given.tenant_id), given.why, language, load(session), talk.spoke_with)
    talk.assigned_to = user.id if user else None
    return talk.assigned_to


def pass_on(session: Session, debtor_id: int, user_id: int | None, *, actor: str) -> None:
    """A person gives the conversation to a colleague, or (None) to whoever comes first. Raises UserError
    where the colleague may not work for the tenant in scope."""
    tenant_id = scope_of(session).tenant()
    if user_id is not None and user_id not in {user.id for user in workers(session, tenant_id)}:
        raise UserError("Please choose one.", field="user")
    session.execute(
        update(Conversation)
        .where(Conversation.tenant_id == tenant_id, Conversation.debtor_id == debtor_id)
        .values(assigned_to=user_id)
    )
    audit.record(
        session, "outreach.conversation_given", f"debtor:{debtor_id}", actor=actor, tenant_id=tenant_id,
        to=user_id,
    )  # fmt: skip


def release_late(session: Session) -> int:
    """What somebody was given and did not answer in time is everybody's. Returns how many."""
    done = session.execute(
        update(Conversation)
        .where(
            Conversation.tenant_id.in_(scope_of(session).tenant_ids),
            Conversation.assigned_to.is_not(None),
            Conversation.due_at < clock.now(),
        )
        .values(assigned_to=None)
        .returning(Conversation.id)
    )
    return len(done.all())
