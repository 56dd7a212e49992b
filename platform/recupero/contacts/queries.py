"""What reads the record of contacts: facts for the law, histories, timelines, messages."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from recupero.contacts.facts import Dossiers, Permissions, dossiers, permissions_of
from recupero.contacts.gate import packs, purpose_counted, purpose_for_law
from recupero.contacts.policies import lawbook
from recupero.contacts.reservation import HISTORY, Made, person_history
from recupero.contacts.stored import verdict_of_contact, whole_verdict
from recupero.contacts.tables import Contact, GivenVerdict, LinkVisit, MessageCopy, Preference
from recupero.kernel import clock
from recupero.kernel.bulk import among, any_of
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.kernel.listing import Part, arranged
from recupero.law.service import judge_contact
from recupero_sdk.law import Channel, Facts, Proposal, RuleOutcome, Verdict
from recupero_sdk.law.caller import check_caller
from recupero_sdk.law.terms import LASTING

__all__ = [
    "HISTORY", "LASTING", "Dossiers", "Made", "Permissions", "dossiers", "packs", "permissions_of",
    "person_history",
]  # fmt: skip


def law_facts(
    session: Session, asks: Collection[tuple[int, int | None]]
) -> dict[tuple[int, int | None], Facts]:
    """Facts for each (account id, contact point id or None), at once. An account out of scope is left
    out."""
    known = dossiers(session, {account_id for account_id, _ in asks})
    return {ask: known.facts(*ask) for ask in asks if ask[0] in known.accounts}


def judge_now(
    session: Session,
    account_id: int,
    channel: Channel,
    at: datetime,
    purpose: str = "collection",
    *,
    made: int = 0,
) -> Verdict:
    """What the law would say of one contact: for a page that tells why nothing is sent and when next. With
    `made`, as if so many more of the same kind had just been made.

    Reserves nothing. Needs the agency in scope. Raises KeyError where the account is not in scope.
    """
    known = dossiers(session, [account_id])
    account = known.accounts[account_id]
    past = person_history(session, [account.person_id], at - HISTORY).get(account.person_id, [])
    facts = known.facts(account_id, None)
    counted = purpose_counted(purpose, facts.due_date, at)
    past += [Made(at, channel, "outbound", "unknown", account.tenant_id, account_id, purpose=counted)] * made
    history = [one.seen_from(account.tenant_id, account_id) for one in past]
    proposal = Proposal(at, channel, purpose=purpose_for_law(purpose))
    return judge_contact(lawbook(session).of(account.tenant_id, at), facts, history, proposal)


def judge_going_on(session: Session, contact_id: int, at: datetime) -> Verdict:
    """What the law would say of a call that goes on with a person, as if it were made at that moment; it is
    not counted as an earlier one. A call of the debtor's own is answered. Needs the agency in scope."""
    row = session.execute(
        select(Contact.account_id, Contact.at, Contact.direction, Contact.contact_point_id, Contact.purpose)
        .where(Contact.tenant_id == scope_of(session).tenant(), Contact.id == contact_id)
    ).one()  # fmt: skip
    known = dossiers(session, [row.account_id])
    account = known.accounts[row.account_id]
    made = person_history(session, [account.person_id], at - HISTORY).get(account.person_id, [])
    history = [
        past.seen_from(account.tenant_id, row.account_id)
        for past in made
        if (past.at, past.channel, past.account_id) != (row.at, "call", row.account_id)
    ]
    purpose = "reply" if row.direction == "inbound" else row.purpose
    proposal = Proposal(at, "call", purpose=purpose_for_law(purpose), automated=False)
    law = lawbook(session).of(account.tenant_id, at)
    return judge_contact(law, known.facts(row.account_id, row.contact_point_id), history, proposal)


def judge_number(session: Session, contact_id: int, number: str | None) -> list[RuleOutcome]:
    """The rules that refuse a person's call from this number (None: withheld). Needs the agency in scope."""
    account_id = account_of(session, contact_id)
    if account_id is None:
        return []
    known = dossiers(session, [account_id])
    facts = known.facts(account_id, dialled(session, contact_id))
    law = lawbook(session).of(known.accounts[account_id].tenant_id, clock.now())
    pack, made = law.by_country[facts.country], Proposal(clock.now(), "call", automated=False)
    return [said for said in check_caller(pack, facts, made, number) if said.outcome == "refused"]


