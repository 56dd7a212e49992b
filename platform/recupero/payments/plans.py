"""Plans: previewed, agreed, judged by what comes in, planned anew, cancelled.

What a plan may be is the creditor's policy (`policy`), what it looks like `plan_schedule`, how it stands
`plan_standing`. A running plan is a hold on its accounts; a broken one is negotiated again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, events
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, Forbidden, NotFound, UserError
from recupero.payments import gateways, plan_standing, promises
from recupero.payments.events import (
    PaymentBooked,
    PaymentReversed,
    PaymentsBooked,
    PlanBroken,
    PlanEnded,
    PlanStarted,
)
from recupero.payments.offer_tables import Plan, PlanInstalment
from recupero.payments.plan_schedule import Choice, Instalment, Limits, Schedule, preview, working_days
from recupero.payments.plan_standing import Receipt
from recupero.payments.policy import Leave, Offerer, OfferPolicy, leave_for_plan, policy_of
from recupero.placements import service as placements
from recupero.placements.debts import OpenDebt, debts, debts_by_id, held_for
from recupero.placements.events import AccountsClosed
from recupero.placements.lifecycle import CLIENT_DECISION, ENDED, SUCCESS
from recupero.tenancy import queries as tenancy

#: What an exception may reach at most.
WIDEST = Limits(max_instalments=120, minimum_minor=1, first_payment_days=365)
_JUDGED = ("running", "kept", "broken")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan before it is agreed: its schedule, the policy it was held against, and who has to agree."""

    debtor_id: int
    policy: OfferPolicy
    schedule: Schedule
    leave: Leave


def propose(
    session: Session,
    account_ids: Collection[int],
    choice: Choice,
    offerer: Offerer,
    *,
    total_minor: int | None = None,
) -> Proposal:
    """What a plan over these accounts of the tenant in scope would be: over all that is owed, or over
    `total_minor` of it (a settlement).

    A debtor's own page gets no more than its limits; others may look beyond and are told who has to agree.
    Raises NotFound, or UserError at the field of the choice.
    """
    held = owed(session, account_ids)
    policy, today = policy_of(held), clock.today(tenancy.tenant(session).timezone)
    limits = policy.of(offerer).plan_limits if offerer.role == "page" else WIDEST
    schedule = preview(
        policy.balance_minor if total_minor is None else total_minor, limits, choice, today=today,
        is_working=working_days(tenancy.tenant(session).country),
    )  # fmt: skip
    return Proposal(held[0].debtor_id, policy, schedule, leave_for_plan(policy, offerer, schedule, today))


def agree_plan(
    session: Session,
    *,
    account_ids: Collection[int],
    choice: Choice,
    offerer: Offerer,
    why: str | None = None,
    total_minor: int | None = None,
    settlement_id: int | None = None,
    allowed: bool = False,
) -> Plan:
    """Agree a plan: it runs at once, or waits (`asked`) for whoever has to allow an exception to the policy.

    A plan that ran on one of the accounts is replaced, open promises on them are. `allowed`: its instalments
    were allowed with the settlement it pays. Publishes `PlanStarted`.
    Raises UserError as `propose` does, and where an exception has no reason (`why`).
    """
    proposal = propose(session, account_ids, choice, offerer, total_minor=total_minor)
    leave = Leave() if allowed else proposal.leave
    granted, now = leave_or_ask(leave, offerer, why), clock.now()
    plan = Plan(
        tenant_id=scope_of(session).tenant(), debtor_id=proposal.debtor_id, account_ids=sorted(account_ids),
        settlement_id=settlement_id, currency=proposal.policy.currency,
        total_minor=proposal.schedule.total_minor, choice=choice_json(choice), state="asked",
        grace_days=proposal.policy.plan_grace_days, made_with=offerer.role, made_by=offerer.actor,
        smallest_minor=gateways.minimum(session, proposal.policy.currency), agreed_at=now,
        beyond=list(leave.beyond),
        approver=leave.approver, why=why if leave.beyond else None,
        decided_by=offerer.actor if granted and leave.beyond else None,
        decided_at=now if granted and leave.beyond else None,
    )  # fmt: skip
    session.add(plan)
    session.flush()
    _write_instalments(session, plan, proposal.schedule)
    _record(session, "payments.plan_agreed" if granted else "payments.plan_asked", plan, offerer.actor)
    if granted:
        _start(session, plan)
    return plan


