"""Facts of a debtor or an account that people state because no file and no page else does: what happened on
which day (a suit, an acknowledgement, a notice), situations that stand, and permissions beyond channels."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from recupero.contacts.tables import StatedFact
from recupero.kernel import audit, clock
from recupero.kernel.bulk import among, any_of, insert_rows
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.kernel.statements import Parameters, Statement
from recupero.placements import reach
from recupero.tenancy import queries as tenancy
from recupero_sdk.law import CHANNELS, FLAGS, Event
from recupero_sdk.law.values import EVENT_KINDS, PERMISSIONS

#: Situations that a hold tells of; they are stated by opening it, so that work stops, too.
BY_HOLDS = frozenset({
    "insolvency", "deceased", "breathing_space", "suit_served", "cease_request", "attorney_represented",
    "disputed", "complaint", "vulnerable",
})  # fmt: skip
#: Events that the record of contacts, promises and the permissions of channels tell of.
_RECORDED = frozenset({"contact", "promise", "consent", "opt_out"})
#: What may be stated, by kind.
NAMES: Mapping[str, tuple[str, ...]] = {
    "event": tuple(name for name in EVENT_KINDS if name not in _RECORDED),
    "situation": tuple(name for name in FLAGS if name not in BY_HOLDS),
    "permission": PERMISSIONS,
}
#: Who states the payments that are in the books.
BOOKS = "payments"


@dataclass(frozen=True, slots=True)
class Told:
    """One stated fact that stands. `account_id` None: of everything of the debtor. `note` is readable."""

    id: int
    debtor_id: int
    account_id: int | None
    kind: str
    name: str
    began_on: date
    until: date | None
    channel: str | None
    stated_by: str
    stated_at: datetime
    note: str | None = None


@dataclass(frozen=True, slots=True)
class NewFact:
    """A fact to state. `until` is the last day on which it stands or lasts; `channel` only of an event."""

    kind: str
    name: str
    began_on: date
    until: date | None = None
    channel: str | None = None
    note: str = ""


_TOLD = (
    select(
        StatedFact.id, StatedFact.debtor_id, StatedFact.account_id, StatedFact.kind, StatedFact.name,
        StatedFact.began_on, StatedFact.until, StatedFact.channel, StatedFact.stated_by, StatedFact.stated_at,
    )
    .where(any_of(StatedFact.tenant_id, "tenants"), StatedFact.ended_at.is_(None))
    .order_by(StatedFact.began_on, StatedFact.id)
)  # fmt: skip
_OF_DEBTORS = _TOLD.where(any_of(StatedFact.debtor_id, "debtors"))
_TOLD_OF, _WITH_NOTES = Statement(_OF_DEBTORS), Statement(_OF_DEBTORS.add_columns(StatedFact.note))


def told(session: Session, debtor_ids: Collection[int], *, notes: bool = False) -> dict[int, list[Told]]:
    """What is stated and stands of each debtor in scope, oldest first; with its notes where asked."""
    _statement, wanted = ask_told(session, debtor_ids)
    return _by_debtor((_WITH_NOTES if notes else _TOLD_OF).rows(session, wanted))


def ask_told(session: Session, debtor_ids: Collection[int]) -> tuple[Statement, Parameters]:
    """What `told` asks of these debtors without notes, for `statements.asked_together`."""
    return _TOLD_OF, {"tenants": list(scope_of(session).tenant_ids), "debtors": sorted(debtor_ids)}


def told_of_account(session: Session, debtor_id: int, account_id: int) -> list[Told]:
    """What is stated and stands of an account in scope and of everything of its debtor, with the notes."""
    found = told(session, [debtor_id], notes=True).get(debtor_id, [])
    return [one for one in found if one.account_id in (None, account_id)]


def told_of_all(session: Session) -> dict[int, list[Told]]:
    """What is stated and stands of every debtor in scope of whom something is."""
    return _by_debtor(session.execute(_TOLD, {"tenants": list(scope_of(session).tenant_ids)}))


def _by_debtor(rows: Iterable[Any]) -> dict[int, list[Told]]:
    found: dict[int, list[Told]] = defaultdict(list)
    for row in rows:
        found[row[1]].append(Told(*row))
    return found


def standing_on(facts: Iterable[Told], kind: str, day: date) -> frozenset[str]:
    """Situations, or permissions, that stand on a day (UTC)."""
    return frozenset(
        one.name
        for one in facts
        if one.kind == kind and one.began_on <= day and (one.until is None or day <= one.until)
    )


def events_of(facts: Iterable[Told], paid_on: date | None, others: Iterable[Event] = ()) -> tuple[Event, ...]:
    """The dated events of an account in their order, each once: those stated, the last payment of which the
    creditor's file told, and `others`."""
    stated: set[Event] = {
        Event(one.name, one.began_on, one.until, one.channel)  # type: ignore[arg-type]  # words of the law, checked when stated
        for one in facts
        if one.kind == "event"
    }
    stated.update(others)
    if paid_on is not None:
        stated.add(Event("payment", paid_on))
    return tuple(sorted(stated, key=lambda one: (one.on, one.kind, one.until or date.max, one.channel or "")))


