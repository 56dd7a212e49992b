"""Messages as they were kept: what went out, what came in, what a code belongs to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recupero.contacts.codes import readings
from recupero.contacts.tables import Contact, MessageCopy
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.kernel.listing import Part, arranged_of


@dataclass(frozen=True, slots=True)
class MessageLine:
    """One message as an operator reads it. `address`, `subject` and `body` are readable text; `cost_micro` is
    what the provider charges, in millionths of the currency's main unit, None where it is not known."""

    contact_id: int
    tenant_id: int
    account_id: int | None
    debtor_id: int
    at: datetime
    direction: str
    channel: str
    connector: str | None
    state: str
    reason: str | None
    template: str | None
    language: str
    code: str | None
    address: str
    subject: str
    body: str
    cost_micro: int | None
    cost_currency: str | None


def messages(
    session: Session,
    *,
    account_id: int | None = None,
    contact_id: int | None = None,
    contact_ids: Collection[int] | None = None,
    connector: str | None = None,
    states: Sequence[str] = (),
    limit: int = 50,
    offset: int = 0,
    part: Part | None = None,
) -> list[MessageLine]:
    """Messages of the tenants in scope, newest first or in the order of the `part` that is asked for.

    They are readable: who may read them is the page's matter."""
    tenants = scope_of(session).tenant_ids
    query = (
        select(
            Contact.id, Contact.tenant_id, Contact.account_id, Contact.debtor_id, Contact.at,
            Contact.direction, Contact.channel, Contact.connector, Contact.state, Contact.reason,
            MessageCopy.template, MessageCopy.language, MessageCopy.code, MessageCopy.address,
            MessageCopy.subject, MessageCopy.body, Contact.cost_micro, Contact.cost_currency,
        )
        .join(
            MessageCopy,
            (MessageCopy.tenant_id == Contact.tenant_id) & (MessageCopy.contact_id == Contact.id),
        )
        .where(Contact.tenant_id.in_(tenants))
    )  # fmt: skip
    if account_id is not None:
        query = query.where(Contact.account_id == account_id)
    if contact_id is not None:
        query = query.where(Contact.id == contact_id)
    if contact_ids is not None:
        query = query.where(among(Contact.id, contact_ids))
    if connector is not None:
        query = query.where(Contact.connector == connector)
    if states:
        query = query.where(Contact.state.in_(states))
    by = {"at": Contact.at, "channel": Contact.channel, "state": Contact.state, "cost": Contact.cost_micro}
    wanted = part or Part(limit=limit, offset=offset)
    key, own = (Contact.tenant_id, Contact.id), (Contact.at.desc(), Contact.id.desc())
    rows = session.execute(arranged_of(query, key, tenants, by, wanted, *own))
    return [MessageLine(*tuple(row)) for row in rows]


def count_by_state(session: Session) -> dict[str, int]:
    """How many contacts of the tenants in scope are in each state; `unknown` ones wait for a person."""
    rows = session.execute(
        select(Contact.state, func.count())
        .where(Contact.tenant_id.in_(scope_of(session).tenant_ids))
        .group_by(Contact.state)
    )
    return {row[0]: row[1] for row in rows}


@dataclass(frozen=True, slots=True)
class Sent:
    """One outbound message of which nothing has come back yet."""

    contact_id: int
    account_id: int
    debtor_id: int
    channel: str
    connector: str | None
    reference: str | None
    contact_point_id: int | None
    action_id: int | None
    at: datetime


_SENT = (
    Contact.id, Contact.account_id, Contact.debtor_id, Contact.channel, Contact.connector,
    Contact.reference, Contact.contact_point_id, Contact.action_id, Contact.at,
)  # fmt: skip


def sent_after(session: Session, contact_id: int) -> list[Sent]:
    """Messages of the tenants in scope that went out with an id above `contact_id`, in order."""
    rows = session.execute(
        select(*_SENT)
        .where(
            Contact.tenant_id.in_(scope_of(session).tenant_ids),
            Contact.id > contact_id,
            Contact.state == "sent",
            Contact.account_id.is_not(None),
        )
        .order_by(Contact.id)
    )
    found: list[list[Any]] = [list(row) for row in rows]
    return [Sent(*row) for row in found]


@dataclass(frozen=True, slots=True)
class LastHeard:
    """The last message that a debtor sent, as far as answering it needs it."""

    account_id: int
    channel: str
    connector: str | None
    reference: str | None
    address: str
    subject: str


def last_heard(session: Session, account_ids: Collection[int]) -> LastHeard | None:
    """The newest written message that came in about these accounts of the tenants in scope."""
    row = session.execute(
        select(
            Contact.account_id, Contact.channel, Contact.connector, Contact.reference, MessageCopy.address,
            MessageCopy.subject,
        )
        .join(
            MessageCopy,
            (MessageCopy.tenant_id == Contact.tenant_id) & (MessageCopy.contact_id == Contact.id),
        )
        .where(
            Contact.tenant_id.in_(scope_of(session).tenant_ids),
            Contact.account_id.in_(account_ids),
            Contact.direction == "inbound",
        )
        .order_by(Contact.at.desc(), Contact.id.desc())
        .limit(1)
    ).one_or_none()  # fmt: skip
    found: list[Any] = [] if row is None else list(row)
    return LastHeard(*found) if found else None


