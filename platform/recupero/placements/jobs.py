"""What workers do for placements: take large files in, and tell of those that were broken off."""

from datetime import timedelta

from recupero.kernel import runtime
from recupero.kernel.jobs import JobContext, job, periodic
from recupero.tenancy.queries import agency_scopes


@job("placements.take_in")
def take_in(context: JobContext, batch_id: int, mapping: str | None) -> None:
    """Take a stored file in."""
    from recupero.placements.imports import queueing  # Polars is loaded only for a file

    queueing.run(context, batch_id, mapping)


@periodic("placements.settle_imports", every=timedelta(minutes=10))
def settle_imports(context: JobContext) -> None:
    """Note as failed the imports whose process was killed."""
    from recupero.placements.imports import queueing, recording

    database = runtime.current().database
    for agency in agency_scopes(database):
        for tenant_id in agency.tenant_ids:
            scope = agency.of_tenant(tenant_id)
            for batch_id in recording.interrupted(database, scope):
                queueing.forget(scope, batch_id)


@periodic("placements.file_names", every=timedelta(days=1))
def file_names(context: JobContext) -> None:
    """File the words of the names of creditors whose people are not filed, or in too many pieces."""
    from recupero.placements.imports import refiling

    database = runtime.current().database
    for agency in agency_scopes(database):
        for tenant_id in agency.tenant_ids:
            scope = agency.of_tenant(tenant_id)
            with database.transaction(scope) as session:
                needed = refiling.needs_filing(session)
            if needed:
                refiling.file_anew(database, scope)
