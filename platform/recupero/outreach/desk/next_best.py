"""Which account an agent works next.

First call-backs that are due, then people who were handed over, then the calls of today's plan by their
worth. Within these come first those whose language the agent speaks, whose matter they are trained for, and
with whom they talked before; who speaks another language is offered only where nobody else is left. Only whom
the law, the debtor's own hours and the house permit to call at this moment is offered, and nobody whom a
colleague has or was done with a short while ago.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from recupero.contacts.grounds import Grounds, grounds, judge_planned
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.outreach.actions.approval import VULNERABLE
from recupero.outreach.actions.kinds import CALL
from recupero.outreach.calls import sittings
from recupero.outreach.calls.call_backs import TEMPLATE as CALL_BACK
from recupero.outreach.calls.calls import PERSON
from recupero.outreach.calls.sittings import Candidate
from recupero.outreach.channels import preferences
from recupero.outreach.conversations.tables import Conversation
from recupero.outreach.desk_tables import Sitting
from recupero.outreach.tables import Action
from recupero.outreach.understanding.desk import SKILL, Worker
from recupero.outreach.understanding.tables import HandOver
from recupero.placements.reach import Reachable

#: How long a colleague's call-back waits for them before it is anybody's.
GRACE = timedelta(minutes=10)
#: How long a person is left alone after somebody was done with them, but for a call that they were promised.
REST = timedelta(hours=2)
#: Accounts that are judged together, and how many are looked at before we say that nothing can be called.
SLICE, MOST = 50, 2000


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Something that waits for a person: an action, or a hand-over (`about` is why)."""

    account_id: int
    why: str
    since: datetime
    action_id: int | None = None
    purpose: str = "collection"
    about: str | None = None


def take_next(session: Session, me: Worker) -> Sitting | None:
    """Lock the next best account for the agent, or give them the one they have. None: nobody may be called
    now. Needs the agency and all the agent's tenants in scope."""
    mine = sittings.of_user(session, me.id)
    if mine is not None:
        return mine
    for source, foreign in ((_call_backs, True), (_handed_over, True), (_queue, False), (_queue, True)):
        for found in source(session, me):
            for wanted in _fit(session, me, found, foreign=foreign):
                taken = sittings.take(session, me.id, wanted) or sittings.of_user(session, me.id)
                if taken is not None:
                    return taken
    return None


def next_moment(session: Session, me: Worker) -> datetime | None:
    """From when on somebody may be called again, as it looks now: the first moment at which the law and the
    debtor's own hours allow a call that waits or falls due; who is at a colleague's desk waits no more. None:
    nothing waits for a call. Needs the agency and all the agent's tenants in scope."""
    firsts = [next(source(session, me)) for source in (_call_backs, _handed_over, _queue)]
    waiting = [one for found in (*firsts, _coming(session)) for one in found]
    if not waiting:
        return None
    on = grounds(session, {one.account_id for one in waiting})
    taken = {sitting.person_id for sitting in sittings.everybody(session)}
    known = [
        (one, account)
        for one in waiting
        if (account := on.known.accounts.get(one.account_id)) is not None
        and _workable(on, account, one.why)
        and account.person_id not in taken
    ]
    people = [account.person_id for _one, account in known]
    rested = sittings.laid_down(session, me.id, people, clock.now() - REST)
    asks = [(one, account, _begins(one, rested.get(account.person_id))) for one, account in known]
    first = _lawful(session, on, asks)
    welcome = preferences.welcome_from(session, [(account, at) for _one, account, at in first])
    again = [(one, account, at) for (one, account, _at), at in zip(first, welcome, strict=True)]
    return min((at for _one, _account, at in _lawful(session, on, again)), default=None)


def _begins(one: _Waiting, laid_down: datetime | None) -> datetime:
    """When the call may be made as far as the house is concerned."""
    rests = [laid_down + REST] if laid_down is not None and _rests(laid_down, one) else []
    return max(clock.now(), one.since, *rests)


def _lawful(
    session: Session, on: Grounds, asks: Sequence[tuple[_Waiting, Reachable, datetime]]
) -> list[tuple[_Waiting, Reachable, datetime]]:
    """Those that the law allows at all, each from its moment on."""
    verdicts = judge_planned(session, [(one.account_id, CALL, one.purpose, at) for one, _a, at in asks], on)
    return [
        (one, account, verdict.at)
        for (one, account, _at), verdict in zip(asks, verdicts, strict=True)
        if verdict.at is not None
    ]


def _coming(session: Session) -> list[_Waiting]:
    """Calls that fall due next."""
    rows = session.execute(
        select(Action.account_id, Action.due_at, Action.id, Action.purpose, Action.template)
        .where(*_scheduled(session), Action.due_at > clock.now())
        .order_by(Action.due_at, Action.id)
        .limit(SLICE)
    )
    return [
        _Waiting(row[0], "call_back" if row[4] == CALL_BACK else "queue", row[1], row[2], row[3])
        for row in rows
    ]


def _call_backs(session: Session, me: Worker) -> Iterator[list[_Waiting]]:
    """Calls that somebody was promised, by their time; a colleague's only once they are late."""
    now, talked = clock.now(), Conversation.spoke_with
    rows = session.execute(
        select(Action.account_id, Action.due_at, Action.id, Action.purpose)
        .outerjoin(
            Conversation,
            (Conversation.tenant_id == Action.tenant_id) & (Conversation.debtor_id == Action.debtor_id),
        )
        .where(
            *_due(session), Action.template == CALL_BACK,
            talked.is_(None) | (talked == me.id) | (Action.due_at <= now - GRACE),
        )
        .order_by((talked == me.id).desc(), Action.due_at)
        .limit(SLICE)
    )  # fmt: skip
    yield [_Waiting(row[0], "call_back", row[1], row[2], row[3]) for row in rows]


