"""What reads actions: the outbox, an account's actions, and why nothing is sent to it and when next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recupero.contacts import queries as contacts
from recupero.contacts.facts import NO_TIMEZONE
from recupero.contacts.queries import MessageLine
from recupero.kernel import clock
from recupero.kernel.database import scope_of
from recupero.outreach.connectors import OUTBOX
from recupero.outreach.states import OPEN
from recupero.outreach.tables import Action, ActionEvent

#: Channels that a person carries out, with a script, from a work queue.
BY_PEOPLE = ("call", "visit")


@dataclass(frozen=True, slots=True)
class ActionLine:
    """One action of an account, with how it came where it is."""

    id: int
    channel: str
    template: str
    tone: str
    purpose: str
    state: str
    reason: str | None
    due_at: datetime
    expires_at: datetime
    attempts: int
    decision_id: int | None
    events: list[tuple[datetime, str, str | None, dict[str, Any] | None]]


def outbox(
    session: Session, *, account_id: int | None = None, limit: int = 50, offset: int = 0
) -> list[MessageLine]:
    """Messages that the outbox holds for the tenants in scope, newest first, readable. The page that shows
    them asks for the permission."""
    return contacts.messages(session, account_id=account_id, connector=OUTBOX, limit=limit, offset=offset)


def unknown(session: Session, limit: int = 50) -> list[MessageLine]:
    """Messages of which nobody knows whether they went out; a person settles them."""
    return contacts.messages(session, states=("unknown",), limit=limit)


def actions_of(session: Session, account_id: int, limit: int = 50) -> list[ActionLine]:
    """Actions of an account with their events, newest first."""
    tenants = scope_of(session).tenant_ids
    actions = (
        session.execute(
            select(Action)
            .where(Action.tenant_id.in_(tenants), Action.account_id == account_id)
            .order_by(Action.id.desc())
            .limit(limit)
        )
        .scalars()
        .all()
    )
    events: dict[int, list[tuple[datetime, str, str | None, dict[str, Any] | None]]] = {}
    rows = session.execute(
        select(
            ActionEvent.action_id, ActionEvent.at, ActionEvent.state, ActionEvent.reason, ActionEvent.details
        )
        .where(
            ActionEvent.tenant_id.in_(tenants), ActionEvent.action_id.in_([action.id for action in actions])
        )
        .order_by(ActionEvent.id)
    )
    for action_id, at, state, reason, details in rows:
        events.setdefault(action_id, []).append((at, state, reason, details))
    return [
        ActionLine(
            action.id, action.channel, action.template, action.tone, action.purpose, action.state,
            action.reason, action.due_at, action.expires_at, action.attempts, action.decision_id,
            events.get(action.id, []),
        )
        for action in actions
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class NextStep:
    """Why nothing is sent to an account now, and what comes next. `standing` are codes such as
    `account:closed`, `hold:dispute`, `opted_out:sms`, `no_contact_point`, `law:CL-…`, `nothing_planned`."""

    standing: list[str]
    next_at: datetime | None
    next_channel: str | None
    next_template: str | None


def why_silent(session: Session, account_id: int) -> NextStep:
    """What stands against writing to the account, by everything known now, and the next action if one waits.

    Needs the agency in scope. Raises KeyError where the account is not in scope.
    """
    known = contacts.dossiers(session, [account_id])
    account = known.accounts[account_id]
    standing = [f"account:{account.status}"] if account.ended else []
    standing += sorted({f"hold:{hold.kind}" for hold in known.holds_on(account)})
    permissions = known.permissions.get(account.debtor_id)
    if permissions is not None:
        standing += sorted(f"opted_out:{channel}" for channel in permissions.opted_out)
    if not known.points.get(account.debtor_id):
        standing.append("no_contact_point")
    if known.nowhere(account):
        standing.append(NO_TIMEZONE)
    waiting = _waiting(session, account_id)
    if not account.ended:
        channel: Any = waiting.channel if waiting else "email"  # a channel of law, as scheduled
        verdict = contacts.judge_now(session, account_id, channel, clock.now())
        standing += [f"law:{refusal.rule_id}" for refusal in verdict.refusals]
    if waiting is None:
        return NextStep([*standing, "nothing_planned"], None, None, None)
    return NextStep(standing, waiting.due_at, waiting.channel, waiting.template)


def _waiting(session: Session, account_id: int) -> Action | None:
    return session.execute(
        select(Action)
        .where(
            Action.tenant_id.in_(scope_of(session).tenant_ids),
            Action.account_id == account_id,
            Action.state.in_(OPEN),
        )
        .order_by(Action.due_at)
        .limit(1)
    ).scalar_one_or_none()


def open_accounts(session: Session) -> set[int]:
    """Accounts in scope that have an action waiting or under way: planning leaves them alone."""
    return set(
        session.execute(
            select(Action.account_id)
            .distinct()
            .where(Action.tenant_id.in_(scope_of(session).tenant_ids), Action.state.in_(OPEN))
        ).scalars()
    )


def count_by_state(session: Session) -> dict[str, int]:
    """How many actions of the tenants in scope are in each state."""
    rows = session.execute(
        select(Action.state, func.count())
        .where(Action.tenant_id.in_(scope_of(session).tenant_ids))
        .group_by(Action.state)
    )
    return {row[0]: row[1] for row in rows}


def blocked_by_reason(session: Session, since: datetime) -> dict[str, int]:
    """Actions blocked since a moment, by reason: what the law or the house refused."""
    rows = session.execute(
        select(ActionEvent.reason, func.count())
        .where(
            ActionEvent.tenant_id.in_(scope_of(session).tenant_ids),
            ActionEvent.at >= since,
            ActionEvent.state.in_(("blocked", "scheduled")),
            ActionEvent.reason.is_not(None),
        )
        .group_by(ActionEvent.reason)
        .order_by(func.count().desc())
    )
    return {reason: count for reason, count in rows if reason is not None}


def for_people(session: Session, limit: int = 50) -> Sequence[Action]:
    """Calls and visits that are due now, the most urgent first: an agent's work queue."""
    return (
        session.execute(
            select(Action)
            .where(
                Action.tenant_id.in_(scope_of(session).tenant_ids),
                Action.state == "scheduled",
                Action.channel.in_(BY_PEOPLE),
                Action.due_at <= clock.now(),
            )
            .order_by(Action.priority.desc(), Action.due_at)
            .limit(limit)
        )
        .scalars()
        .all()
    )
