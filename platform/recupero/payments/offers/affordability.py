"""What a debtor can afford: asked kindly, every answer optional, stored encrypted, used only for a plan that
leaves room to live."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Faults, UserError
from recupero.payments.offers.offer_tables import MeansStatement
from recupero.payments.offers.plan_schedule import Choice

INCOME = ("wages", "benefits", "other_income")
EXPENSES = ("housing", "food", "utilities", "transport", "health", "family", "other_debts", "other_expenses")
QUESTIONS = INCOME + EXPENSES
#: Of what is left after the month's expenses, the part that a plan may take; the rest is for what comes up.
SHARE_PERCENT = 50


@dataclass(frozen=True, slots=True)
class Means:
    """A month in minor units. `left_minor` may be negative; `payable_minor` is what a plan may take."""

    income_minor: int
    expenses_minor: int

    @property
    def left_minor(self) -> int:
        return self.income_minor - self.expenses_minor

    @property
    def payable_minor(self) -> int:
        return max(0, self.left_minor * SHARE_PERCENT // 100)


def means(answers: Mapping[str, int]) -> Means | None:
    """What the answers come to; None where no income was told, which is no reason to press.

    Raises UserError on an unknown question or an amount below zero.
    """
    faults = Faults()
    for question, amount in answers.items():
        if question not in QUESTIONS:
            faults.note(UserError("unknown question '%(question)s'", field=question, question=question))
        if amount < 0:
            faults.note(UserError("an amount cannot be below zero", field=question))
    faults.tell()
    if not any(question in answers for question in INCOME):
        return None
    return Means(
        sum(answers.get(question, 0) for question in INCOME),
        sum(answers.get(question, 0) for question in EXPENSES),
    )


def choice_for(found: Means, first_on: date, pay_day: int | None = None) -> Choice | None:
    """The monthly plan that leaves room, to be previewed within the creditor's policy; None where nothing is
    left to pay with."""
    if not found.payable_minor:
        return None
    return Choice(first_on, every="monthly", at_most_minor=found.payable_minor, pay_day=pay_day)


def keep(
    session: Session, *, debtor_id: int, currency: str, answers: Mapping[str, int], told_with: str
) -> Means | None:
    """Keep what a debtor of the tenant in scope told, and what it comes to. Raises UserError as `means`."""
    found = means(answers)
    session.add(
        MeansStatement(
            tenant_id=scope_of(session).tenant(), debtor_id=debtor_id, currency=currency,
            answers=json.dumps(dict(answers)), told_at=clock.now(), told_with=told_with,
        )
    )  # fmt: skip
    session.flush()
    audit.record(
        session, "payments.means_told", f"debtor:{debtor_id}", actor=told_with,
        tenant_id=scope_of(session).tenant(),
    )  # fmt: skip
    return found


def told_by(session: Session, debtor_ids: Collection[int]) -> dict[int, list[tuple[datetime, int]]]:
    """What each of these debtors of the tenants in scope could pay a month (minor units), as often as they
    told, oldest first."""
    rows = session.execute(
        select(MeansStatement)
        .where(
            among(MeansStatement.tenant_id, scope_of(session).tenant_ids),
            among(MeansStatement.debtor_id, debtor_ids),
        )
        .order_by(MeansStatement.id)
    ).scalars()
    found: dict[int, list[tuple[datetime, int]]] = {}
    for row in rows:
        if (known := means(json.loads(row.answers))) is not None:
            found.setdefault(row.debtor_id, []).append((row.told_at, known.payable_minor))
    return found


def latest(session: Session, debtor_id: int) -> tuple[date, Means] | None:
    """What the debtor told last, and the day on which; None where nothing or no income was told."""
    row = session.execute(
        select(MeansStatement)
        .where(MeansStatement.tenant_id == scope_of(session).tenant(), MeansStatement.debtor_id == debtor_id)
        .order_by(MeansStatement.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    found = means(json.loads(row.answers)) if row else None
    return (row.told_at.date(), found) if row and found else None
