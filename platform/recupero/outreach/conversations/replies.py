"""What people answer in a conversation, and the one message that confirms a stop.

Both are actions: the law is asked, the contact is reserved, the connector carries them like any other. They
are claimed at once for a job of their own, and never wait for the minute's round.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from recupero.contacts import judging
from recupero.contacts import messages as contact_messages
from recupero.contacts.facts import EVERY_CHANNEL
from recupero.kernel import audit, clock, jobs
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.outreach.actions.kinds import ANSWERS
from recupero.outreach.actions.states import Move, move
from recupero.outreach.channels.connectors import CARRIED, connectors
from recupero.outreach.conversations import conversations
from recupero.outreach.conversations.tables import Conversation, Reply
from recupero.outreach.tables import Action, ActionEvent
from recupero.placements import reach
from recupero.placements.reach import Reachable
from recupero_sdk.channels import Closes, Message

LEASE = timedelta(minutes=10)
REPLY_WITHIN = timedelta(days=3)
CONFIRM_WITHIN = timedelta(days=1)
STOPPED_WHOLLY = "stopped_wholly"
FIRST_PLACE = 1000  # before whatever was planned
LONGEST = 4000  # characters of an answer
_WENT_WELL = ("sent", "delivered", "answered", "closed")
_CAME_TO_NOTHING = ("blocked", "cancelled", "expired", "failed", "unknown")


@dataclass(frozen=True, slots=True)
class FreeText:
    """The words of a reply."""

    subject: str
    body: str


def reply(session: Session, debtor_id: int, text: str, *, actor: str, subject: str = "") -> int:
    """Answer the debtor's last message by the channel it came over; the action that carries the answer.

    Raises NotFound where they never wrote, Conflict where the channel is not written to or takes no words of
    one's own by then, UserError on an empty or endless text.
    """
    text = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not text:
        raise UserError("Please fill this in.", field="text")
    if len(text) > LONGEST:
        raise UserError("At most %(most)s characters fit here.", field="text", most=LONGEST)
    conversation, last = _open(session, debtor_id), last_to_answer(session, debtor_id)
    check_open(session, conversation.account_id, last.channel, closes_at(session, debtor_id, last))
    action_id = _act(
        session, conversation.account_id, last.channel, "reply", last.address, REPLY_WITHIN, last.reference
    )
    session.add(
        Reply(
            tenant_id=scope_of(session).tenant(), action_id=action_id, debtor_id=debtor_id,
            subject=subject.strip() or _again(last.subject), body=text, made_by=actor,
            made_at=clock.now(),
        )
    )  # fmt: skip
    conversation.waiting_since = None  # a hand-over and its deadline stay until it is closed
    conversations.spoke(session, debtor_id=debtor_id, account_id=conversation.account_id, actor=actor)
    session.flush()
    audit.record(
        session, "outreach.reply", f"action:{action_id}", actor=actor, tenant_id=scope_of(session).tenant(),
        debtor=debtor_id,
    )  # fmt: skip
    _ask_job(session, action_id)
    return action_id


def last_to_answer(session: Session, debtor_id: int) -> contact_messages.LastHeard:
    """The last message of a debtor of the tenants in scope, which `reply` answers. Raises Conflict where they
    wrote none, or called."""
    last = contact_messages.last_heard(session, reach.accounts_of(session, [debtor_id]).get(debtor_id, []))
    if last is None:
        raise Conflict("they wrote nothing yet: call them, or write to them, from the account's page")
    if last.channel not in CARRIED:
        raise Conflict("the last thing they did was to call: call them back from the account's page")
    return last


def closes_at(session: Session, debtor_id: int, last: contact_messages.LastHeard) -> datetime | None:
    """From when on the channel of their last message carries no answer in words of one's own any more; None:
    it does at any time. Needs one tenant in scope."""
    connector = connectors(session).get(last.channel)
    channel: object = connector and connector.channel
    if connector is None or connector.problem is not None or not isinstance(channel, Closes):
        return None
    language = reach.reachable(session, [last.account_id])[last.account_id].language
    heard = conversations.heard_at(session, [debtor_id]).get((debtor_id, connector.key))
    asked = Message("", last.channel, "", "", "", language=language, template="reply", heard_at=heard)
    return channel.closes_at(asked, connector.config)


def check_open(session: Session, account_id: int, channel: str, closes: datetime | None) -> None:
    """Raises Conflict where the channel carries no words of one's own any more, or will not when the law
    first allows an answer."""
    if closes is None:
        return
    if clock.now() >= closes:
        raise Conflict(
            "what a person writes goes by this channel only for a day after the other's last message: write"
            " by another one, or call, from the account's page"
        )
    carried: Any = channel
    first = judging.judge_now(session, account_id, carried, clock.now(), "reply")
    if not first.allowed and first.next_lawful_at is not None and first.next_lawful_at >= closes:
        raise Conflict(
            "when the law allows an answer, this channel carries none any more that a person writes: write by"
            " another one, or call, from the account's page"
        )


def _open(session: Session, debtor_id: int) -> Conversation:
    conversation = session.execute(
        select(Conversation)
        .where(Conversation.tenant_id == scope_of(session).tenant(), Conversation.debtor_id == debtor_id)
        .with_for_update()
    ).scalar_one_or_none()
    if conversation is None:
        raise NotFound("there is no such conversation")
    return conversation


def _again(subject: str) -> str:
    return subject if not subject or subject.lower().startswith("re:") else f"Re: {subject}"


def confirm_stop(
    session: Session, account_id: int, channel: str, address: str, *, closed: str, answers: str | None
) -> None:
    """One message that says what is closed now: the channel it goes over, calls, or all of them; it goes out
    only where the law lets it. Who says it again within a day is told nothing new. `answers` as in
    `answer`."""
    template = "stopped"
    if closed == EVERY_CHANNEL:
        template = STOPPED_WHOLLY
    elif closed != channel:
        template = "stopped_calls"
    if not _confirmed_lately(session, account_id, channel, {template, STOPPED_WHOLLY}):
        answer(session, account_id, channel, template, address, answers=answers)


def _confirmed_lately(session: Session, account_id: int, channel: str, templates: Collection[str]) -> bool:
    """Whether a message with one of these templates has told the account's debtor over the channel since
    yesterday, or is about to."""
    debtor_id = reach.reachable(session, [account_id])[account_id].debtor_id
    told = select(Action.id).where(
        Action.tenant_id == scope_of(session).tenant(),
        Action.account_id.in_(reach.accounts_of(session, [debtor_id])[debtor_id]),
        Action.channel == channel, Action.template.in_(templates),
        Action.created_at > clock.now() - CONFIRM_WITHIN, Action.state.not_in(_CAME_TO_NOTHING),
    )  # fmt: skip
    return session.execute(told.limit(1)).first() is not None


def answer(
    session: Session,
    account_id: int,
    channel: str,
    template: str,
    address: str,
    *,
    answers: str | None = None,
    within: timedelta = CONFIRM_WITHIN,
) -> int | None:
    """One message of the house that answers theirs; it goes out only where the law lets it. The action that
    carries it; None where the channel carries none. `answers` is the provider's reference of their message;
    None where they asked for it elsewhere, on their page or in a call."""
    if channel not in CARRIED:
        return None
    action_id = _act(session, account_id, channel, template, address, within, answers)
    _ask_job(session, action_id)
    return action_id


def leaves_a_reply(session: Session, account_id: int, channel: str) -> bool:
    """Whether after a message of the house that answers theirs a person could still write to them in time:
    what the law counts must not be used up by machines."""
    if channel not in CARRIED:
        return True
    carried: Any = channel
    now = clock.now()
    first = judging.judge_now(session, account_id, carried, now, "reply")
    start = now if first.allowed else first.next_lawful_at
    if start is None:
        return True  # nothing may go out at all: the law's refusal is shown with the message
    second = judging.judge_now(session, account_id, carried, start, "reply", made=1)
    later = second.next_lawful_at
    return second.allowed or (later is not None and later <= start + REPLY_WITHIN)


def _act(
    session: Session,
    account_id: int,
    channel: str,
    template: str,
    address: str,
    within: timedelta,
    answers: str | None,
) -> int:
    """An action that is claimed at once."""
    account = reach.reachable(session, [account_id])[account_id]
    now, tenant = clock.now(), scope_of(session).tenant()
    action = Action(
        tenant_id=tenant, account_id=account_id, debtor_id=account.debtor_id, person_id=account.person_id,
        decision_id=None, channel=channel, contact_point_id=_point(session, account, channel, address),
        template=template, tone="kind", purpose=ANSWERS[template], answers=answers, due_at=now,
        expires_at=now + within, priority=FIRST_PLACE, state="scheduled", attempts=0, created_at=now,
        changed_at=now,
    )  # fmt: skip
    session.add(action)
    session.flush()
    session.add(ActionEvent(tenant_id=tenant, action_id=action.id, at=now, state="scheduled"))
    session.flush()
    move(session, [Move(action.id, "claimed", leased_until=now + LEASE)])
    return action.id


def _point(session: Session, account: Reachable, channel: str, address: str) -> int | None:
    """The debtor's contact point that they wrote from; None: their best one."""
    found = reach.points_at(session, "email" if channel == "email" else "phone", address)
    return next((point for debtor, point in found if debtor == account.debtor_id), None)


