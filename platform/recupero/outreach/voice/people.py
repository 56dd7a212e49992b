"""Whom a call can be put through to: somebody who takes calls now, and is not on one; else when one calls."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recupero.contacts import judging
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.outreach.conversations import conversations
from recupero.outreach.script_tables import CallLeg
from recupero.outreach.understanding import desk, hours
from recupero.tenancy import queries as tenancy

#: Longer than a call may last: a transfer of which no end was told is over by then.
LONGEST_CALL = timedelta(hours=1)
RINGING = "ringing"
#: How often a moment at which the law allows a call may fall outside of people's hours.
_TRIES = 10


@dataclass(frozen=True, slots=True)
class Taker:
    """A person and the number where their calls ring."""

    user_id: int
    phone: str


def taker(session: Session, debtor_id: int, why: str, language: str) -> Taker | None:
    """Who takes a call of this debtor, chosen as for any hand-over (`desk.choose`) among those who take calls
    now; the load is how many calls each had today. None where nobody is there."""
    now, calls = clock.now(), _calls(session)
    phones = {
        user.id: user.phone
        for user in tenancy.users(session)
        if user.phone and user.takes_calls_until is not None and user.takes_calls_until > now
    }
    free = [
        user
        for user in desk.workers(session, scope_of(session).tenant())
        if user.id in phones and not calls.get(user.id, (0, False))[1]
    ]
    load = {user_id: count for user_id, (count, _lasts) in calls.items()}
    found = desk.choose(free, why, language, load, conversations.spoke_with(session, debtor_id))
    return Taker(found.id, phones[found.id]) if found else None


def call_back_at(session: Session, account_id: int) -> datetime | None:
    """The first moment at which people work and the law allows them to call; None where none is in sight."""
    people, at = hours.hours(session), clock.now()
    for _try in range(_TRIES):
        at = people.after(at, timedelta(0))
        verdict = judging.judge_now(session, account_id, "call", at)
        if verdict.allowed:
            return at
        if verdict.next_lawful_at is None:
            return None
        at = verdict.next_lawful_at
    return None


def _calls(session: Session) -> dict[int, tuple[int, bool]]:
    """By user: how many calls were put through today, and whether the last of them still lasts."""
    since = clock.now() - timedelta(hours=24)
    mine = (CallLeg.tenant_id == scope_of(session).tenant(), CallLeg.user_id.is_not(None), CallLeg.at > since)
    counted = (
        select(CallLeg.user_id, func.count(), func.max(CallLeg.id)).where(*mine).group_by(CallLeg.user_id)
    )
    rows: dict[int, tuple[int, int]] = {
        user_id: (count, newest) for user_id, count, newest in session.execute(counted) if user_id is not None
    }
    last = select(CallLeg.id).where(
        CallLeg.tenant_id == scope_of(session).tenant(),
        CallLeg.id.in_([newest for _count, newest in rows.values()]),
        CallLeg.status == RINGING,
        CallLeg.at > clock.now() - LONGEST_CALL,
    )
    lasting = set(session.execute(last).scalars())
    return {user_id: (count, newest in lasting) for user_id, (count, newest) in rows.items()}