def leave_or_ask(leave: Leave, offerer: Offerer, why: str | None) -> bool:
    """Whether it holds at once. Raises UserError where an exception comes without a reason."""
    if leave.beyond and not (why or "").strip():
        raise UserError("this lies beyond the creditor's limits: say why it should be allowed", field="why")
    return leave.granted_to(offerer)


def _write_instalments(session: Session, plan: Plan, schedule: Schedule) -> None:
    session.add_all(
        PlanInstalment(
            tenant_id=plan.tenant_id, plan_id=plan.id, number=one.number, due_date=one.due_date,
            amount_minor=one.amount_minor, paid_minor=0, state="open",
        )
        for one in schedule.instalments
    )  # fmt: skip
    session.flush()


def _start(session: Session, plan: Plan) -> None:
    """From now on the accounts rest while the instalments come in."""
    promises.cancel_open(session, plan.account_ids)
    for other in _running(session, plan.account_ids):
        if other.id != plan.id:
            _end(session, other, "replaced", by=f"plan:{plan.id}")
    plan.state = "running"
    for account_id in plan.account_ids:
        placements.open_hold(
            session, debtor_id=plan.debtor_id, account_id=account_id, kind="plan", source=f"plan:{plan.id}"
        )
    placements.set_stage(session, plan.account_ids, "on_plan")
    session.flush()
    events.publish(session, PlanStarted(tuple(plan.account_ids), plan.id))


def decide(session: Session, plan_id: int, offerer: Offerer, *, allow: bool, note: str) -> Plan:
    """The approver allows or refuses a plan that waits. Raises Forbidden where it is not theirs to decide,
    Conflict where it is decided or its first day has passed, UserError without a reason."""
    plan = find(session, plan_id, lock=True)
    check_decision(plan, offerer, note)
    if allow and _first_due(session, plan) < clock.today(tenancy.tenant(session).timezone):
        raise Conflict("the first day of this plan has passed: make it anew")
    plan.decided_by, plan.decided_at, plan.decision_note = offerer.actor, clock.now(), note.strip()
    if allow:
        plan.agreed_at = clock.now()
        _start(session, plan)
    else:
        plan.state, plan.ended_at = "refused", clock.now()
    _record(session, "payments.plan_allowed" if allow else "payments.plan_refused", plan, offerer.actor)
    return plan


def check_decision(asked: Any, offerer: Offerer, note: str) -> None:
    """Whether a plan or settlement may be decided now, by this one. Raises as `decide` does."""
    if asked.state != "asked":
        raise Conflict("this has been decided already")
    if asked.approver not in offerer.approves:
        raise Forbidden("somebody else has to allow this exception")
    if not note.strip():
        raise UserError("say why", field="note")


def cancel_plan(session: Session, plan_id: int, *, actor: str, why: str) -> None:
    """End a plan that runs or waits; work on its accounts goes on. Raises Conflict where it has ended."""
    plan = find(session, plan_id, lock=True)
    if plan.state not in ("asked", "running"):
        raise Conflict("this plan has ended already")
    plan.decision_note = why.strip() or plan.decision_note
    _end(session, plan, "cancelled", by=actor)
    placements.set_stage(session, plan.account_ids, "negotiating")
    _record(session, "payments.plan_cancelled", plan, actor)


def on_money(session: Session, event: PaymentBooked | PaymentReversed | PaymentsBooked) -> None:
    """Money came in or went back: the plans on these accounts are judged again."""
    if event.account_ids:
        overlap = Plan.account_ids.overlap(list(event.account_ids))
        _judge(session, overlap & Plan.state.in_(_JUDGED))


