"""What a provider tells later of a contact: it arrived, was read, came back, or is being complained about.

News come in any order and more than once; the result is the same. A contact only ever moves up: reserved,
unknown, sent, failed, delivered, answered. So a failure never takes back an arrival, and an arrival that is
heard of late, even after a person or the provider had said otherwise, counts for the law as one.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from recupero.contacts import earlier, gate
from recupero.contacts.dispositions import SPOILING
from recupero.contacts.tables import Contact, PersonContact
from recupero.kernel import clock
from recupero.kernel.database import scope_of

_RANK = {"reserved": 0, "unknown": 1, "sent": 2, "failed": 3, "no_answer": 3, "delivered": 4, "answered": 5}
#: Coded results that news may write, each over those before it; what a person coded stays.
_NOTES = (None, "DLVD", "OPEN", "BNCE", "CLCK", "RPLY", "OPTO")
#: Those that tell of a message that it was read.
_READ = ("OPEN", "CLCK", "RPLY")


@dataclass(frozen=True, slots=True)
class Price:
    """What the provider charges: millionths of the currency's main unit, and the units it counted."""

    amount_micro: int
    currency: str
    units: int = 1


@dataclass(frozen=True, slots=True)
class News:
    """`state`: sent, delivered or failed. `note` is a coded result (`dispositions`). `reference` is the
    provider's id, kept where none is known yet."""

    state: str
    note: str | None = None
    reason: str | None = None
    reference: str | None = None
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """The contact that news were about, as it stands now."""

    contact_id: int
    debtor_id: int
    account_id: int | None
    channel: str
    contact_point_id: int | None
    action_id: int | None
    state: str


def contact_named(
    session: Session, connector: str | None, names: Collection[str], *, keys: Collection[int] = ()
) -> int | None:
    """The newest outbound contact of the tenant in scope that the connector knows by one of these names, or
    that has one of these ids; None where there is none."""
    ours = select(Contact.id).where(
        Contact.tenant_id == scope_of(session).tenant(), Contact.direction == "outbound"
    )
    known: ColumnElement[bool] = Contact.id.in_(keys)
    if connector is not None and names:
        known = or_(known, (Contact.connector == connector) & Contact.reference.in_(names))
    query = ours.where(known, Contact.channel.not_in(("visit",))).order_by(Contact.id.desc()).limit(1)
    return session.execute(query).scalar_one_or_none()


def hear(session: Session, contact_id: int, news: News) -> Told:
    """Write down what became of a contact of the tenant in scope, in contact and count."""
    tenant = scope_of(session).tenant()
    contact = session.execute(
        select(Contact)
        .where(Contact.tenant_id == tenant, Contact.id == contact_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()
    moves = _RANK[news.state] > _RANK.get(contact.state, len(_RANK))
    noted = contact.disposition in _NOTES and _NOTES.index(news.note) > _NOTES.index(contact.disposition)
    spoils = noted and (news.note in SPOILING) != (contact.disposition in SPOILING)
    if moves or spoils:
        earlier.keep(session, [contact.id])
        contact.state_at = clock.now()
    if moves:
        if contact.state == "failed" and _made_again(session, contact):
            contact.action_id = None  # its action went out once more meanwhile, and is that contact's
        contact.state, contact.reason = news.state, news.reason
        _count(session, contact)
    if news.note in _READ:
        contact.read_at = contact.read_at or clock.now()
    if noted:
        contact.disposition = news.note
    contact.reference = contact.reference or news.reference
    if news.price is not None:
        contact.cost_micro, contact.cost_units = news.price.amount_micro, news.price.units
        contact.cost_currency = news.price.currency
    session.flush()
    return Told(
        contact.id, contact.debtor_id, contact.account_id, contact.channel, contact.contact_point_id,
        contact.action_id, contact.state,
    )  # fmt: skip


def _made_again(session: Session, contact: Contact) -> bool:
    other = aliased(Contact)
    again = exists().where(
        other.tenant_id == contact.tenant_id, other.action_id == contact.action_id, other.state != "failed"
    )
    return contact.action_id is not None and bool(session.execute(select(again)).scalar_one())


def _count(session: Session, contact: Contact) -> None:
    """The law's history follows, also where the contact had been released as one that never left us."""
    outcome = gate.OUTCOMES[contact.state]
    row = insert(PersonContact).values(
        agency_id=scope_of(session).agency(), person_id=contact.person_id, tenant_id=contact.tenant_id,
        contact_id=contact.id, account_id=contact.account_id, at=contact.at, channel=contact.channel,
        direction=contact.direction, outcome=outcome, recipient=contact.recipient,
        purpose=gate.purpose_for_law(contact.purpose),
    )  # fmt: skip
    session.execute(
        row.on_conflict_do_update(
            index_elements=["agency_id", "tenant_id", "contact_id"], set_={"outcome": outcome}
        )
    )


def last_approached(session: Session, account_ids: Collection[int]) -> int | None:
    """The account, of these, that was written to or called last; None where none ever was."""
    query = (
        select(Contact.account_id)
        .where(
            Contact.tenant_id == scope_of(session).tenant(),
            Contact.account_id.in_(account_ids),
            Contact.direction == "outbound",
            Contact.state != "failed",
        )
        .order_by(Contact.at.desc(), Contact.id.desc())
        .limit(1)
    )
    return session.execute(query).scalar_one_or_none()
