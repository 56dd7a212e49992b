"""Reserving contacts before they are made, so that no race, retry or crash makes one too many.

In one transaction: lock the people, read what was done to them across the agency, ask the law for each wish
in turn, counting the reservations just made, and write contact and count together.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import bindparam, or_, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from recupero.contacts import gate
from recupero.contacts.facts import Dossiers, dossiers, facts_to_json
from recupero.contacts.policies import Lawbook, lawbook
from recupero.contacts.tables import PersonContact
from recupero.kernel import clock
from recupero.kernel.bulk import BYTES, NUMBERS, any_of
from recupero.kernel.database import scope_of
from recupero.kernel.statements import Parameters, Statement, asked_together
from recupero.law.service import Packs, judge_contact
from recupero.placements import reach
from recupero_sdk.law import (
    Channel,
    ContactOutcome,
    Direction,
    Facts,
    PastContact,
    Proposal,
    Purpose,
    Recipient,
    RuleOutcome,
    Verdict,
)
from recupero_sdk.law.caller import check_caller
from recupero_sdk.law.terms import LASTING, REMEMBERED_DAYS

#: How far back the law is told of contacts, save those of `LASTING` purposes.
HISTORY = timedelta(days=REMEMBERED_DAYS)
_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the number shown (None: it is withheld, or nobody knows which), and whether a machine dials
    and speaks (`automated`)."""

    number: str | None
    automated: bool = False


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
    caller: Caller | None = None  # of a call: judged with the contact


@dataclass(frozen=True, slots=True)
class Reservation:
    """What came of a wish. `contact_id` None: the law or the house rules refused, as `verdict` says.

    `policies` are the versions of the house rules that stood above the law. `caller`: what the rules of
    caller identity said of the number that a call shows.
    """

    wish: Wish
    facts: Facts
    verdict: Verdict
    at: datetime
    policies: tuple[int, ...] = ()
    caller: tuple[RuleOutcome, ...] = ()
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
    recipient: Recipient = "debtor"
    purpose: Purpose | None = None

    def seen_from(self, tenant_id: int, account_id: int) -> PastContact:
        """As history of a contact about this account."""
        own = self.tenant_id == tenant_id
        return PastContact(
            self.at, self.channel, self.direction, self.outcome,
            same_debt=own and self.account_id == account_id, same_creditor=own, recipient=self.recipient,
            purpose=self.purpose, asked=gate.was_asked(self.purpose, self.direction),
        )  # fmt: skip


@dataclass(slots=True)
class _Desk:
    """The state of one reserving transaction."""

    known: Dossiers
    made: dict[int, list[Made]]
    tenant_id: int
    now: datetime
    law: Packs
    policies: tuple[int, ...]

    def judge(self, wish: Wish) -> Reservation:
        """Ask the law; an allowed wish counts for whoever comes next."""
        account = self.known.accounts[wish.account_id]
        facts, made = self.known.facts(wish.account_id, wish.contact_point_id), self.made[account.person_id]
        # Clocks of several hosts differ a little: a contact is never put before one that is already made.
        at = max([self.now, *(past.at for past in made)])
        automated = None if wish.caller is None else wish.caller.automated
        proposal = gate.proposed(wish.purpose, at, wish.channel, wish.recipient, automated=automated)
        history = [past.seen_from(self.tenant_id, wish.account_id) for past in made]
        verdict = judge_contact(self.law, facts, history, proposal)
        caller = self._caller(wish, facts, proposal) if verdict.allowed else ()
        if any(said.outcome == "refused" for said in caller):
            verdict = replace(verdict, allowed=False, outcomes=_with(verdict, caller), next_lawful_at=None)
        if verdict.allowed:
            counted = gate.purpose_counted(wish.purpose, facts.due_date, at)
            made.append(
                Made(
                    at, wish.channel, "outbound", "unknown", self.tenant_id, wish.account_id, wish.recipient,
                    counted,
                )
            )  # fmt: skip
        return Reservation(wish, facts, verdict, at, self.policies, caller)

    def _caller(self, wish: Wish, facts: Facts, proposal: Proposal) -> tuple[RuleOutcome, ...]:
        """What the law says of the number a call comes from; nothing where none is told."""
        if wish.caller is None:
            return ()
        pack = self.law.by_country[facts.country]
        return tuple(check_caller(pack, facts, proposal, wish.caller.number))