def state(session: Session, fact: NewFact, *, debtor_id: int, account_id: int | None, actor: str) -> int:
    """State a fact of an account, or (`account_id` None) of everything of the debtor; its id. Needs one
    tenant in scope. Raises UserError at what the law does not know and at days that cannot be."""
    tenant = scope_of(session).tenant()
    _check(fact, clock.today(tenancy.tenant(session).timezone))
    row = StatedFact(
        tenant_id=tenant, debtor_id=debtor_id, account_id=account_id, kind=fact.kind, name=fact.name,
        began_on=fact.began_on, until=fact.until, channel=fact.channel, note=fact.note.strip() or None,
        stated_by=actor, stated_at=clock.now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.record(
        session, "contacts.state_fact", f"fact:{row.id}", actor=actor, tenant_id=tenant, kind=fact.kind,
        name=fact.name, began_on=fact.began_on.isoformat(),
    )  # fmt: skip
    return row.id


def _check(fact: NewFact, today: date) -> None:
    names = NAMES.get(fact.kind, ())
    if fact.name not in names:
        known = ", ".join(names or NAMES)
        raise UserError(
            "the law is told nothing called '%(name)s': use %(known)s",
            field="name" if names else "kind", name=fact.name if names else fact.kind, known=known,
        )  # fmt: skip
    if fact.began_on > today:
        raise UserError("choose today or an earlier day", field="began_on")
    if fact.until is not None and fact.until < fact.began_on:
        raise UserError("the last day is before the first", field="until")
    if fact.channel is not None and (fact.kind != "event" or fact.channel not in CHANNELS):
        raise UserError(
            "a channel is stated only of an event: use %(known)s", field="channel", known=", ".join(CHANNELS)
        )


def end(session: Session, fact_id: int, *, actor: str) -> None:
    """What was stated does not stand any more, or never was so. Raises NotFound where it does not stand."""
    ended = session.execute(
        update(StatedFact)
        .where(
            StatedFact.tenant_id == scope_of(session).tenant(),
            StatedFact.id == fact_id,
            StatedFact.stated_by != BOOKS,
            StatedFact.ended_at.is_(None),
        )
        .values(ended_at=clock.now(), ended_by=actor)
        .returning(StatedFact.tenant_id)
    ).scalar_one_or_none()
    if ended is None:
        raise NotFound("no such fact stands")
    audit.record(session, "contacts.end_fact", f"fact:{fact_id}", actor=actor, tenant_id=ended)


def tell_payments(session: Session, account_ids: Collection[int], paid: Collection[tuple[int, date]]) -> None:
    """Keep, whole, for these accounts of the tenant in scope the days on which payments came that stand in
    the books: account and local day of each."""
    tenant, now = scope_of(session).tenant(), clock.now()
    session.execute(
        delete(StatedFact).where(
            StatedFact.tenant_id == tenant,
            among(StatedFact.account_id, account_ids),
            StatedFact.stated_by == BOOKS,
        )
    )
    debtors = reach.debtors_of(session, account_ids)
    rows = [
        {
            "tenant_id": tenant, "debtor_id": debtors[account_id], "account_id": account_id, "kind": "event",
            "name": "payment", "began_on": day, "stated_by": BOOKS, "stated_at": now,
        }
        for account_id, day in paid
    ]  # fmt: skip
    insert_rows(session, StatedFact, rows)
