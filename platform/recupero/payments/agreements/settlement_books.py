"""What debtors ever settled, with the books that it is judged against: read for many debtors at once."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.ledger.allocation import Debt, Happening
from recupero.ledger.commission import Line
from recupero.ledger.queries import ACCRUAL
from recupero.payments.agreements import paying_plans
from recupero.payments.agreements.paying_plans import PayingPlan
from recupero.payments.books import booking, settlement_windows, together
from recupero.payments.books.contracts import Contracts
from recupero.payments.books.settlement_windows import LastDay
from recupero.payments.offers.offer_tables import Settlement
from recupero.placements.debts import debts_of
from recupero.tenancy import queries as tenancy

#: States of a settlement that follow from its receipts.
JUDGED = ("accepted", "settled", "lapsed", "replaced")
#: Changes of what is owed, by when and on what.
Moved = dict[tuple[datetime, Line], int]


def prefix(found: Settlement) -> str:
    """How the ledger's keys of a settlement's write-offs begin."""
    return f"settlement:{found.id}:"


@dataclass(frozen=True, slots=True)
class Books:
    """A debtor's settlements in the order of their acceptance, debts and payments, what is owed without any
    settlement's write-off and what accrues; by settlement the write-offs as they are booked, its last day and
    the plan that pays it."""

    debtor_id: int
    found: list[Settlement]
    group: booking.Group
    debts: list[Debt]
    facts: list[Happening]
    booked: dict[int, Moved]
    last_days: Mapping[int, LastDay]
    plans: Mapping[int, PayingPlan]
    zone: ZoneInfo

    @classmethod
    def load(cls, session: Session, debtor_ids: Collection[int], currency: str) -> "list[Books]":
        """Of all these debtors together, by debtor; their accounts and settlements are locked."""
        open_debts = debts_of(session, debtor_ids, currency)
        groups, owed = together.groups_of(session, open_debts), together.owed_of(session, open_debts)
        every = standing(session, debtor_ids, currency)
        contracts, zone = Contracts(session, open_debts), ZoneInfo(tenancy.tenant(session).timezone)
        last_days, paying = (
            settlement_windows.last_days(session, every),
            paying_plans.of_settlements(session, every),
        )
        by_debtor: defaultdict[int, list[Settlement]] = defaultdict(list)
        for one in every:
            by_debtor[one.debtor_id].append(one)
        loaded = []
        for debtor_id, found in sorted(by_debtor.items()):
            group = groups[debtor_id, currency]
            debts = [contracts.debt(debt) for debt in group.debts]
            facts, booked = _apart(debts, owed[debtor_id, currency], found)
            loaded.append(cls(debtor_id, found, group, debts, facts, booked, last_days, paying, zone))
        return loaded


def standing(session: Session, debtor_ids: Collection[int], currency: str) -> Sequence[Settlement]:
    """What these debtors ever agreed on, in the order of acceptance; under the lock of their accounts."""
    return session.execute(
        select(Settlement)
        .where(
            Settlement.tenant_id == scope_of(session).tenant(), among(Settlement.debtor_id, debtor_ids),
            Settlement.currency == currency, Settlement.state.in_(JUDGED),
        )
        .order_by(Settlement.accepted_at, Settlement.id)
        .with_for_update().execution_options(populate_existing=True)
    ).scalars().all()  # fmt: skip


def _apart(
    debts: Sequence[Debt], owed: Sequence[Happening], found: Sequence[Settlement]
) -> tuple[list[Happening], dict[int, Moved]]:
    """What is owed without any settlement's write-off, and by settlement what is booked of its."""
    growing = {debt.account_id for debt in debts if debt.accrual is not None}
    facts, booked = list[Happening](), {one.id: Moved() for one in found}
    for one in owed:
        if one.line is None or (one.key.startswith(ACCRUAL) and one.line[0] in growing):
            continue  # the replay lets it grow itself
        own = next((known.id for known in found if one.key.startswith(prefix(known))), None)
        if own is None:
            facts.append(one)
        else:
            booked[own][one.at, one.line] = booked[own].get((one.at, one.line), 0) + one.amount
    return facts, booked
