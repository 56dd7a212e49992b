"""What the books say the bank account should show: payments that came by bank or hand, payouts of gateways,
money that left trust. An item is cleared by exactly one line of a statement.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.ledger import trust
from recupero.payments.incoming_tables import BankLine

# A bank may be this much later (or earlier, where a person noted a receipt late) than the books.
LATER, EARLIER = timedelta(days=10), timedelta(days=4)


@dataclass(frozen=True, slots=True)
class Item:
    """Something in the books that a bank line is to clear; positive where money came in. `subject`: payment
    (by bank or hand), payout (of a gateway), refund (paid back by the agency), transaction (of trust)."""

    tenant_id: int
    subject: str
    subject_id: int
    amount_minor: int
    currency: str
    on: date
    words: str


# A refund that the agency paid back itself is its own item: the payment stays what came in.
_ITEMS = text("""
WITH items AS (
    SELECT p.tenant_id, 'payment' AS subject, p.id, p.amount_minor AS amount, p.currency, p.received_at AS at,
           p.external_key AS words
    FROM payments p WHERE p.kind = 'manual' AND p.tenant_id = ANY(:tenants)
    UNION ALL
    SELECT tenant_id, 'payout', id, amount_minor, currency, occurred_at, reference
    FROM gateway_payouts WHERE state = 'paid' AND tenant_id = ANY(:tenants)
    UNION ALL
    SELECT tenant_id, 'refund', id, -amount_minor, currency, closed_at, coalesce(reference, '')
    FROM refund_tasks WHERE state = 'done' AND means <> 'gateway' AND tenant_id = ANY(:tenants)
    UNION ALL
    SELECT t.tenant_id, 'transaction', t.id, sum(e.amount_minor), e.currency, t.occurred_at,
           coalesce(t.note, t.external_key)
    FROM ledger_transactions t
    JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id AND e.book = 'trust_cash'
    WHERE t.kind IN ('payout', 'fees_taken', 'advance') AND t.tenant_id = ANY(:tenants)
    GROUP BY t.tenant_id, t.id, e.currency, t.occurred_at, t.note, t.external_key
)
SELECT i.tenant_id, i.subject, i.id, i.amount, i.currency, (i.at AT TIME ZONE n.timezone)::date, i.words
FROM items i JOIN tenants n ON n.id = i.tenant_id
WHERE i.amount <> 0 AND NOT EXISTS (
    SELECT FROM bank_lines l WHERE l.tenant_id = i.tenant_id AND l.state = 'matched'
    AND l.subject = i.subject AND l.subject_id = i.id)
ORDER BY i.at, i.subject, i.id
""")


def uncleared(session: Session) -> list[Item]:
    """Everything of the tenants in scope that no bank line has cleared, oldest first."""
    rows = session.execute(_ITEMS, {"tenants": list(scope_of(session).tenant_ids)})
    return [Item(*row) for row in rows]


def fitting(line: BankLine, items: Sequence[Item]) -> list[Item]:
    """Items of the same amount whose day fits, those named by the line first, then the nearest."""
    found = [
        item
        for item in items
        if item.tenant_id == line.tenant_id
        and (item.amount_minor, item.currency) == (line.amount_minor, line.currency)
        and item.on - EARLIER <= line.booked_on <= item.on + LATER
    ]
    return sorted(found, key=lambda item: (not _named(line, item), abs((line.booked_on - item.on).days)))


def sure(line: BankLine, items: Sequence[Item], lines: Sequence[BankLine]) -> Item | None:
    """The item that the line clears beyond doubt: the only one that fits it, of which it is the only line; or
    the only one whose reference stands on it."""
    found = fitting(line, items)
    named = [item for item in found if _named(line, item)]
    if len(named) == 1:
        return named[0]
    if len(found) != 1:
        return None
    rivals = [one for one in lines if one.state == "open" and fitting(one, found)]
    return found[0] if len(rivals) == 1 else None


def _named(line: BankLine, item: Item) -> bool:
    """Whether the item's own reference (of four characters or more) is written on the line."""
    return len(item.words) >= 4 and item.words.upper() in (line.reference or "").upper()


