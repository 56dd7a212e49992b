"""Today in numbers: what is due, what went out, what waits for a person."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.outreach.queries import BY_PEOPLE
from recupero.outreach.states import AGREED
from recupero.outreach.tables import Action


@dataclass(frozen=True, slots=True)
class Due:
    """Actions waiting until a moment: all of them, and the calls and visits among them."""

    actions: int
    by_people: int


def due(session: Session, until: datetime) -> Due:
    """What the tenants in scope have waiting up to `until`."""
    row = session.execute(
        select(func.count(), func.count().filter(Action.channel.in_(BY_PEOPLE))).where(
            Action.tenant_id.in_(scope_of(session).tenant_ids),
            Action.state.in_(AGREED),
            Action.due_at < until,
        )
    ).one()
    return Due(*row)
