"""Jobs that send scheduled reports."""

from datetime import timedelta

from recupero.kernel import runtime
from recupero.kernel.jobs import JobContext, job, periodic, release_key
from recupero.reports.schedules import sending, service
from recupero.tenancy import queries as tenancy


@job(service.JOB)
def send_mails(context: JobContext) -> None:
    """Send a creditor's reports that are due."""
    release_key(context)
    sending.send_due(runtime.current().database, context.scope)


@periodic("reports.look_for_due", timedelta(minutes=10))
def look_for_due(_context: JobContext) -> None:
    """Every report whose day has come goes out, also where a worker or Redis died meanwhile."""
    database = runtime.current().database
    for agency in tenancy.agency_scopes(database):
        for tenant in agency.tenant_ids:
            with database.transaction(agency.of_tenant(tenant)) as session:
                if service.note_due(session) or sending.left_over(session):
                    service.ask(session)
