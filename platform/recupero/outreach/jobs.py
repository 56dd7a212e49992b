"""The jobs of outreach: find what is due, carry it out, clear up after crashes."""

from datetime import timedelta
from itertools import zip_longest
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, String, bindparam, exists, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from recupero.contacts import service as contacts
from recupero.kernel import clock, jobs, runtime
from recupero.kernel.database import Scope, scope_of
from recupero.outreach.actions.states import CLAIM_LEASE, CLOSES_AFTER, SETTLED, move_all
from recupero.outreach.channels.connectors import CARRIED, carried_for, led_by_machine
from recupero.outreach.orders import bulk, proposals
from recupero.outreach.sending import urgent
from recupero.outreach.sending.execution import execute
from recupero.outreach.tables import Action
from recupero.outreach.voice import service as voice
from recupero.payments.agreements import settlements
from recupero.tenancy import queries as tenancy
from recupero.tenancy.queries import AgencyScope

#: Larger ones ask the database less often, but more of them is in doubt where a worker dies.
BATCH = 300
#: How many actions of one tenant may wait in Redis at a time: its million is handed out in slices, each
#: between those of the other tenants.
ROOM = 4_000
_LIMIT = 10_000

_CLAIM = text(
    "WITH due AS ("
    " SELECT t.tenant_id, d.id, d.due_at FROM unnest(:tenants) AS t(tenant_id),"
    " LATERAL (SELECT a.id, a.due_at FROM actions a WHERE a.tenant_id = t.tenant_id AND a.state = 'scheduled'"
    "  AND a.due_at <= :now AND (a.channel = ANY (:channels)"
    "  OR (a.channel = 'call' AND a.template <> 'call_back' AND t.tenant_id = ANY (:callers)"
    "   AND coalesce(a.assistant ->> 'kind', '') <> 'human'))"
    "  ORDER BY a.due_at, a.id"
    "  LIMIT greatest(0, :room - (SELECT count(*) FROM actions c WHERE c.tenant_id = t.tenant_id"
    "   AND c.state = 'claimed' AND c.leased_until >= :now)) FOR UPDATE SKIP LOCKED) d),"
    " claimed AS ("
    " UPDATE actions a SET state = 'claimed', leased_until = :lease, changed_at = :now FROM due"
    " WHERE a.tenant_id = due.tenant_id AND a.id = due.id RETURNING a.tenant_id, a.id),"
    " noted AS ("
    " INSERT INTO action_events (tenant_id, action_id, at, state)"
    " SELECT tenant_id, id, :now, 'claimed' FROM claimed)"
    " SELECT due.tenant_id, due.id FROM due ORDER BY due.tenant_id, due.due_at, due.id"
).bindparams(
    bindparam("tenants", type_=ARRAY(BigInteger)),
    bindparam("channels", type_=ARRAY(String)),
    bindparam("callers", type_=ARRAY(BigInteger)),
)


@jobs.periodic("outreach.dispatch", every=timedelta(minutes=1))
def dispatch(context: jobs.JobContext) -> None:
    """Hand out what is due in every agency."""
    for agency in tenancy.agency_scopes(runtime.current().database):
        dispatch_agency(agency)


@jobs.job("outreach.dispatch_agency")
def dispatch_again(context: jobs.JobContext) -> None:
    """Hand out more of one agency at once, where its last slice has nearly gone."""
    for agency in tenancy.agency_scopes(runtime.current().database):
        if agency.agency_id == context.scope.agency():
            dispatch_agency(agency)


def dispatch_agency(agency: AgencyScope) -> int:
    """Claim due actions of the agency and ask for their execution, one batch of each tenant in turn.

    Returns how many were claimed. Claim and job request are one transaction.
    """
    now = clock.now()
    with runtime.current().database.transaction(agency.scope()) as session:
        rows = session.execute(
            _CLAIM,
            {
                "tenants": list(agency.tenant_ids), "now": now, "channels": list(CARRIED), "room": ROOM,
                "lease": now + CLAIM_LEASE, "callers": led_by_machine(session),
            },
        ).all()  # fmt: skip
        claimed: dict[int, list[int]] = {}
        for tenant_id, action_id in rows:
            claimed.setdefault(tenant_id, []).append(action_id)
        for tenant_id, ids, queue in _in_turn(claimed):
            scope = agency.of_tenant(tenant_id)
            jobs.enqueue(session, "outreach.execute", queue=queue, scope=scope, action_ids=ids)
    return len(rows)


