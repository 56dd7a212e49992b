"""Whose an account is: taken on a lease, kept while its agent works, laid down, or free when it runs out.

The lock is the open row itself: two unique indexes let an agent have one account and a person be at one desk,
whatever two processes do at once. Taking waits for nobody, so it writes no chained audit entry: the row stays
and tells who had which account when. Needs the agency in scope throughout.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound
from recupero.outreach.desk_tables import Sitting
from recupero.placements import reach

#: How long an account stays with an agent who does nothing, and during a call.
LEASE, IN_CALL = timedelta(minutes=15), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account that could be worked now, and why it is: call_back, handed_over, queue, chosen."""

    tenant_id: int
    account_id: int
    debtor_id: int
    person_id: int
    why: str
    action_id: int | None = None


def take(session: Session, user_id: int, wanted: Candidate, *, wait: bool = False) -> Sitting | None:
    """Lock the account for the user. None where somebody else has the person, or the user another account;
    also where somebody is busy with the person at this very moment, unless we `wait` for that."""
    expire(session)
    if wait:
        reach.lock_people(session, [wanted.person_id])
    elif not reach.try_person(session, wanted.person_id):
        return None
    now = clock.now()
    made = session.execute(
        insert(Sitting)
        .values(
            agency_id=scope_of(session).agency(), user_id=user_id, tenant_id=wanted.tenant_id,
            account_id=wanted.account_id, debtor_id=wanted.debtor_id, person_id=wanted.person_id,
            why=wanted.why, action_id=wanted.action_id, taken_at=now, leased_until=now + LEASE,
        )
        .on_conflict_do_nothing()
        .returning(Sitting.id)
    ).scalar_one_or_none()  # fmt: skip
    if made is None:
        return None
    return session.execute(select(Sitting).where(Sitting.id == made)).scalar_one()


def choose(session: Session, user_id: int, account_id: int) -> Sitting:
    """Take an account that the user opened themselves. Raises NotFound; Conflict where they have another one,
    or somebody else has this person."""
    found = reach.reachable(session, [account_id]).get(account_id)
    if found is None:
        raise NotFound("no such account")
    mine = of_user(session, user_id)
    if mine is not None and mine.account_id == account_id:
        return mine
    if mine is not None:
        raise Conflict("first finish the account that you have at your desk, or put it back")
    wanted = Candidate(found.tenant_id, account_id, found.debtor_id, found.person_id, "chosen")
    taken = take(session, user_id, wanted, wait=True)
    if taken is None:
        raise Conflict("a colleague has this person at their desk: try again when they are done")
    return taken


def of_user(session: Session, user_id: int) -> Sitting | None:
    """What the user has at their desk; None also where their lease has run out."""
    return _one(session, Sitting.user_id == user_id)


