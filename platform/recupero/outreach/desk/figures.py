"""What agents did today and this week, from what was at their desks, and what they aim at."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, extract, func, select
from sqlalchemy.orm import Session

from recupero.contacts.dispositions import DISPOSITIONS
from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.outreach.desk_tables import Goal, Sitting
from recupero.tenancy import queries as tenancy

PERIODS = ("day", "week")
#: What goals are set for: accounts worked to a result, people reached, agreements.
MEASURES = ("worked", "reached", "agreed")
MOST = 10_000
_REACHED = tuple(code for code, found in DISPOSITIONS.items() if found.right_party)
_AGREED = ("PTPF", "PTPP", "PLAN", "SETL", "PAID")


@dataclass(frozen=True, slots=True)
class Done:
    """What one agent did: accounts laid down with a result, of these people reached and agreements; seconds
    of talk, and of the work after it."""

    worked: int = 0
    reached: int = 0
    agreed: int = 0
    talk_seconds: int = 0
    wrap_seconds: int = 0

    @property
    def wrap_each(self) -> int | None:
        """Seconds of wrapping up per account; None where there was none."""
        return round(self.wrap_seconds / self.worked) if self.worked else None


def of_agents(session: Session, period: str) -> dict[int, Done]:
    """What each agent of the agency in scope did since the day or the week began, by the agency's clock."""
    wrapped = func.coalesce(Sitting.closed_at - Sitting.talk_until, timedelta(0))
    talked = func.coalesce(Sitting.talk_until - Sitting.talk_from, timedelta(0))
    rows = session.execute(
        select(
            Sitting.user_id,
            func.count(),
            func.count().filter(Sitting.result.in_(_REACHED)),
            func.count().filter(Sitting.result.in_(_AGREED)),
            func.sum(extract("epoch", talked)),
            func.sum(extract("epoch", wrapped)),
        )
        .where(
            Sitting.agency_id == scope_of(session).agency(),
            Sitting.taken_at >= _since(session, period),
            Sitting.ended == "done",
            Sitting.result.is_not(None),
        )
        .group_by(Sitting.user_id)
    )
    return {row[0]: Done(row[1], row[2], row[3], int(row[4] or 0), int(row[5] or 0)) for row in rows}


def goals(session: Session) -> dict[int, dict[tuple[str, str], int]]:
    """What each agent of the agency in scope aims at, by period and measure."""
    rows = session.execute(select(Goal).where(Goal.agency_id == scope_of(session).agency())).scalars()
    found: dict[int, dict[tuple[str, str], int]] = {}
    for goal in rows:
        found.setdefault(goal.user_id, {})[goal.period, goal.measure] = goal.target
    return found


def set_goals(
    session: Session, user_id: int, targets: Mapping[tuple[str, str], int | None], *, actor: str
) -> None:
    """Set an agent's goals, all of them; None: none. Raises NotFound for no user of the agency, UserError at
    `<period>_<measure>` for what no goal can be."""
    if user_id not in {user.id for user in tenancy.users(session)}:
        raise NotFound("There is no such user.")
    for (period, measure), target in targets.items():
        if target is not None and not 0 < target <= MOST:
            raise UserError("Give a number from 1 to 10,000, or nothing.", field=f"{period}_{measure}")
    agency = scope_of(session).agency()
    session.execute(delete(Goal).where(Goal.agency_id == agency, Goal.user_id == user_id))
    session.add_all(
        Goal(
            agency_id=agency, user_id=user_id, period=period, measure=measure, target=target, set_by=actor,
            set_at=clock.now(),
        )
        for (period, measure), target in targets.items()
        if target is not None
    )  # fmt: skip
    session.flush()
    told = {f"{period}_{measure}": target for (period, measure), target in targets.items()}
    audit.record(session, "outreach.goals_set", f"user:{user_id}", actor=actor, **told)


def _since(session: Session, period: str) -> datetime:
    """Midnight of today, or of this week's Monday."""
    zone = ZoneInfo(tenancy.agency(session).timezone)
    today = clock.now().astimezone(zone).date()
    first = today if period == "day" else today - timedelta(days=today.weekday())
    return datetime.combine(first, time(), zone)
