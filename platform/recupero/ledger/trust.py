"""The trust account: what lies there for a creditor, and what the agency may take out of it.

Domain page, section 6: balance = received - remitted - fees taken - refunds, never negative.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, UserError
from recupero.ledger import sums
from recupero.ledger.books import TRUST, Book
from recupero.ledger.service import Entry, book
from recupero.ledger.tables import LedgerEntry

# Who takes money out of a creditor's trust account does so alone, and sees what the one before took.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('trust:' || :currency, :tenant))")

# Every posting that moves cash, by what it was.
_FLOWS = """
SELECT e.tenant_id, e.currency,
    coalesce(sum(e.amount_minor) FILTER (WHERE e.book = 'trust_cash' AND e.kind NOT IN
        ('payout', 'fees_taken', 'gateway_fee', 'advance')), 0) AS received,
    coalesce(-sum(e.amount_minor) FILTER (WHERE e.book = 'trust_cash' AND e.kind = 'payout'), 0) AS remitted,
    coalesce(-sum(e.amount_minor) FILTER (WHERE e.book = 'trust_cash' AND e.kind = 'fees_taken'), 0) AS taken,
    coalesce(-sum(e.amount_minor) FILTER (WHERE e.book = 'trust_cash' AND e.kind = 'gateway_fee'), 0)
        AS gateway,
    coalesce(sum(e.amount_minor) FILTER (WHERE e.book = 'trust_cash' AND e.kind = 'advance'), 0) AS advanced,
    coalesce(-sum(e.amount_minor) FILTER (WHERE e.book = 'refunds'), 0) AS refunded,
    coalesce(-sum(e.amount_minor) FILTER (WHERE e.book = 'chargebacks'), 0) AS charged_back,
    coalesce(-sum(e.amount_minor) FILTER (WHERE e.book = 'suspense'), 0) AS suspense,
    coalesce(-sum(e.amount_minor) FILTER (WHERE e.book = 'creditor_payable'), 0) AS creditor,
    coalesce(-sum(e.amount_minor) FILTER (WHERE e.book = 'remittance_payable'), 0) AS issued,
    coalesce(-sum(e.amount_minor) FILTER (WHERE e.book IN ('commission_earned', 'commission_tax')), 0)
        AS earned,
    coalesce(sum(e.amount_minor) FILTER (WHERE e.book = 'fees_invoiced'), 0) AS invoiced,
    coalesce(sum(e.amount_minor) FILTER (WHERE e.book = 'fees_taken'), 0) AS all_taken,
    coalesce(-sum(e.amount_minor) FILTER (WHERE e.book = 'agency_advances'), 0) AS advances
FROM ({0}) e
GROUP BY e.tenant_id, e.currency
"""
_SINCE_PROVEN, _OF_ALL = text(_FLOWS.format(sums.SINCE)), text(_FLOWS.format(sums.ALL))


@dataclass(frozen=True, slots=True)
class Position:
    """A creditor's trust money in one currency, minor units: what came in, what left and why, whose it is."""

    tenant_id: int
    currency: str
    received_minor: int = 0
    remitted_minor: int = 0
    fees_taken_minor: int = 0
    gateway_fees_minor: int = 0
    advanced_minor: int = 0
    refunded_minor: int = 0
    charged_back_minor: int = 0
    suspense_minor: int = 0
    creditor_minor: int = 0
    issued_minor: int = 0
    earned_minor: int = 0
    invoiced_minor: int = 0
    all_taken_minor: int = 0
    advances_minor: int = 0

    @property
    def balance_minor(self) -> int:
        """What lies in trust."""
        left = self.remitted_minor + self.fees_taken_minor + self.gateway_fees_minor
        back = self.refunded_minor + self.charged_back_minor
        return self.received_minor + self.advanced_minor - left - back

    @property
    def agency_minor(self) -> int:
        """What of the balance are the agency's own fees and their tax, less what gateways kept.

        With suspense, creditor, issued and advances it makes the balance."""
        return self.earned_minor - self.invoiced_minor - self.all_taken_minor - self.gateway_fees_minor

    @property
    def free_minor(self) -> int:
        """What is nobody's but the agency's: the balance less what is the creditors' and what waits."""
        bound = self.suspense_minor + self.issued_minor + max(self.creditor_minor, 0)
        return max(self.balance_minor - bound, 0)

    @property
    def takeable_minor(self) -> int:
        """Fees and tax that the agency may move to its own account now."""
        due = self.earned_minor - self.invoiced_minor - self.all_taken_minor
        return max(min(due, self.free_minor - self.advances_minor), 0)


def positions(session: Session) -> list[Position]:
    """The position of each creditor in scope in each currency."""
    proven = sums.proven(session)
    unproven = [one for one in scope_of(session).tenant_ids if one not in proven]
    rows = [
        *(session.execute(_SINCE_PROVEN, {"proven": proven}) if proven else ()),
        *(session.execute(_OF_ALL, {"unproven": unproven}) if unproven else ()),
    ]
    found = [Position(tenant, currency, *map(int, amounts)) for tenant, currency, *amounts in rows]
    return sorted(found, key=lambda one: (one.tenant_id, one.currency))


