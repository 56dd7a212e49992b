"""In which stretch of time each account is paid under a settlement."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session, aliased

from recupero.kernel.database import scope_of
from recupero.payments.offers import hardship, plan_standing
from recupero.payments.offers.offer_tables import Plan, PlanInstalment, Settlement
from recupero.payments.offers.plan_schedule import working_days
from recupero.tenancy import queries as tenancy

GRACE = timedelta(days=3)


Window = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class LastDay:
    """By when the sum of a settlement was to be paid, as agreed and after all pauses."""

    agreed: date
    moved: date


def last_days(session: Session, found: Sequence[Settlement]) -> dict[int, LastDay]:
    """By settlement of the tenant in scope: of its plan, where one pays it, else of itself."""
    agreed = func.max(func.coalesce(PlanInstalment.moved_from, PlanInstalment.due_date))
    rows = session.execute(
        select(Plan.settlement_id, agreed)
        .join(PlanInstalment, (PlanInstalment.tenant_id == Plan.tenant_id)
              & (PlanInstalment.plan_id == Plan.id))
        .where(Plan.tenant_id == scope_of(session).tenant(),
               Plan.settlement_id.in_([one.id for one in found]))
        .group_by(Plan.settlement_id)
    )  # fmt: skip
    by_plan = {row.settlement_id: row[1] for row in rows}
    held, house = hardship.pauses(session, {one.debtor_id for one in found}), tenancy.tenant(session)
    days = {}
    for one in found:
        day = by_plan.get(one.id, one.moved_from or one.pay_by)
        rests = hardship.rests(held, one, one.accepted_at or one.made_at, ZoneInfo(house.timezone))
        moved, _grace = plan_standing.moved(day, None, GRACE.days, rests, working_days(house.country))
        days[one.id] = LastDay(day, moved)
    return days


def windows(session: Session, account_ids: Collection[int]) -> dict[int, list[Window]]:
    """From when to when each account of the tenant in scope was paid under a settlement: from its acceptance
    to the end of the last day that was agreed for its sum, or until another one took its place. Not to when
    it was seen to have lapsed, or its plan to be broken: that depends on the order in which things are told.
    """
    later = aliased(Settlement)
    replaced = (
        select(func.min(later.accepted_at))
        .where(later.tenant_id == Settlement.tenant_id, later.account_ids.overlap(Settlement.account_ids),
               tuple_(later.accepted_at, later.id) > tuple_(Settlement.accepted_at, Settlement.id))
        .scalar_subquery()
    )  # fmt: skip
    rows = session.execute(
        select(Settlement, replaced).where(
            Settlement.tenant_id == scope_of(session).tenant(),
            Settlement.account_ids.overlap(list(account_ids)),
            Settlement.accepted_at.is_not(None),
        )
    ).all()
    found: defaultdict[int, list[Window]] = defaultdict(list)
    if not rows:
        return found
    zone, days = ZoneInfo(tenancy.tenant(session).timezone), last_days(session, [one for one, _ in rows])
    for one, replaced_at in rows:
        end = datetime.combine(days[one.id].moved + GRACE + timedelta(days=1), time(), zone)
        for account in one.account_ids:
            if one.accepted_at is not None:
                found[account].append((one.accepted_at, min(end, replaced_at or end)))
    return found


def settled_at(open_for: Mapping[int, Sequence[Window]], at: datetime) -> frozenset[int]:
    """The accounts of `windows` whose payments at a moment count as paid under a settlement."""
    return frozenset(
        account for account, spans in open_for.items() if any(since < at < until for since, until in spans)
    )


def settled_accounts(session: Session, account_ids: Collection[int], at: datetime) -> frozenset[int]:
    """Those of the accounts that a settlement was accepted for: payments at that moment are paid under it."""
    return settled_at(windows(session, account_ids), at)
