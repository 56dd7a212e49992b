"""Models that fail in a creditor's plans: an alarm from the plan in which it begins to the one in which it
has passed. Which failed is kept with each plan, pages show the newest, the audit says when that changed."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from recupero.kernel import audit
from recupero.kernel.database import scope_of

FAILED, WORKS_AGAIN = "decisions.model_failed", "decisions.model_works_again"


def tell(session: Session, now: Collection[str], before: Collection[str]) -> None:
    """Say in the audit which kinds of models fail `now` for the tenant in scope and did not `before`, in its
    last plan of all accounts, and which work again."""
    tenant = scope_of(session).tenant()
    for action, kinds in ((FAILED, set(now) - set(before)), (WORKS_AGAIN, set(before) - set(now))):
        for kind in sorted(kinds):
            audit.record(session, action, f"tenant:{tenant}", actor="system", tenant_id=tenant, kind=kind)
