"""How a debtor wants to be reached, inside what the law leaves open: channel, hours, language."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.contacts import queries as contacts
from recupero.contacts import service as record
from recupero.contacts.grounds import Grounds, Planned, grounds, judge_planned
from recupero.contacts.queries import Preferred
from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Faults, UserError
from recupero.kernel.marking import LANGUAGES
from recupero.outreach import service as outreach
from recupero.outreach.actions.kinds import ANSWERS, ASKED_FOR
from recupero.outreach.actions.states import Claimed, Move, move
from recupero.outreach.tables import Action
from recupero.placements import reach
from recupero.placements import service as placements
from recupero.placements.reach import Reachable
from recupero.tenancy import queries as tenancy
from recupero_sdk.law import CHANNELS
from recupero_sdk.law.zones import load_zone

#: Why something waits, or ends.
REASON = "preferred_hours"
#: So many openings of the debtor's hours, a day each, are tried for one that the law allows.
_OPENINGS = 10
_HAS_HOURS = tuple(channel for channel in CHANNELS if channel != "letter")  # a letter comes at any hour


@dataclass(frozen=True, slots=True)
class Wish:
    """What a debtor asks for; None leaves it open. `hours` from and to, by their own clock."""

    channel: str | None
    hours: tuple[time, time] | None
    language: str


def read(channel: str, begins: str, ends: str, language: str) -> Wish:
    """The wish as a form has it; empty leaves a thing open. Raises UserError at the field."""
    faults, hours = Faults(), list[time]()
    if language not in LANGUAGES:
        faults.note(UserError("Please choose one.", field="language"))
    if channel and channel not in CHANNELS:
        faults.note(UserError("Please choose one.", field="channel"))
    for field, text in (("begins", begins), ("ends", ends)) if begins or ends else ():
        with faults.caught():
            hours.append(_time(field, text))
    if len(hours) == 2 and hours[0] >= hours[1]:
        faults.note(UserError("The hours must end after they begin.", field="ends"))
    faults.tell()
    return Wish(channel or None, (hours[0], hours[1]) if hours else None, language)


def _time(field: str, text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise UserError("Write the time as 09:00.", field=field) from None


def keep(session: Session, debtor_id: int, wish: Wish, *, actor: str) -> None:
    """Keep the wish of a debtor of the tenant in scope. It holds at once: what waits on other channels is
    cancelled in this transaction, what waits for another hour moved, and what goes out from now on keeps to
    hours and language. Raises UserError where the law allows no contact in these hours: that would be no
    wish to be reached."""
    hours = [at.hour * 60 + at.minute for at in wish.hours] if wish.hours else [None, None]
    record.set_preference(
        session, debtor_id=debtor_id, channel=wish.channel, from_minute=hours[0], to_minute=hours[1],
        source=actor,
    )  # fmt: skip
    placements.set_language(session, debtor_id, wish.language)
    if wish.hours:
        _refuse_never(session, debtor_id, wish)
    for other in CHANNELS if wish.channel else ():
        if other != wish.channel:
            outreach.cancel(
                session, debtor_ids=[debtor_id], channel=other, reason="preferred_channel", keep=ASKED_FOR
            )
    _move_to_hours(session, debtor_id)
    audit.record(
        session, "outreach.preference_kept", f"debtor:{debtor_id}", actor=actor,
        tenant_id=scope_of(session).tenant(), channel=wish.channel or "", language=wish.language,
    )  # fmt: skip


def _refuse_never(session: Session, debtor_id: int, wish: Wish) -> None:
    theirs = reach.reachable(session, reach.accounts_of(session, [debtor_id]).get(debtor_id, ()))
    account = next((one for one in theirs.values() if not one.ended), None)
    if account is None:
        return
    now = clock.now()
    asks = [
        (account.account_id, channel, "collection", now)
        for channel in ([wish.channel] if wish.channel else _HAS_HOURS)
    ]
    on = grounds(session, [account.account_id])
    lawful = any(one.at is not None for one in judge_planned(session, asks, on))
    if lawful and all(one.at is None for one in first_moments(session, asks, on)):
        raise UserError("In these hours the law allows no contact. Please choose others.", field="begins")


def _move_to_hours(session: Session, debtor_id: int) -> None:
    """What waits for a moment outside the hours of a debtor waits for one inside them."""
    waiting = session.execute(
        select(Action)
        .where(
            Action.tenant_id == scope_of(session).tenant(), Action.debtor_id == debtor_id,
            Action.state == "scheduled", Action.template.not_in((*ANSWERS, *ASKED_FOR)),
        )
        .order_by(Action.id)
        .with_for_update()
    ).scalars().all()  # fmt: skip
    asks = [(one.account_id, one.channel, one.purpose, max(one.due_at, clock.now())) for one in waiting]
    moves = [
        Move(one.id, "scheduled", REASON, due_at=found.at)
        for one, found in zip(waiting, first_moments(session, asks), strict=True)
        if found.reason == REASON and found.at is not None and found.at < one.expires_at
    ]
    move(session, moves)


def first_moments(
    session: Session,
    asks: Sequence[tuple[int, str, str, datetime]],
    on: Grounds | None = None,
    wanted: Mapping[int, Preferred] | None = None,
) -> list[Planned]:
    """When contacts may be made that are planned, by the law (`judge_planned`) and in the hours that their
    debtors asked for: the first moment of both. `reason` is `preferred_hours` where the law allows a moment
    that they did not ask for. `on` and `wanted` (the debtors' preferences) are read where they are not known.
    Needs the agency in scope."""
    if not asks:
        return []
    on = on or grounds(session, {account_id for account_id, *_ in asks})
    lawful, accounts = judge_planned(session, asks, on), on.known.accounts
    if wanted is None:
        wanted = contacts.preferences(session, {accounts[account_id].debtor_id for account_id, *_ in asks})
    if not any(row.from_minute is not None for row in wanted.values()):
        return lawful
    return [_of_both(session, ask, found, on) for ask, found in zip(asks, lawful, strict=True)]


def _of_both(session: Session, ask: tuple[int, str, str, datetime], lawful: Planned, on: Grounds) -> Planned:
    account_id, channel, purpose, _at = ask
    account, at, reason = on.known.accounts[account_id], lawful.at, lawful.reason
    if channel not in _HAS_HOURS:
        return lawful
    for _ in range(_OPENINGS):
        if at is None:
            break
        (welcome,) = welcome_from(session, [(account, at)])
        if welcome == at:
            return replace(lawful, at=at, reason=reason)
        reason = reason or REASON
        at = judge_planned(session, [(account_id, channel, purpose, welcome)], on)[0].at
    return replace(lawful, at=None, reason=reason)


def to_hours(session: Session, actions: Sequence[Claimed], moves: Sequence[Move]) -> list[Move]:
    """What is put off waits for a moment that the law allows and its debtor asked for: the first of the one
    may never be one of the other."""
    later = {
        one.action_id: one.due_at
        for one in moves
        if one.due_at and one.state == "scheduled" and (one.reason or "").startswith(("law:", REASON))
    }
    if not later:
        return list(moves)
    hours = of_debtors(session, {one.debtor_id for one in actions if one.id in later}).hours
    asked = [
        one for one in actions if one.id in later and one.debtor_id in hours and one.template not in ANSWERS
    ]
    found = first_moments(
        session, [(one.account_id, one.channel, one.purpose, later[one.id]) for one in asked]
    )
    ends = {
        one.id: Move(one.id, "expired", REASON)
        for one, first in zip(asked, found, strict=True)
        if first.at is None or first.at >= one.expires_at
    }
    due = {one.id: first.at for one, first in zip(asked, found, strict=True)}
    return [
        ends.get(one.action_id) or (replace(one, due_at=due[one.action_id]) if one.action_id in due else one)
        for one in moves
    ]


def of_debtor(session: Session, debtor_id: int, language: str) -> Wish:
    """What a debtor of the tenants in scope asked for; `language` is theirs."""
    row = contacts.preferences(session, [debtor_id]).get(debtor_id)
    if row is None:
        return Wish(None, None, language)
    told = row.from_minute is not None and row.to_minute is not None
    hours = (_at(row.from_minute or 0), _at(row.to_minute or 0)) if told else None
    return Wish(row.channel, hours, language)


def _at(minute: int) -> time:
    """The time of day; the end of a day is its last minute."""
    return time(*divmod(min(minute, 1439), 60))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Hours by debtor, as minutes after local midnight; `zone` is where a debtor is who stated none."""

    hours: dict[int, tuple[int, int]]
    zone: str

    def objection(self, action: Claimed, account: Reachable) -> Move | None:
        """Put the action off to the debtor's hours, or None where it is inside them."""
        hours = self.hours.get(account.debtor_id)
        if hours is None or action.channel not in _HAS_HOURS:
            return None
        local = clock.now().astimezone(load_zone(account.timezone or self.zone))
        if hours[0] <= local.hour * 60 + local.minute < hours[1]:
            return None
        again = _next_opening(local, hours[0])
        if again >= action.expires_at:
            return Move(action.id, "expired", REASON)
        return Move(action.id, "scheduled", REASON, due_at=again)


def welcome_now(session: Session, accounts: Sequence[Reachable]) -> set[int]:
    """Those of the accounts of the tenants in scope whose debtors asked for no hours, or for these."""
    now = clock.now()
    found = welcome_from(session, [(one, now) for one in accounts])
    return {one.account_id for one, at in zip(accounts, found, strict=True) if at == now}


def welcome_from(session: Session, asks: Sequence[tuple[Reachable, datetime]]) -> list[datetime]:
    """For each account of the tenants in scope the first moment, from that one on, at which its debtor asked
    to be reached; that one where they asked for no hours."""
    asked = contacts.preferences(session, {one.debtor_id for one, _at in asks})
    zones = {tenant.id: tenant.timezone for tenant in tenancy.tenants(session)}
    found = list[datetime]()
    for one, at in asks:
        row = asked.get(one.debtor_id)
        begins, ends = (row.from_minute, row.to_minute) if row else (None, None)
        local = at.astimezone(load_zone(one.timezone or zones[one.tenant_id]))
        open_now = begins is None or ends is None or begins <= local.hour * 60 + local.minute < ends
        found.append(at if open_now else _next_opening(local, begins or 0))
    return found


def _next_opening(local: datetime, minute: int) -> datetime:
    opening = datetime.combine(local.date(), time(minute // 60, minute % 60), tzinfo=local.tzinfo)
    return opening if opening > local else opening + timedelta(days=1)


def of_debtors(session: Session, debtor_ids: Collection[int]) -> Wanted:
    """The hours that these debtors of the tenant in scope asked for."""
    asked = contacts.preferences(session, debtor_ids)
    hours = {
        debtor_id: (row.from_minute, row.to_minute)
        for debtor_id, row in asked.items()
        if row.from_minute is not None and row.to_minute is not None
    }
    return Wanted(hours, tenancy.house(session).timezone)