def position(session: Session, currency: str) -> Position:
    """The position of the tenant in scope in one currency."""
    tenant = scope_of(session).tenant()
    by_currency: Mapping[str, Position] = {one.currency: one for one in positions(session)}
    return by_currency.get(currency, Position(tenant, currency))


def take_fees(session: Session, *, currency: str, reference: str, actor: str) -> int:
    """Book that earned fees and their tax were moved to the agency's own account; how much, minor units.

    Money that the agency had advanced is given back to it first. Raises Conflict where nothing can be taken.
    """
    if not reference.strip():
        raise UserError("the bank's reference of the payment is needed", field="reference")
    lock(session, currency)
    now, key = clock.now(), f"{currency}:{clock.now().isoformat()}"
    held = position(session, currency)
    repaid = min(held.advances_minor, held.free_minor)
    taken = held.takeable_minor
    if not repaid and not taken:
        raise Conflict(
            "no fees can be taken now: what lies in trust is the creditor's or waits to be identified"
        )
    if repaid:
        _move(session, "advance", f"repaid:{key}", now, Book.AGENCY_ADVANCES, repaid, currency, reference)
    if taken:
        _move(session, "fees_taken", f"fees:{key}", now, Book.FEES_TAKEN, taken, currency, reference)
    audit.record(
        session, "ledger.take_fees", f"tenant:{held.tenant_id}", actor=actor, tenant_id=held.tenant_id,
        currency=currency, amount_minor=taken, repaid_minor=repaid,
    )  # fmt: skip
    return taken


def creditor_paid(session: Session, *, currency: str, amount_minor: int, reference: str, actor: str) -> None:
    """Book that the creditor paid (a part of) its invoices to the agency's own account.

    Raises UserError on an amount that is not positive or more than is invoiced, Conflict where a payment
    with this `reference` is booked already.
    """
    lock(session, currency)
    held = position(session, currency)
    if not 0 < amount_minor <= held.invoiced_minor:
        raise UserError("the amount must be above zero and no more than is invoiced", field="amount")
    booked = book(
        session, kind="creditor_payment", external_key=f"invoice-paid:{currency}:{reference.strip()}",
        occurred_at=clock.now(), note=reference.strip(),
        entries=[
            Entry(Book.FEES_TAKEN, amount_minor, currency), Entry(Book.FEES_INVOICED, -amount_minor, currency)
        ],
    )  # fmt: skip
    if booked is None:
        raise Conflict("a payment with this reference is noted already: give the one of this payment",
                       field="reference")  # fmt: skip
    audit.record(
        session, "ledger.creditor_paid", f"tenant:{held.tenant_id}", actor=actor, tenant_id=held.tenant_id,
        currency=currency, amount_minor=amount_minor,
    )  # fmt: skip


def lock(session: Session, currency: str) -> None:
    """Hold the tenant's trust account to the end of the transaction; then read what lies in it."""
    session.execute(_LOCK, {"currency": currency, "tenant": scope_of(session).tenant()})


def fee_came(session: Session, currency: str, amount_minor: int, *, trigger: str, at: datetime) -> None:
    """A gateway paid the creditor and left this much of its fee with the agency: the invoice for it, on the
    next statement, is paid before it is written."""
    book(
        session, kind="creditor_payment", external_key=f"fee:{trigger}", occurred_at=at,
        entries=[
            Entry(Book.FEES_TAKEN, amount_minor, currency), Entry(Book.FEES_INVOICED, -amount_minor, currency)
        ],
    )  # fmt: skip


def gateway_kept(session: Session, currency: str, amount_minor: int, *, trigger: str, at: datetime) -> bool:
    """A gateway kept its fee of what it passed on. False where that is booked already.

    The fee is the agency's cost: where trust would be short of what is others', the agency advances it.
    """
    entries = [
        Entry(Book.GATEWAY_FEES, amount_minor, currency), Entry(Book.TRUST_CASH, -amount_minor, currency)
    ]  # fmt: skip
    booked = book(
        session, kind="gateway_fee", external_key=f"gateway_fee:{trigger}", occurred_at=at, entries=entries
    )
    if booked is not None:
        advance(session, currency, trigger=f"gateway_fee:{trigger}", at=at)
    return booked is not None


def balance(session: Session, currency: str) -> int:
    """What lies in trust for the tenant in scope, minor units; quick, from an index of its own."""
    return int(
        session.execute(
            select(func.coalesce(func.sum(LedgerEntry.amount_minor), 0)).where(
                LedgerEntry.tenant_id == scope_of(session).tenant(),
                LedgerEntry.currency == currency,
                LedgerEntry.book.in_([one.value for one in TRUST]),
            )
        ).scalar_one()
    )


def advance(session: Session, currency: str, *, trigger: str, at: datetime) -> None:
    """The agency's own money covers what went back after it was remitted, so that trust is never short."""
    lock(session, currency)
    short = -balance(session, currency)
    if short > 0:
        _move(session, "advance", f"advance:{trigger}", at, Book.AGENCY_ADVANCES, -short, currency, None)


def _move(
    session: Session, kind: str, key: str, at: datetime, book_: Book, amount: int, currency: str,
    note: str | None,
) -> None:  # fmt: skip
    book(
        session, kind=kind, external_key=key, occurred_at=at, note=note,
        entries=[Entry(book_, amount, currency), Entry(Book.TRUST_CASH, -amount, currency)],
    )  # fmt: skip
