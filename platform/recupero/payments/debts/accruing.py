"""Interest and late fees brought up to today: each month for all, and when somebody looks at their debt.

What accrues is worked out by the replay of each payment, too (`booking`, `together`), so that these only see
to it that the books do not lag behind where nothing is paid.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.ledger import queries as ledger_queries
from recupero.ledger import service as ledger
from recupero.ledger.queries import ACCRUAL
from recupero.payments.books.booking import settle_suspense
from recupero.payments.books.together import Together
from recupero.payments.gateways.links import debtor_of
from recupero.placements import debts as placements
from recupero.tenancy import queries as tenancy

AT_ONCE = 2_000  # debtors in one transaction


def accrue_some(session: Session, after: int) -> int | None:
    """Accrue on the next debtors of the tenant in scope after a debtor's number, whose debts have not accrued
    since the month began. The last debtor looked at, None where there are no more. Doing it again is safe."""
    accruing = placements.accruing(session, after=after, limit=AT_ONCE)
    if not accruing:
        return None
    accounts = [account for ids in accruing.values() for account in ids]
    done = ledger_queries.accrued_since(session, accounts, _month_began(session))
    behind = [debtor for debtor, ids in accruing.items() if not done.issuperset(ids)]
    if behind:
        books = Together(session, behind)
        books.accrue()
        books.write()
    return max(accruing)


def accrue_debtor(session: Session, debtor_id: int) -> None:
    """Bring one debtor of the tenant in scope up to today, so that they see and pay what is owed today."""
    owed = [debt for debt in placements.debts_of_one(session, debtor_id) if "accrual" in debt.terms]
    for currency in sorted({debt.currency for debt in owed}):
        trigger = f"{ACCRUAL}:{ledger.new_ids(session, 1)[0]}"
        settle_suspense(session, debtor_id=debtor_id, currency=currency, trigger=trigger, at=clock.now())


def accrue_link(session: Session, link_id: int) -> None:
    """Bring the debtor of a payment link up to today."""
    accrue_debtor(session, debtor_of(session, link_id))


def _month_began(session: Session) -> datetime:
    """Midnight of the month's first day, where the creditor is."""
    now = clock.now().astimezone(ZoneInfo(tenancy.tenant(session).timezone))
    return (now - timedelta(days=now.day - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
