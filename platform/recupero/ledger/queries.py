"""What reads the books, and what proves them."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, func, select, text
from sqlalchemy.orm import Session

from recupero.kernel import events
from recupero.kernel.bulk import any_of
from recupero.kernel.database import scope_of
from recupero.kernel.statements import Parameters, Statement
from recupero.ledger.allocation import Happening, Step
from recupero.ledger.books import DEBT_HALF, TRUST, Book, Side
from recupero.ledger.events import BooksChecked
from recupero.ledger.tables import LedgerEntry, LedgerTransaction
from recupero.placements.debts import cached_balances

ACCRUAL = "accrual"
"""The kind of transactions that let interest and late fees grow, and how their external keys begin."""


@dataclass(slots=True)
class Balance:
    """What is owed on an account, minor units, whole and by part (principal, interest, fee, cost, tax)."""

    currency: str
    total_minor: int = 0
    parts: dict[str, int] = field(default_factory=dict)


_BALANCES = Statement(
    select(LedgerEntry.account_id, LedgerEntry.currency, LedgerEntry.part, func.sum(LedgerEntry.amount_minor))
    .where(
        any_of(LedgerEntry.tenant_id, "tenants"),
        any_of(LedgerEntry.account_id, "accounts"),
        LedgerEntry.book == Book.RECEIVABLE.value,
    )
    .group_by(LedgerEntry.account_id, LedgerEntry.currency, LedgerEntry.part)
)


def balances(session: Session, account_ids: Collection[int]) -> dict[int, Balance]:
    """The ledger's balance of each account; an account without postings is left out."""
    statement, asked = ask_balances(session, account_ids)
    rows = statement.rows(session, asked)
    found: dict[int, Balance] = {}
    for account_id, currency, part, amount in rows:
        if account_id is None or part is None:
            raise ValueError("a receivable without account or part")  # check() would have told
        balance = found.setdefault(account_id, Balance(currency))
        balance.total_minor += int(amount)
        balance.parts[part] = int(amount)
    return found


def ask_balances(session: Session, account_ids: Collection[int]) -> tuple[Statement, Parameters]:
    """What `balances` asks, for `statements.asked_together`."""
    return _BALANCES, {"tenants": list(scope_of(session).tenant_ids), "accounts": sorted(account_ids)}


def what_was_owed(session: Session, account_ids: Collection[int]) -> list[Happening]:
    """Placed balances, adjustments and accruals of accounts: what a replay of their payments starts from. The
    keys of accruals begin with `ACCRUAL`: where the replay lets interest grow itself, it leaves them out."""
    rows = session.execute(
        select(LedgerTransaction.occurred_at, LedgerTransaction.external_key, LedgerEntry.account_id,
               LedgerEntry.part, LedgerEntry.amount_minor)
        .join(LedgerTransaction, (LedgerTransaction.tenant_id == LedgerEntry.tenant_id)
              & (LedgerTransaction.id == LedgerEntry.transaction_id))
        .where(
            LedgerEntry.tenant_id == scope_of(session).tenant(),
            LedgerEntry.account_id.in_(account_ids),
            LedgerEntry.book == Book.RECEIVABLE.value,
            LedgerTransaction.kind.in_(["placement", "adjustment", ACCRUAL]),
        )
    )  # fmt: skip
    return [
        Happening(at, Step.OWED, key, amount, line=(account, part))
        for at, key, account, part, amount in rows
        if account is not None and part is not None
    ]


def accrued_since(session: Session, account_ids: Collection[int], since: datetime) -> set[int]:
    """Which of these accounts of the tenant in scope have accrued at or after a moment."""
    wanted = func.unnest(bindparam(None, list(account_ids), type_=ARRAY(BigInteger)))
    found = session.execute(
        select(LedgerEntry.account_id)
        .join(LedgerTransaction, (LedgerTransaction.tenant_id == LedgerEntry.tenant_id)
              & (LedgerTransaction.id == LedgerEntry.transaction_id))
        .where(LedgerEntry.tenant_id == scope_of(session).tenant(),
               LedgerEntry.account_id.in_(select(wanted)), LedgerEntry.book == Book.RECEIVABLE.value,
               LedgerTransaction.kind == ACCRUAL, LedgerTransaction.occurred_at >= since)
    ).scalars()  # fmt: skip
    return {account for account in found if account is not None}


def booked_keys(session: Session, keys: Collection[str]) -> set[str]:
    """Which of these external keys the tenant in scope has booked."""
    wanted = func.unnest(bindparam(None, list(keys), type_=ARRAY(Text)))
    return set(
        session.execute(
            select(LedgerTransaction.external_key).where(
                LedgerTransaction.tenant_id == scope_of(session).tenant(),
                LedgerTransaction.external_key.in_(select(wanted)),
            )
        ).scalars()
    )


