"""Instalments charged to a saved card on their day, where the debtor consented (`mandates`).

Never before the day where the debtor lives, never under a hold, never above what is due, consented to or
owed, never twice: each try has a row of its own and a key that the gateway knows it by. What came in is
booked by the gateway's answer or its event, whichever is first, as any other payment is.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, events, jobs
from recupero.kernel.database import scope_of
from recupero.payments.agreements import plans
from recupero.payments.charging import inbox, mandates
from recupero.payments.charging.mandate_tables import AutomaticCharge, Mandate
from recupero.payments.events import InstalmentNeedsPayer
from recupero.payments.gateways import charges, gateways
from recupero.payments.offers.offer_tables import Plan, PlanInstalment
from recupero.payments.tables import Charge, PaymentLink
from recupero.placements import reach
from recupero.placements.debts import debts_by_id
from recupero.placements.lifecycle import ENDED
from recupero.tenancy import queries as tenancy
from recupero_sdk.gateways import (
    Outcome,
    PaymentEvent,
    PaymentEventKind,
    SavedCharge,
    SavedChargeRequest,
    SavesMethods,
)
from recupero_sdk.settings import PluginConfig

#: The hour of the debtor's day from which cards are charged.
FROM_HOUR = 8
#: Days from a decline to the next try; after the last one the instalment is late as any other.
RETRY_AFTER = (2, 2)
#: Declines of one card in thirty days, after which it is left alone. Visa allows fifteen tries in thirty days
#: (Visa rules, 7.3.6, "reattempts"), so this stays below it.
MOST_DECLINES, DECLINES_WITHIN = 10, timedelta(days=30)
#: A try whose answer is not known is asked for again (with the same key) after so long.
ASK_AGAIN_AFTER = timedelta(hours=6)
#: Holds of the agreement itself; any other hold stops a charge.
_OWN_HOLDS = frozenset({"plan", "promise"})
_TRIED_AGAIN = (Outcome.DECLINED.value, "refused")


@dataclass(frozen=True, slots=True)
class Try:
    """A try with the state of its charge."""

    instalment_id: int
    attempt: int
    outcome: str | None
    again_on: date | None
    charge_state: str


def charge_due(session: Session) -> int:
    """Start a charge for each instalment of the tenant in scope whose day has come; how many.

    A card that has expired is looked up again, a consent whose last day is over ends.
    """
    started = 0
    for mandate, plan in _standing(session):
        account = next(iter(reach.reachable(session, plan.account_ids).values()), None)
        zone = ZoneInfo((account and account.timezone) or tenancy.tenant(session).timezone)
        now = clock.now().astimezone(zone)
        if is_held(session, plan):
            continue
        if now.date() > mandate.until:
            mandates.end(session, mandate, "over", by="system")
        elif now.hour >= FROM_HOUR:
            started += _charge_plan(session, mandate, plan, now.date())
    return started


def _standing(session: Session) -> Iterator[tuple[Mandate, Plan]]:
    """Running plans with a consent and an instalment that is due about now, their rows held."""
    tenant = scope_of(session).tenant()
    due = select(PlanInstalment.plan_id).where(
        PlanInstalment.tenant_id == tenant,
        PlanInstalment.state.in_(["open", "late"]),
        PlanInstalment.due_date <= clock.now().date() + timedelta(days=1),
    )
    rows = session.execute(
        select(Mandate, Plan)
        .join(Plan, (Plan.tenant_id == Mandate.tenant_id) & (Plan.id == Mandate.plan_id))
        .where(
            Mandate.tenant_id == tenant, Mandate.state == "active", Plan.state == "running",
            Plan.id.in_(due),
        )
        .order_by(Mandate.id)
        .with_for_update()
    ).all()  # fmt: skip
    return ((mandate, plan) for mandate, plan in rows)


def is_held(session: Session, plan: Plan) -> bool:
    """Whether anything but the agreement itself lets one of the plan's accounts rest: a dispute, hardship…"""
    return any(
        hold.kind not in _OWN_HOLDS and (hold.account_id is None or hold.account_id in plan.account_ids)
        for hold in reach.open_holds(session, [plan.debtor_id]).get(plan.debtor_id, [])
    )


def _charge_plan(session: Session, mandate: Mandate, plan: Plan, today: date) -> bool:
    """Start the charge of the oldest instalment that may be charged today; whether there is one."""
    tries = tries_of(session, mandate.plan_id)
    if any(one.charge_state == "pending" for one in tries) or _money_on_its_way(session, mandate):
        return False
    if mandate.expires is not None and mandate.expires < today:
        jobs.enqueue(session, "payments.look_at_card", mandate_id=mandate.id)
        return False
    if _declines(session, mandate) >= MOST_DECLINES:
        return False
    rows = plans.instalments_of(session, [plan.id])[plan.id]
    found = _next(rows, tries, today, plan.smallest_minor)
    if found is None:
        return False
    instalment, due_minor = found
    amount = min(due_minor, mandate.most_minor, _owed(session, plan))
    amount -= amount % gateways.step(session, plan.currency)
    if amount < plan.smallest_minor:
        return False
    _start(session, mandate, instalment, amount, 1 + sum(one.instalment_id == instalment.id for one in tries))
    return True


