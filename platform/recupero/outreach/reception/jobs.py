"""What workers do with what comes back: work events, ask mailboxes, send answers."""

import logging
from datetime import timedelta

from sqlalchemy.orm import Session

from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import Scope
from recupero.outreach.conversations import collecting, replies, store
from recupero.outreach.conversations.tables import ChannelEvent
from recupero.outreach.reception.working import work_event
from recupero.outreach.sending.execution import execute
from recupero.outreach.sending.urgent import with_others
from recupero.tenancy import queries as tenancy
from recupero_sdk.inbound import Collects

log = logging.getLogger(__name__)
AT_ONCE = 50
MAX_ATTEMPTS = 5
FIRST_WAIT = timedelta(minutes=2)


@jobs.job("outreach.work_events")
def work_events(context: jobs.JobContext) -> None:
    """Work all events that wait for a creditor, each in a transaction of its own, in the order they came."""
    jobs.release_key(context)
    after = 0
    while True:
        with context.transaction() as session:
            found = store.waiting(session, after=after, limit=AT_ONCE)
        if not found:
            return
        for event_id in found:
            _work(context, event_id)
        after = found[-1]


def _work(context: jobs.JobContext, event_id: int) -> None:
    """One event must not hold up the others: it is tried again later, then shown to people."""
    try:
        with context.transaction() as session:
            work_event(session, event_id)
    except Exception as error:
        log.exception("an event of a channel could not be worked", extra={"event": event_id})
        with context.transaction() as session:
            _put_off(context, event_id, session, type(error).__name__)


def _put_off(context: jobs.JobContext, event_id: int, session: Session, why: str) -> None:
    row = session.get(ChannelEvent, (context.scope.tenant(), event_id), with_for_update=True)
    if row is None or row.state != "new":
        return
    row.attempts += 1
    row.reason = f"error:{why}"
    row.due_at = clock.now() + FIRST_WAIT * 2 ** (row.attempts - 1)
    if row.attempts >= MAX_ATTEMPTS:
        row.state = "failed"


@jobs.periodic("outreach.sweep_inbound", every=timedelta(minutes=1))
def sweep(context: jobs.JobContext) -> None:
    """Events that are due again or whose job was lost; answers that did not go out."""
    database = runtime.current().database
    for agency in tenancy.agency_scopes(database):
        with database.transaction(agency.scope()) as session:
            late = store.overdue(session, clock.now())
            replies.settle(session)
        for tenant_id in late:
            with database.transaction(agency.of_tenant(tenant_id)) as session:
                store.ask_worker(session)


@jobs.periodic("outreach.collect", every=timedelta(minutes=3))
def collect_all(context: jobs.JobContext) -> None:
    """Ask for a visit to each connector that must be asked, of each creditor."""
    database, channels = runtime.current().database, runtime.current().plugins.channels
    asked = {key for key, channel in channels.items() if isinstance(channel, Collects)}
    for agency in tenancy.agency_scopes(database) if asked else []:
        with database.transaction(agency.scope()) as session:
            for tenant_id, key in tenancy.plugins_on(session, "channel"):
                if key in asked:
                    jobs.enqueue(
                        session, "outreach.collect_from", scope=Scope(agency.agency_id, (tenant_id,)),
                        unique_key=f"collect:{tenant_id}:{key}", connector=key,
                    )  # fmt: skip


@jobs.job("outreach.collect_from")
def collect_from(context: jobs.JobContext, connector: str) -> None:
    """Ask one connector of one creditor for what came in."""
    collecting.collect(runtime.current().database, context.scope, connector)


@jobs.job("outreach.send_reply")
def send_reply(context: jobs.JobContext, action_id: int) -> None:
    """Carry an answer out at once, with others that wait for it. One whose worker died is taken up again when
    its claim has ended."""
    ids = with_others(context, action_id, lambda arguments: [arguments["action_id"]])
    execute(runtime.current().database, context.scope, ids)
    with context.transaction() as session:
        replies.settle(session)
