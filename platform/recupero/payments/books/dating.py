"""When money counts: a payment on the day it was received, however late it was booked; what was taken back or
moved, on the day of that. Reports say the same (the view of migration 0048)."""


def touched(tenant: str, since: str, until: str) -> str:
    """SQL of the payments that were received or moved from `since` to `until`, each once: `id`, `kind`,
    `channel` and `received_at`. The three are how the asking statement names its values.

    Those received in that time come by their day; only of moves whose payment was received at another time
    the payment is looked up, by its key (`OFFSET 0` keeps it so).
    """
    received = f"tenant_id = {tenant} AND received_at >= {since} AND received_at <= {until}"
    return f"""
SELECT id, kind, channel, received_at FROM payments WHERE {received}
UNION ALL
SELECT o.* FROM (
    SELECT DISTINCT m.payment_id FROM allocations m
    WHERE m.tenant_id = {tenant} AND m.at >= {since} AND m.at <= {until}
      AND NOT EXISTS (SELECT FROM payments WHERE {received} AND id = m.payment_id)
) n
CROSS JOIN LATERAL (
    SELECT id, kind, channel, received_at FROM payments
    WHERE tenant_id = {tenant} AND id = n.payment_id OFFSET 0
) o
"""  # noqa: S608 - placeholders of our own statements


def moved(tenant: str, since: str, until: str) -> str:
    """SQL of the moves that may count from `since` to `until`, with `account_id`, `amount_minor` and the
    moment `at` that each counts: who asks narrows by that. The three are how the asking statement names its
    values.

    Only payments that were received or moved in that time are read; what else a payment did is looked up only
    for moves that were not booked as they were received.
    """
    return f"""
SELECT l.account_id, l.amount_minor, CASE
    WHEN r.received_at = l.at OR l.transaction_id = (SELECT min(f.transaction_id) FROM allocations f
        WHERE f.tenant_id = {tenant} AND f.payment_id = l.payment_id)
    THEN r.received_at ELSE l.at END AS at
FROM ({touched(tenant, since, until)}) r
CROSS JOIN LATERAL (
    SELECT f.* FROM allocations f WHERE f.tenant_id = {tenant} AND f.payment_id = r.id OFFSET 0
) l
WHERE l.account_id IS NOT NULL
"""  # noqa: S608 - placeholders of our own statements
