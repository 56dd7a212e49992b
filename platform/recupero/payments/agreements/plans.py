"""Plans: previewed, agreed, judged by what comes in, planned anew, cancelled.

What a plan may be is the creditor's policy (`policy`), what it looks like `plan_schedule`, how it stands
`plan_standing`, and `plan_following` lets it follow what happens. A running plan is a hold on its accounts; a
broken one is negotiated again.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, events
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, Forbidden, NotFound, UserError
from recupero.kernel.money import smallest_coin
from recupero.payments.books import promises
from recupero.payments.events import (
    PlanEnded,
    PlanStarted,
)
from recupero.payments.gateways import gateways
from recupero.payments.offers.offer_tables import Plan, PlanInstalment
from recupero.payments.offers.plan_schedule import Choice, Limits, Schedule, preview, working_days
from recupero.payments.offers.policy import Leave, Offerer, OfferPolicy, leave_for_plan, policy_of
from recupero.placements import service as placements
from recupero.placements.debts import OpenDebt, debts, debts_by_id
from recupero.placements.events import AccountsClosed
from recupero.placements.lifecycle import CLIENT_DECISION, ENDED, SUCCESS
from recupero.tenancy import queries as tenancy

#: What an exception may reach at most.
WIDEST = Limits(max_instalments=120, minimum_minor=1, first_payment_days=365)


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
    """What a plan over these accounts of the tenant in scope would be: over all that is owed and the gateway
    can take, or over `total_minor` of it (a settlement).

    A debtor's own page gets no more than its limits; others may look beyond and are told who has to agree.
    Raises NotFound, or UserError at the field of the choice.
    """
    return proposer(session, account_ids, offerer)(choice, total_minor)


def proposer(
    session: Session, account_ids: Collection[int], offerer: Offerer
) -> Callable[[Choice, int | None], Proposal]:
    """`propose` for several choices (and totals): what they rest on is read once. Raises as it does; what it
    gives raises UserError at the field of a choice."""
    held = owed(session, account_ids)
    policy, tenant = policy_of(held), tenancy.tenant(session)
    today, is_working = clock.today(tenant.timezone), working_days(tenant.country)
    limits = policy.of(offerer).plan_limits if offerer.role == "page" else WIDEST
    step = gateways.step(session, policy.currency)

    def proposal(choice: Choice, total_minor: int | None = None) -> Proposal:
        schedule = preview(
            policy.balance_minor // step * step if total_minor is None else total_minor, limits, choice,
            today=today, is_working=is_working, unit_minor=max(step, smallest_coin(policy.currency)),
        )  # fmt: skip
        return Proposal(held[0].debtor_id, policy, schedule, leave_for_plan(policy, offerer, schedule, today))

    return proposal


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
        start(session, plan)
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


def start(session: Session, plan: Plan) -> None:
    """From now on the accounts rest while the instalments come in."""
    promises.cancel_open(session, plan.account_ids)
    for other in running(session, plan.account_ids):
        if other.id != plan.id:
            end(session, other, "replaced", by=f"plan:{plan.id}")
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
        start(session, plan)
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
    end(session, plan, "cancelled", by=actor)
    placements.set_stage(session, plan.account_ids, "negotiating")
    _record(session, "payments.plan_cancelled", plan, actor)


def on_closed(session: Session, event: AccountsClosed) -> None:
    """Work has ended for good: so do the plans. Paid plans end by their payments, those of accounts that the
    creditor recalled are kept (domain page, 3)."""
    if event.code in SUCCESS or event.code in CLIENT_DECISION:
        return
    for plan in running(session, event.account_ids):
        end(session, plan, "cancelled", by=f"closed:{event.code}")


def end(session: Session, plan: Plan, state: str, *, by: str) -> None:
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


def running(session: Session, account_ids: Collection[int]) -> Sequence[Plan]:
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