def _handed_over(session: Session, me: Worker) -> Iterator[list[_Waiting]]:
    """People whom the agent, or nobody yet, is to take over from the machines, by their deadline."""
    rows = session.execute(
        select(HandOver.account_id, HandOver.opened_at, HandOver.why)
        .outerjoin(
            Conversation,
            (Conversation.tenant_id == HandOver.tenant_id) & (Conversation.debtor_id == HandOver.debtor_id),
        )
        .where(
            HandOver.tenant_id.in_(scope_of(session).tenant_ids),
            HandOver.closed_at.is_(None),
            Conversation.assigned_to.is_(None) | (Conversation.assigned_to == me.id),
        )
        .order_by((Conversation.assigned_to == me.id).desc(), HandOver.due_at)
        .limit(SLICE)
    )
    yield [_Waiting(row[0], "handed_over", row[1], about=row[2]) for row in rows]


def _queue(session: Session, me: Worker) -> Iterator[list[_Waiting]]:
    """The calls of the plan that are due, the most valuable first."""
    for start in range(0, MOST, SLICE):
        rows = session.execute(
            select(Action.account_id, Action.due_at, Action.id, Action.purpose)
            .where(*_due(session), Action.template != CALL_BACK)
            .order_by(Action.priority.desc(), Action.due_at, Action.id)
            .offset(start)
            .limit(SLICE)
        ).all()
        yield [_Waiting(row[0], "queue", row[1], row[2], row[3]) for row in rows]
        if len(rows) < SLICE:
            return


def _due(session: Session) -> tuple[ColumnElement[bool], ...]:
    return (*_scheduled(session), Action.due_at <= clock.now())


def _scheduled(session: Session) -> tuple[ColumnElement[bool], ...]:
    return (
        Action.tenant_id.in_(scope_of(session).tenant_ids), Action.state == "scheduled",
        Action.channel == CALL,
    )  # fmt: skip


def _fit(session: Session, me: Worker, found: Sequence[_Waiting], *, foreign: bool) -> list[Candidate]:
    """Those of the waiting that may be called now, the best for this agent first; those whose language the
    agent does not speak only where `foreign`."""
    if not found:
        return []
    on = grounds(session, {one.account_id for one in found})
    people = [account.person_id for account in on.known.accounts.values()]
    busy = sittings.busy(session, people)
    rested = sittings.laid_down(session, me.id, people, clock.now() - REST)
    open_ones = [
        (one, account)
        for one in found
        if (account := on.known.accounts.get(one.account_id)) is not None
        and (foreign or _speaks(me, account))
        and _workable(on, account, one.why)
        and account.person_id not in busy
        and not _rests(rested.get(account.person_id), one)
    ]
    verdicts = judge_planned(
        session, [(one.account_id, CALL, one.purpose, clock.now()) for one, _account in open_ones], on
    )
    lawful = [pair for pair, verdict in zip(open_ones, verdicts, strict=True) if verdict.reason is None]
    welcome = preferences.welcome_now(session, [account for _one, account in lawful])
    talked = _talked(session, [account.debtor_id for _one, account in lawful])
    chosen = [
        (one, account)
        for one, account in lawful
        if one.why == "call_back" or account.account_id in welcome
    ]  # fmt: skip
    chosen.sort(key=lambda pair: _fitness(on, me, pair, talked.get(pair[1].debtor_id)))  # stable: worth stays
    return [
        Candidate(account.tenant_id, account.account_id, account.debtor_id, account.person_id, one.why,
                  one.action_id)
        for one, account in chosen
    ]  # fmt: skip


def _workable(on: Grounds, account: Reachable, why: str) -> bool:
    """Whether the house works the account by telephone; a hand-over is a person's in spite of its hold, for
    a call that they asked for no hold of the house counts."""
    allowed = {PERSON} if why == "handed_over" else set()
    held = account.ended or bool({hold.kind for hold in on.known.holds_on(account)} - allowed)
    reached = any(point.kind == "phone" for point in on.known.points.get(account.debtor_id, ()))
    return reached and (why == "call_back" or not held)


def _rests(laid_down: datetime | None, one: _Waiting) -> bool:
    """Whether the person is left alone for a while; a call promised for later is made all the same."""
    return laid_down is not None and (one.why != "call_back" or laid_down >= one.since)


def _fitness(
    on: Grounds, me: Worker, pair: tuple[_Waiting, Reachable], talked_with: int | None
) -> tuple[bool, bool, bool]:
    """What speaks against this agent: another language, no training for the matter, a stranger."""
    one, account = pair
    skill = SKILL.get(one.about or "")
    if skill is None and VULNERABLE & set(on.known.facts(account.account_id, None).flags):
        skill = "hardship"
    return (
        not _speaks(me, account),
        skill is not None and skill not in me.skills,
        talked_with != me.id,
    )


def _speaks(me: Worker, account: Reachable) -> bool:
    return account.language in (me.languages or [me.locale[:2]])


def _talked(session: Session, debtor_ids: Sequence[int]) -> dict[int, int]:
    """Who talked last with each of these debtors."""
    rows = session.execute(
        select(Conversation.debtor_id, Conversation.spoke_with).where(
            Conversation.tenant_id.in_(scope_of(session).tenant_ids),
            Conversation.debtor_id.in_(debtor_ids),
            Conversation.spoke_with.is_not(None),
        )
    )
    return {debtor_id: user_id for debtor_id, user_id in rows if user_id is not None}
