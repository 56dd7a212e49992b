"""Promises of the past with what came in for them, as the tables keep them: what tests learn from."""

import secrets
from datetime import timedelta
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.decisions.filling import Filling, fill
from recupero.kernel import clock
from recupero.payments.tables import Allocation, Payment, PromiseToPay
from recupero.placements.tables import Account
from tests.decisions.debts import Debt

DAY = timedelta(days=1)


def promised(owed: Debt, amount: int, made_ago: float, ahead: int, **more: Any) -> PromiseToPay:
    """A promise as the table keeps it, made so many days ago for so many days ahead."""
    made = clock.now() - made_ago * DAY
    values = {"state": "broken", "settled_at": clock.now(), "made_with": "agent", "currency": "CLP", **more}
    return PromiseToPay(
        tenant_id=owed.tenant_id, account_id=owed.account_id, debtor_id=owed.debtor_id, amount_minor=amount,
        made_at=made, due_date=made.date() + ahead * DAY, **values,
    )  # fmt: skip


def moved(owed: Debt, amount: int, ago: float) -> tuple[Payment, Allocation]:
    """A payment that came and was booked so many days ago, with its allocation."""
    at, number = clock.now() - ago * DAY, secrets.randbits(48)
    payment = Payment(
        id=number, tenant_id=owed.tenant_id, debtor_id=owed.debtor_id, external_key=str(number),
        kind="manual", amount_minor=amount, currency="CLP", account_ids=[owed.account_id], rates={},
        state="booked", received_at=at, booked_at=at, transaction_id=0,
    )  # fmt: skip
    return payment, Allocation(
        tenant_id=owed.tenant_id, payment_id=number, account_id=owed.account_id, part="principal",
        amount_minor=amount, at=at, transaction_id=0, fee_minor=0,
    )  # fmt: skip


def history(session: Session, book: int, people: int = 240) -> None:
    """Promises of past weeks: small ones kept and large ones not, but for one in twelve."""
    rng = np.random.default_rng(3)
    fill(session, book, Filling(people, clock.now() - 120 * DAY, contacts=0, payments=0))
    rows: list[Any] = []
    for place, account in enumerate(session.execute(select(Account).order_by(Account.id)).scalars()):
        owed = Debt(account.tenant_id, book, 0, account.debtor_id, account.id, {})
        small, ago = bool(place % 2), 100 - place * 85 / people
        amount = account.balance_minor // (10 if small else 1)
        rows.append(promised(owed, amount, ago, 5))
        if small != (rng.random() < 0.08):
            rows += moved(owed, amount, ago - 3)
    session.add_all(rows)
    session.flush()
