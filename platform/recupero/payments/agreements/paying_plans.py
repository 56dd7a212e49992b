"""The plans that pay settlements: when one broke follows from its receipts alone.

Not from the plan's state, which also tells what was noticed when, and that nothing was owed any more: so a
settlement comes to the same in whatever order its receipts become known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.payments.agreements import plans
from recupero.payments.offers import hardship, plan_standing
from recupero.payments.offers.offer_tables import Plan, Settlement
from recupero.payments.offers.plan_schedule import Instalment, WorkingDay, working_days
from recupero.payments.offers.plan_standing import Receipt, Rest
from recupero.tenancy import queries as tenancy

_STARTED = ("running", "kept", "broken", "replaced")


@dataclass(frozen=True, slots=True)
class PayingPlan:
    """A plan with its instalments as they were agreed; `until`: today, or the day on which it was cancelled
    or another plan took its place."""

    plan: Plan
    instalments: Sequence[Instalment]
    rests: Sequence[Rest]
    is_working: WorkingDay
    until: date

    def broken_on(self, receipts: Iterable[Receipt]) -> date | None:
        """The last day of grace of the instalment that did not come, if one did not."""
        _state, standings = plan_standing.judge(
            self.instalments, receipts, grace_days=self.plan.grace_days, today=self.until,
            smallest_minor=self.plan.smallest_minor, rests=self.rests, is_working=self.is_working,
        )  # fmt: skip
        return next((one.last_day for one in standings if one.state == "missed"), None)


def of_settlements(session: Session, found: Sequence[Settlement]) -> dict[int, PayingPlan]:
    """The plans of those of these settlements of one tenant that are paid by one."""
    wanted = [one.id for one in found if one.instalments > 1]
    if not wanted:
        return {}
    newer = aliased(Plan)
    gave_way = (
        select(func.min(newer.agreed_at))
        .where(newer.tenant_id == Plan.tenant_id, newer.id > Plan.id, newer.state.in_(_STARTED),
               newer.account_ids.overlap(Plan.account_ids))
        .scalar_subquery()
    )  # fmt: skip
    rows = session.execute(
        select(Plan, gave_way)
        .where(Plan.tenant_id == scope_of(session).tenant(), Plan.settlement_id.in_(wanted))
        .order_by(Plan.id)
    ).all()
    house = tenancy.tenant(session)
    zone, is_working = ZoneInfo(house.timezone), working_days(house.country)
    held = hardship.pauses(session, {plan.debtor_id for plan, _ in rows})
    agreed = plans.instalments_of(session, [plan.id for plan, _ in rows])
    return {
        plan.settlement_id: PayingPlan(
            plan,
            [Instalment(one.number, one.moved_from or one.due_date, one.amount_minor)
             for one in agreed[plan.id]],
            hardship.rests(held, plan, plan.agreed_at, zone),
            is_working,
            _until(plan, gave_way, zone),
        )
        for plan, gave_way in rows
        if plan.settlement_id is not None
    }  # fmt: skip


def _until(plan: Plan, gave_way: datetime | None, zone: ZoneInfo) -> date:
    ended = [gave_way, plan.ended_at if plan.state == "cancelled" else None]
    return min([clock.now(), *(one for one in ended if one is not None)]).astimezone(zone).date()
