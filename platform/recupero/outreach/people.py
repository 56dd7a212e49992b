"""Calls that a person makes: reserved through the gate like every message, ended with a coded result."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts import service as contacts
from recupero.contacts.service import Reservation, Wish
from recupero.kernel.database import scope_of
from recupero.outreach.queries import BY_PEOPLE
from recupero.outreach.states import Move, move
from recupero.outreach.tables import Action


def begin_call(session: Session, *, account_id: int, contact_point_id: int) -> Reservation:
    """Ask the law and reserve a call of the tenant in scope, before anybody dials.

    A planned call of the account is taken up with it. Where the law refuses, nothing is reserved and the
    verdict says why. Raises KeyError where the account is not in scope.
    """
    planned = _calls(session, account_id, "scheduled")
    action_id = planned[0] if planned else None
    reserved = contacts.reserve(
        session, [Wish(account_id, "call", contact_point_id, action_id=action_id, connector="agent")]
    )[0]
    if reserved.contact_id is not None and action_id is not None:
        move(session, [Move(action_id, "reserved")])
    return reserved


def end_call(session: Session, *, account_id: int, contact_id: int, code: str, actor: str) -> None:
    """Write down the coded result of a call that was begun, and finish the planned action it took up.

    Raises UserError on an unknown code, NotFound on an unknown contact.
    """
    contacts.record_disposition(session, contact_id, code, actor=actor)
    move(session, [Move(action_id, "done", code) for action_id in _calls(session, account_id, "reserved")])


def _calls(session: Session, account_id: int, state: str) -> list[int]:
    return list(
        session.execute(
            select(Action.id)
            .where(
                Action.tenant_id == scope_of(session).tenant(), Action.account_id == account_id,
                Action.state == state, Action.channel.in_(BY_PEOPLE),
            )
            .order_by(Action.due_at)
            .limit(1)
        ).scalars()
    )  # fmt: skip
