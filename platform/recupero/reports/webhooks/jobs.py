"""Jobs that tell creditors' systems what waits to be told."""

from datetime import timedelta

from recupero.kernel import runtime
from recupero.kernel.jobs import JobContext, job, periodic, release_key
from recupero.reports.webhooks import sending, telling
from recupero.tenancy import queries as tenancy


@job(telling.JOB)
def send_webhooks(context: JobContext) -> None:
    """Tell a creditor's systems what waits to be told."""
    release_key(context)
    sending.send_due(runtime.current().database, context.scope)


@periodic("reports.revive_webhooks", timedelta(minutes=10))
def revive_webhooks(_context: JobContext) -> None:
    """Nothing stays untold because a worker or Redis died; what was told long ago is forgotten."""
    database = runtime.current().database
    for agency in tenancy.agency_scopes(database):
        for tenant in agency.tenant_ids:
            sending.revive(database, agency.of_tenant(tenant))
        with database.transaction(agency.scope()) as session:
            sending.forget_old(session)