def on_closed(session: Session, event: AccountsClosed) -> None:
    """Work has ended for good: so do the plans. Paid plans end by their payments, those of accounts that the
    creditor recalled are kept (domain page, 3)."""
    if event.code in SUCCESS or event.code in CLIENT_DECISION:
        return
    for plan in _running(session, event.account_ids):
        _end(session, plan, "cancelled", by=f"closed:{event.code}")


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


def _judge(session: Session, which: Any) -> int:
    tenant, house = scope_of(session).tenant(), tenancy.tenant(session)
    plans = session.execute(
        select(Plan).where(Plan.tenant_id == tenant, which).order_by(Plan.id).with_for_update()
    ).scalars().all()  # fmt: skip
    if not plans:
        return 0
    ids = [plan.id for plan in plans]
    receipts: defaultdict[int, list[Receipt]] = defaultdict(list)
    for plan_id, on, amount in session.execute(
        _RECEIPTS, {"zone": house.timezone, "tenant": tenant, "ids": ids}
    ):
        receipts[plan_id].append(Receipt(on, int(amount)))
    instalments = instalments_of(session, ids)
    accounts = {one for plan in plans for one in plan.account_ids}
    settled = {debt.account_id for debt in debts_by_id(session, accounts) if debt.balance_minor <= 0}
    changed, rests = 0, _rests(session, plans, ZoneInfo(house.timezone))
    for plan in plans:
        changed += _follow(
            session, plan, instalments[plan.id], receipts[plan.id], settled, clock.today(house.timezone),
            rests[plan.debtor_id],
        )  # fmt: skip
    session.flush()
    return changed


def _rests(session: Session, plans: Sequence[Plan], zone: ZoneInfo) -> dict[int, list[plan_standing.Rest]]:
    """The days on which hardship lets everything of a debtor rest, by debtor."""
    found: defaultdict[int, list[plan_standing.Rest]] = defaultdict(list)
    for hold in held_for(session, {plan.debtor_id for plan in plans}):
        if hold.kind == "hardship":
            end = hold.end or clock.now()
            found[hold.debtor_id].append((hold.begin.astimezone(zone).date(), end.astimezone(zone).date()))
    return found


def _follow(
    session: Session,
    plan: Plan,
    instalments: Sequence[PlanInstalment],
    receipts: Iterable[Receipt],
    settled: set[int],
    today: date,
    rests: Sequence[plan_standing.Rest],
) -> bool:
    """Let the plan follow its receipts; whether its state changed."""
    planned = [Instalment(one.number, one.due_date, one.amount_minor) for one in instalments]
    state, standings = plan_standing.judge(
        planned, receipts, grace_days=plan.grace_days, today=today, smallest_minor=plan.smallest_minor,
        rests=rests,
    )  # fmt: skip
    for row, standing in zip(instalments, standings, strict=True):
        row.paid_minor, row.paid_on, row.state = standing.paid_minor, standing.paid_on, standing.state
    if set(plan.account_ids) <= settled:  # nothing is owed any more, perhaps by the creditor's adjustment
        state = "kept"
    if state == plan.state:
        return False
    if state == "running" and any(one.id > plan.id for one in _running(session, plan.account_ids)):
        plan.state = "replaced"
    elif state == "running":
        plan.ended_at = None
        _start(session, plan)
    else:
        _end(session, plan, state, by=f"plan:{plan.id}")
        if state == "broken":
            placements.set_stage(session, plan.account_ids, "negotiating")
            due = next(one.due_date for one in instalments if one.state == "missed")
            on = plan_standing.last_day(due, plan.grace_days, rests)
            events.publish(session, PlanBroken(tuple(plan.account_ids), plan.id, on))
    return True


def _end(session: Session, plan: Plan, state: str, *, by: str) -> None:
    plan.state, plan.ended_at = state, clock.now()
    session.flush()
    placements.end_holds(session, plan.account_ids, "plan", by=by)
    events.publish(session, PlanEnded(plan.id))