@dataclass(frozen=True, slots=True)
class ContactLine:
    """One contact in an account's timeline."""

    id: int
    at: datetime
    direction: str
    channel: str
    connector: str | None
    purpose: str
    state: str
    disposition: str | None
    right_party: bool
    reference: str | None
    reason: str | None
    pack: str | None
    pack_version: str | None
    verdict: dict[str, Any] | None


def timeline(session: Session, account_id: int, limit: int = 100) -> list[ContactLine]:
    """Contacts of an account, newest first, each with the verdict it was reserved under."""
    query = _contact_lines(session).where(Contact.account_id == account_id)
    return _lines_of(session, query.order_by(Contact.at.desc(), Contact.id.desc()).limit(limit))


def lines(session: Session, contact_ids: Collection[int]) -> dict[int, ContactLine]:
    """Contacts of the tenants in scope by id, as `timeline` has them."""
    query = _contact_lines(session).where(among(Contact.id, contact_ids))
    return {line.id: line for line in _lines_of(session, query)}


def _contact_lines(session: Session) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Contact.id, Contact.at, Contact.direction, Contact.channel, Contact.connector, Contact.purpose,
            Contact.state, Contact.disposition, Contact.right_party, Contact.reference, Contact.reason,
            Contact.pack, Contact.pack_version, GivenVerdict.said,
        )
        .outerjoin(GivenVerdict, verdict_of_contact())
        .where(Contact.tenant_id.in_(scope_of(session).tenant_ids))
    )  # fmt: skip


def _lines_of(session: Session, query: Select[*tuple[Any, ...]]) -> list[ContactLine]:
    found: list[list[Any]] = [list(row) for row in session.execute(query)]
    return [ContactLine(*(*line[:-1], whole_verdict(line[-1], line[1]))) for line in found]


