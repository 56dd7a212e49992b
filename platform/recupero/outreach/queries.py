"""What reads actions: the outbox, an account's actions, and why nothing is sent to it and when next."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from recupero.contacts import messages as contact_messages
from recupero.contacts import queries as contacts
from recupero.contacts.facts import EVERY_CHANNEL, NO_TIMEZONE
from recupero.contacts.grounds import Grounds, grounds, judge_planned
from recupero.contacts.messages import MessageLine
from recupero.kernel import clock
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.outreach.actions.points import POINT_KINDS, fits
from recupero.outreach.actions.states import OPEN, WAITING
from recupero.outreach.channels import preferences
from recupero.outreach.channels.connectors import OUTBOX, connectors_of
from recupero.outreach.moments import FRUITLESS
from recupero.outreach.tables import Action, ActionEvent
from recupero.placements.reach import Reachable
from recupero_sdk.law import CHANNELS, RuleOutcome

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
    account_id: int


def outbox(
    session: Session, *, account_id: int | None = None, limit: int = 50, offset: int = 0
) -> list[MessageLine]:
    """Messages that the outbox holds for the tenants in scope, newest first, readable. The page that shows
    them asks for the permission."""
    return contact_messages.messages(
        session, account_id=account_id, connector=OUTBOX, limit=limit, offset=offset
    )


def unknown(session: Session, limit: int = 50) -> list[MessageLine]:
    """Messages of which nobody knows whether they went out; a person settles them."""
    return contact_messages.messages(session, states=("unknown",), limit=limit)


def whom(session: Session, action_ids: Collection[int]) -> list[tuple[int, int]]:
    """Debtor and account of actions of the tenant in scope, each debtor once, in the order of their ids."""
    rows = session.execute(
        select(Action.debtor_id, func.min(Action.account_id))
        .where(Action.tenant_id == scope_of(session).tenant(), Action.id.in_(action_ids))
        .group_by(Action.debtor_id)
        .order_by(Action.debtor_id)
    )
    return [(debtor_id, account_id) for debtor_id, account_id in rows]


def actions_of(session: Session, account_id: int, limit: int = 50) -> list[ActionLine]:
    """Actions of an account with their events, newest first."""
    mine = select(Action).where(Action.tenant_id.in_(scope_of(session).tenant_ids))
    of_account = mine.where(Action.account_id == account_id).order_by(Action.id.desc()).limit(limit)
    return _with_events(session, session.execute(of_account).scalars().all())


def actions(session: Session, action_ids: Collection[int]) -> dict[int, ActionLine]:
    """Actions of the tenants in scope with their events, by id."""
    mine = select(Action).where(Action.tenant_id.in_(scope_of(session).tenant_ids))
    those = session.execute(mine.where(Action.id.in_(action_ids))).scalars().all()
    return {line.id: line for line in _with_events(session, those)}


def next_actions(session: Session, account_ids: Collection[int]) -> dict[int, Action]:
    """What comes next on each of these accounts of the tenants in scope, where anything waits."""
    waiting = (
        select(Action)
        .where(
            Action.tenant_id.in_(scope_of(session).tenant_ids), Action.account_id.in_(account_ids),
            Action.state.in_(OPEN),
        )
        .ext(distinct_on(Action.account_id))
        .order_by(Action.account_id, Action.due_at, Action.id)
    )  # fmt: skip
    return {one.account_id: one for one in session.execute(waiting).scalars()}


def _with_events(session: Session, actions: Sequence[Action]) -> list[ActionLine]:
    tenants = scope_of(session).tenant_ids
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
            events.get(action.id, []), action.account_id,
        )
        for action in actions
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChannelStep:
    """Why nothing goes out by one channel now: codes `no_contact_point`, `opted_out`,
    `debtor_wishes_other_channel`, `connector_problem`, `no_timezone`, and the rules that refuse; none: it is
    open. `lawful_at` is the first lawful moment from now on, None where none is in sight, `welcome_at` the
    first one that also lies in the hours the debtor asked for. Until `rests_until` its provider, which
    takes nothing, is left alone. `connector` carries it, and `problem` is what its settings lack, or why its
    provider refuses them; None where it is merely down."""

    channel: str
    reasons: list[str]
    refusals: tuple[RuleOutcome, ...]
    lawful_at: datetime | None
    welcome_at: datetime | None
    rests_until: datetime | None = None
    connector: str | None = None
    problem: str | None = None

    @property
    def usable_at(self) -> datetime | None:
        """When something could go out this way; None where it cannot, whatever the law says."""
        if self.reasons or self.welcome_at is None:
            return None
        return max(self.welcome_at, self.rests_until or self.welcome_at)


@dataclass(frozen=True, slots=True)
class NextStep:
    """Why nothing is sent to an account now, and what comes next. `standing` are codes such as
    `account:closed`, `hold:dispute`, `opted_out:sms`, `no_contact_point`, `law:CL-…`, `nothing_planned`.
    `lawful_at` is the first moment at which something could go out by any channel. Of the next action:
    `next_state` proposed says that it waits for a yes, `next_reason` why it was put off. Where none waits and
    the last one did not go out, `last_state` and `last_reason` say what became of it."""

    standing: list[str]
    next_at: datetime | None
    next_channel: str | None
    next_template: str | None
    next_state: str | None
    next_reason: str | None
    next_id: int | None
    lawful_at: datetime | None
    channels: list[ChannelStep]
    last_state: str | None = None
    last_reason: str | None = None

    @property
    def next_way(self) -> ChannelStep | None:
        """The channel by which the next action goes, where machines carry it."""
        return next((one for one in self.channels if one.channel == self.next_channel), None)

    @property
    def closed_channels(self) -> list[str]:
        """The channels that the debtor closed; `all` alone where it is every one."""
        found = [code.partition(":")[2] for code in self.standing if code.startswith("opted_out:")]
        return [EVERY_CHANNEL] if set(found) >= set(CHANNELS) else found


def why_silent(session: Session, account_id: int, on: Grounds | None = None) -> NextStep:
    """What stands against writing to the account, by everything known now, for all and for each channel, and
    the next action if one waits. `on` are the account's grounds, where they are known.

    Needs the agency in scope. Raises KeyError where the account is not in scope.
    """
    on = on or grounds(session, [account_id])
    known, account = on.known, on.known.accounts[account_id]
    standing = [f"account:{account.status}"] if account.ended else []
    standing += sorted({f"hold:{hold.kind}" for hold in known.holds_on(account)})
    permissions = known.permissions.get(account.debtor_id)
    if permissions is not None:
        standing += sorted(f"opted_out:{channel}" for channel in permissions.opted_out)
    if not known.points.get(account.debtor_id):
        standing.append("no_contact_point")
    if known.nowhere(account):
        standing.append(NO_TIMEZONE)
    found, channels = _next_or_last(session, account_id), _by_channel(session, on, account)
    waiting = found if found is not None and found.state in OPEN else None
    if not account.ended:
        asked = waiting.channel if waiting else "email"
        refusals = next((one.refusals for one in channels if one.channel == asked), ())
        standing += [f"law:{refusal.rule_id}" for refusal in refusals]
    usable = [one.usable_at for one in channels if one.usable_at is not None]
    lawful_at = min(usable, default=None)
    if waiting is None and account.ended:
        return NextStep(standing, None, None, None, None, None, None, None, channels)
    if waiting is None:
        standing.append("nothing_planned")
        fruitless = found is not None and found.state in FRUITLESS
        return NextStep(
            standing, None, None, None, None, None, None, lawful_at, channels,
            *((found.state, found.reason) if found and fruitless else (None, None)),
        )  # fmt: skip
    return NextStep(
        standing, waiting.due_at, waiting.channel, waiting.template, waiting.state, waiting.reason,
        waiting.id, lawful_at, channels,
    )  # fmt: skip


def _by_channel(session: Session, on: Grounds, account: Reachable) -> list[ChannelStep]:
    """Each channel that plans choose from with what stands against it."""
    known, now = on.known, clock.now()
    points = known.points.get(account.debtor_id, ())
    asks = [(account.account_id, channel, "collection", now) for channel in POINT_KINDS]
    said, wished = (
        known.permissions.get(account.debtor_id),
        contacts.preferences(session, [account.debtor_id]),
    )
    asked = judge_planned(session, asks, on)
    welcome = preferences.first_moments(session, asks, on, wished)
    wish = wished[account.debtor_id].channel if account.debtor_id in wished else None
    steps, carrying = list[ChannelStep](), connectors_of(session, account.tenant_id)
    for channel, found, wanted in zip(POINT_KINDS, asked, welcome, strict=True):
        carrier = carrying.get(channel)
        stops = {
            "no_contact_point": not any(fits(point, channel) for point in points),
            "opted_out": said is not None and channel in said.opted_out,
            "debtor_wishes_other_channel": wish not in (None, channel),
            "connector_problem": carrier is not None and carrier.problem is not None,
            NO_TIMEZONE: known.nowhere(account),
        }
        reasons = [code for code, stands in stops.items() if stands]
        rests_until = carrier.rest.until if carrier is not None and carrier.rest is not None else None
        named = (carrier.key, carrier.to_mend) if carrier is not None else (None, None)
        steps.append(ChannelStep(channel, reasons, found.refusals, found.at, wanted.at, rests_until, *named))
    return steps


def _next_or_last(session: Session, account_id: int) -> Action | None:
    """The action of an account that waits, the soonest of several; where none does, the one that changed
    last."""
    waits = Action.state.in_(OPEN)
    return session.execute(
        select(Action)
        .where(Action.tenant_id.in_(scope_of(session).tenant_ids), Action.account_id == account_id)
        .order_by(waits.desc(), case((waits, Action.due_at)), Action.changed_at.desc(), Action.id.desc())
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


def count_waiting(session: Session, account_ids: Collection[int]) -> int:
    """Contacts that are planned for these accounts of the tenants in scope and have not gone out."""
    query = select(func.count()).where(
        Action.tenant_id.in_(scope_of(session).tenant_ids), among(Action.account_id, account_ids),
        Action.state.in_(WAITING),
    )  # fmt: skip
    return session.execute(query).scalar_one()


def count_by_state(session: Session) -> dict[str, int]:
    """How many actions of the tenants in scope are in each state."""
    rows = session.execute(
        select(Action.state, func.count())
        .where(Action.tenant_id.in_(scope_of(session).tenant_ids))
        .group_by(Action.state)
    )
    return {row[0]: row[1] for row in rows}


def tones(session: Session, action_ids: Collection[int]) -> dict[int, str]:
    """The tone in which each of these actions is written."""
    rows = session.execute(
        select(Action.id, Action.tone).where(
            Action.tenant_id.in_(scope_of(session).tenant_ids), Action.id.in_(action_ids)
        )
    )
    return {row[0]: row[1] for row in rows}


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
