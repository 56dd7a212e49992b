"""Jobs of reports: long statements as files, roll-ups kept small."""

from datetime import timedelta

from recupero.kernel import runtime
from recupero.kernel.errors import NotFound
from recupero.kernel.jobs import JobContext, enqueue, job, periodic
from recupero.reports import alarms, prepared, rollups
from recupero.tenancy.queries import agency_scopes


@job(prepared.JOB)
def prepare_statement(context: JobContext, remittance_id: int, form: str, locale: str | None) -> None:
    """Write a long statement as a file. A draft that is gone has no file."""
    with context.transaction() as session:
        try:
            prepared.make(session, remittance_id, form, locale)
        except NotFound:
            return


@periodic("reports.forget_statements", timedelta(days=1))
def forget_statements(_context: JobContext) -> None:
    """Remove prepared files that nobody needs any more."""
    prepared.forget_old()


@periodic("reports.fold", timedelta(minutes=1))
def fold(context: JobContext) -> None:
    """Ask for the roll-ups of each creditor to be folded where many of their rows wait."""
    database = runtime.current().database
    for agency in agency_scopes(database):
        for scope in map(agency.of_tenant, agency.tenant_ids):
            with database.transaction(scope) as session:
                if not rollups.wait(session):
                    continue
            with context.transaction() as session:
                key = f"reports.fold_tenant:{scope.tenant()}"
                enqueue(session, "reports.fold_tenant", queue="bulk", scope=scope, unique_key=key)


@job("reports.fold_tenant")
def fold_tenant(context: JobContext) -> None:
    """Fold one creditor's roll-ups."""
    with context.transaction() as session:
        rollups.fold(session)


@periodic("reports.check", timedelta(days=1))
def check(context: JobContext) -> None:
    """Ask for each creditor's roll-ups to be proven against the raw rows."""
    with context.transaction() as session:
        for agency in agency_scopes(runtime.current().database):
            for scope in map(agency.of_tenant, agency.tenant_ids):
                key = f"reports.check_tenant:{scope.tenant()}"
                enqueue(session, "reports.check_tenant", queue="bulk", scope=scope, unique_key=key)


@job("reports.check_tenant")
def check_tenant(context: JobContext) -> None:
    """Prove one creditor's roll-ups; what does not hold becomes an alarm."""
    alarms.check(runtime.current().database, context.scope)
