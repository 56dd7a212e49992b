"""What reads the record of contacts: facts for the law, histories, timelines, messages."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from recupero.contacts.facts import Dossiers, Permissions, asks, dossiers, permissions_of
from recupero.contacts.gate import packs
from recupero.contacts.reservation import HISTORY, Made, person_history
from recupero.contacts.stored import verdict_of_contact, whole_verdict
from recupero.contacts.tables import Contact, GivenVerdict, LinkVisit, Preference
from recupero.kernel.bulk import among, any_of
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.kernel.statements import Parameters, Statement
from recupero_sdk.law.terms import LASTING

__all__ = [
    "HISTORY", "LASTING", "Dossiers", "Made", "Permissions", "asks", "dossiers", "packs", "permissions_of",
    "person_history",
]  # fmt: skip


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


_APPROACHED = Statement(
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
    statement, asked = ask_approached(session, account_ids)
    return {account_id for account_id in statement.column(session, asked) if account_id is not None}


def ask_approached(session: Session, account_ids: Collection[int]) -> tuple[Statement, Parameters]:
    """What `approached` asks, for `statements.asked_together`."""
    return _APPROACHED, {"tenants": list(scope_of(session).tenant_ids), "accounts": sorted(account_ids)}


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


@dataclass(frozen=True, slots=True)
class Preferred:
    """How a debtor asked to be reached: see `tables.Preference`."""

    channel: str | None
    from_minute: int | None
    to_minute: int | None


_PREFERENCES = Statement(
    select(Preference.debtor_id, Preference.channel, Preference.from_minute, Preference.to_minute).where(
        any_of(Preference.tenant_id, "tenants"), any_of(Preference.debtor_id, "debtors")
    )
)


def preferences(session: Session, debtor_ids: Collection[int]) -> dict[int, Preferred]:
    """How debtors asked to be reached, by debtor."""
    statement, asked = ask_preferences(session, debtor_ids)
    return {row[0]: Preferred(*row[1:]) for row in statement.rows(session, asked)}


def ask_preferences(session: Session, debtor_ids: Collection[int]) -> tuple[Statement, Parameters]:
    """What `preferences` asks, for `statements.asked_together`."""
    return _PREFERENCES, {"tenants": list(scope_of(session).tenant_ids), "debtors": sorted(debtor_ids)}


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