def find(session: Session, sitting_id: int) -> Sitting:
    """The sitting of that id for one of the tenants in scope, open or over. Raises NotFound."""
    found = session.execute(
        select(Sitting).where(
            _mine(session), Sitting.id == sitting_id, Sitting.tenant_id.in_(scope_of(session).tenant_ids)
        )
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("no such account at a desk")
    return found


def of_person(session: Session, person_id: int) -> Sitting | None:
    """At whose desk a person is, for whichever creditor."""
    return _one(session, Sitting.person_id == person_id)


def held(session: Session, user_id: int, sitting_id: int) -> Sitting:
    """The sitting, renewed and locked until the transaction ends: everything that an agent does with their
    account begins here. Raises Conflict where it is not theirs any more."""
    found = session.execute(
        select(Sitting)
        .where(_is_open(session), Sitting.id == sitting_id, Sitting.user_id == user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if found is None:
        raise Conflict("this account is not at your desk any more")
    talking = found.talk_from is not None and found.talk_until is None
    found.leased_until = clock.now() + (IN_CALL if talking else LEASE)
    session.flush()
    return found


def everybody(session: Session) -> list[Sitting]:
    """What everybody has at their desk of the tenants in scope, the longest first."""
    rows = session.execute(
        select(Sitting)
        .where(_is_open(session), Sitting.tenant_id.in_(scope_of(session).tenant_ids))
        .order_by(Sitting.taken_at)
    )
    return list(rows.scalars())


def talk(session: Session, sitting: Sitting, contact_id: int) -> None:
    """A call has begun: the time of the talk runs, and the lease is longer."""
    sitting.contact_id, sitting.talk_from, sitting.talk_until = contact_id, clock.now(), None
    sitting.leased_until = clock.now() + IN_CALL
    session.flush()


def hung_up(session: Session, sitting: Sitting) -> None:
    """The talk is over; what follows is wrapping up."""
    if sitting.talk_from is not None and sitting.talk_until is None:
        sitting.talk_until = clock.now()
        sitting.leased_until = clock.now() + LEASE
    session.flush()


def close(session: Session, sitting: Sitting, ended: str, result: str | None = None) -> None:
    """The account is free again. `ended`: done, released, signed_out, freed."""
    now = clock.now()
    hung_up(session, sitting)
    sitting.closed_at, sitting.ended, sitting.result = now, ended, result
    session.flush()


def sign_out(session: Session, user_id: int) -> None:
    """Whoever leaves has no account at their desk."""
    found = of_user(session, user_id)
    if found is not None:
        close(session, found, "signed_out")


def free(session: Session, sitting_id: int, *, actor: str) -> None:
    """A supervisor takes an account of the tenants in scope from an agent's desk. Raises NotFound."""
    found = _one(
        session, (Sitting.id == sitting_id) & Sitting.tenant_id.in_(scope_of(session).tenant_ids), lock=True
    )
    if found is None:
        raise NotFound("nobody has this account at their desk any more")
    close(session, found, "freed")
    audit.record(
        session, "outreach.desk_freed", f"account:{found.account_id}", actor=actor,
        tenant_id=found.tenant_id, user=found.user_id,
    )  # fmt: skip


def expire(session: Session) -> None:
    """Close what nobody renewed, as of the moment at which its lease ran out; a talk ended by then."""
    now = clock.now()
    late = (
        select(Sitting.id)
        .where(_mine(session), Sitting.closed_at.is_(None), Sitting.leased_until <= now)
        .with_for_update(skip_locked=True)
    )
    session.execute(
        update(Sitting)
        .where(_mine(session), Sitting.id.in_(late))
        .values(closed_at=Sitting.leased_until, ended="expired")
        .execution_options(synchronize_session=False)
    )


def busy(session: Session, person_ids: Collection[int]) -> set[int]:
    """Those of these people who are at somebody's desk now."""
    rows = session.execute(
        select(Sitting.person_id).where(_is_open(session), Sitting.person_id.in_(person_ids))
    )
    return set(rows.scalars())


def laid_down(
    session: Session, user_id: int, person_ids: Collection[int], since: datetime
) -> dict[int, datetime]:
    """Those of these people whom somebody was done with since then, or this user put back, and when."""
    rows = session.execute(
        select(Sitting.person_id, func.max(Sitting.closed_at))
        .where(
            _mine(session),
            Sitting.person_id.in_(person_ids),
            Sitting.closed_at >= since,
            (Sitting.ended == "done") | ((Sitting.ended == "released") & (Sitting.user_id == user_id)),
        )
        .group_by(Sitting.person_id)
    )
    return {person_id: at for person_id, at in rows if at is not None}


def _one(session: Session, which: ColumnElement[bool], *, lock: bool = False) -> Sitting | None:
    query = select(Sitting).where(_is_open(session), which)
    return session.execute(query.with_for_update() if lock else query).scalar_one_or_none()


def _is_open(session: Session) -> ColumnElement[bool]:
    return _mine(session) & Sitting.closed_at.is_(None) & (Sitting.leased_until > clock.now())


def _mine(session: Session) -> ColumnElement[bool]:
    return Sitting.agency_id == scope_of(session).agency()
