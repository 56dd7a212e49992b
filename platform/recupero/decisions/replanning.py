"""What happens to a debtor changes what should come next: a job plans that debtor again, seconds later.

Announcements of payments, promises, disputes, opt-outs, messages and their like ask for it. What touches many
debtors at once (a creditor's file) asks for a plan of all accounts instead.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy.orm import Session

from recupero.contacts.events import ContactAnswered, MessageReceived, OptedOut
from recupero.decisions.queries import latest_run
from recupero.kernel import runtime
from recupero.kernel.database import scope_of
from recupero.kernel.jobs import JobContext, enqueue, job
from recupero.outreach.actions.events import GivenBack
from recupero.payments.events import (
    HardshipOver,
    PaymentBooked,
    PaymentReversed,
    PaymentsBooked,
    PlanBroken,
    PlanResumed,
    PlanStarted,
    PromiseBroken,
    PromiseMade,
    SettlementAccepted,
)
from recupero.placements import reach
from recupero.placements.events import AccountsClosed, AccountsRecalled, HoldsEnded, HoldsOpened

#: More debtors than this at once are planned with all the others.
MANY = 200
#: Each names `debtor_id`, `debtor_ids`, `account_id` or `account_ids`.
NEWS: tuple[type[Any], ...] = (
    AccountsClosed, AccountsRecalled, ContactAnswered, GivenBack, HardshipOver, HoldsEnded, HoldsOpened,
    MessageReceived, OptedOut, PaymentBooked, PaymentReversed, PaymentsBooked, PlanBroken, PlanResumed,
    PlanStarted, PromiseBroken, PromiseMade, SettlementAccepted,
)  # fmt: skip
_ASKED = "decisions.replan"


_off: ContextVar[bool] = ContextVar("replanning_off", default=False)


@contextmanager
def paused() -> Iterator[None]:
    """Nobody is planned again meanwhile: a simulation of many days leaves everything to the day's plan."""
    token = _off.set(True)
    try:
        yield
    finally:
        _off.reset(token)


def is_paused() -> bool:
    """Whether a simulation leaves everything to the day's plan."""
    return _off.get()


def on_news(session: Session, event: Any) -> None:
    """Ask for a new plan of the event's debtors, once in a transaction, where a plan was ever made."""
    tenant_ids = scope_of(session).tenant_ids
    if is_paused() or len(tenant_ids) != 1:
        return
    debtors = set(_debtors(session, event))
    asked = session.info.setdefault(_ASKED, set())
    if not debtors - asked or latest_run(session) is None:
        return
    if len(debtors) > MANY:
        enqueue(session, "decisions.plan", queue="bulk", unique_key=f"plan:{tenant_ids[0]}")
    else:
        enqueue(session, "decisions.replan", debtor_ids=sorted(debtors - asked))
    asked |= debtors


def _debtors(session: Session, event: Any) -> Iterable[int]:
    ids = [getattr(event, "debtor_id", None), *getattr(event, "debtor_ids", ())]
    found = [one for one in ids if one is not None]
    accounts = [getattr(event, "account_id", None), *getattr(event, "account_ids", ())]
    known = [one for one in accounts if one is not None]
    if known and not getattr(event, "debtor_id", None):
        found += reach.debtors_of(session, known).values()
    return found


@job("decisions.replan")
def replan(context: JobContext, debtor_ids: list[int]) -> None:
    """Plan these debtors of the tenant in the job's scope again."""
    from recupero.decisions.service import plan_again

    plan_again(runtime.current().database, context.scope, debtor_ids)
