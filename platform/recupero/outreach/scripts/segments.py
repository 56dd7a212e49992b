"""Of which segment a call is: what is true of its account at that moment, the same for an agent's screen and
for the voice assistant."""

from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from recupero.contacts import told
from recupero.kernel import clock
from recupero.outreach.actions.approval import VULNERABLE
from recupero.outreach.scripts.shape import Segment
from recupero.payments import queries as payments
from recupero.placements import reach
from recupero.placements.reach import Reachable
from recupero.tenancy import queries as tenancy

#: Days past due up to which an account is early, and after which it is late; `general` lies between.
EARLY, LATE = 30, 90


def segment_of(session: Session, account: Reachable) -> Segment:
    """Who must be treated with particular care comes before all else, a promise that was not kept before the
    age of the debt."""
    if _vulnerable(session, account):
        return "vulnerable"
    promise = next(iter(payments.promises_of(session, [account.account_id])), None)
    if promise is not None and promise.state in ("broken", "partly_kept"):
        return "broken_promise"
    zone = ZoneInfo(account.timezone or tenancy.tenant(session).timezone)
    past_due = (clock.now().astimezone(zone).date() - account.due_date).days
    if past_due <= 0:
        return "reminder"
    if past_due <= EARLY:
        return "early"
    return "late" if past_due > LATE else "general"


def _vulnerable(session: Session, account: Reachable) -> bool:
    """Whether it is stated of the debtor, as a situation or by a rest that stands."""
    stated = told.told_of_account(session, account.debtor_id, account.account_id)
    situations = told.standing_on(stated, "situation", clock.now().date())
    holds = reach.open_holds(session, [account.debtor_id]).get(account.debtor_id, ())
    mine = {one.kind for one in holds if one.account_id in (None, account.account_id)}
    return not VULNERABLE.isdisjoint({*situations, *mine})
