"""Actions that wait for a person's yes: said yes to or declined, moved on when their moment passes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from recupero.contacts.grounds import Planned
from recupero.kernel import audit, clock
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.outreach.actions.states import Move, move
from recupero.outreach.channels.preferences import first_moments
from recupero.outreach.tables import Action, Draft

#: How far ahead a proposal is put whose moment passed before anybody said yes.
AHEAD = timedelta(hours=4)
#: Most that are looked at in one go.
MOST = 500
LONGEST_REASON = 500
TOO_LATE = "no_yes_in_time"
OWN_WORDS = "own_words"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which proposals to show; None: any."""

    channel: str | None = None
    template: str | None = None
    tone: str | None = None
    account_id: int | None = None


ANY = Wanted()


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a proposal: `state` scheduled, cancelled, blocked or expired with its reason; proposed
    where its author said yes; None where it did not wait for a yes any more."""

    action_id: int
    state: str | None
    reason: str | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """Some proposals, the next due first, and where to go on (`after`); None: these are the last."""

    rows: Sequence[Action]
    after: str | None


def waiting(session: Session, wanted: Wanted, limit: int = 100, after: str | None = None) -> Shown:
    """Proposals of the tenants in scope, the next due first, behind the place `after` of an earlier `Shown`.
    Raises UserError on a place that cannot be read."""
    query = select(Action).where(*_waiting(session), *_fits(wanted))
    if after:
        query = query.where(tuple_(Action.due_at, Action.id) > _place(after))
    rows = session.execute(query.order_by(Action.due_at, Action.id).limit(limit + 1)).scalars().all()
    last = rows[limit - 1] if len(rows) > limit else None
    place = f"{last.due_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}~{last.id}" if last else None
    return Shown(rows[:limit], place)


def _place(after: str) -> tuple[datetime, int]:
    due, _mark, number = after.partition("~")
    try:
        return datetime.fromisoformat(due).astimezone(UTC), int(number)
    except (ValueError, OverflowError):
        raise UserError("there is no such page: begin with the first", field="after") from None


def count(session: Session, wanted: Wanted = ANY) -> int:
    """How many such proposals wait in the tenants in scope."""
    asked = select(func.count()).select_from(Action).where(*_waiting(session), *_fits(wanted))
    return session.execute(asked).scalar_one()


def _waiting(session: Session) -> tuple[ColumnElement[bool], ...]:
    return (Action.tenant_id.in_(scope_of(session).tenant_ids), Action.state == "proposed")


def _fits(wanted: Wanted) -> list[ColumnElement[bool]]:
    given = {
        Action.channel: wanted.channel, Action.template: wanted.template, Action.tone: wanted.tone,
        Action.account_id: wanted.account_id,
    }  # fmt: skip
    return [column == value for column, value in given.items() if value is not None]


def one(session: Session, action_id: int) -> Action:
    """A proposal of the tenants in scope. Raises NotFound where it does not wait any more."""
    found = session.execute(
        select(Action).where(*_waiting(session), Action.id == action_id)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("this does not wait for a yes any more")
    return found


def by_tenant(session: Session, action_ids: Collection[int]) -> dict[int, list[int]]:
    """Those of the actions that wait for a yes, by tenant in scope."""
    rows = session.execute(
        select(Action.tenant_id, Action.id).where(*_waiting(session), among(Action.id, action_ids))
    )
    found: dict[int, list[int]] = {}
    for tenant_id, action_id in rows:
        found.setdefault(tenant_id, []).append(action_id)
    return found


def approve(session: Session, action_ids: Collection[int], *, actor: str) -> list[Answered]:
    """Say yes to proposals of the tenant in scope: each is scheduled for its moment, or the next one at which
    the law allows it; where there is none in time it ends. Nobody says yes to their own words: those go on
    waiting. Needs the agency in scope, too."""
    actions, now = _locked(session, action_ids), clock.now()
    mine = _written_by(session, actions, actor)
    own = [one for one in actions if one.draft_id in mine]
    actions = [one for one in actions if one.draft_id not in mine]
    move(session, [Move(one.id, "approved", details={"by": actor}) for one in actions])
    moves = [_planned(*pair, now) for pair in _judged(session, actions, now)]
    move(session, moves)
    _note(session, "approve", actions, actor)
    answers = {one.action_id: one for one in _answered(action_ids, moves)}
    answers |= {one.id: Answered(one.id, "proposed", OWN_WORDS) for one in own}
    return [answers[action_id] for action_id in action_ids]


def _written_by(session: Session, actions: Sequence[Action], actor: str) -> set[int]:
    """Those of the actions' drafts that the actor wrote."""
    drafts = [one.draft_id for one in actions if one.draft_id is not None]
    if not drafts:
        return set()
    query = select(Draft.id).where(
        Draft.tenant_id.in_(scope_of(session).tenant_ids), Draft.id.in_(drafts), Draft.made_by == actor
    )
    return set(session.execute(query).scalars())


