"""Planning as jobs: every tenant once a day, each on its own.

What plans (Polars, models) is imported when a job runs, so that the web process never loads it.
"""

import logging
from datetime import timedelta

from recupero.kernel import runtime
from recupero.kernel.jobs import JobContext, enqueue, job, periodic
from recupero.tenancy.queries import agency_scopes

log = logging.getLogger(__name__)


@job("decisions.plan")
def plan(context: JobContext) -> None:
    """Plan the tenant in the job's scope."""
    from recupero.decisions.service import plan_tenant

    result = plan_tenant(runtime.current().database, context.scope)
    log.info("planned tenant %s: %s of %s accounts", result.tenant_id, result.planned, result.accounts)


@periodic("decisions.plan_all", every=timedelta(days=1))
def plan_all(context: JobContext) -> None:
    """Ask for a plan of every tenant, each as a job of its own, so that none waits for or fails with
    another."""
    database = runtime.current().database
    for agency in agency_scopes(database):
        for tenant_id in agency.tenant_ids:
            with database.transaction(agency.of_tenant(tenant_id)) as session:
                enqueue(session, "decisions.plan", queue="bulk", unique_key=f"plan:{tenant_id}")
