"""What reads payments, and what proves that they agree with the books."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.ledger.events import BooksChecked
from recupero.payments.tables import Allocation, Payment, PromiseToPay, ProviderEvent


@dataclass(frozen=True, slots=True)
class AccountPayment:
    """What one payment did to one account, net of what went back."""

    payment_id: int
    kind: str
    received_at: datetime
    currency: str
    amount_minor: int
    state: str


def payments_of(session: Session, account_id: int) -> list[AccountPayment]:
    """Payments allocated to an account of the tenants in scope, newest first, moves in and out apart."""
    rows = session.execute(
        select(Payment.id, Payment.kind, Allocation.at, Payment.currency, Allocation.amount_minor,
               Payment.state)
        .join(Payment, (Payment.tenant_id == Allocation.tenant_id) & (Payment.id == Allocation.payment_id))
        .where(Allocation.tenant_id.in_(scope_of(session).tenant_ids), Allocation.account_id == account_id)
        .order_by(Allocation.at.desc(), Allocation.id.desc())
    )  # fmt: skip
    merged: dict[tuple[int, datetime], AccountPayment] = {}
    for one in (AccountPayment(*row) for row in rows):
        before = merged.get((one.payment_id, one.received_at))
        amount = one.amount_minor + (before.amount_minor if before else 0)
        merged[one.payment_id, one.received_at] = AccountPayment(
            one.payment_id, one.kind, one.received_at, one.currency, amount, one.state
        )
    return list(merged.values())


@dataclass(frozen=True, slots=True)
class PaidSoFar:
    """What came in for an account on a day (minor units), net of what went back."""

    account_id: int
    at: datetime
    amount_minor: int


def paid_so_far(session: Session, account_ids: Collection[int]) -> dict[int, list[PaidSoFar]]:
    """Payments towards each of these accounts of the tenants in scope, oldest first, in one query; one that
    was paid back in full is left out."""
    amount, at = func.sum(Allocation.amount_minor), func.min(Payment.received_at)
    rows = session.execute(
        select(Allocation.account_id, at, amount)
        .join(Payment, (Payment.tenant_id == Allocation.tenant_id) & (Payment.id == Allocation.payment_id))
        .where(Allocation.tenant_id.in_(scope_of(session).tenant_ids), Allocation.account_id.in_(account_ids))
        .group_by(Allocation.account_id, Allocation.payment_id)
        .having(amount != 0)
        .order_by(at, Allocation.payment_id)
    )
    found: dict[int, list[PaidSoFar]] = {account_id: [] for account_id in account_ids}
    for account_id, moment, minor in rows:
        if account_id is not None:
            found[account_id].append(PaidSoFar(account_id, moment, int(minor)))
    return found


@dataclass(frozen=True, slots=True)
class WentBack:
    """How much of a payment received `at` went back to the debtor (minor units)."""

    at: datetime
    amount_minor: int
    currency: str


def went_back(session: Session, debtor_id: int, since: datetime) -> list[WentBack]:
    """Refunds and chargebacks of a debtor's payments since a moment, in the tenant in scope, oldest first."""
    amount = Payment.refunded_minor + Payment.charged_back_minor
    rows = session.execute(
        select(Payment.received_at, amount, Payment.currency)
        .where(Payment.tenant_id == scope_of(session).tenant(), Payment.debtor_id == debtor_id,
               Payment.received_at > since, amount > 0)
        .order_by(Payment.received_at, Payment.id)
    )  # fmt: skip
    return [WentBack(*row) for row in rows]


def promises_of(session: Session, account_ids: Collection[int]) -> Sequence[PromiseToPay]:
    """Promises on accounts of the tenants in scope, newest first."""
    return (
        session.execute(
            select(PromiseToPay)
            .where(
                PromiseToPay.tenant_id.in_(scope_of(session).tenant_ids),
                PromiseToPay.account_id.in_(account_ids),
            )
            .order_by(PromiseToPay.id.desc())
        )
        .scalars()
        .all()
    )


