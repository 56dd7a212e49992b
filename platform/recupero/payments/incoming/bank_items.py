"""What the books say the bank account should show: payments that came by bank or hand, payouts of gateways,
money that left trust. An item is cleared by exactly one line of a statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.payments.incoming_tables import BankLine

# A bank may be this much later (or earlier, where a person noted a receipt late) than the books.
LATER, EARLIER = timedelta(days=10), timedelta(days=4)


@dataclass(frozen=True, slots=True)
class Item:
    """Something in the books that a bank line is to clear; positive where money came in. `subject`: payment
    (by bank or hand), payout (of a gateway), returned (a payout that came back), refund (paid back by the
    agency), transaction (of trust)."""

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
    SELECT g.tenant_id, 'returned', g.id, -g.amount_minor, g.currency, g.occurred_at, g.reference
    FROM gateway_payouts g
    JOIN bank_lines l ON l.tenant_id = g.tenant_id AND l.subject = 'payout' AND l.subject_id = g.id
    WHERE g.state = 'failed' AND l.state = 'matched' AND g.tenant_id = ANY(:tenants)
    UNION ALL
    SELECT t.tenant_id, 'refund', t.id, -t.amount_minor, t.currency, t.closed_at, coalesce(t.reference, '')
    FROM refund_tasks t JOIN payments p ON p.tenant_id = t.tenant_id AND p.id = t.payment_id
    WHERE t.state = 'done' AND t.means <> 'gateway' AND p.kind <> 'connect' AND t.tenant_id = ANY(:tenants)
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