def _next(
    rows: Sequence[PlanInstalment], tries: Sequence[Try], today: date, smallest_minor: int
) -> tuple[PlanInstalment, int] | None:
    """The oldest due instalment that may be charged, and what is due of it. A rest that is tolerated or too
    small for the gateway waits and goes with the next instalment."""
    carried = 0
    for row in rows:
        if row.due_date > today:
            return None
        rest = max(row.amount_minor - row.paid_minor, 0)
        mine = [one for one in tries if one.instalment_id == row.id]
        if row.state == "paid" or (not mine and carried + rest < smallest_minor):
            carried += rest
        elif _may_try(mine, today):
            return row, carried + rest
    return None


def _may_try(tries: Sequence[Try], today: date) -> bool:
    """No try yet, the last one was never asked, or it was declined and the day of the next has come."""
    last = max(tries, key=lambda one: one.attempt, default=None)
    if last is None or last.outcome == "withdrawn":
        return True
    return last.outcome in _TRIED_AGAIN and last.again_on is not None and last.again_on <= today


def _owed(session: Session, plan: Plan) -> int:
    """What is owed on the plan's accounts that are still worked."""
    return sum(
        debt.balance_minor
        for debt in debts_by_id(session, plan.account_ids)
        if debt.balance_minor > 0 and debt.status not in ENDED
    )


def _money_on_its_way(session: Session, mandate: Mandate) -> bool:
    """The debtor paid by another means and the gateway has not said yet whether it came; or the link is
    shut."""
    link = session.get_one(PaymentLink, (mandate.tenant_id, mandate.link_id))
    found = charges.latest(session, mandate.link_id)
    return link.status != "active" or (found is not None and found.state == "pending")


def _declines(session: Session, mandate: Mandate) -> int:
    query = select(func.count()).where(
        AutomaticCharge.tenant_id == mandate.tenant_id,
        AutomaticCharge.mandate_id == mandate.id,
        AutomaticCharge.outcome == Outcome.DECLINED.value,
        AutomaticCharge.answered_at > clock.now() - DECLINES_WITHIN,
    )
    return int(session.execute(query).scalar_one())


def _start(session: Session, mandate: Mandate, instalment: PlanInstalment, amount: int, attempt: int) -> None:
    token = secrets.token_urlsafe(12)
    made = charges.unattended(
        session, mandate.link_id, mandate.gateway, amount,
        idempotency_key=f"recupero-{mandate.tenant_id}-auto-{instalment.id}-{attempt}-{token}",
    )  # fmt: skip
    tried = AutomaticCharge(
        tenant_id=mandate.tenant_id, mandate_id=mandate.id, instalment_id=instalment.id, attempt=attempt,
        charge_id=made.id, asks=0, made_at=clock.now(),
    )  # fmt: skip
    session.add(tried)
    session.flush()
    jobs.enqueue(session, "payments.charge_card", automatic_id=tried.id)


def tries_of(session: Session, plan_id: int) -> list[Try]:
    """Each try to charge an instalment of a plan of the tenants in scope, oldest first."""
    rows = session.execute(
        select(AutomaticCharge.instalment_id, AutomaticCharge.attempt, AutomaticCharge.outcome,
               AutomaticCharge.again_on, Charge.state)
        .join(PlanInstalment, (PlanInstalment.tenant_id == AutomaticCharge.tenant_id)
              & (PlanInstalment.id == AutomaticCharge.instalment_id))
        .join(Charge, (Charge.tenant_id == AutomaticCharge.tenant_id)
              & (Charge.id == AutomaticCharge.charge_id))
        .where(AutomaticCharge.tenant_id.in_(scope_of(session).tenant_ids), PlanInstalment.plan_id == plan_id)
        .order_by(AutomaticCharge.id)
    )  # fmt: skip
    return [Try(*row) for row in rows]


def begin(
    session: Session, automatic_id: int
) -> tuple[SavesMethods, SavedChargeRequest, PluginConfig] | None:
    """What to ask the gateway for a try, counted as asked; None where it is not to be asked any more.

    A try that was never asked is withdrawn where the consent has ended or a hold came meanwhile. One whose
    answer is not known is asked again with the same key whatever happened since: the money may be taken.
    """
    tried = _find(session, automatic_id)
    mandate, made = mandates.find(session, tried.mandate_id), charges.charge(session, tried.charge_id)
    if tried.outcome is not None or made.state != "pending":
        return None
    plan = plans.find(session, mandate.plan_id)
    if tried.asks == 0 and (
        mandate.state != "active" or plan.state != "running" or is_held(session, plan)
        or made.amount_minor > _owed(session, plan)
    ):  # fmt: skip
        tried.outcome, tried.answered_at, made.state = "withdrawn", clock.now(), "cancelled"
        return None
    if mandate.customer is None or mandate.method is None:
        raise RuntimeError(f"consent {mandate.id} is charged without a card")
    tried.asks += 1
    gateway, config = gateways.open_gateway(session, made.gateway)
    if not isinstance(gateway, SavesMethods):
        raise RuntimeError(f"the gateway {made.gateway} keeps no cards")
    request = SavedChargeRequest(
        idempotency_key=made.idempotency_key, amount_minor=made.amount_minor, currency=made.currency,
        description=tenancy.tenant(session).name, customer=mandate.customer, method=mandate.method,
        metadata={
            "recupero_tenant": str(made.tenant_id), "recupero_charge": str(made.id),
            "recupero_instalment": str(tried.instalment_id),
        },
        fee_minor=made.fee_minor, again=tried.asks > 1,
    )  # fmt: skip
    return gateway, request, config


