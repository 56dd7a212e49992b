"""Planning as jobs: every tenant once a day, each on its own.

What plans (Polars, models) is imported when a job runs, so that the web process never loads it.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from recupero.decisions.queries import next_plans
from recupero.kernel import clock, runtime
from recupero.kernel.errors import UserError
from recupero.kernel.jobs import JobContext, enqueue, job, periodic
from recupero.tenancy.queries import agency_scopes

log = logging.getLogger(__name__)

RETRAIN = timedelta(days=28)


@job("decisions.plan")
def plan(context: JobContext) -> None:
    """Plan the tenant in the job's scope."""
    from recupero.decisions.service import plan_tenant

    result = plan_tenant(runtime.current().database, context.scope)
    log.info("planned tenant %s: %s of %s accounts", result.tenant_id, result.planned, result.accounts)


@periodic("decisions.plan_all", every=timedelta(hours=1))
def plan_all(context: JobContext) -> None:
    """Ask for a plan of every tenant whose turn it is, each as a job of its own, so that none waits for or
    fails with another. Looks every hour, so that a night without a scheduler costs no day."""
    database = runtime.current().database
    for agency in agency_scopes(database):
        with database.transaction(agency.scope()) as session:
            wanted = _tenants_to_plan(session)
        for tenant_id in wanted:
            with database.transaction(agency.of_tenant(tenant_id)) as session:
                enqueue(session, "decisions.plan", queue="bulk", unique_key=f"plan:{tenant_id}")


@periodic("decisions.watch_models", every=timedelta(hours=24))
def watch_models(context: JobContext) -> None:
    """Ask of every agency for a look at its models, and for a new training where it is due."""
    database = runtime.current().database
    for agency in agency_scopes(database):
        with database.transaction(agency.scope()) as session:
            key = f"watch:{agency.agency_id}"
            enqueue(session, "decisions.watch", queue="bulk", unique_key=key)


@job("decisions.watch")
def watch(context: JobContext) -> None:
    """Look at every model that serves, and train a challenger where its newest version is four weeks old.
    Whether it is ever promoted is for a person to say."""
    from recupero.decisions.learning import registry, training, watching

    database = runtime.current().database
    watching.watch(database, context.scope)
    newest = {each.name: each for each in reversed(registry.versions(scope=context.scope))}
    for name, version in newest.items():
        made = version.notes.get(registry.TRAINED_AT)
        if made is not None and datetime.fromisoformat(made) > clock.now() - RETRAIN:
            continue
        kind, tenant_id = registry.parts_of(name)
        whose = context.scope if tenant_id is None else replace(context.scope, tenant_ids=(tenant_id,))
        try:
            training.train(database, whose, kind)
        except UserError as error:
            log.warning("%s is not trained anew: %s", name, error.message)


def _tenants_to_plan(session: Session) -> list[int]:
    """Tenants in scope whose turn it is."""
    now = clock.now()
    return [tenant_id for tenant_id, at in next_plans(session).items() if at <= now]
