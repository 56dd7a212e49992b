"""A promise is weighed right after it was made, whoever took it: a machine on a call, a page, a program."""

from sqlalchemy.orm import Session

from recupero.decisions import replanning
from recupero.kernel import runtime
from recupero.kernel.database import scope_of
from recupero.kernel.jobs import JobContext, enqueue, job
from recupero.payments.events import PromiseMade


def on_promise_made(session: Session, event: PromiseMade) -> None:
    """Ask for the chances of the creditor's promises that have none; in a simulation the day's plan does."""
    tenant_ids = scope_of(session).tenant_ids
    if runtime.current().plugins.models and not replanning.is_paused() and len(tenant_ids) == 1:
        enqueue(session, "decisions.weigh_promises", unique_key=f"promises:{tenant_ids[0]}")


@job("decisions.weigh_promises")
def weigh_promises(context: JobContext) -> None:
    """Keep the chance of each open promise of the tenant in the job's scope that has none."""
    from recupero.decisions.advice import promise_chances

    with context.transaction() as session:
        promise_chances.weigh_open(session)