def _with(verdict: Verdict, caller: tuple[RuleOutcome, ...]) -> tuple[RuleOutcome, ...]:
    """The verdict's rules, those of caller identity as they judged the number."""
    said = {one.rule_id: one for one in caller if one.outcome == "refused"}
    kept = tuple(
        one for one in verdict.outcomes if not (one.kind == "caller_identity" and one.rule_id in said)
    )
    return (*kept, *said.values())


def reserve(
    session: Session,
    wishes: Sequence[Wish],
    known: Dossiers | None = None,
    book: Lawbook | None = None,
) -> list[Reservation]:
    """Reserve what the law allows, in the order of the wishes, and say why the others may not be.

    Needs one tenant and its agency in scope. The people stay locked until the transaction ends; nothing may
    be sent before it has committed. `known` and `book` are those of the same transaction, if it has them.
    """
    known = known or dossiers(session, {wish.account_id for wish in wishes})
    people = {known.accounts[wish.account_id].person_id for wish in wishes}
    now, tenant_id, book = clock.now(), scope_of(session).tenant(), book or lawbook(session)
    since = now - HISTORY
    with asked_together(
        session, [reach.ask_lock(session, people), (_HISTORY, _asked(session, people, since))]
    ):
        reach.lock_people(session, people)
        made = person_history(session, people, since)
    desk = _Desk(
        known, {person: made.get(person, []) for person in people}, tenant_id, now, book.of(tenant_id, now),
        tuple(version.id for version in book.holding(tenant_id, now)),
    )  # fmt: skip
    judged = [desk.judge(wish) for wish in wishes]
    ids = iter(_write(session, known, [one for one in judged if one.verdict.allowed]))
    return [replace(one, contact_id=next(ids)) if one.verdict.allowed else one for one in judged]


_HISTORY = Statement(
    select(
        PersonContact.person_id, PersonContact.at, PersonContact.channel, PersonContact.direction,
        PersonContact.outcome, PersonContact.tenant_id, PersonContact.account_id, PersonContact.recipient,
        PersonContact.purpose,
    )
    .where(
        PersonContact.agency_id == bindparam("agency"),
        any_of(PersonContact.person_id, "people"),
        or_(PersonContact.at >= bindparam("since"), PersonContact.purpose.in_(LASTING)),
    )
    .order_by(PersonContact.at, PersonContact.id)
)  # fmt: skip


def person_history(session: Session, person_ids: Collection[int], since: datetime) -> dict[int, list[Made]]:
    """Contacts of each person across the tenants of the agency in scope, oldest first: those since a moment,
    and those of lasting purposes from the beginning."""
    found: dict[int, list[Made]] = {}
    for row in _HISTORY.rows(session, _asked(session, person_ids, since)):
        found.setdefault(row[0], []).append(Made(*row[1:]))
    return found


def _asked(session: Session, person_ids: Collection[int], since: datetime) -> Parameters:
    return {"agency": scope_of(session).agency(), "people": sorted(person_ids), "since": since}


# What is the same for many contacts is told once (`kinds`), what each has of its own in columns.
_WRITE = Statement(text(
    "WITH k AS MATERIALIZED ("
    " SELECT * FROM jsonb_to_recordset(:kinds) AS k(number int, channel text, connector text, recipient text,"
    " purpose text, counted text, at timestamptz, cost_minor bigint, cost_currency text, pack text,"
    " pack_version text, verdict text)),"
    " said AS ("
    " INSERT INTO given_verdicts (tenant_id, digest, said) SELECT :tenant, digest, CAST(said AS jsonb)"
    " FROM ROWS FROM (unnest(:digests), jsonb_array_elements_text(:said)) AS r(digest, said)"
    " ORDER BY digest ON CONFLICT DO NOTHING),"
    " made AS ("
    " INSERT INTO contacts (tenant_id, debtor_id, account_id, person_id, action_id, contact_point_id,"
    " direction, channel, connector, recipient, purpose, at, state, state_at, right_party, cost_minor,"
    " cost_currency, pack, pack_version, facts, verdict)"
    " SELECT :tenant, debtor_id, account_id, person_id, action_id, contact_point_id, 'outbound', channel,"
    " connector, recipient, purpose, at, 'reserved', at, false, cost_minor, cost_currency, pack,"
    " pack_version, facts, decode(verdict, 'hex')"
    " FROM ROWS FROM (unnest(:debtors, :accounts, :people, :actions, :points, :numbers),"
    " jsonb_array_elements(:facts)) WITH ORDINALITY"
    " AS r(debtor_id, account_id, person_id, action_id, contact_point_id, number, facts, place)"
    " JOIN k USING (number) ORDER BY place RETURNING id, person_id, account_id, at, channel, recipient),"
    " counted AS ("
    " INSERT INTO person_contacts (agency_id, person_id, tenant_id, contact_id, account_id, at, channel,"
    " direction, outcome, recipient, purpose)"
    " SELECT :agency, m.person_id, :tenant, m.id, m.account_id, m.at, m.channel, 'outbound', :outcome,"
    " m.recipient, k.counted FROM (SELECT *, row_number() OVER (ORDER BY id) AS place FROM made) m"
    " JOIN unnest(:numbers) WITH ORDINALITY AS n(number, place) USING (place) JOIN k USING (number))"
    " SELECT id FROM made ORDER BY id"
).bindparams(
    *(
        bindparam(name, type_=NUMBERS)
        for name in ("debtors", "accounts", "people", "actions", "points", "numbers")
    ),
    *(bindparam(name, type_=JSONB) for name in ("kinds", "facts", "said")),
    bindparam("digests", type_=BYTES),
))  # fmt: skip