def decline(session: Session, action_ids: Collection[int], *, actor: str, why: str) -> list[Answered]:
    """Say no to proposals of the tenant in scope. Raises UserError where no reason is given, or an endless
    one. Planning leaves their accounts alone for the strategy's pace."""
    why = " ".join(why.split())
    if not why:
        raise UserError("Please say why.", field="why")
    if len(why) > LONGEST_REASON:
        raise UserError("At most %(most)s characters fit here.", field="why", most=LONGEST_REASON)
    actions = _locked(session, action_ids)
    moves = [Move(one.id, "cancelled", "declined", {"by": actor, "why": why}) for one in actions]
    move(session, moves)
    _note(session, "decline", actions, actor, why=why)
    return _answered(action_ids, moves)


def move_on(session: Session, limit: int = MOST) -> int:
    """Give proposals of the tenant in scope whose moment has passed the next lawful one, or end them where
    that would be too late; how many."""
    now = clock.now()
    passed = (
        select(Action)
        .where(*_waiting(session), Action.due_at <= now)
        .order_by(Action.due_at, Action.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    actions = session.execute(passed).scalars().all()
    live = [one for one in actions if one.expires_at > now + AHEAD]
    moves = [Move(one.id, "expired", TOO_LATE) for one in actions if one.expires_at <= now]
    moves += [_later(*pair) for pair in _judged(session, live, now + AHEAD)]
    return len(move(session, moves))


def _locked(session: Session, action_ids: Collection[int]) -> Sequence[Action]:
    query = select(Action).where(*_waiting(session), among(Action.id, action_ids))
    return session.execute(query.order_by(Action.id).with_for_update()).scalars().all()


def _judged(session: Session, actions: Sequence[Action], earliest: datetime) -> list[tuple[Action, Planned]]:
    """Each action with the first moment from its own, or from `earliest`, on that the law allows and its
    debtor asked for."""
    asks = [(one.account_id, one.channel, one.purpose, max(one.due_at, earliest)) for one in actions]
    return list(zip(actions, first_moments(session, asks), strict=True))


def _planned(action: Action, found: Planned, now: datetime) -> Move:
    """Where an action goes that has its yes. `now` is before its end only where there is time left."""
    if now >= action.expires_at:
        return Move(action.id, "expired", TOO_LATE)
    if found.at is None:
        return Move(action.id, "blocked", found.reason)
    if found.at >= action.expires_at:
        return Move(action.id, "expired", found.reason, {"next_lawful_at": found.at.isoformat()})
    return Move(action.id, "scheduled", found.reason, due_at=found.at)


def _later(action: Action, found: Planned) -> Move:
    """A proposal's next moment; its reason stays that it needs a yes."""
    if found.at is None or found.at >= action.expires_at:
        return Move(action.id, "expired", found.reason or TOO_LATE)
    return Move(action.id, "proposed", action.reason, {"moment_passed": action.due_at.isoformat()},
                due_at=found.at)  # fmt: skip


def _note(session: Session, verb: str, actions: Sequence[Action], actor: str, **more: str) -> None:
    subjects = [(f"action:{one.id}", {"account": one.account_id, **more}) for one in actions]
    audit.record_each(
        session, f"outreach.{verb}_action", subjects,
        actor=actor, tenant_id=scope_of(session).tenant(),
    )  # fmt: skip


def _answered(action_ids: Collection[int], moves: Sequence[Move]) -> list[Answered]:
    by_id = {one.action_id: one for one in moves}
    return [
        Answered(one, by_id[one].state, by_id[one].reason, by_id[one].due_at)
        if one in by_id else Answered(one, None)
        for one in action_ids
    ]  # fmt: skip
