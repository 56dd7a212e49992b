"""Payments that debtors made straight to the creditor, and the creditor's adjustments, from its files."""

from collections.abc import Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import any_, func, select
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import UserError
from recupero.ledger import queries as ledger_queries
from recupero.ledger import service as ledger
from recupero.ledger.books import ALLOCATION_ORDER, Book, Part
from recupero.ledger.service import Entry
from recupero.payments.booking import Received, book_payment, reverse_payment, settle_suspense
from recupero.payments.tables import Payment, Reversal
from recupero.placements.debts import OpenDebt, debts_by_id
from recupero.placements.events import DirectPayment, DirectPaymentsReported
from recupero.tenancy import queries as tenancy


def book_direct(session: Session, reported: DirectPaymentsReported) -> None:
    """Book each row of a financial file once, in the order of the file, in the file's transaction.

    Raises UserError naming the row that cannot be booked; then nothing of the file is.
    """
    zone = ZoneInfo(tenancy.tenant(session).timezone)
    debts = {
        debt.account_id: debt for debt in debts_by_id(session, {row.account_id for row in reported.rows})
    }
    for row in reported.rows:
        debt = debts.get(row.account_id)
        if debt is None or debt.currency != row.currency:
            raise UserError(
                "the account is not placed in %(currency)s: check the currency",
                row=row.row_number,
                field="currency",
                currency=row.currency,
            )
        _BOOK[row.kind](session, row, debt, _moment(row.paid_on, zone))


def _moment(day: str, zone: ZoneInfo) -> datetime:
    """A creditor tells the day only: it counts at the day's end, or now where the day is not over."""
    return min(datetime.combine(date.fromisoformat(day), time.max, zone), clock.now())


def _payment(session: Session, row: DirectPayment, debt: OpenDebt, at: datetime) -> None:
    book_payment(
        session,
        Received(
            external_key=f"direct:{row.external_key}", kind="direct", amount_minor=row.amount_minor,
            currency=row.currency, received_at=at, debtor_id=debt.debtor_id, account_ids=[debt.account_id],
            note=row.reference,
        ),
    )  # fmt: skip


def _reversal(session: Session, row: DirectPayment, debt: OpenDebt, at: datetime) -> None:
    """Take back from the account's direct payments: that of the same reference first, then the newest."""
    tenant, left, again = scope_of(session).tenant(), row.amount_minor, f"direct:{row.external_key}"
    known = select(Reversal.id).where(
        Reversal.tenant_id == tenant, Reversal.event_key.startswith(again + "#")
    )
    if session.execute(known.limit(1)).first():
        return
    payments = _direct_payments(session, debt)
    payments.sort(key=lambda one: one.note == row.reference and row.reference is not None, reverse=True)
    for payment in payments:
        back = _taken_back(session, payment)
        more = min(left, payment.amount_minor - back)
        if more > 0:
            reverse_payment(
                session, payment_key=payment.external_key, event_key=f"{again}#{payment.id}", kind="refund",
                total_minor=back + more, occurred_at=max(at, payment.received_at),
            )  # fmt: skip
            left -= more
    if left:
        raise UserError(
            "this takes back more than the creditor reported as paid: check the amount",
            row=row.row_number,
            field="amount",
        )


def _direct_payments(session: Session, debt: OpenDebt) -> list[Payment]:
    """Newest first."""
    return list(
        session.execute(
            select(Payment)
            .where(
                Payment.tenant_id == scope_of(session).tenant(),
                Payment.debtor_id == debt.debtor_id,
                Payment.currency == debt.currency,
                Payment.kind == "direct",
                any_(Payment.account_ids) == debt.account_id,
            )
            .order_by(Payment.received_at.desc(), Payment.id.desc())
        ).scalars()
    )


def _taken_back(session: Session, payment: Payment) -> int:
    return session.execute(
        select(func.coalesce(func.max(Reversal.total_minor), 0)).where(
            Reversal.tenant_id == payment.tenant_id, Reversal.payment_key == payment.external_key
        )
    ).scalar_one()


def _adjustment(session: Session, row: DirectPayment, debt: OpenDebt, at: datetime) -> None:
    """Change what is owed. A fall takes the named part, else parts in the order of allocation, and never more
    than is open; a rise adds to the named part, else to the principal."""
    changes = _spread(session, row, debt)
    key = f"adjustment:{row.external_key}"
    total = sum(changes.values())
    if not total:
        return
    entries = [
        Entry(Book.RECEIVABLE, change, row.currency, debt.account_id, part, debt.portfolio_id)
        for part, change in changes.items()
    ]
    entries.append(
        Entry(Book.PLACEMENT_CONTROL, -total, row.currency, debt.account_id, None, debt.portfolio_id)
    )
    short = row.amount_minor - total
    note = f"{-short} more than was open is left out" if short else row.reference
    booked = ledger.book(
        session, kind="adjustment", external_key=key, occurred_at=at, entries=entries, note=note
    )
    if booked is not None:
        settle_suspense(session, debtor_id=debt.debtor_id, currency=row.currency, trigger=key, at=at)


def _spread(session: Session, row: DirectPayment, debt: OpenDebt) -> dict[str, int]:
    if row.amount_minor > 0:
        return {row.part or Part.PRINCIPAL.value: row.amount_minor}
    found = ledger_queries.balances(session, [debt.account_id]).get(debt.account_id)
    left, changes = -row.amount_minor, {}
    parts: Sequence[str] = [row.part] if row.part else ALLOCATION_ORDER
    for part in parts:
        less = min(left, found.parts.get(part, 0)) if found else 0
        if less > 0:
            changes[str(part)] = -less
            left -= less
    return changes


_BOOK = {"payment": _payment, "reversal": _reversal, "adjustment": _adjustment}