def trial_balance(session: Session) -> dict[tuple[int, str, Book], int]:
    """Sum of each book by tenant and currency; debit positive."""
    rows = session.execute(
        select(
            LedgerEntry.tenant_id, LedgerEntry.currency, LedgerEntry.book, func.sum(LedgerEntry.amount_minor)
        )
        .where(LedgerEntry.tenant_id.in_(scope_of(session).tenant_ids))
        .group_by(LedgerEntry.tenant_id, LedgerEntry.currency, LedgerEntry.book)
    )
    return {(tenant, currency, Book(name)): int(amount) for tenant, currency, name, amount in rows}


def check(session: Session) -> list[str]:
    """Everything that is wrong in the books of the tenants in scope; empty when they hold.

    Each transaction and both halves balance, trust is never negative, nothing is paid below zero, accounts
    carry the ledger's balance; and, added by the rooms above, payments agree with their allocations.
    """
    checked = BooksChecked()
    checked.problems.extend(_unbalanced(session) + _halves(session) + _accounts(session))
    events.publish(session, checked)
    return checked.problems


_UNBALANCED = text("""
SELECT t.tenant_id, t.id, t.external_key
FROM ledger_transactions t
LEFT JOIN (
    SELECT tenant_id, transaction_id, bool_or(total <> 0) AS off, sum(n) AS n FROM (
        SELECT tenant_id, transaction_id, currency, sum(amount_minor) AS total, count(*) AS n
        FROM ledger_entries GROUP BY tenant_id, transaction_id, currency) c
    GROUP BY tenant_id, transaction_id
) e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
WHERE coalesce(e.off, true) OR e.n < 2
""")


def _unbalanced(session: Session) -> list[str]:
    return [
        f"tenant {tenant}: transaction {identity} ({key}) does not balance"
        for tenant, identity, key in session.execute(_UNBALANCED)
    ]


def _halves(session: Session) -> list[str]:
    problems: list[str] = []
    halves: defaultdict[tuple[int, str, bool], int] = defaultdict(int)
    trust: defaultdict[tuple[int, str], int] = defaultdict(int)
    for (tenant, currency, book), amount in trial_balance(session).items():
        halves[tenant, currency, book in DEBT_HALF] += amount
        trust[tenant, currency] += amount if book in TRUST else 0
        grown = amount if book.side is Side.DEBIT else -amount
        # A creditor may owe us more fees than we hold for it, and we may owe it a credit on invoiced ones.
        if grown < 0 and book not in (Book.CREDITOR_PAYABLE, Book.FEES_INVOICED):
            problems.append(f"tenant {tenant}: {book.value} is {grown} {currency}, on its wrong side")
    problems += [
        f"tenant {tenant}: {-held} {currency} more left trust than came in"
        for (tenant, currency), held in trust.items()
        if held < 0
    ]
    for (tenant, currency, debts), total in halves.items():
        if total:
            half = "the books of debts are" if debts else "the books of money are"
            problems.append(f"tenant {tenant}: {half} off by {total} {currency}")
    return problems


def _accounts(session: Session) -> list[str]:
    parts = (
        select(LedgerEntry.tenant_id, LedgerEntry.account_id, LedgerEntry.currency, LedgerEntry.part,
               func.sum(LedgerEntry.amount_minor).label("amount"))
        .where(LedgerEntry.book == Book.RECEIVABLE.value)
        .group_by(LedgerEntry.tenant_id, LedgerEntry.account_id, LedgerEntry.currency, LedgerEntry.part)
        .subquery()
    )  # fmt: skip
    owed = (
        select(parts.c.tenant_id, parts.c.account_id, parts.c.currency,
               func.sum(parts.c.amount).label("amount"), func.min(parts.c.amount).label("lowest"))
        .group_by(parts.c.tenant_id, parts.c.account_id, parts.c.currency)
        .subquery()
    )  # fmt: skip
    cached = cached_balances().subquery()
    same = (owed.c.tenant_id == cached.c.tenant_id) & (owed.c.account_id == cached.c.account_id) & (
        owed.c.currency == cached.c.currency
    )  # fmt: skip
    ledger, kept = func.coalesce(owed.c.amount, 0), func.coalesce(cached.c.balance_minor, 0)
    rows = session.execute(
        select(func.coalesce(owed.c.tenant_id, cached.c.tenant_id),
               func.coalesce(owed.c.account_id, cached.c.account_id), ledger, kept, owed.c.lowest)
        .select_from(owed).join(cached, same, full=True)
        .where((ledger != kept) | (owed.c.lowest < 0))
        .limit(1000)
    )  # fmt: skip
    problems: list[str] = []
    for tenant, account, booked, carried, lowest in rows:
        if booked != carried:
            problems.append(f"tenant {tenant}: account {account} carries {carried}, its ledger {booked}")
        if lowest is not None and lowest < 0:
            problems.append(f"tenant {tenant}: a part of account {account} is paid below zero ({lowest})")
    return problems
