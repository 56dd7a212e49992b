"""Plans follow what happens: money that comes in or goes back, days that pass, hardship that lets them rest.

Each time a plan is judged anew from all of it (`plan_standing`), so that the order in which things become
known changes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, events
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.payments.agreements import plans, settlement_queries
from recupero.payments.events import (
    PaymentBooked,
    PaymentReversed,
    PaymentsBooked,
    PlanBroken,
    PlanMoved,
    PlanResumed,
)
from recupero.payments.offers import hardship, plan_standing
from recupero.payments.offers.offer_tables import Plan, PlanInstalment
from recupero.payments.offers.plan_schedule import Instalment, WorkingDay, working_days
from recupero.payments.offers.plan_standing import Receipt, Rest
from recupero.placements import service as placements
from recupero.placements.debts import debts_by_id
from recupero.placements.events import HoldsEnded, HoldsOpened
from recupero.tenancy import queries as tenancy

_JUDGED = ("running", "kept", "broken")


def on_money(session: Session, event: PaymentBooked | PaymentReversed | PaymentsBooked) -> None:
    """Money came in or went back: the plans on these accounts are judged again."""
    if event.account_ids:
        overlap = Plan.account_ids.overlap(list(event.account_ids))
        _judge(session, overlap & Plan.state.in_(_JUDGED))


def on_hold(session: Session, event: HoldsOpened | HoldsEnded) -> None:
    """Hardship begins or ends: the dates of the debtor's plans move, and their papers are made anew. A plan
    that broke on days of which it is told now that they were hardship runs again."""
    if event.kind != hardship.HOLD:
        return
    held = among(Plan.debtor_id, event.debtor_ids) | Plan.account_ids.overlap(list(event.account_ids))
    mine = held & Plan.state.in_(("running", "broken"))
    _judge(session, mine)
    moved = select(PlanInstalment.plan_id).where(
        PlanInstalment.tenant_id == Plan.tenant_id, PlanInstalment.moved_from.is_not(None)
    )
    for plan in session.execute(select(Plan).where(_own(session), mine, Plan.id.in_(moved))).scalars():
        plan.moved_at = clock.now()
        goes_on = isinstance(event, HoldsEnded) and hardship.pause_of(session, plan) is None
        if goes_on and plan.state == "running":
            events.publish(session, PlanResumed(tuple(plan.account_ids), plan.id))
    session.flush()


def settle_due(session: Session) -> int:
    """Judge the running plans of the tenant in scope with an instalment that is past its day; how many
    changed."""
    today = clock.today(tenancy.tenant(session).timezone)
    due = select(PlanInstalment.plan_id).where(
        PlanInstalment.tenant_id == scope_of(session).tenant(),
        PlanInstalment.state.in_(["open", "late"]),
        PlanInstalment.due_date < today,
    )
    return _judge(session, (Plan.state == "running") & Plan.id.in_(due))


# What each payment brought to the plan's accounts since it was agreed, net of reversals, by the day on which
# it came. A direct payment is known by its day only, so that day counts whole.
_RECEIPTS = text("""
SELECT p.id, (m.received_at AT TIME ZONE :zone)::date AS on, sum(a.amount_minor) AS amount
FROM plans p
JOIN allocations a ON a.tenant_id = p.tenant_id AND a.account_id = ANY(p.account_ids)
JOIN payments m ON m.tenant_id = a.tenant_id AND m.id = a.payment_id
 AND CASE WHEN m.kind = 'direct'
     THEN (m.received_at AT TIME ZONE :zone)::date >= (p.agreed_at AT TIME ZONE :zone)::date
     ELSE m.received_at >= p.agreed_at END