def last_reached(
    session: Session, account_ids: Collection[int], *, since: datetime, until: datetime
) -> tuple[int, str] | None:
    """Id and channel of the newest contact that reached somebody about these accounts between two moments."""
    row = session.execute(
        select(Contact.id, Contact.channel)
        .where(
            Contact.tenant_id.in_(scope_of(session).tenant_ids),
            Contact.account_id.in_(account_ids),
            Contact.at.between(since, until),
            Contact.state.in_(["sent", "delivered", "answered", "received"]),
        )
        .order_by(Contact.at.desc(), Contact.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def channel_of(session: Session, contact_id: int) -> str | None:
    """Channel of a contact of the tenant in scope, None where there is no such."""
    return session.execute(
        select(Contact.channel).where(
            Contact.tenant_id == scope_of(session).tenant(), Contact.id == contact_id
        )
    ).scalar_one_or_none()


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
    rows = session.execute(arranged(query, by, wanted, Contact.at.desc(), Contact.id.desc()))
    return [MessageLine(*tuple(row)) for row in rows]


def count_by_state(session: Session) -> dict[str, int]:
    """How many contacts of the tenants in scope are in each state; `unknown` ones wait for a person."""
    rows = session.execute(
        select(Contact.state, func.count())
        .where(Contact.tenant_id.in_(scope_of(session).tenant_ids))
        .group_by(Contact.state)
    )
    return {row[0]: row[1] for row in rows}


_APPROACHED = (
    select(Contact.account_id)
    .distinct()
    .where(
        any_of(Contact.tenant_id, "tenants"),
        any_of(Contact.account_id, "accounts"),
        Contact.direction == "outbound",
        Contact.state.in_(("sent", "delivered", "answered")),
    )
)


def approached(session: Session, account_ids: Collection[int]) -> set[int]:
    """Those of the accounts to which something was sent or said before."""
    asked = {"tenants": list(scope_of(session).tenant_ids), "accounts": list(account_ids)}
    found = session.execute(_APPROACHED, asked).scalars()
    return {account_id for account_id in found if account_id is not None}


def dialled(session: Session, contact_id: int) -> int | None:
    """The contact point that a contact was made to. Raises NotFound for a contact out of scope."""
    row = session.execute(
        select(Contact.contact_point_id).where(
            Contact.tenant_id.in_(scope_of(session).tenant_ids), Contact.id == contact_id
        )
    ).one_or_none()
    if row is None:
        raise NotFound("no such contact")
    point_id: int | None = row.contact_point_id
    return point_id


_PREFERENCES = select(Preference).where(
    any_of(Preference.tenant_id, "tenants"), any_of(Preference.debtor_id, "debtors")
)


def preferences(session: Session, debtor_ids: Collection[int]) -> dict[int, Preference]:
    """How debtors asked to be reached, by debtor."""
    asked = {"tenants": list(scope_of(session).tenant_ids), "debtors": list(debtor_ids)}
    rows = session.execute(_PREFERENCES, asked).scalars()
    return {row.debtor_id: row for row in rows}


@dataclass(frozen=True, slots=True)
class Sent:
    """One outbound message of which nothing has come back yet."""

    contact_id: int
    account_id: int
    debtor_id: int
    channel: str
    contact_point_id: int | None
    action_id: int | None
    at: datetime


_SENT = (
    Contact.id, Contact.account_id, Contact.debtor_id, Contact.channel, Contact.contact_point_id,
    Contact.action_id, Contact.at,
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


def incoming(session: Session, connector: str, reference: str) -> int | None:
    """The contact of the tenant in scope that a debtor began over a connector, by the provider's id of it."""
    query = select(Contact.id).where(
        Contact.tenant_id == scope_of(session).tenant(),
        Contact.connector == connector,
        Contact.reference == reference,
        Contact.direction == "inbound",
    )
    return session.execute(query.limit(1)).scalar_one_or_none()


def coded(session: Session, contact_id: int) -> bool:
    """Whether a contact of the tenants in scope has its coded result."""
    query = select(Contact.disposition).where(
        Contact.tenant_id.in_(scope_of(session).tenant_ids), Contact.id == contact_id
    )
    return session.execute(query).scalar_one_or_none() not in (None, "INBD")


def action_of(session: Session, contact_id: int) -> int | None:
    """The action that a contact of the tenants in scope carries out."""
    query = select(Contact.action_id).where(
        Contact.tenant_id.in_(scope_of(session).tenant_ids), Contact.id == contact_id
    )
    return session.execute(query).scalar_one_or_none()


def account_of(session: Session, contact_id: int) -> int | None:
    """The account that a contact of the tenants in scope was about."""
    query = select(Contact.account_id).where(
        Contact.tenant_id.in_(scope_of(session).tenant_ids), Contact.id == contact_id
    )
    return session.execute(query).scalar_one_or_none()


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
    address: str
    body: str = field(repr=False)


def heard(session: Session, contact_ids: Collection[int]) -> dict[int, Heard]:
    """Those of the contacts of the tenants in scope that are messages which came in about an account."""
    rows = session.execute(
        select(
            Contact.id, Contact.account_id, Contact.at, Contact.channel, MessageCopy.address, MessageCopy.body
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
            MessageCopy.code == code,
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


def visits(session: Session, debtor_id: int, limit: int = 100) -> list[datetime]:
    """When a debtor of the tenants in scope opened their own page, the newest `limit`."""
    rows = session.execute(
        select(LinkVisit.at)
        .where(LinkVisit.tenant_id.in_(scope_of(session).tenant_ids), LinkVisit.debtor_id == debtor_id)
        .order_by(LinkVisit.at.desc())
        .limit(limit)
    )
    return list(rows.scalars())


def debtor_of(session: Session, contact_id: int) -> int:
    """The debtor of a contact of the tenants in scope."""
    query = select(Contact.debtor_id).where(
        Contact.tenant_id.in_(scope_of(session).tenant_ids), Contact.id == contact_id
    )
    return session.execute(query).scalar_one()
