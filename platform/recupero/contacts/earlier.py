"""What was known of contacts before it is put right: a result that is overwritten stays known of its time, so
that what anybody knew at a moment can be told later."""

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.database import scope_of

_KEEP = text("""
INSERT INTO earlier_results (tenant_id, contact_id, debtor_id, account_id, contact_point_id, direction,
    channel, at, state, disposition, right_party, state_at, until)
SELECT tenant_id, id, debtor_id, account_id, contact_point_id, direction, channel, at, state, disposition,
    right_party, state_at, :now
FROM contacts
WHERE tenant_id = :tenant AND id = ANY (:ids) AND state_at < :now
  AND (right_party OR disposition IS NOT NULL OR state IN ('answered', 'failed', 'no_answer', 'received'))
""")


def keep(session: Session, contact_ids: Collection[int]) -> None:
    """Keep what is known of these contacts of the tenant in scope until now. For whoever is about to give
    them another result with a `state_at` of now; a contact without a result has nothing to keep."""
    known = {"tenant": scope_of(session).tenant(), "ids": list(contact_ids), "now": clock.now()}
    session.execute(_KEEP, known)
