"""Contacts as they were made, with facts and house rules of their day, so that they can be judged again."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from recupero.contacts import gate
from recupero.contacts.facts import facts_from_json
from recupero.contacts.policies import Lawbook, Version, lawbook
from recupero.contacts.reservation import HISTORY, Made
from recupero.contacts.tables import Contact, GivenVerdict, PersonContact
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound
from recupero.law.queries import StoredContact
from recupero.law.service import Packs
from recupero_sdk.law import ContactOutcome, Facts, PastContact, Purpose, RuleOutcome, Verdict
from recupero_sdk.law.terms import LASTING


def verdict_of_contact() -> ColumnElement[bool]:
    """How `GivenVerdict` is joined to `Contact`; those of inbound contacts and of old ones have none."""
    return (GivenVerdict.tenant_id == Contact.tenant_id) & (GivenVerdict.digest == Contact.verdict)


def whole_verdict(said: Mapping[str, Any] | None, at: datetime) -> dict[str, Any] | None:
    """What was said of a contact of that moment, as `Verdict.from_json` reads it."""
    return None if said is None else {**said, "next_lawful_at": at.isoformat() if said["allowed"] else None}


def stored_contacts(session: Session, tenant_ids: Collection[int] | None = None) -> Iterator[StoredContact]:
    """Every contact of the agency in scope by person and time, with the facts of its day and the house rules
    it was made under, as the replay wants them. With `tenant_ids`, only people that these tenants contacted,
    but all contacts of theirs."""
    scope = scope_of(session)
    query = _stored(session).execution_options(yield_per=5000)
    if tenant_ids is not None:
        people = select(PersonContact.person_id).where(
            PersonContact.agency_id == scope.agency(), PersonContact.tenant_id.in_(tenant_ids)
        )
        query = query.where(PersonContact.person_id.in_(people))
    law = _Kept(lawbook(session))
    return (law.stored(row) for row in session.execute(query))


def _stored(session: Session) -> Any:
    scope = scope_of(session)
    return (
        select(
            PersonContact.person_id, PersonContact.tenant_id, PersonContact.contact_id,
            PersonContact.account_id, PersonContact.at, PersonContact.channel, PersonContact.direction,
            PersonContact.outcome,
            PersonContact.purpose.label("counted"),
            Contact.recipient, Contact.purpose, Contact.facts, Contact.pack_version,
            GivenVerdict.said["policies"].label("policies"),
            GivenVerdict.said["caller"]["automated"].label("automated"),
        )
        .join(
            Contact,
            (Contact.tenant_id == PersonContact.tenant_id) & (Contact.id == PersonContact.contact_id),
        )
        .outerjoin(GivenVerdict, verdict_of_contact())
        .where(PersonContact.agency_id == scope.agency(), PersonContact.tenant_id.in_(scope.tenant_ids))
        .order_by(PersonContact.person_id, PersonContact.at, PersonContact.id)
    )  # fmt: skip


def _past(row: Any, outcome: ContactOutcome, counted: Purpose | None) -> PastContact:
    """The contact as those after it remember it, which see for themselves whether it was about their debt."""
    return PastContact(
        row.at, row.channel, row.direction, outcome, recipient=row.recipient, purpose=counted,
        asked=gate.was_asked(counted, row.direction),
    )  # fmt: skip


class _Kept:
    """Turns rows into stored contacts; contacts share few combinations of house rules, so these are kept."""

    def __init__(self, book: Lawbook) -> None:
        self._book = book
        self._law: dict[tuple[int, ...], Packs] = {}

    def stored(self, row: Any) -> StoredContact:
        return StoredContact(
            id=str(row.contact_id),
            person=str(row.person_id),
            debt=f"{row.tenant_id}:{row.account_id}",
            creditor=str(row.tenant_id),
            facts=Facts(country="??") if row.facts is None else facts_from_json(row.facts),
            proposal=gate.proposed(row.purpose, row.at, row.channel, row.recipient, automated=row.automated),
            contact=_past(row, row.outcome, row.counted),
            law=self._packs(tuple(row.policies or ())),
            pack_version=row.pack_version,
        )

    def _packs(self, ids: tuple[int, ...]) -> Packs:
        if ids not in self._law:
            self._law[ids] = self._book.as_kept(ids)
        return self._law[ids]


@dataclass(frozen=True, slots=True)
class CallerSaid:
    """The number that a call showed (None: withheld) and what the law said of it; whether a machine called
    (None: from before that was kept)."""

    number: str | None
    said: tuple[RuleOutcome, ...]
    automated: bool | None = None

    @staticmethod
    def from_json(kept: dict[str, Any] | None) -> "CallerSaid | None":
        """What a reservation stored of it; None where it stored nothing."""
        if kept is None:
            return None
        said = tuple(map(RuleOutcome.from_json, kept["said"]))
        return CallerSaid(kept["number"], said, kept.get("automated"))


@dataclass(frozen=True, slots=True)
class Kept:
    """One stored contact with everything that its judgement rested on. `verdict` None: an inbound one, or one
    from before the law was asked."""

    id: int
    tenant_id: int
    account_id: int | None
    debtor_id: int
    direction: str
    purpose: str
    state: str
    disposition: str | None
    stored: StoredContact
    history: list[PastContact]
    verdict: Verdict | None
    policies: tuple[Version, ...]
    caller: CallerSaid | None = None

    @property
    def at(self) -> datetime:
        return self.stored.contact.at


def kept_contact(session: Session, contact_id: int) -> Kept:
    """One contact of the tenants in scope, with what was done to the person before. Raises NotFound."""
    found = session.execute(
        select(Contact, GivenVerdict.said)
        .outerjoin(GivenVerdict, verdict_of_contact())
        .where(Contact.tenant_id.in_(scope_of(session).tenant_ids), Contact.id == contact_id)
    ).one_or_none()
    if found is None:
        raise NotFound("no such contact")
    row, verdict = found[0], whole_verdict(found[1], found[0].at)
    book, ids = lawbook(session), tuple((verdict or {}).get("policies", ()))
    caller = CallerSaid.from_json((verdict or {}).get("caller"))
    made: Any = row  # channel, direction and recipient are the law's words by construction
    stored = StoredContact(
        id=str(row.id), person=str(row.person_id), debt=f"{row.tenant_id}:{row.account_id}",
        creditor=str(row.tenant_id),
        facts=Facts(country="??") if row.facts is None else facts_from_json(row.facts),
        proposal=gate.proposed(
            row.purpose, made.at, made.channel, made.recipient,
            automated=caller.automated if caller else None,
        ),
        contact=_past(made, gate.OUTCOMES[row.state], gate.purpose_for_law(row.purpose)),
        law=book.as_kept(ids), pack_version=row.pack_version,
    )  # fmt: skip
    return Kept(
        row.id, row.tenant_id, row.account_id, row.debtor_id, row.direction, row.purpose, row.state,
        row.disposition, stored, _before(session, row),
        Verdict.from_json(verdict) if verdict else None,
        tuple(version for version in book.versions if version.id in ids),
        caller,
    )  # fmt: skip


def _before(session: Session, row: Contact) -> list[PastContact]:
    """What was done to the person before this contact, across the agency."""
    earlier = session.execute(
        select(
            PersonContact.at, PersonContact.channel, PersonContact.direction, PersonContact.outcome,
            PersonContact.tenant_id, PersonContact.account_id, PersonContact.recipient, PersonContact.purpose,
        )
        .where(
            PersonContact.agency_id == scope_of(session).agency(),
            PersonContact.person_id == row.person_id,
            or_(PersonContact.at >= row.at - HISTORY, PersonContact.purpose.in_(LASTING)),
            PersonContact.contact_id != row.id,
            or_(
                PersonContact.at < row.at,
                (PersonContact.at == row.at) & (PersonContact.contact_id < row.id),
            ),
        )
        .order_by(PersonContact.at, PersonContact.id)
    )  # fmt: skip
    found: list[list[Any]] = [list(one) for one in earlier]
    return [Made(*one).seen_from(row.tenant_id, row.account_id or 0) for one in found]
