"""Makes placed debts through the doors that an import uses: rows, then the event that books them."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel import clock, crypto, runtime
from recupero.kernel.database import Scope
from recupero.kernel.events import publish
from recupero.placements import service as placements
from recupero.placements.events import AccountsPlaced
from recupero.placements.tables import Account, Debtor, Person

PARTS = ("principal", "interest", "fee", "cost", "tax")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Placed:
    """A debtor with accounts in the books."""

    scope: Scope
    debtor_id: int
    account_ids: list[int]
    portfolio_id: int


def place(
    platform: runtime.Runtime,
    scope: Scope,
    debts: Sequence[Mapping[str, int]] = ({"principal": 1000},),
    *,
    rate: int = 2000,
    currency: str = "CLP",
    national_id: str | None = "12.345.678-5",
    birth_date: str | None = "1980-05-17",
    language: str = "es",
    terms: Mapping[str, Any] | None = None,
) -> Placed:
    """One debtor with one account for each mapping of part to minor units; the first is due first."""
    with platform.database.transaction(scope) as session:
        portfolio = placements.create_portfolio(
            session, name=f"Portfolio {next(_numbers)}", country="CL", currency=currency, product="consumer",
            placement_number=1, terms={"commission_rate": rate, **(terms or {})}, strategy={}, actor="system",
        )  # fmt: skip
        debtor = _debtor(session, scope, national_id, birth_date, language)
        accounts = [
            _account(session, scope, portfolio.id, debtor, currency, parts, date(2025, 1 + number, 1))
            for number, parts in enumerate(debts)
        ]
        _announce(session, next(_numbers))
        return Placed(scope, debtor.id, [account.id for account in accounts], portfolio.id)


def _debtor(
    session: Session, scope: Scope, national_id: str | None, birth_date: str | None, language: str
) -> Debtor:
    ring, number = crypto.keyring(), next(_numbers)
    person = Person(agency_id=scope.agency(), identity_index=ring.blind_index(f"CL|{number}"))
    session.add(person)
    session.flush()
    debtor = Debtor(
        tenant_id=scope.tenant(), person_id=person.id, kind="person", name="María Pérez",
        birth_date=birth_date,
        name_index=ring.blind_index("maria perez"), national_id=national_id, country="CL", language=language,
        postal_code="8320000", created_at=clock.now(),
    )  # fmt: skip
    session.add(debtor)
    session.flush()
    return debtor


def _account(
    session: Session,
    scope: Scope,
    portfolio_id: int,
    debtor: Debtor,
    currency: str,
    parts: Mapping[str, int],
    due: date,
) -> Account:
    total = sum(parts.values())
    account = Account(
        tenant_id=scope.tenant(), portfolio_id=portfolio_id, batch_id=1, debtor_id=debtor.id,
        client_account=f"FAC-{next(_numbers):05}", currency=currency, delinquency_date=due, due_date=due,
        placement_number=1, placed_on=clock.now().date(), placed_minor=total, balance_minor=total,
        status="active", stage="unreached", status_changed_at=clock.now(),
        **{f"{part}_minor": parts.get(part, 0) for part in PARTS},
    )  # fmt: skip
    session.add(account)
    session.flush()
    return account


def _announce(session: Session, batch_id: int) -> None:
    columns = ", ".join(f"{part}_minor" for part in PARTS)
    session.execute(text("DROP TABLE IF EXISTS placed_now"))
    session.execute(
        text(
            "CREATE TEMP TABLE placed_now ON COMMIT DROP AS SELECT tenant_id, portfolio_id, batch_id,"
            f" id AS account_id, debtor_id, debtor_id AS person_id, currency::text, placed_on, {columns},"
            " placed_minor, NULL::text[] AS consents,"
            " NULL::text[] AS opt_outs, NULL::timestamptz AS permission_at,"
            " NULL::text AS permission_source, id AS row_number"
            " FROM accounts WHERE xmin = pg_current_xact_id()::xid"
        )
    )
    publish(session, AccountsPlaced(batch_id, "placed_now"))