def _in_turn(claimed: dict[int, list[int]]) -> list[tuple[int, list[int], str]]:
    """Batches with their queues, the first of every tenant before the second of any: also before those that
    earlier rounds handed out, which is what the queue `early` is for."""
    by_tenant = [
        [
            (tenant_id, ids[start : start + BATCH], "default" if start else "early")
            for start in range(0, len(ids), BATCH)
        ]
        for tenant_id, ids in claimed.items()
    ]
    return [batch for round_ in zip_longest(*by_tenant) for batch in round_ if batch is not None]


@jobs.job("outreach.unsay")
def unsay(context: jobs.JobContext, action_ids: list[int]) -> None:
    """Withdraw what only messages named that never arrived, of accounts that were held when that was seen."""
    with runtime.current().database.transaction(context.scope) as session:
        settlements.unsay(session, action_ids, wait=True)


@jobs.job("outreach.execute")
def execute_batch(context: jobs.JobContext, action_ids: list[int]) -> None:
    """Carry a claimed batch out, and ask for the next slice where the tenant's room is half empty."""
    single = len(action_ids) == 1
    ids = urgent.with_others(context, action_ids[0], _listed) if single else action_ids
    execute(runtime.current().database, context.scope, ids, context if single else None)
    if len(action_ids) < BATCH:  # the last of its slice, or an urgent one: nothing more is waiting behind it
        return
    with context.transaction() as session:
        if _wants_more(session, context.scope.tenant()):
            agency = context.scope.agency()
            jobs.enqueue(
                session,
                "outreach.dispatch_agency",
                scope=Scope(agency),
                unique_key=f"outreach.dispatch:{agency}",
            )


def _listed(arguments: dict[str, Any]) -> list[int]:
    ids: list[int] = arguments["action_ids"]
    return ids


def _wants_more(session: Session, tenant_id: int) -> bool:
    own = (Action.tenant_id == tenant_id, Action.channel.in_(carried_for(session)))
    waiting = exists().where(*own, Action.state == "scheduled", Action.due_at <= clock.now())
    claimed = select(func.count()).where(*own, Action.state == "claimed").scalar_subquery()
    return bool(session.execute(select(waiting & (claimed < ROOM // 2))).scalar_one())


@jobs.periodic("outreach.reap", every=timedelta(minutes=1))
def reap(context: jobs.JobContext) -> None:
    """Clear up in every tenant: dead claims, contacts that nobody confirmed, actions that are too late, and
    those of which nothing more is expected."""
    database = runtime.current().database
    for agency in tenancy.agency_scopes(database):
        for tenant_id in agency.tenant_ids:
            with database.transaction(agency.of_tenant(tenant_id)) as session:
                reap_tenant(session)
                voice.close_lost(session)


def reap_tenant(session: Session) -> dict[str, int]:
    """How many of each were cleared up. A contact that was reserved and never confirmed becomes unknown: it
    may have gone out, so it counts, and is never sent again."""
    now = clock.now()
    freed = _stale(session, Action.state == "claimed", Action.leased_until < now)
    late = _stale(session, Action.state == "scheduled", Action.due_at < now, Action.expires_at <= now)
    proposals.move_on(session)
    lost = contacts.give_up(session, reserved_before=now - jobs.LEASE)
    quiet = {
        state: _stale(session, Action.state == state, Action.changed_at < now - CLOSES_AFTER)
        for state in SETTLED
    }
    done = {
        "freed": move_all(session, freed, "scheduled", "lease_ended"),
        "expired": move_all(session, late, "expired", "too_late"),
        "unknown": move_all(session, lost, "unknown", "not_confirmed"),
        "closed": [one for state, ids in quiet.items() for one in move_all(session, ids, "closed", state)],
    }
    return {what: len(ids) for what, ids in done.items()}


def _stale(session: Session, *conditions: ColumnElement[bool]) -> list[int]:
    query = select(Action.id).where(Action.tenant_id == scope_of(session).tenant(), *conditions)
    locked = query.order_by(Action.id).limit(_LIMIT).with_for_update(skip_locked=True)
    return list(session.execute(locked).scalars())


@jobs.job("outreach.bulk")
def carry_out_order(context: jobs.JobContext, order_id: int) -> None:
    """Carry out what was ordered for many accounts, unless that was done at once."""
    bulk.carry_out(runtime.current().database, context.scope, order_id)