WHERE p.tenant_id = :tenant AND p.id = ANY(:ids)
GROUP BY p.id, m.id, m.received_at
""")


def _own(session: Session) -> Any:
    return Plan.tenant_id == scope_of(session).tenant()


def _judge(session: Session, which: Any) -> int:
    house = tenancy.tenant(session)
    found = session.execute(
        select(Plan).where(_own(session), which).order_by(Plan.id).with_for_update()
    ).scalars().all()  # fmt: skip
    if not found:
        return 0
    ids = [plan.id for plan in found]
    receipts: defaultdict[int, list[Receipt]] = defaultdict(list)
    for plan_id, on, amount in session.execute(
        _RECEIPTS, {"zone": house.timezone, "tenant": scope_of(session).tenant(), "ids": ids}
    ):
        receipts[plan_id].append(Receipt(on, int(amount)))
    instalments = plans.instalments_of(session, ids)
    accounts = {one for plan in found for one in plan.account_ids}
    settled = {debt.account_id for debt in debts_by_id(session, accounts) if debt.balance_minor <= 0}
    pauses, changed = hardship.pauses(session, {plan.debtor_id for plan in found}), 0
    zone, is_working = ZoneInfo(house.timezone), working_days(house.country)
    for plan in found:
        rows, rests = instalments[plan.id], hardship.rests(pauses, plan, plan.agreed_at, zone)
        before = [one.due_date for one in rows]
        state, missed = _stand(plan, rows, receipts[plan.id], clock.today(house.timezone), rests, is_working)
        if set(plan.account_ids) <= settled:  # nothing is owed any more, perhaps by an adjustment
            state = "kept"
        changed += _follow(session, plan, state, missed)
        _tell_moved(session, plan, before, [one.due_date for one in rows])
    session.flush()
    return changed


def _stand(
    plan: Plan,
    rows: Sequence[PlanInstalment],
    receipts: Iterable[Receipt],
    today: date,
    rests: Sequence[Rest],
    is_working: WorkingDay,
) -> tuple[str, date]:
    """The plan's state as it follows from its receipts and pauses, and the last day of grace of the
    instalment that was missed, or of the last one; its instalments are set to theirs."""
    agreed = [Instalment(one.number, one.moved_from or one.due_date, one.amount_minor) for one in rows]
    state, standings = plan_standing.judge(
        agreed, receipts, grace_days=plan.grace_days, today=today, smallest_minor=plan.smallest_minor,
        rests=rests, is_working=is_working,
    )  # fmt: skip
    for row, first, standing in zip(rows, agreed, standings, strict=True):
        row.paid_minor, row.paid_on, row.state = standing.paid_minor, standing.paid_on, standing.state
        row.due_date = standing.due_date
        row.moved_from = None if first.due_date == standing.due_date else first.due_date
    return state, next((one for one in standings if one.state == "missed"), standings[-1]).last_day


def _follow(session: Session, plan: Plan, state: str, missed: date) -> bool:
    """Let the plan go into a state; whether that is another one. `missed`: the day on which it broke."""
    if state == plan.state:
        return False
    if state == "running" and _has_given_way(session, plan):
        plan.state = "replaced"
        session.flush()
        events.publish(session, PlanMoved(plan.id, 0))
    elif state == "running":
        plan.ended_at = None
        plans.start(session, plan)
    else:
        plans.end(session, plan, state, by=f"plan:{plan.id}")
        if state == "broken":
            placements.set_stage(session, plan.account_ids, "negotiating")
            events.publish(session, PlanBroken(tuple(plan.account_ids), plan.id, missed))
    return True


def _has_given_way(session: Session, plan: Plan) -> bool:
    """Whether a newer plan of its accounts runs, or another settlement took the place of the one it pays."""
    if any(one.id > plan.id for one in plans.running(session, plan.account_ids)):
        return True
    paid = plan.settlement_id
    return paid is not None and settlement_queries.find(session, paid).state == "replaced"


def _tell_moved(session: Session, plan: Plan, before: Sequence[date], after: Sequence[date]) -> None:
    if before == after:
        return
    audit.record(
        session, "payments.plan_moved", f"plan:{plan.id}", actor="system", tenant_id=plan.tenant_id,
        before=[day.isoformat() for day in before], after=[day.isoformat() for day in after],
    )  # fmt: skip
    if before[-1] != after[-1] and plan.state == "running":
        session.flush()
        events.publish(session, PlanMoved(plan.id, (after[-1] - before[-1]).days))
