"""What people read of what came in: conversations, one of them whole, and what nobody could place."""

import base64
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from recupero.contacts import messages as contact_messages
from recupero.contacts import queries as contacts
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.kernel.listing import Part, arranged_of
from recupero.outreach.conversations import events
from recupero.outreach.conversations.conversations import LINK
from recupero.outreach.conversations.tables import ChannelEvent, CollectMark, Conversation, MessageFile, Reply
from recupero.outreach.tables import Action
from recupero.placements import reach

#: An answer in these states of its action has no contact yet, or never gets one.
_NOT_CONTACTS = ("scheduled", "claimed", "blocked", "cancelled", "expired")


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file that came with a message. `refused` says why it was not kept."""

    id: int
    name: str
    media_type: str
    size: int
    refused: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One thing said or done in a conversation. `channel` may be `link`: they opened their own page.
    `state` is the contact's, or that of the action of an answer which has not gone out."""

    at: datetime
    direction: str
    channel: str
    state: str
    reason: str | None
    subject: str = ""
    body: str = ""
    address: str = ""
    disposition: str | None = None
    contact_id: int | None = None
    account_id: int | None = None
    files: Sequence[FileLine] = field(default=())


def conversations(
    session: Session, *, of_user: int | None = None, tenant_id: int | None = None,
    waiting: bool | None = None, handed_over: bool = False, limit: int = 50, offset: int = 0,
    part: Part | None = None,
) -> Sequence[Conversation]:  # fmt: skip
    """Conversations of the tenants in scope: those that wait for an answer first, by how long they have, then
    those that a person has, by their deadline, then the newest; or as the `part` says. `of_user`: only those
    given to this user or to nobody. `handed_over`: only those that a person has, answered or not."""
    query = select(Conversation).where(Conversation.tenant_id.in_(scope_of(session).tenant_ids))
    if of_user is not None:
        query = query.where(or_(Conversation.assigned_to.is_(None), Conversation.assigned_to == of_user))
    order = (
        Conversation.waiting_since.is_(None), Conversation.due_at.asc().nulls_last(),
        Conversation.waiting_since, Conversation.last_at.desc(), Conversation.id,
    )  # fmt: skip
    if tenant_id is not None:
        query = query.where(Conversation.tenant_id == tenant_id)
    if waiting is not None:
        query = query.where(Conversation.waiting_since.is_not(None) == waiting)
    if handed_over:
        query = query.where(Conversation.due_at.is_not(None))
    by = {"last": Conversation.last_at, "channel": Conversation.channel,
          "waiting": Conversation.waiting_since, "due": Conversation.due_at}  # fmt: skip
    wanted = part or Part(limit=limit, offset=offset)
    key, tenants = (Conversation.tenant_id, Conversation.id), scope_of(session).tenant_ids
    return session.execute(arranged_of(query, key, tenants, by, wanted, *order)).scalars().all()


def conversation(session: Session, debtor_id: int, *, of_user: int | None = None) -> Conversation:
    """The conversation with a debtor of the tenants in scope. Raises NotFound, also where it is given to
    somebody else than `of_user`."""
    found = session.execute(
        select(Conversation).where(
            Conversation.tenant_id.in_(scope_of(session).tenant_ids), Conversation.debtor_id == debtor_id
        )
    ).scalar_one_or_none()
    if found is None or (of_user is not None and found.assigned_to not in (None, of_user)):
        raise NotFound("there is no such conversation")
    return found


def lines(session: Session, debtor_id: int) -> list[Line]:
    """Everything said with a debtor of the tenants in scope, over all channels, in order: what went out and
    came in, calls, visits to their page, and answers that are on their way or were stopped."""
    accounts = reach.accounts_of(session, [debtor_id]).get(debtor_id, [])
    said = contact_messages.said_with(session, accounts)
    files = _files(
        session, MessageFile.contact_id, [one.contact_id for one in said if one.direction == "inbound"]
    )
    found = [
        Line(
            one.at, one.direction, one.channel, one.state, one.reason, one.subject, one.body, one.address,
            one.disposition, one.contact_id, one.account_id, files.get(one.contact_id, ()),
        )
        for one in said
    ]  # fmt: skip
    found += [Line(at, "inbound", LINK, "received", None) for at in contacts.visits(session, debtor_id)]
    found += _on_their_way(session, debtor_id)
    return sorted(found, key=lambda line: line.at)


