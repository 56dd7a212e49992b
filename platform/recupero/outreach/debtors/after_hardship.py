"""Hardship that ran out: the debtor is told kindly that the pause is over, or a person asks how they are.

Whoever was in severe hardship, or cannot be written to, is handed over: a person comes first, and machines
are silent until that person is done. Everybody else gets one kind message that the pause is over and
that help and a plan are there; the law is asked as for any other.
"""

from datetime import timedelta

from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.outreach import service
from recupero.outreach.conversations import conversations
from recupero.outreach.understanding import hand_overs
from recupero.payments.events import HardshipOver
from recupero.placements import reach

TEMPLATE = "pause_over"
WHY = "hardship_over"
#: For so long a lawful moment is awaited.
WITHIN = timedelta(days=14)


def on_hardship_over(session: Session, event: HardshipOver) -> None:
    """Tell the debtor or hand them over. Where something else holds all of it, nothing begins again: whoever
    lifts that hold sees the case."""
    stops = [
        hold.account_id
        for hold in reach.open_holds(session, [event.debtor_id]).get(event.debtor_id, ())
        if hold.kind not in service.AGREEMENTS
    ]
    free = [] if None in stops else [one for one in event.account_ids if one not in stops]
    worked = [one for one in free if not reach.reachable(session, [one])[one].ended]
    if not worked:
        return
    first = worked[:1]
    if event.severe or not service.say_at_once(session, first, TEMPLATE, tone="kind", within=WITHIN):
        conversations.note(
            session, debtor_id=event.debtor_id, account_id=first[0], channel=conversations.LINK,
            at=clock.now(),
        )  # fmt: skip
        hand_overs.open_one(session, debtor_id=event.debtor_id, account_id=first[0], contact_id=None, why=WHY)
