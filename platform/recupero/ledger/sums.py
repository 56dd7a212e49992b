"""What the books of a tenant add up to, kept with each proof of them: what was booked since is added to it,
and the years before are not read again.

Entries are never changed, and a booking bears the number of the database's transaction that made it
(`LedgerTransaction.made_in`). A proof keeps the sums of all bookings below its horizon, below which every
transaction had ended when it was made; whoever reads adds those from the horizon on.
"""

from collections.abc import Sequence

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.ledger.tables import LedgerProof, LedgerSum

_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('ledger sums', :tenant))")
_HORIZON = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
_KEEP = text("""
INSERT INTO ledger_sums (tenant_id, currency, book, kind, amount_minor)
SELECT e.tenant_id, e.currency, e.book, t.kind, sum(e.amount_minor)
FROM ledger_entries e
JOIN ledger_transactions t ON t.tenant_id = e.tenant_id AND t.id = e.transaction_id
WHERE e.tenant_id = :tenant AND t.made_in < :horizon
GROUP BY e.tenant_id, e.currency, e.book, t.kind
""")
# A database that was restored elsewhere counts its transactions anew: sums above its own horizon are no use.
_PROVEN = text(
    "SELECT tenant_id FROM ledger_proofs WHERE tenant_id = ANY(:tenants)"
    " AND horizon <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
)
#: Amounts by tenant, currency, book and kind of the transaction, of tenants whose books were never proven.
ALL = """
SELECT e.tenant_id, e.currency, e.book, t.kind, e.amount_minor
FROM ledger_entries e
JOIN ledger_transactions t ON t.tenant_id = e.tenant_id AND t.id = e.transaction_id
WHERE e.tenant_id = ANY(:unproven)
"""
#: The same of the others. `OFFSET 0`: each booking since the horizon is looked up by its key.
SINCE = """
SELECT s.tenant_id, s.currency, s.book, s.kind, s.amount_minor FROM ledger_sums s
WHERE s.tenant_id = ANY(:proven)
UNION ALL
SELECT p.tenant_id, e.currency, e.book, t.kind, e.amount_minor
FROM ledger_proofs p
CROSS JOIN LATERAL (
    SELECT id, kind FROM ledger_transactions
    WHERE tenant_id = p.tenant_id AND made_in >= p.horizon OFFSET 0
) t
CROSS JOIN LATERAL (
    SELECT currency, book, amount_minor FROM ledger_entries
    WHERE tenant_id = p.tenant_id AND transaction_id = t.id OFFSET 0
) e
WHERE p.tenant_id = ANY(:proven)
"""


def keep(session: Session, problems: int) -> None:
    """Note that the books of the tenant in scope were proven now and how many `problems` there were, with all
    that they add up to."""
    tenant = scope_of(session).tenant()
    session.execute(_ALONE, {"tenant": tenant})
    horizon = session.execute(_HORIZON).scalar_one()
    session.execute(delete(LedgerSum).where(LedgerSum.tenant_id == tenant))
    session.execute(_KEEP, {"tenant": tenant, "horizon": horizon})
    said = {"at": clock.now(), "problems": problems, "horizon": horizon}
    proof = insert(LedgerProof).values(tenant_id=tenant, **said)
    session.execute(proof.on_conflict_do_update(index_elements=["tenant_id"], set_=said))


def proven(session: Session) -> list[int]:
    """The tenants in scope of whose books sums are kept."""
    tenants = list(scope_of(session).tenant_ids)
    return list(session.execute(_PROVEN, {"tenants": tenants}).scalars())


def proofs(session: Session) -> Sequence[LedgerProof]:
    """When the books of each tenant in scope were proven last."""
    query = select(LedgerProof).where(LedgerProof.tenant_id.in_(scope_of(session).tenant_ids))
    return session.execute(query.order_by(LedgerProof.tenant_id)).scalars().all()


def few(session: Session, most: int) -> bool:
    """Whether the books in scope have at most so many entries."""
    counted = text(
        "SELECT count(*) FROM (SELECT FROM ledger_entries WHERE tenant_id = ANY(:tenants) LIMIT :most) e"
    )
    asked = {"tenants": list(scope_of(session).tenant_ids), "most": most + 1}
    return int(session.execute(counted, asked).scalar_one()) <= most