def _on_their_way(session: Session, debtor_id: int) -> list[Line]:
    rows = session.execute(
        select(
            Reply.made_at, Action.channel, Action.state, Action.reason, Reply.subject, Reply.body,
            Action.account_id,
        )
        .join(Action, (Action.tenant_id == Reply.tenant_id) & (Action.id == Reply.action_id))
        .where(
            Reply.tenant_id.in_(scope_of(session).tenant_ids),
            Reply.debtor_id == debtor_id,
            Action.state.in_(_NOT_CONTACTS),
        )
    )  # fmt: skip
    return [
        Line(
            row.made_at, "outbound", row.channel, row.state, row.reason, row.subject, row.body,
            account_id=row.account_id,
        )
        for row in rows
    ]  # fmt: skip


def _files(
    session: Session, of: InstrumentedAttribute[Any], ids: Sequence[int]
) -> dict[int | None, list[FileLine]]:
    """Files by contact, or by event."""
    rows = session.execute(
        select(
            of.label("owner"), MessageFile.id, MessageFile.name, MessageFile.media_type,
            MessageFile.size, MessageFile.refused,
        )
        .where(
            MessageFile.tenant_id.in_(scope_of(session).tenant_ids), of.in_(ids)
        )
        .order_by(MessageFile.place)
    )  # fmt: skip
    found: dict[int | None, list[FileLine]] = defaultdict(list)
    for row in rows:
        found[row.owner].append(FileLine(row.id, row.name, row.media_type, row.size, row.refused))
    return found


def file(session: Session, file_id: int) -> tuple[str, str, bytes, int | None]:
    """Name, kind and content of a kept file of the tenants in scope, and the contact it came with. Raises
    NotFound."""
    found = session.execute(
        select(MessageFile).where(
            MessageFile.tenant_id.in_(scope_of(session).tenant_ids), MessageFile.id == file_id
        )
    ).scalar_one_or_none()
    if found is None or found.content is None:
        raise NotFound("there is no such file")
    return found.name, found.media_type, base64.b64decode(found.content), found.contact_id


@dataclass(frozen=True, slots=True)
class Unplaced:
    """An event that a person must look at. `sender`, `subject` and `text` are readable; empty for news of a
    message. Of an entry that its connector could not read they are why, and what it said. `files` came with
    it."""

    id: int
    tenant_id: int
    connector: str
    kind: str
    state: str
    reason: str | None
    received_at: datetime
    channel: str
    sender: str
    subject: str
    text: str
    files: Sequence[FileLine]


def unplaced(session: Session, *, after: int = 0, limit: int = 50) -> list[Unplaced]:
    """Events of the tenants in scope that wait for a person, the oldest first."""
    rows = session.execute(
        select(ChannelEvent)
        .where(
            ChannelEvent.tenant_id.in_(scope_of(session).tenant_ids),
            ChannelEvent.state.in_(("quarantined", "failed")),
            ChannelEvent.id > after,
        )
        .order_by(ChannelEvent.id)
        .limit(limit)
    ).scalars().all()  # fmt: skip
    files = _files(session, MessageFile.event, [row.id for row in rows])
    return [_shown(row, files[row.id]) for row in rows]


def unplaced_tenant(session: Session, event_id: int) -> int:
    """The tenant of an event in scope. Raises NotFound."""
    found = session.execute(
        select(ChannelEvent.tenant_id).where(
            ChannelEvent.tenant_id.in_(scope_of(session).tenant_ids), ChannelEvent.id == event_id
        )
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("no such event")
    return found


def _shown(row: ChannelEvent, files: Sequence[FileLine]) -> Unplaced:
    channel = sender = subject = text = ""
    if row.kind == "message":
        said = events.message_from(row.payload)
        channel, sender, subject = said.channel, said.sender, said.subject
        text = said.text or said.payload or ""
    elif row.kind == events.UNREAD:
        entry = events.unread_from(row.payload)
        subject, text = entry.reason, entry.content
    return Unplaced(
        row.id, row.tenant_id, row.connector, row.kind, row.state, row.reason, row.received_at, channel,
        sender, subject, text, files,
    )  # fmt: skip


def unreachable(session: Session) -> list[tuple[int, str, str]]:
    """Tenant, connector and problem of the mailboxes that could not be asked at the last visit."""
    rows = session.execute(
        select(CollectMark.tenant_id, CollectMark.connector, CollectMark.problem).where(
            CollectMark.tenant_id.in_(scope_of(session).tenant_ids), CollectMark.problem.is_not(None)
        )
    )
    return [(row[0], row[1], row[2] or "") for row in rows]


def check_sees_contact(session: Session, contact_id: int | None, *, of_user: int | None) -> None:
    """Raises NotFound where the contact is part of a conversation that is given to another user."""
    if of_user is None or contact_id is None:
        return
    debtor_id = contacts.debtor_of(session, contact_id)
    conversation(session, debtor_id, of_user=of_user)
