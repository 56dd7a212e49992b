"""One conversation per debtor, across all channels: when they wrote, and whether a person must answer."""

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.contacts.events import LinkVisited
from recupero.kernel import audit, clock
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.outreach.conversations.tables import Conversation
from recupero.placements import reach

#: A visit to the debtor's own page, beside the channels of law.
LINK = "link"


def note(
    session: Session,
    *,
    debtor_id: int,
    account_id: int,
    channel: str,
    at: datetime,
    connector: str | None = None,
    waits: bool = True,
) -> None:
    """The debtor wrote or was heard of: their conversation comes to the top. `connector`: they wrote over it
    themselves, be it only to stop it. Where it `waits`, a person must answer."""
    found = _conversation(session, debtor_id, account_id, channel, at)
    if channel != LINK and at >= found.last_at:
        found.account_id, found.channel = account_id, channel
    found.last_at = max(found.last_at, at)
    if waits:
        found.waiting_since = found.waiting_since or at
    said = at.astimezone(UTC).isoformat()
    if connector is not None and found.heard.get(connector, "") < said:
        found.heard = {**found.heard, connector: said}


def _conversation(
    session: Session, debtor_id: int, account_id: int, channel: str, at: datetime
) -> Conversation:
    """The debtor's conversation, begun where there is none, locked."""
    tenant = scope_of(session).tenant()
    session.execute(
        insert(Conversation)
        .values(
            tenant_id=tenant, debtor_id=debtor_id, account_id=account_id, channel=channel, last_at=at,
            heard={},
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "debtor_id"])
    )  # fmt: skip
    return session.execute(
        select(Conversation)
        .where(Conversation.tenant_id == tenant, Conversation.debtor_id == debtor_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()


def on_link_visited(session: Session, event: LinkVisited) -> None:
    """A visit to the page stands in the conversation; nobody need answer it."""
    accounts = reach.accounts_of(session, [event.debtor_id]).get(event.debtor_id)
    if accounts:
        note(
            session, debtor_id=event.debtor_id, account_id=accounts[0], channel=LINK, at=clock.now(),
            waits=False,
        )  # fmt: skip


def heard_at(session: Session, debtor_ids: Collection[int]) -> dict[tuple[int, str], datetime]:
    """When these debtors of the tenants in scope last wrote, by debtor and connector."""
    rows = session.execute(
        select(Conversation.debtor_id, Conversation.heard).where(
            Conversation.tenant_id.in_(scope_of(session).tenant_ids),
            among(Conversation.debtor_id, debtor_ids),
        )
    )
    return {
        (row.debtor_id, connector): datetime.fromisoformat(at)
        for row in rows
        for connector, at in row.heard.items()
    }


def due(session: Session, debtor_id: int, at: datetime) -> None:
    """A person must answer by then."""
    session.execute(
        update(Conversation)
        .where(Conversation.tenant_id == scope_of(session).tenant(), Conversation.debtor_id == debtor_id)
        .values(due_at=at, waiting_since=func.coalesce(Conversation.waiting_since, clock.now()))
    )


def not_due(session: Session, debtor_id: int, *, since: datetime) -> None:
    """What was asked for at `since` is not wanted any more; who waited for an answer before still does."""
    before = Conversation.waiting_since < since
    session.execute(
        update(Conversation)
        .where(Conversation.tenant_id == scope_of(session).tenant(), Conversation.debtor_id == debtor_id)
        .values(
            due_at=None,
            waiting_since=case((before, Conversation.waiting_since), else_=None),
            assigned_to=case((before, Conversation.assigned_to), else_=None),
        )
    )


def spoke(session: Session, *, debtor_id: int, account_id: int, actor: str) -> None:
    """A user wrote to the debtor or talked with them: the next time they need a person, it is this one."""
    kind, _colon, number = actor.partition(":")
    if kind == "user":
        found = _conversation(session, debtor_id, account_id, "call", clock.now())
        found.spoke_with = int(number)


def settled(session: Session, debtor_id: int, *, until: datetime) -> None:
    """What they wrote up to that moment needs no person; a later message still does."""
    session.execute(
        update(Conversation)
        .where(
            Conversation.tenant_id == scope_of(session).tenant(),
            Conversation.debtor_id == debtor_id,
            Conversation.waiting_since <= until,
            Conversation.last_at <= until,
            Conversation.due_at.is_(None),
        )
        .values(waiting_since=None)
    )


def answered(session: Session, debtor_id: int, *, actor: str) -> None:
    """Nothing more is to be answered. `hand_overs.settle` is for people: who was handed over has a cause
    first. Raises NotFound."""
    done = session.execute(
        update(Conversation)
        .where(Conversation.tenant_id == scope_of(session).tenant(), Conversation.debtor_id == debtor_id)
        .values(waiting_since=None, due_at=None, assigned_to=None)
        .returning(Conversation.id)
    ).scalar_one_or_none()
    if done is None:
        raise NotFound("there is no such conversation")
    audit.record(
        session, "outreach.conversation_answered", f"debtor:{debtor_id}", actor=actor,
        tenant_id=scope_of(session).tenant(),
    )  # fmt: skip


def spoke_with(session: Session, debtor_id: int) -> int | None:
    """The user who talked with the debtor last."""
    return session.execute(
        select(Conversation.spoke_with).where(
            Conversation.tenant_id == scope_of(session).tenant(), Conversation.debtor_id == debtor_id
        )
    ).scalar_one_or_none()


def taken(session: Session, debtor_id: int, user_id: int) -> None:
    """The debtor is put on the line with the user, whose conversation it is from now on."""
    session.execute(
        update(Conversation)
        .where(Conversation.tenant_id == scope_of(session).tenant(), Conversation.debtor_id == debtor_id)
        .values(assigned_to=user_id)
    )