def latest_payment(session: Session, link_id: int, charge_id: int) -> Payment | None:
    """The payment by a charge of a link of the tenant in scope, where it is booked."""
    query = select(Payment).where(
        Payment.tenant_id == scope_of(session).tenant(),
        Payment.link_id == link_id,
        Payment.charge_id == charge_id,
    )
    return session.execute(query.order_by(Payment.id.desc()).limit(1)).scalar_one_or_none()


def in_suspense(session: Session) -> Sequence[Payment]:
    """Payments of the tenants in scope that a person should look at: no debt took them, oldest first."""
    return (
        session.execute(
            select(Payment)
            .where(Payment.tenant_id.in_(scope_of(session).tenant_ids), Payment.state == "suspense")
            .order_by(Payment.received_at)
        )
        .scalars()
        .all()
    )


def refused_events(session: Session, limit: int = 200) -> Sequence[ProviderEvent]:
    """Providers' events that could not be booked as they stood, newest first, for the tenants in scope."""
    return (
        session.execute(
            select(ProviderEvent)
            .where(
                ProviderEvent.tenant_id.in_(scope_of(session).tenant_ids), ProviderEvent.state == "refused"
            )
            .order_by(ProviderEvent.id.desc())
            .limit(limit)
        )
        .scalars()
        .all()
    )


# Each payment's rows sum to what is left of it: its amount less refunds and a running dispute. After a refund
# has failed, the gateway's sums are lower by it.
_UNALLOCATED = text("""
WITH disputes AS (
    SELECT DISTINCT ON (r.tenant_id, r.payment_key) r.tenant_id, r.payment_key,
           CASE r.kind WHEN 'dispute' THEN r.total_minor ELSE 0 END AS disputed
    FROM reversals r
    JOIN payments p ON p.tenant_id = r.tenant_id AND p.external_key = r.payment_key
    WHERE r.booked_at IS NOT NULL AND r.kind IN ('dispute', 'dispute_won')
    ORDER BY r.tenant_id, r.payment_key, greatest(r.occurred_at, p.received_at) DESC, r.kind DESC,
             r.total_minor DESC
), facts AS (
    SELECT tenant_id, payment_key, kind, total_minor,
           coalesce(sum(total_minor) FILTER (WHERE kind = 'refund_failed') OVER (
               PARTITION BY tenant_id, payment_key ORDER BY occurred_at
               RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE GROUP), 0) AS failed_before
    FROM reversals WHERE booked_at IS NOT NULL
), refunds AS (
    SELECT tenant_id, payment_key,
           greatest(coalesce(max(total_minor + failed_before) FILTER (WHERE kind = 'refund'), 0)
               - coalesce(sum(total_minor) FILTER (WHERE kind = 'refund_failed'), 0), 0)
           + coalesce(max(total_minor) FILTER (WHERE kind = 'paid_back'), 0) AS refunded
    FROM facts GROUP BY tenant_id, payment_key
), lies AS (
    SELECT tenant_id, payment_id, sum(amount_minor) AS amount FROM allocations GROUP BY tenant_id, payment_id
), compared AS (
    SELECT p.tenant_id, p.id, coalesce(l.amount, 0) AS lies, p.amount_minor - least(
        p.amount_minor, coalesce(r.refunded, 0) + coalesce(d.disputed, 0)) AS held
    FROM payments p
    LEFT JOIN lies l ON l.tenant_id = p.tenant_id AND l.payment_id = p.id
    LEFT JOIN refunds r ON r.tenant_id = p.tenant_id AND r.payment_key = p.external_key
    LEFT JOIN disputes d ON d.tenant_id = p.tenant_id AND d.payment_key = p.external_key
)
SELECT tenant_id, id, held, lies FROM compared WHERE held <> lies LIMIT 1000
""")

