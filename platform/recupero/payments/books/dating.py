"""When money counts: a payment on the day it was received, however late it was booked; what was taken back or
moved, on the day of that. Reports say the same (the view of migration 0048)."""


def moved(tenant: str, since: str, until: str) -> str:
    """SQL of the moves that may count from `since` to `until`, with `account_id`, `amount_minor` and the
    moment `at` that each counts: who asks narrows by that. The three are how the asking statement names its
    values.

    Only payments that were received or moved in that time are read, each by its key (`OFFSET 0` keeps it so);
    what else a payment did is looked up only for moves that were not booked as they were received.
    """
    return f"""
SELECT l.account_id, l.amount_minor, CASE
    WHEN r.received_at = l.at OR l.transaction_id = (SELECT min(f.transaction_id) FROM allocations f
        WHERE f.tenant_id = {tenant} AND f.payment_id = l.payment_id)
    THEN r.received_at ELSE l.at END AS at
FROM (
    SELECT id FROM payments WHERE tenant_id = {tenant} AND received_at >= {since} AND received_at <= {until}
    UNION SELECT payment_id FROM allocations WHERE tenant_id = {tenant} AND at >= {since} AND at <= {until}
) t
JOIN payments r ON r.tenant_id = {tenant} AND r.id = t.id
CROSS JOIN LATERAL (
    SELECT f.* FROM allocations f WHERE f.tenant_id = {tenant} AND f.payment_id = t.id OFFSET 0
) l
WHERE l.account_id IS NOT NULL
"""  # noqa: S608 - placeholders of our own statements
