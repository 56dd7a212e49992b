"""What workers do for the books: prove them, day and night."""

from datetime import timedelta

from sqlalchemy.orm import Session

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.kernel.jobs import JobContext, enqueue, job, periodic
from recupero.ledger import alarms
from recupero.tenancy.queries import agency_scopes

CHECK_EVERY = timedelta(days=1)


@periodic("ledger.check_books", every=CHECK_EVERY)
def check_books(context: JobContext) -> None:
    """Ask for a check of each creditor's books, each in a job of its own."""
    with context.transaction() as session:
        for agency in agency_scopes(runtime.current().database):
            for tenant_id in agency.tenant_ids:
                ask_for_check(session, agency.of_tenant(tenant_id))


def ask_for_check(session: Session, scope: Scope) -> None:
    """Have the books of the one tenant of a scope proven by a job, unless one waits already."""
    enqueue(
        session, "ledger.check_tenant", queue="bulk", scope=scope,
        unique_key=f"check_tenant:{scope.tenant()}",
    )  # fmt: skip


@job("ledger.check_tenant")
def check_tenant(context: JobContext) -> None:
    """Prove one creditor's books; what is wrong becomes an alarm."""
    with context.transaction() as session:
        alarms.check(session)
