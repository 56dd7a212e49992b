"""Today in numbers: what is due, what went out, what waits for a person."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recupero.kernel.database import scope_of
from recupero.kernel.listing import Part, arranged_of
from recupero.outreach.actions.states import AGREED
from recupero.outreach.queries import BY_PEOPLE
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


@dataclass(frozen=True, slots=True)
class DueLine:
    """One action that waits."""

    id: int
    tenant_id: int
    account_id: int
    due_at: datetime
    channel: str
    template: str
    state: str


def due_lines(
    session: Session, until: datetime, part: Part, channel: str | None = None, tenant_id: int | None = None
) -> list[DueLine]:
    """What `due` counts, by its moment; of one tenant in scope, where it is named."""
    tenants = [one for one in scope_of(session).tenant_ids if tenant_id in (None, one)]
    query = select(
        Action.id, Action.tenant_id, Action.account_id, Action.due_at, Action.channel, Action.template,
        Action.state,
    ).where(
        Action.tenant_id.in_(tenants), Action.state.in_(AGREED), Action.due_at < until
    )  # fmt: skip
    if channel:
        query = query.where(Action.channel == channel)
    by = {"due": Action.due_at, "channel": Action.channel, "what": Action.template, "state": Action.state}
    key, own = (Action.tenant_id, Action.id), (Action.due_at, Action.id)
    rows = session.execute(arranged_of(query, key, tenants, by, part, *own))
    return [DueLine(*row) for row in rows]


def by_channel(session: Session, until: datetime) -> dict[tuple[int, str], int]:
    """What `due` counts, by tenant and channel."""
    rows = session.execute(
        select(Action.tenant_id, Action.channel, func.count())
        .where(
            Action.tenant_id.in_(scope_of(session).tenant_ids), Action.state.in_(AGREED),
            Action.due_at < until,
        )
        .group_by(Action.tenant_id, Action.channel)
    )  # fmt: skip
    return {(tenant_id, channel): number for tenant_id, channel, number in rows}