def _words_of(made: Reservation) -> str:
    """The verdict as it is stored, with the house rules it was made under, who called and the number."""
    kept = made.verdict.to_json() | {"policies": list(made.policies)}
    del kept["next_lawful_at"]  # the moment of the contact itself
    if (caller := made.wish.caller) is not None:
        said = [one.to_json() for one in made.caller]
        kept["caller"] = {"number": caller.number, "said": said, "automated": caller.automated}
    return orjson.dumps(kept).decode()


@dataclass(slots=True)
class _Kinds:
    """What contacts are like beside whom they reach, each kind once, with the number of each contact's; and
    the verdicts by their digests. The law says the same of most, and what it says takes longer to write down
    than all the rest."""

    kinds: dict[tuple[object, ...], dict[str, Any]] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    verdicts: dict[bytes, str] = field(default_factory=dict)

    def add(self, one: Reservation) -> None:
        wish, verdict = one.wish, one.verdict
        counted = gate.purpose_counted(wish.purpose, one.facts.due_date, one.at)
        key = (
            wish.channel, wish.connector, wish.recipient, wish.purpose, counted, one.at, wish.cost_minor,
            wish.cost_currency, wish.caller, id(one.caller), id(verdict.outcomes), verdict.pack_id,
        )  # fmt: skip
        if key not in self.kinds:
            words = _words_of(one)
            digest = hashlib.sha256(words.encode()).digest()[:_DIGEST_BYTES]
            self.verdicts[digest] = words
            self.kinds[key] = {
                "number": len(self.kinds), "channel": wish.channel, "connector": wish.connector,
                "recipient": wish.recipient, "purpose": wish.purpose, "counted": counted, "at": one.at,
                "cost_minor": wish.cost_minor, "cost_currency": wish.cost_currency, "pack": verdict.pack_id,
                "pack_version": verdict.pack_version, "verdict": digest.hex(),
            }  # fmt: skip
        self.numbers.append(self.kinds[key]["number"])


def _write(session: Session, known: Dossiers, allowed: Sequence[Reservation]) -> list[int]:
    """Contacts and their counts in one statement; the ids in the order given."""
    if not allowed:
        return []
    scope = scope_of(session)
    accounts = [known.accounts[one.wish.account_id] for one in allowed]
    like = _Kinds()
    for one in allowed:
        like.add(one)
    columns = {
        "tenant": scope.tenant(), "agency": scope.agency(), "outcome": gate.OUTCOMES["reserved"],
        "debtors": [account.debtor_id for account in accounts],
        "accounts": [account.account_id for account in accounts],
        "people": [account.person_id for account in accounts],
        "actions": [one.wish.action_id for one in allowed],
        "points": [one.wish.contact_point_id for one in allowed],
        "facts": [facts_to_json(one.facts) for one in allowed],
        "kinds": list(like.kinds.values()), "numbers": like.numbers,
        "digests": list(like.verdicts), "said": list(like.verdicts.values()),
    }  # fmt: skip
    return _WRITE.column(session, columns)
