"""Reserving contacts before they are made, so that no race, retry or crash makes one too many.

In one transaction: lock the people, read what was done to them across the agency, ask the law for each wish
in turn, counting the reservations just made, and write contact and count together.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from recupero.contacts import gate
from recupero.contacts.facts import Dossiers, dossiers, facts_to_json
from recupero.contacts.tables import Contact, PersonContact
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.law.service import judge_contact
from recupero.placements import reach
from recupero_sdk.law import (
    Channel,
    ContactOutcome,
    Direction,
    Facts,
    PastContact,
    Proposal,
    Recipient,
    Verdict,
)

#: How far back the law is told of contacts: longer than any period of a pack.
HISTORY = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Wish:
    """A contact that somebody wants to make now."""

    account_id: int
    channel: Channel
    contact_point_id: int | None
    purpose: str = "collection"
    action_id: int | None = None
    connector: str | None = None
    recipient: Recipient = "debtor"
    cost_minor: int = 0
    cost_currency: str | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """What came of a wish. `contact_id` None: the law refused; `verdict` says which rule and until when."""

    wish: Wish
    facts: Facts
    verdict: Verdict
    at: datetime
    contact_id: int | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """One contact of a person as the agency counts it, whichever of its tenants it was made for."""

    at: datetime
    channel: Channel
    direction: Direction
    outcome: ContactOutcome
    tenant_id: int
    account_id: int | None

    def seen_from(self, tenant_id: int, account_id: int) -> PastContact:
        """As history of a contact about this account."""
        own = self.tenant_id == tenant_id
        return PastContact(
            self.at, self.channel, self.direction, self.outcome,
            same_debt=own and self.account_id == account_id, same_creditor=own,
        )  # fmt: skip


@dataclass(slots=True)
class _Desk:
    """The state of one reserving transaction."""

    known: Dossiers
    made: dict[int, list[Made]]
    tenant_id: int
    now: datetime
    reserved: list[Reservation] = field(default_factory=list)

    def judge(self, wish: Wish) -> Reservation:
        """Ask the law; an allowed wish counts for whoever comes next."""
        account = self.known.accounts[wish.account_id]
        facts, made = self.known.facts(wish.account_id, wish.contact_point_id), self.made[account.person_id]
        # Clocks of several hosts differ a little: a contact is never put before one that is already made.
        at = max([self.now, *(past.at for past in made)])
        proposal = Proposal(at, wish.channel, wish.recipient, gate.purpose_for_law(wish.purpose))
        history = [past.seen_from(self.tenant_id, wish.account_id) for past in made]
        verdict = judge_contact(gate.packs(), facts, history, proposal)
        if verdict.allowed:
            made.append(Made(at, wish.channel, "outbound", "unknown", self.tenant_id, wish.account_id))
        return Reservation(wish, facts, verdict, at)


def reserve(session: Session, wishes: Sequence[Wish], known: Dossiers | None = None) -> list[Reservation]:
    """Reserve what the law allows, in the order of the wishes, and say why the others may not be.

    Needs one tenant and its agency in scope. The people stay locked until the transaction ends; nothing may
    be sent before it has committed. `known` are dossiers of the same transaction, to save reading twice.
    """
    known = known or dossiers(session, {wish.account_id for wish in wishes})
    people = {known.accounts[wish.account_id].person_id for wish in wishes}
    reach.lock_people(session, people)
    now = clock.now()
    made = person_history(session, people, now - HISTORY)
    desk = _Desk(known, {person: made.get(person, []) for person in people}, scope_of(session).tenant(), now)
    judged = [desk.judge(wish) for wish in wishes]
    ids = iter(_write(session, known, [one for one in judged if one.verdict.allowed]))
    return [replace(one, contact_id=next(ids)) if one.verdict.allowed else one for one in judged]


def person_history(session: Session, person_ids: Collection[int], since: datetime) -> dict[int, list[Made]]:
    """Contacts of each person across the tenants of the agency in scope, oldest first."""
    found: dict[int, list[Made]] = {}
    rows = session.execute(
        select(
            PersonContact.person_id, PersonContact.at, PersonContact.channel, PersonContact.direction,
            PersonContact.outcome, PersonContact.tenant_id, PersonContact.account_id,
        )
        .where(
            PersonContact.agency_id == scope_of(session).agency(),
            PersonContact.person_id.in_(person_ids),
            PersonContact.at >= since,
        )
        .order_by(PersonContact.at, PersonContact.id)
    )  # fmt: skip
    for row in rows:
        person_id, *made = tuple(row)
        found.setdefault(person_id, []).append(Made(*made))
    return found


def _write(session: Session, known: Dossiers, allowed: Sequence[Reservation]) -> list[int]:
    """Contacts and their counts; the ids in the order given."""
    if not allowed:
        return []
    scope = scope_of(session)
    rows = [_contact_row(scope.tenant(), known, one) for one in allowed]
    ids = list(
        session.execute(insert(Contact).returning(Contact.id, sort_by_parameter_order=True), rows).scalars()
    )
    counts = [_count_row(scope.agency(), contact_id, row) for contact_id, row in zip(ids, rows, strict=True)]
    session.execute(insert(PersonContact), counts)
    return ids


def _contact_row(tenant_id: int, known: Dossiers, one: Reservation) -> dict[str, Any]:
    wish, account = one.wish, known.accounts[one.wish.account_id]
    return {
        "tenant_id": tenant_id, "debtor_id": account.debtor_id, "account_id": account.account_id,
        "person_id": account.person_id, "action_id": wish.action_id,
        "contact_point_id": wish.contact_point_id,
        "direction": "outbound", "channel": wish.channel, "connector": wish.connector,
        "recipient": wish.recipient, "purpose": wish.purpose, "at": one.at, "state": "reserved",
        "state_at": one.at, "cost_minor": wish.cost_minor, "cost_currency": wish.cost_currency,
        "pack": one.verdict.pack_id, "pack_version": one.verdict.pack_version,
        "facts": facts_to_json(one.facts), "verdict": one.verdict.to_json(),
    }  # fmt: skip


def _count_row(agency_id: int, contact_id: int, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "agency_id": agency_id, "person_id": row["person_id"], "tenant_id": row["tenant_id"],
        "contact_id": contact_id, "account_id": row["account_id"], "at": row["at"],
        "channel": row["channel"], "direction": row["direction"], "outcome": gate.OUTCOMES[row["state"]],
    }  # fmt: skip
