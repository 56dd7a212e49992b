"""Payments that debtors made straight to the creditor, and the creditor's adjustments, from its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.ledger import queries as ledger_queries
from recupero.ledger.books import Part
from recupero.payments.books.booking import Received
from recupero.payments.books.contracts import order_on
from recupero.payments.books.together import Together, brought_by, known_payments
from recupero.payments.tables import Payment
from recupero.placements.debts import OpenDebt, debts_by_id
from recupero.placements.events import DirectPayment, DirectPaymentsReported
from recupero.tenancy import queries as tenancy

_AT_ONCE = 10_000
Problem = tuple[str, str]  # a field and the code of why it cannot be booked (`placements.imports.reasons`)


def book_direct(session: Session, reported: DirectPaymentsReported) -> None:
    """Book each row of a financial file once, in the order of the file, in the file's transaction. The rows
    that cannot be booked are noted in `reported.refused`, and the others are booked.

    The caller holds the agency's lock of imports, so that no other file is booked meanwhile.
    """
    work = _Work.of(session, reported)
    books = Together(session, {debt.debtor_id for debt in work.debts.values()})
    for row in reported.rows:
        debt = work.debts.get(row.account_id)
        if debt is None or debt.currency != row.currency:
            problem: Problem | None = ("currency", "currency_differs")
        elif row.kind == "payment":
            problem = _payment(books, row, debt, work)
        elif row.kind == "reversal":
            problem = _reversal(books, row, debt, work)
        else:
            problem = _adjustment(books, row, debt, work)
        if problem is not None:
            reported.refused[row.row_number] = problem
    books.write()


@dataclass(frozen=True)
class _Work:
    """What is looked up for all rows at once. `known` are the keys of what is booked already."""

    debts: Mapping[int, OpenDebt]
    known: set[str]
    brought: Mapping[tuple[int, datetime], tuple[int, str]]
    zone: ZoneInfo
    now: datetime

    @classmethod
    def of(cls, session: Session, reported: DirectPaymentsReported) -> "_Work":
        zone, now = ZoneInfo(tenancy.tenant(session).timezone), clock.now()
        accounts = sorted({row.account_id for row in reported.rows})
        debts = {
            debt.account_id: debt
            for start in range(0, len(accounts), _AT_ONCE)
            for debt in debts_by_id(session, accounts[start : start + _AT_ONCE])
        }
        payments = [row for row in reported.rows if row.kind == "payment"]
        asked = {(row.account_id, _moment(row, zone, now)) for row in payments}
        known = known_payments(session, [_payment_key(row) for row in payments])
        adjustments = [_adjustment_key(row) for row in reported.rows if row.kind == "adjustment"]
        known |= ledger_queries.booked_keys(session, adjustments)
        return cls(debts, known, brought_by(session, sorted(asked)), zone, now)

    def moment(self, row: DirectPayment) -> datetime:
        return _moment(row, self.zone, self.now)


def _moment(row: DirectPayment, zone: ZoneInfo, now: datetime) -> datetime:
    """A creditor tells the day only: it counts at the day's end, or now where the day is not over."""
    return min(datetime.combine(date.fromisoformat(row.paid_on), time.max, zone), now)


def _payment_key(row: DirectPayment) -> str:
    return f"direct:{row.external_key}"


def _adjustment_key(row: DirectPayment) -> str:
    return f"adjustment:{row.external_key}"


def _payment(books: Together, row: DirectPayment, debt: OpenDebt, work: _Work) -> Problem | None:
    key, at = _payment_key(row), work.moment(row)
    if key not in work.known:
        work.known.add(key)
        received = Received(
            external_key=key, kind="direct", amount_minor=row.amount_minor, currency=row.currency,
            received_at=at, debtor_id=debt.debtor_id, account_ids=[debt.account_id], note=row.reference,
        )  # fmt: skip
        books.receive(received, work.brought.get((row.account_id, at)))
    return None


def _reversal(books: Together, row: DirectPayment, debt: OpenDebt, work: _Work) -> Problem | None:
    """Take back from the account's direct payments: that of the same reference first, then the newest."""
    again, left, group = _payment_key(row), row.amount_minor, books.group(debt)
    if any(fact.event_key.startswith(f"{again}#") for fact in group.facts):
        return None
    taken: list[tuple[Payment, int]] = []
    for payment in _direct_payments(group.payments, debt, row.reference):
        totals = [fact.total_minor for fact in group.facts if fact.payment_key == payment.external_key]
        back = max(totals, default=0)
        more = min(left, payment.amount_minor - back)
        if more > 0:
            taken.append((payment, back + more))
            left -= more
    if left:
        return "amount", "reversal_excess"
    for payment, total in taken:
        at = max(work.moment(row), payment.received_at)
        books.take_back(debt, payment, f"{again}#{payment.id}", total, at)
    return None


def _direct_payments(payments: Sequence[Payment], debt: OpenDebt, reference: str | None) -> list[Payment]:
    """Those for the debt: of the reference first, then newest first."""
    found = [one for one in payments if one.kind == "direct" and debt.account_id in one.account_ids]
    found.sort(key=lambda one: (one.received_at, one.id), reverse=True)
    found.sort(key=lambda one: reference is None or one.note != reference)
    return found


def _adjustment(books: Together, row: DirectPayment, debt: OpenDebt, work: _Work) -> Problem | None:
    """Change what is owed. A fall takes the named part, else parts in the order of allocation, and never more
    than is open; a rise adds to the named part, else to the principal."""
    key = _adjustment_key(row)
    if key in work.known:
        return None
    changes = _spread(row, books.owed(debt), order_on(debt.terms, date.fromisoformat(row.paid_on)))
    if not changes:
        return "amount", "no_change"
    work.known.add(key)
    short = row.amount_minor - sum(changes.values())
    note = f"{-short} more than was open is left out" if short else row.reference
    books.adjust(debt, key, changes, work.moment(row), note)
    return None


def _spread(row: DirectPayment, owed: Mapping[str, int], order: Sequence[str]) -> dict[str, int]:
    if row.amount_minor > 0:
        return {row.part or Part.PRINCIPAL.value: row.amount_minor}
    left, changes = -row.amount_minor, {}
    parts: Sequence[str] = [row.part] if row.part else order
    for part in parts:
        less = min(left, owed.get(part, 0))
        if less > 0:
            changes[str(part)] = -less
            left -= less
    return changes
