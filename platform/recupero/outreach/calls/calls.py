"""Calls that a person makes: the law is asked when the agent takes the call, its result takes effect at once.

A call is reserved like a message, committed before anybody dials, and finished with its coded result. One
that is never finished becomes `unknown` when its lease runs out, and counts.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts import answers
from recupero.contacts import queries as contact_queries
from recupero.contacts import service as contacts
from recupero.contacts.dispositions import DISPOSITIONS
from recupero.contacts.queries import Dossiers, action_of, dossiers
from recupero.contacts.service import Caller, Reservation, Result, Wish, reserve
from recupero.contacts.standing import HIDDEN
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound, Words
from recupero.outreach.actions.states import CLAIM_LEASE, Move, move
from recupero.outreach.calls import call_backs, sittings
from recupero.outreach.conversations import conversations
from recupero.outreach.tables import Action
from recupero.placements import reach
from recupero.placements.lifecycle import SILENCING
from recupero_sdk.law import Channel

CHANNEL: Channel = "call"
#: The hold that keeps machines silent while a person has the debtor.
PERSON = "person"


def start_call(
    session: Session,
    *,
    account_id: int,
    contact_point_id: int | None = None,
    action_id: int | None = None,
    user_id: int | None = None,
) -> Reservation:
    """Ask the law for a call now and reserve it. Without a number the best one of the debtor is taken; a call
    of the account that waits in the queue is taken up with it, also where `action_id` does not name it.

    `reservation.contact_id` None means that the call may not be made; the verdict says why and until when.
    Raises NotFound, or Conflict where the account is closed, held or has no telephone number, or where the
    task was taken by somebody else, or the person is at the desk of another agent than `user_id`.
    """
    task = _task(session, action_id) if action_id is not None else _waiting(session, account_id)
    asked = task is not None and task.template == call_backs.TEMPLATE
    known, account = _workable(session, account_id, by_person=True, asked=asked)
    at_desk = sittings.of_person(session, account.person_id)
    if at_desk is not None and at_desk.user_id != user_id:
        raise Conflict("a colleague has this person at their desk: try again when they are done")
    point = contact_point_id or _best_number(session, account.debtor_id)
    wish = Wish(
        account_id, CHANNEL, point, task.purpose if task else "collection", task.id if task else None,
        connector="agent", caller=_caller(known, account),
    )  # fmt: skip
    reservation = reserve(session, [wish])[0]
    if task is not None:
        _follow(session, task, reservation)
    return reservation


def finish_call(session: Session, contact_id: int, code: str, *, actor: str) -> None:
    """Write the coded result (domain page, 4.1) of a reserved call; holds, opt-outs and dead numbers follow
    in this transaction. Raises UserError on an unknown code, NotFound on an unknown contact."""
    action_id = answers.record_disposition(session, contact_id, code, actor=actor)
    account_id = contact_queries.account_of(session, contact_id)
    if DISPOSITIONS[code].right_party and account_id is not None:
        debtor_id = contact_queries.debtor_of(session, contact_id)
        conversations.spoke(session, debtor_id=debtor_id, account_id=account_id, actor=actor)
    if action_id is not None:
        move(session, [Move(action_id, "closed", code)])


def check_account(session: Session, account_id: int, *, by_person: bool = False) -> None:
    """Raises NotFound, and Conflict where the account is closed or held, for a person or for a machine."""
    _workable(session, account_id, by_person=by_person)


def never_rang(session: Session, contact_id: int) -> None:
    """A reserved call whose person was never rung was none; its task waits again."""
    contacts.confirm(session, [Result(contact_id, "failed", reason="never_rang", never_left=True)])
    action_id = action_of(session, contact_id)
    if action_id is not None:
        move(session, [Move(action_id, "scheduled", "never_rang")])


def _workable(
    session: Session, account_id: int, *, by_person: bool = False, asked: bool = False
) -> tuple[Dossiers, reach.Reachable]:
    known = dossiers(session, [account_id])
    account = known.accounts.get(account_id)
    if account is None:
        raise NotFound("no such account")
    _check_workable(known, account, by_person=by_person, asked=asked)
    return known, account


def _check_workable(known: Dossiers, account: reach.Reachable, *, by_person: bool, asked: bool) -> None:
    """A debtor whom a person took over from the machines is that person's to call. A call that the debtor
    `asked` for waits for those holds alone under which nobody may call."""
    if account.ended and not asked:
        raise Conflict("nothing is collected on this account any more")
    holds = {hold.kind for hold in known.holds_on(account)} - ({PERSON} if by_person else set())
    if asked:
        holds &= set(SILENCING)
    if holds:
        raise Conflict(
            "work on this account is on hold: %(holds)s", holds=Words("hold", tuple(sorted(holds)))
        )
    if known.nowhere(account):
        raise Conflict("nothing tells in which time zone this person is: add their region or time zone first")


def _caller(known: Dossiers, account: reach.Reachable) -> Caller:
    """The number that our call shows there."""
    number = known.standing.number(account.tenant_id, account.country)
    return Caller(None if number == HIDDEN else number)


def _best_number(session: Session, debtor_id: int) -> int:
    numbers = [
        point for point in reach.points_of(session, [debtor_id]).get(debtor_id, []) if point.kind == "phone"
    ]
    if not numbers:
        raise Conflict("there is no telephone number that works")
    return numbers[0].id


def _waiting(session: Session, account_id: int) -> Action | None:
    return session.execute(
        select(Action)
        .where(
            Action.tenant_id == scope_of(session).tenant(),
            Action.account_id == account_id,
            Action.channel == CHANNEL,
            Action.state == "scheduled",
        )
        .order_by(Action.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).scalar_one_or_none()


def _task(session: Session, action_id: int) -> Action:
    task = session.execute(
        select(Action)
        .where(
            Action.tenant_id == scope_of(session).tenant(), Action.id == action_id, Action.channel == CHANNEL
        )
        .with_for_update()
    ).scalar_one_or_none()
    if task is None:
        raise NotFound("no such task")
    if task.state != "scheduled":
        raise Conflict("somebody has taken this task, or it is not wanted any more")
    return task


def _follow(session: Session, task: Action, reservation: Reservation) -> None:
    """The task goes the way of its call: reserved; or later, or blocked where no lawful moment is left."""
    if reservation.contact_id is not None:
        lease = clock.now() + CLAIM_LEASE
        move(session, [Move(task.id, "reserved", leased_until=lease, tries=1)])
        return
    reason = f"law:{reservation.verdict.refusals[0].rule_id}"
    later = reservation.verdict.next_lawful_at
    if later is not None and later < task.expires_at:
        move(session, [Move(task.id, "scheduled", reason, due_at=later)])
    else:
        move(session, [Move(task.id, "blocked", reason)])
