"""A message whose address turned out to be dead after it had gone out: the same goes to the debtor's next
address of the channel at once, as far as the law of the moment lets it."""

from datetime import datetime

import orjson
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.outreach import service
from recupero.outreach.actions.kinds import TEMPLATES
from recupero.outreach.actions.points import fits
from recupero.outreach.actions.states import Move, move
from recupero.outreach.service import NewAction
from recupero.outreach.tables import Action
from recupero.placements import reach


def send(session: Session, action_id: int, reason: str | None) -> bool:
    """Make the action again for another address of its debtor; whether there is one. It has as long as the
    first had; the law, the caps and whatever speaks against it are asked as of any other.

    Not made again: what answers a person or was led by one (an answer goes where it was asked from), and what
    something newer has taken the place of, which is also what a bounce that is told twice finds.
    """
    action = session.get_one(Action, (scope_of(session).tenant(), action_id), with_for_update=True)
    if action.template not in TEMPLATES or _newer(session, action):
        return False
    points = reach.points_of(session, [action.debtor_id]).get(action.debtor_id, ())
    if not any(fits(point, action.channel) for point in points):
        return False
    now = clock.now()
    service.schedule(session, [NewAction(
        action.account_id, action.debtor_id, action.person_id, action.channel, action.template, now,
        now + (action.expires_at - action.created_at), tone=action.tone, purpose=action.purpose,
        priority=action.priority, draft_id=action.draft_id,
        assistant=None if action.assistant is None else orjson.dumps(action.assistant).decode(),
    )])  # fmt: skip
    made = _made(session, action, now)
    move(session, [Move(one, "scheduled", f"address: {reason or 'no reason given'}") for one in made])
    return True


def _newer(session: Session, action: Action) -> bool:
    later = exists().where(
        Action.tenant_id == action.tenant_id, Action.account_id == action.account_id,
        Action.created_at >= action.created_at, Action.id != action.id, Action.template.in_(TEMPLATES),
    )  # fmt: skip
    return bool(session.execute(select(later)).scalar_one())


def _made(session: Session, action: Action, since: datetime) -> list[int]:
    query = select(Action.id).where(
        Action.tenant_id == action.tenant_id, Action.account_id == action.account_id,
        Action.created_at >= since, Action.state == "scheduled", Action.template == action.template,
    )  # fmt: skip
    return list(session.execute(query).scalars())