@dataclass(frozen=True, slots=True)
class BankPosition:
    """Bank against books in one currency of a creditor, minor units. `closing_minor` is the newest balance
    that the bank states; `open_minor` lines that nothing explains, `aside_minor` those that are none of the
    books'; `uncleared_minor` items in the books that the bank has not shown; `at_gateway_minor` money that a
    gateway holds. `difference_minor` is what none of this explains."""

    tenant_id: int
    currency: str
    closing_on: date
    closing_minor: int
    opening_minor: int
    open_minor: int
    aside_minor: int
    uncleared_minor: int
    at_gateway_minor: int
    books_minor: int

    @property
    def difference_minor(self) -> int:
        shown = self.closing_minor - self.opening_minor - self.open_minor - self.aside_minor
        return self.books_minor - (shown + self.uncleared_minor + self.at_gateway_minor)


_CLOSINGS = text("""
SELECT DISTINCT ON (tenant_id, currency) tenant_id, currency, closing_on, closing_minor,
    coalesce(first_value(opening_minor) OVER (PARTITION BY tenant_id, currency ORDER BY closing_on, id), 0)
FROM bank_statements WHERE tenant_id = ANY(:tenants) AND closing_minor IS NOT NULL
ORDER BY tenant_id, currency, closing_on DESC, id DESC
""")
_LINES = text("""
SELECT tenant_id, currency, coalesce(sum(amount_minor) FILTER (WHERE state = 'open'), 0),
       coalesce(sum(amount_minor) FILTER (WHERE state = 'aside'), 0)
FROM bank_lines WHERE tenant_id = ANY(:tenants) GROUP BY tenant_id, currency
""")
_AT_GATEWAY = text("""
SELECT tenant_id, currency, sum(amount) FROM (
    SELECT tenant_id, currency, amount_minor - refunded_minor - charged_back_minor AS amount
    FROM payments WHERE kind = 'gateway' AND tenant_id = ANY(:tenants)
    UNION ALL
    SELECT t.tenant_id, t.currency, t.amount_minor FROM refund_tasks t
    JOIN payments p ON p.tenant_id = t.tenant_id AND p.id = t.payment_id AND p.kind = 'gateway'
    WHERE t.state = 'done' AND t.means <> 'gateway' AND t.tenant_id = ANY(:tenants)
    UNION ALL
    SELECT tenant_id, currency, -amount_minor FROM ledger_entries
    WHERE book = 'gateway_fees' AND tenant_id = ANY(:tenants)
    UNION ALL
    SELECT tenant_id, currency, -amount_minor FROM gateway_payouts
    WHERE state = 'paid' AND tenant_id = ANY(:tenants)
) held GROUP BY tenant_id, currency
""")


def bank_positions(session: Session) -> list[BankPosition]:
    """Bank against books for each creditor in scope and currency of which a statement gives a balance."""
    asked = {"tenants": list(scope_of(session).tenant_ids)}
    lines = {(row[0], row[1]): (int(row[2]), int(row[3])) for row in session.execute(_LINES, asked)}
    held = {(row[0], row[1]): int(row[2]) for row in session.execute(_AT_GATEWAY, asked)}
    books = {(one.tenant_id, one.currency): one.balance_minor for one in trust.positions(session)}
    missing: Counter[tuple[int, str]] = Counter()
    for item in uncleared(session):
        missing[item.tenant_id, item.currency] += item.amount_minor
    found = []
    for tenant, currency, day, closing, opening in session.execute(_CLOSINGS, asked):
        key = (tenant, currency)
        unexplained, aside = lines.get(key, (0, 0))
        found.append(
            BankPosition(tenant, currency, day, closing, opening, unexplained, aside, missing[key],
                         held.get(key, 0), books.get(key, 0))
        )  # fmt: skip
    return found
