"""The row of a file that came in: begun before anything is read, so that a failure is told there too."""

from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from recupero.kernel import clock, job_requests
from recupero.kernel.database import Database, Scope, scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.placements.tables import ImportBatch, Portfolio

ENDED = ("done", "failed", "tried")
_HOLD = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, :tenant))")


def begin(
    session: Session,
    *,
    portfolio_id: int,
    kind: str,
    file_name: str,
    actor: str,
    status: str = "running",
    dry_run: bool = False,
) -> ImportBatch:
    """A new batch of the tenant in scope. Raises NotFound where the tenant has no such portfolio."""
    tenant = scope_of(session).tenant()
    portfolio = select(Portfolio.id).where(Portfolio.tenant_id == tenant, Portfolio.id == portfolio_id)
    if session.execute(portfolio).scalar_one_or_none() is None:
        raise NotFound("no such portfolio", field="portfolio")
    batch = ImportBatch(
        tenant_id=tenant, portfolio_id=portfolio_id, kind=kind, file_name=file_name, status=status,
        created_by=actor, started_at=clock.now(), dry_run=dry_run,
    )  # fmt: skip
    session.add(batch)
    session.flush()
    return batch


def hold(session: Session, batch_id: int) -> bool:
    """Keep the batch to this transaction. False where another one, which still runs, has it."""
    scope = scope_of(session)
    parameters = {"key": f"import:{batch_id}", "tenant": scope.tenant()}
    return bool(session.execute(_HOLD, parameters).scalar_one())


def change(database: Database, scope: Scope, batch_id: int, **values: Any) -> None:
    """Change a batch that has not ended, in a transaction of its own."""
    with database.transaction(scope) as session:
        session.execute(
            update(ImportBatch)
            .where(
                ImportBatch.tenant_id == scope.tenant(), ImportBatch.id == batch_id,
                ImportBatch.status.not_in(ENDED),
            )
            .values(**values)
        )  # fmt: skip


def fail(database: Database, scope: Scope, batch_id: int, error: BaseException) -> None:
    """Note why nothing was loaded: the user's error, or that it was none of theirs."""
    if not isinstance(error, UserError):
        error = UserError("the import was interrupted and nothing was loaded: send the file again")
    place = "" if error.row is None else f"row {error.row}: "
    change(
        database, scope, batch_id, status="failed", error=f"{place}{error.message}", problem=error.to_json(),
        finished_at=clock.now(),
    )  # fmt: skip


def problem_of(batch: ImportBatch) -> UserError | None:
    """Why the batch failed, to be said in the reader's language."""
    return None if batch.problem is None else UserError.from_json(batch.problem)


def interrupted(database: Database, scope: Scope) -> list[int]:
    """Note as failed what nobody works on any more: its process was killed and no job will come back to it.
    Returns these batches; `scope` has one tenant."""
    with database.transaction(scope) as session:
        found = session.execute(
            select(ImportBatch.id, ImportBatch.job_id).where(
                ImportBatch.tenant_id == scope.tenant(), ImportBatch.status.in_(("queued", "running"))
            )
        ).all()
        open_jobs = job_requests.still_open(session, [job for _, job in found if job is not None])
        left = [batch_id for batch_id, job in found if job not in open_jobs and hold(session, batch_id)]
    for batch_id in left:
        fail(database, scope, batch_id, RuntimeError("its process is gone"))
    return left