def answered(session: Session, automatic_id: int, answer: SavedCharge) -> None:
    """Take what the gateway said: the money is booked as its event books it, a refusal leads to another try,
    a word to the debtor, or the end of the consent."""
    tried = _find(session, automatic_id)
    if tried.outcome is not None:
        return
    tried.outcome, tried.reason, tried.answered_at = answer.outcome.value, answer.reason or None, clock.now()
    made = charges.charge(session, tried.charge_id)
    made.reference, made.fee_minor = answer.payment_reference or None, answer.fee_minor
    session.flush()
    if answer.outcome is Outcome.SUCCEEDED:
        _book(session, made, answer)
    elif answer.outcome is not Outcome.PENDING:
        _not_paid(session, tried, made)
    _record(session, tried, made)


def refused(session: Session, automatic_id: int, reason: str) -> None:
    """The gateway will not be asked like this: its set-up is wrong. A person may have mended it by the day
    of the next try."""
    tried = _find(session, automatic_id)
    tried.outcome, tried.reason, tried.answered_at = "refused", reason, clock.now()
    made = charges.charge(session, tried.charge_id)
    _not_paid(session, tried, made)
    _record(session, tried, made)


def _book(session: Session, made: Charge, answer: SavedCharge) -> None:
    event = PaymentEvent(
        event_id=made.idempotency_key, kind=PaymentEventKind.SUCCEEDED, charge_reference=None,
        payment_reference=answer.payment_reference, amount_minor=made.amount_minor, currency=made.currency,
        occurred_at=answer.at or clock.now(),
        metadata={"recupero_tenant": str(made.tenant_id), "recupero_charge": str(made.id)},
    )  # fmt: skip
    inbox.work(session, made.gateway, event)


def _not_paid(session: Session, tried: AutomaticCharge, made: Charge) -> None:
    made.state, made.problem = "failed", tried.outcome
    mandate = mandates.find(session, tried.mandate_id, lock=True)
    if tried.outcome in _TRIED_AGAIN and tried.attempt <= len(RETRY_AFTER):
        tried.again_on = clock.now().date() + timedelta(days=RETRY_AFTER[tried.attempt - 1])
    session.flush()
    if tried.outcome == Outcome.GONE.value and mandate.state == "active":
        mandates.end(session, mandate, "gone", by=made.gateway)
    if tried.outcome == Outcome.NEEDS_PAYER.value:
        plan = plans.find(session, mandate.plan_id)
        events.publish(session, InstalmentNeedsPayer(tuple(plan.account_ids), plan.id))


def ask_forgotten(session: Session) -> int:
    """Ask again for tries whose answer nobody knows, with the same key; how many."""
    unknown = session.execute(
        select(AutomaticCharge.id)
        .join(Charge, (Charge.tenant_id == AutomaticCharge.tenant_id)
              & (Charge.id == AutomaticCharge.charge_id))
        .where(
            AutomaticCharge.tenant_id == scope_of(session).tenant(), AutomaticCharge.outcome.is_(None),
            AutomaticCharge.made_at < clock.now() - ASK_AGAIN_AFTER, Charge.state == "pending",
        )
    ).scalars().all()  # fmt: skip
    for automatic_id in unknown:
        jobs.enqueue(
            session, "payments.charge_card", unique_key=f"card:{scope_of(session).tenant()}:{automatic_id}",
            automatic_id=automatic_id,
        )  # fmt: skip
    return len(unknown)


def _find(session: Session, automatic_id: int) -> AutomaticCharge:
    return session.execute(
        select(AutomaticCharge)
        .where(AutomaticCharge.tenant_id == scope_of(session).tenant(), AutomaticCharge.id == automatic_id)
        .with_for_update()
    ).scalar_one()


def _record(session: Session, tried: AutomaticCharge, made: Charge) -> None:
    audit.record(
        session, "payments.card_charged", f"charge:{made.id}", actor="system", tenant_id=made.tenant_id,
        amount_minor=made.amount_minor, currency=made.currency, attempt=tried.attempt,
        outcome=tried.outcome, reason=tried.reason,
    )  # fmt: skip