def _ask_job(session: Session, action_id: int) -> None:
    jobs.enqueue(session, "outreach.send_reply", queue="urgent", action_id=action_id)


def texts(session: Session, action_ids: Collection[int]) -> dict[int, FreeText]:
    """The words of those of the actions that people wrote."""
    rows = session.execute(
        select(Reply.action_id, Reply.subject, Reply.body).where(
            Reply.tenant_id == scope_of(session).tenant(), Reply.action_id.in_(action_ids)
        )
    )
    return {row.action_id: FreeText(row.subject, row.body) for row in rows}


def settle(session: Session) -> int:
    """Look what came of the answers of the tenants in scope; the conversation of one that did not go out
    waits again. Returns how many of these there were."""
    tenants = scope_of(session).tenant_ids
    rows = session.execute(
        select(Reply, Action.state)
        .join(Action, (Action.tenant_id == Reply.tenant_id) & (Action.id == Reply.action_id))
        .where(
            Reply.tenant_id.in_(tenants),
            ~Reply.settled,
            Action.state.in_((*_WENT_WELL, *_CAME_TO_NOTHING)),
        )
        .with_for_update(of=Reply, skip_locked=True)
    ).all()
    lost = list[Reply]()
    for answer, state in rows:
        answer.settled = True
        if state in _CAME_TO_NOTHING:
            lost.append(answer)
    for answer in lost:
        _wait_again(session, answer.tenant_id, answer.debtor_id, answer.made_at)
    return len(lost)


def _wait_again(session: Session, tenant_id: int, debtor_id: int, since: datetime) -> None:
    session.execute(
        update(Conversation)
        .where(
            Conversation.tenant_id == tenant_id,
            Conversation.debtor_id == debtor_id,
            Conversation.waiting_since.is_(None),
        )
        .values(waiting_since=since)
    )
