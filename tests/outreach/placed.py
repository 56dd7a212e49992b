"""Makers of placed accounts for the tests of contacts and outreach: rows as an import leaves them."""

import itertools
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from recupero.contacts import service as contacts
from recupero.kernel import clock, crypto, runtime
from recupero.kernel.database import Scope
from recupero.outreach.service import NewAction, schedule
from recupero.placements import normalise
from recupero.placements.tables import Account, ContactPoint, Debtor, Person, Portfolio

_numbers = itertools.count(1)
_KEYS = {
    "email": normalise.email_key, "phone": normalise.phone_key, "address": normalise.address_key,
}  # fmt: skip


@dataclass(frozen=True)
class Placed:
    """One account with its debtor and contact points by kind."""

    scope: Scope
    account_id: int
    debtor_id: int
    person_id: int
    points: dict[str, int]


def place(
    scope: Scope,
    count: int = 1,
    *,
    country: str = "CL",
    currency: str = "CLP",
    kinds: tuple[str, ...] = ("email", "phone"),
    people: list[int] | None = None,
    of: Placed | None = None,
    timezone: str | None = None,
    region: str | None = "CL-RM",
    language: str = "es",
    open_date: date | None = date(2025, 1, 15),
    due_date: date = date(2025, 8, 1),
) -> list[Placed]:
    """`count` accounts, each with a debtor of its own. `people` are given where another tenant knows them,
    and `of` is an account whose debtor owes these, too."""
    with runtime.current().database.transaction(scope) as session:
        portfolio = _portfolio(session, scope, country, currency)
        if of is not None:
            persons, debtors = [of.person_id] * count, [of.debtor_id] * count
            points = {of.debtor_id: of.points}
        else:
            persons = people if people is not None else _people(session, scope, count)
            known = region if region and region.startswith(country) else None
            debtors = _debtors(session, scope, persons, country, known, timezone, language)
            points = _points(session, scope, debtors, kinds)
        accounts = _accounts(session, scope, portfolio, debtors, currency, open_date, due_date)
    return [
        Placed(scope, account, debtor, person, points[debtor])
        for account, debtor, person in zip(accounts, debtors, persons, strict=True)
    ]


def _portfolio(session: Session, scope: Scope, country: str, currency: str) -> int:
    tenant, name = scope.tenant(), f"Cartera {country} {currency}"
    found = session.execute(
        select(Portfolio.id).where(Portfolio.tenant_id == tenant, Portfolio.name == name)
    ).scalar_one_or_none()
    return found or session.execute(
        insert(Portfolio)
        .values(
            tenant_id=tenant, name=name, country=country, currency=currency, product="card",
            placement_number=1, terms={}, strategy={}, created_at=clock.now(),
        )
        .returning(Portfolio.id)
    ).scalar_one()  # fmt: skip


def _people(session: Session, scope: Scope, count: int) -> list[int]:
    rows = [
        {"agency_id": scope.agency(), "identity_index": index}
        for index in crypto.keyring().blind_indexes([f"person-{next(_numbers)}" for _ in range(count)])
    ]
    return list(
        session.execute(insert(Person).returning(Person.id, sort_by_parameter_order=True), rows).scalars()
    )


def _debtors(
    session: Session,
    scope: Scope,
    people: list[int],
    country: str,
    region: str | None,
    timezone: str | None,
    language: str,
) -> list[int]:
    rows = [
        {
            "tenant_id": scope.tenant(), "person_id": person, "kind": "person",
            "name": f"Ana Prueba {person}", "name_index": crypto.keyring().blind_index(f"ana {person}"),
            "country": country, "region": region, "timezone": timezone, "language": language,
            "created_at": clock.now(),
        }
        for person in people
    ]  # fmt: skip
    return list(
        session.execute(insert(Debtor).returning(Debtor.id, sort_by_parameter_order=True), rows).scalars()
    )


def _accounts(
    session: Session,
    scope: Scope,
    portfolio: int,
    debtors: list[int],
    currency: str,
    open_date: date | None,
    due_date: date,
) -> list[int]:
    rows = [
        {
            "tenant_id": scope.tenant(), "portfolio_id": portfolio, "batch_id": 1, "debtor_id": debtor,
            "client_account": f"C-{next(_numbers)}", "currency": currency, "open_date": open_date,
            "delinquency_date": due_date, "due_date": due_date, "placement_number": 1,
            "placed_on": clock.now().date(), "placed_minor": 125_000, "principal_minor": 120_000,
            "interest_minor": 5_000, "fee_minor": 0, "cost_minor": 0, "tax_minor": 0,
            "balance_minor": 125_000,
            "status": "active", "stage": "unreached", "status_changed_at": clock.now(),
        }
        for debtor in debtors
    ]  # fmt: skip
    return list(
        session.execute(insert(Account).returning(Account.id, sort_by_parameter_order=True), rows).scalars()
    )


def _points(
    session: Session, scope: Scope, debtors: list[int], kinds: tuple[str, ...]
) -> dict[int, dict[str, int]]:
    values = {
        "email": "deudor{0}@example.com",
        "phone": "+5691234{0:04d}",
        "address": "Calle {0}, Santiago",
    }
    rows = [
        {
            "tenant_id": scope.tenant(), "debtor_id": debtor, "kind": kind,
            "value": values[kind].format(debtor),
            "value_index": crypto.keyring().blind_index(_KEYS[kind](values[kind].format(debtor))),
            "source": "test",
            "line_type": "mobile" if kind == "phone" else None, "created_at": clock.now(),
        }
        for debtor in debtors
        for kind in kinds
    ]  # fmt: skip
    found: dict[int, dict[str, int]] = {debtor: {} for debtor in debtors}
    if rows:
        ids = session.execute(
            insert(ContactPoint).returning(ContactPoint.id, sort_by_parameter_order=True), rows
        ).scalars()
        for row, point_id in zip(rows, ids, strict=True):
            found[row["debtor_id"]][row["kind"]] = point_id
    return found


def plan(
    placed: list[Placed],
    channel: str = "email",
    template: str = "first_notice",
    *,
    after: timedelta = timedelta(),
    lasts: timedelta = timedelta(days=20),
    tone: str = "kind",
    priority: int = 0,
) -> None:
    """Schedule one action for each account, due `after` now."""
    due = clock.now() + after
    rows = [
        NewAction(
            one.account_id, one.debtor_id, one.person_id, channel, template, due, due + lasts, tone=tone,
            priority=priority,
        )
        for one in placed
    ]  # fmt: skip
    with runtime.current().database.transaction(placed[0].scope) as session:
        assert schedule(session, rows) == len(rows)


def permit(placed: Placed, channel: str, kind: str = "consent") -> None:
    """File a permission of the debtor."""
    with runtime.current().database.transaction(placed.scope) as session:
        contacts.record_permission(
            session, debtor_id=placed.debtor_id, channel=channel, kind=kind, source="test"
        )