@dataclass(frozen=True, slots=True)
class Heard:
    """One written message that came in, readable."""

    contact_id: int
    account_id: int
    at: datetime
    channel: str
    reference: str | None
    address: str
    body: str = field(repr=False)


def heard(session: Session, contact_ids: Collection[int]) -> dict[int, Heard]:
    """Those of the contacts of the tenants in scope that are messages which came in about an account."""
    rows = session.execute(
        select(
            Contact.id,
            Contact.account_id,
            Contact.at,
            Contact.channel,
            Contact.reference,
            MessageCopy.address,
            MessageCopy.body,
        )
        .join(
            MessageCopy,
            (MessageCopy.tenant_id == Contact.tenant_id) & (MessageCopy.contact_id == Contact.id),
        )
        .where(
            Contact.tenant_id.in_(scope_of(session).tenant_ids),
            Contact.id.in_(contact_ids),
            Contact.direction == "inbound",
            Contact.account_id.is_not(None),
        )
    )
    found: list[list[Any]] = [list(row) for row in rows]
    return {row[0]: Heard(*row) for row in found}


def sent(session: Session, contact_id: int) -> Sent | None:
    """One outbound contact of the tenants in scope, whatever came of it."""
    row = session.execute(
        select(*_SENT).where(
            Contact.tenant_id.in_(scope_of(session).tenant_ids),
            Contact.id == contact_id,
            Contact.direction == "outbound",
            Contact.account_id.is_not(None),
        )
    ).one_or_none()
    found: list[Any] = [] if row is None else list(row)
    return Sent(*found) if found else None


@dataclass(frozen=True, slots=True)
class Genuine:
    """A message of ours as anybody may know it who has its code: no person, no debt."""

    tenant_id: int
    at: datetime
    channel: str


def by_code(session: Session, code: str) -> Genuine | None:
    """The newest message of the tenants in scope that went out with this code."""
    row = session.execute(
        select(Contact.tenant_id, Contact.at, Contact.channel)
        .join(
            MessageCopy,
            (MessageCopy.tenant_id == Contact.tenant_id) & (MessageCopy.contact_id == Contact.id),
        )
        .where(
            among(MessageCopy.tenant_id, scope_of(session).tenant_ids),
            MessageCopy.code.in_(readings(code)),
            Contact.direction == "outbound",
            Contact.state != "failed",
        )
        .order_by(Contact.at.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Genuine(row.tenant_id, row.at, row.channel)


@dataclass(frozen=True, slots=True)
class SentLately:
    """A message or call of ours as its receiver may check it; `code` stands in the message."""

    at: datetime
    channel: str
    code: str | None


def sent_lately(session: Session, account_ids: Collection[int], limit: int) -> list[SentLately]:
    """What went out about these accounts of the tenants in scope, newest first."""
    rows = session.execute(
        select(Contact.at, Contact.channel, MessageCopy.code)
        .outerjoin(
            MessageCopy,
            (MessageCopy.tenant_id == Contact.tenant_id) & (MessageCopy.contact_id == Contact.id),
        )
        .where(
            Contact.tenant_id.in_(scope_of(session).tenant_ids),
            Contact.account_id.in_(account_ids),
            Contact.direction == "outbound",
            Contact.state != "failed",
        )
        .order_by(Contact.at.desc(), Contact.id.desc())
        .limit(limit)
    )
    return [SentLately(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Said:
    """One contact in a conversation; texts are readable, and empty where nothing was written (a call)."""

    contact_id: int
    account_id: int | None
    at: datetime
    direction: str
    channel: str
    purpose: str
    state: str
    disposition: str | None
    reason: str | None
    address: str
    subject: str
    body: str


def said_with(session: Session, account_ids: Collection[int], limit: int = 200) -> list[Said]:
    """Every contact about these accounts of the tenants in scope, all channels, the newest `limit` in the
    order in which they were made."""
    rows = session.execute(
        select(
            Contact.id, Contact.account_id, Contact.at, Contact.direction, Contact.channel, Contact.purpose,
            Contact.state, Contact.disposition, Contact.reason, MessageCopy.address, MessageCopy.subject,
            MessageCopy.body,
        )
        .join(
            MessageCopy,
            (MessageCopy.tenant_id == Contact.tenant_id) & (MessageCopy.contact_id == Contact.id),
            isouter=True,
        )
        .where(Contact.tenant_id.in_(scope_of(session).tenant_ids), Contact.account_id.in_(account_ids))
        .order_by(Contact.at.desc(), Contact.id.desc())
        .limit(limit)
    ).all()  # fmt: skip
    return [Said(*row[:9], row[9] or "", row[10] or "", row[11] or "") for row in reversed(rows)]