# What payments say against what the ledger holds, by tenant and currency.
_AGAINST_LEDGER = text("""
WITH said AS (
    SELECT a.tenant_id, p.currency, b.book, sum(b.amount) AS amount
    FROM allocations a JOIN payments p ON p.tenant_id = a.tenant_id AND p.id = a.payment_id
    CROSS JOIN LATERAL (VALUES
        (CASE WHEN p.kind IN ('direct', 'connect') THEN 'direct_payments' ELSE 'trust' END, a.amount_minor),
        (CASE WHEN p.kind IN ('direct', 'connect') THEN 'direct_excess' ELSE 'suspense' END,
         CASE WHEN a.account_id IS NULL THEN -a.amount_minor ELSE 0 END),
        ('commission_earned', -a.fee_minor), ('commission_tax', -a.tax_minor)) AS b(book, amount)
    GROUP BY a.tenant_id, p.currency, b.book
    UNION ALL
    SELECT tenant_id, currency, b.book, sum(b.amount) FROM payments p
    CROSS JOIN LATERAL (VALUES ('refunds', -p.refunded_minor), ('chargebacks', -p.charged_back_minor))
        AS b(book, amount)
    WHERE b.amount <> 0 AND p.kind NOT IN ('direct', 'connect') GROUP BY tenant_id, currency, b.book
), booked AS (
    SELECT e.tenant_id, e.currency, e.amount_minor,
        CASE e.book WHEN 'connect_payments' THEN 'direct_payments' ELSE e.book END AS book
    FROM ledger_entries e JOIN ledger_transactions t ON t.tenant_id = e.tenant_id AND t.id = e.transaction_id
    WHERE t.kind NOT IN ('gateway_fee', 'remittance', 'payout', 'fees_taken', 'advance', 'creditor_payment')
      AND e.book IN ('trust_cash', 'refunds', 'chargebacks', 'suspense', 'direct_payments',
                     'connect_payments', 'direct_excess', 'commission_earned', 'commission_tax')
), held AS (
    SELECT tenant_id, currency, b.book, sum(amount_minor) AS amount
    FROM booked CROSS JOIN LATERAL unnest(CASE
        WHEN booked.book = 'trust_cash' THEN ARRAY['trust']
        WHEN booked.book IN ('refunds', 'chargebacks') THEN ARRAY['trust', booked.book]
        ELSE ARRAY[booked.book] END) AS b(book)
    GROUP BY tenant_id, currency, b.book
)
SELECT tenant_id, currency, book, coalesce(said.amount, 0), coalesce(held.amount, 0)
FROM said FULL JOIN held USING (tenant_id, currency, book)
WHERE coalesce(said.amount, 0) <> coalesce(held.amount, 0)
""")


def check_payments(session: Session, checked: BooksChecked) -> None:
    """Add where allocations differ from payments, or trust, suspense and fees from what payments brought."""
    for tenant, payment, held, lies in session.execute(_UNALLOCATED):
        checked.problems.append(f"tenant {tenant}: payment {payment} holds {held}, its allocations {lies}")
    for tenant, currency, name, said, booked in session.execute(_AGAINST_LEDGER):
        checked.problems.append(f"tenant {tenant}: {name} is {booked} {currency}, the payments say {said}")


@dataclass(frozen=True, slots=True)
class Collected:
    """Payments of one currency: how many, and their amount net of what went back (minor units)."""

    payments: int
    amount_minor: int


def collected(session: Session) -> dict[str, Collected]:
    """What the tenants in scope have recovered so far, by currency."""
    rows = session.execute(
        select(
            Payment.currency,
            func.count(Payment.id.distinct()),
            func.coalesce(func.sum(Allocation.amount_minor), 0),
        )
        .join(
            Allocation,
            (Allocation.tenant_id == Payment.tenant_id) & (Allocation.payment_id == Payment.id),
        )
        .where(Payment.tenant_id.in_(scope_of(session).tenant_ids))
        .group_by(Payment.currency)
    )
    return {currency: Collected(count, int(amount)) for currency, count, amount in rows}