def find(session: Session, plan_id: int, *, lock: bool = False) -> Plan:
    """The plan of the tenants in scope. Raises NotFound."""
    query = select(Plan).where(Plan.tenant_id.in_(scope_of(session).tenant_ids), Plan.id == plan_id)
    found = session.execute(query.with_for_update() if lock else query).scalar_one_or_none()
    if found is None:
        raise NotFound("no such plan")
    return found


def plans_of(session: Session, account_ids: Collection[int]) -> Sequence[Plan]:
    """Plans on accounts of the tenants in scope, newest first."""
    query = select(Plan).where(
        Plan.tenant_id.in_(scope_of(session).tenant_ids), Plan.account_ids.overlap(list(account_ids))
    )
    return session.execute(query.order_by(Plan.id.desc())).scalars().all()


def instalments_of(session: Session, plan_ids: Collection[int]) -> dict[int, list[PlanInstalment]]:
    """The instalments of plans of the tenants in scope, in order."""
    rows = session.execute(
        select(PlanInstalment)
        .where(
            PlanInstalment.tenant_id.in_(scope_of(session).tenant_ids), PlanInstalment.plan_id.in_(plan_ids)
        )
        .order_by(PlanInstalment.plan_id, PlanInstalment.number)
    ).scalars()
    found: dict[int, list[PlanInstalment]] = {plan_id: [] for plan_id in plan_ids}
    for row in rows:
        found[row.plan_id].append(row)
    return found


def asked(session: Session) -> Sequence[Plan]:
    """Plans of the tenants in scope that wait for an approver, oldest first."""
    query = select(Plan).where(Plan.tenant_id.in_(scope_of(session).tenant_ids), Plan.state == "asked")
    return session.execute(query.order_by(Plan.agreed_at)).scalars().all()


def choice_json(choice: Choice) -> dict[str, Any]:
    """What is stored of a choice."""
    return asdict(choice) | {"first_on": choice.first_on.isoformat()}


def monthly(first_on: date, instalments: int) -> Choice:
    """Equal monthly instalments."""
    return Choice(first_on, every="monthly", instalments=instalments)


def with_first(choice: Choice, day: date) -> Choice:
    """The same choice, beginning on `day`."""
    return replace(choice, first_on=day)


def choice_from(stored: dict[str, Any]) -> Choice:
    """The choice that `choice_json` stored."""
    return Choice(**stored | {"first_on": date.fromisoformat(stored["first_on"])})


def owed(session: Session, account_ids: Collection[int]) -> list[OpenDebt]:
    """The accounts, their rows held, with something owed and still worked."""
    found = debts_by_id(session, account_ids)
    if not found or len(found) != len(set(account_ids)):
        raise NotFound("no such account")
    if len({(debt.debtor_id, debt.currency) for debt in found}) != 1:
        raise UserError("choose accounts of one debtor in one currency", field="account_ids")
    held = debts(session, debtor_id=found[0].debtor_id, currency=found[0].currency, lock=True)
    wanted = [debt for debt in held if debt.account_id in set(account_ids)]
    if any(debt.status in ENDED or debt.balance_minor <= 0 for debt in wanted):
        raise Conflict("nothing is owed on one of these accounts any more")
    return wanted


def _running(session: Session, account_ids: Collection[int]) -> Sequence[Plan]:
    query = select(Plan).where(
        Plan.tenant_id == scope_of(session).tenant(),
        Plan.account_ids.overlap(list(account_ids)),
        Plan.state == "running",
    )
    return session.execute(query.order_by(Plan.id)).scalars().all()


def _first_due(session: Session, plan: Plan) -> date:
    return instalments_of(session, [plan.id])[plan.id][0].due_date


def _record(session: Session, action: str, plan: Plan, actor: str) -> None:
    audit.record(
        session, action, f"plan:{plan.id}", actor=actor, tenant_id=plan.tenant_id,
        total_minor=plan.total_minor, beyond=plan.beyond, why=plan.decision_note or plan.why,
    )  # fmt: skip
