"""What was agreed follows what happens to a debtor: one call, so that nothing rests on an order of handlers.

Settlements come first, because what they write off may be the last that a plan waits for. A plan that breaks,
runs again or moves tells its settlement so (`PlanBroken`, `PlanStarted`, `PlanMoved`), which is then judged
again: in the other order the books would be the same.
"""

from sqlalchemy.orm import Session

from recupero.payments.agreements import plan_following, write_offs
from recupero.payments.books import promises
from recupero.payments.events import PaymentBooked, PaymentReversed, PaymentsBooked
from recupero.placements.events import HoldsEnded, HoldsOpened

ON_MONEY = (write_offs.on_money, plan_following.on_money)


def on_money(session: Session, event: PaymentBooked | PaymentReversed | PaymentsBooked) -> None:
    """Money came in or went back: settlements and plans on these accounts are judged again."""
    for follow in ON_MONEY:
        follow(session, event)


def on_hold(session: Session, event: HoldsOpened | HoldsEnded) -> None:
    """Hardship begins or ends: the days of what was agreed move. A promise ends when hardship or a dispute
    begins, so that nobody breaks one in it."""
    promises.on_hold(session, event)
    write_offs.on_hold(session, event)
    plan_following.on_hold(session, event)


def settle_due(session: Session) -> int:
    """Judge plans and settlements of the tenant in scope whose days are over; how many changed."""
    return plan_following.settle_due(session) + write_offs.lapse_due(session)
