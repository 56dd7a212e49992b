"""What a settlement comes to: once the agreed sum is in, the rest is written off; once it is not, it is owed.

The write-off is what a replay of the debtor's payments up to the completing receipt leaves owed. It is worked
out anew whenever money comes in or goes back and only the difference is booked, so that it is booked once,
whatever the order in which receipts become known.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.database import scope_of
from recupero.ledger import queries as ledger_queries
from recupero.ledger import service as ledger
from recupero.ledger.allocation import Debt, Happening, Step, replay, replay_until
from recupero.ledger.books import Book
from recupero.ledger.commission import Line
from recupero.ledger.queries import ACCRUAL
from recupero.ledger.service import Booking, Entry
from recupero.payments import booking, hardship, plan_standing, plans
from recupero.payments.contracts import Contracts
from recupero.payments.events import (
    PaymentBooked,
    PaymentReversed,
    PaymentsBooked,
    PlanBroken,
    PlanMoved,
    PlanStarted,
)
from recupero.payments.offer_tables import Settlement
from recupero.payments.settlements import GRACE
from recupero.payments.tables import Payment
from recupero.placements import service as placements
from recupero.placements.events import HoldEnded, HoldOpened
from recupero.tenancy import queries as tenancy

_JUDGED = ("accepted", "settled", "lapsed")
Moved = dict[tuple[datetime, Line], int]


def on_money(session: Session, event: PaymentBooked | PaymentReversed | PaymentsBooked) -> None:
    """Money came in or went back: the settlements of these accounts are judged again."""
    if event.account_ids:
        overlap = Settlement.account_ids.overlap(list(event.account_ids))
        _review(session, overlap & Settlement.state.in_(_JUDGED))


def on_plan_broken(session: Session, event: PlanBroken) -> None:
    """A settlement whose instalments did not come is due when its plan breaks, whenever that is noticed, and
    lapses with the days of grace."""
    for found in _paid_by(session, event.plan_id):
        found.pay_by = min(_agreed_until(session, event.plan_id), event.on)
        session.flush()
        _judge(session, found)


def on_plan_started(session: Session, event: PlanStarted | PlanMoved) -> None:
    """Its plan runs, perhaps again, since money became known late, or a pause moved it: the settlement has
    its days."""
    for found in _paid_by(session, event.plan_id):
        found.pay_by = _agreed_until(session, event.plan_id)
        session.flush()
        _judge(session, found)


def on_hold(session: Session, event: HoldOpened | HoldEnded) -> None:
    """Hardship begins or ends: the last day of what is paid without a plan moves."""
    if event.kind == hardship.HOLD:
        _review(session, (Settlement.debtor_id == event.debtor_id) & (Settlement.state == "accepted"))


def _paid_by(session: Session, plan_id: int) -> list[Settlement]:
    """The settlement that a plan pays, if it pays one."""
    return _those(session, Settlement.id == plans.find(session, plan_id).settlement_id, _JUDGED)


def _agreed_until(session: Session, plan_id: int) -> date:
    return plans.instalments_of(session, [plan_id])[plan_id][-1].due_date


def lapse_due(session: Session) -> int:
    """Judge the accepted settlements of the tenant in scope whose days are over; how many changed."""
    last = clock.today(tenancy.tenant(session).timezone) - GRACE
    return _review(session, (Settlement.state == "accepted") & (Settlement.pay_by < last))


def _review(session: Session, which: Any) -> int:
    return sum([_judge(session, found) for found in _those(session, which, _JUDGED)])


def _those(session: Session, which: Any, states: tuple[str, ...]) -> list[Settlement]:
    query = select(Settlement).where(
        Settlement.tenant_id == scope_of(session).tenant(), Settlement.state.in_(states), which
    )
    return list(session.execute(query.order_by(Settlement.id).with_for_update()).scalars())


def _judge(session: Session, found: Settlement) -> bool:
    """Let the settlement follow its receipts; whether its state changed."""
    zone, before = tenancy.tenant(session).timezone, found.state
    _move(session, found, ZoneInfo(zone))
    last, today = found.pay_by + GRACE, clock.today(zone)
    books = _Books.load(session, found)
    completed = _completed(found, books, ZoneInfo(zone))
    if completed is not None:
        _settle(session, found, completed, books)
    elif before == "settled" or (before == "accepted" and today > last):
        _reopen(session, found, books, lapsed=today > last)
    if found.state != before:
        audit.record(
            session, f"payments.settlement_{found.state}", f"settlement:{found.id}", actor="system",
            tenant_id=found.tenant_id, written_off_minor=found.written_off_minor,
        )  # fmt: skip
    return found.state != before


def _move(session: Session, found: Settlement, zone: ZoneInfo) -> None:
    """Its last day after all pauses; where a plan pays it, the plan says which day that is."""
    if found.accepted_at is None or found.instalments > 1:
        return
    held = hardship.pauses(session, [found.debtor_id])
    agreed = found.moved_from or found.pay_by
    found.pay_by, _grace = plan_standing.moved(
        agreed, None, GRACE.days, hardship.rests(held, found, found.accepted_at, zone), lambda _day: True
    )
    found.moved_from = None if found.pay_by == agreed else agreed


@dataclass(frozen=True, slots=True)
class _Books:
    """A debtor's debts and payments, what is owed without the settlement's write-off and what accrues, and
    the write-off as it is booked."""

    group: booking.Group
    debts: list[Debt]
    facts: list[Happening]
    own: Moved

    @classmethod
    def load(cls, session: Session, found: Settlement) -> "_Books":
        group = booking.Group.load(session, found.debtor_id, found.currency)
        contracts = Contracts(session, group.debts)
        debts = [contracts.debt(debt) for debt in group.debts]
        growing = {debt.account_id for debt in debts if debt.accrual is not None}
        facts, own = [], Moved()
        for one in ledger_queries.what_was_owed(session, [debt.account_id for debt in debts]):
            if one.line is None or (one.key.startswith(ACCRUAL) and one.line[0] in growing):
                continue  # the replay lets it grow itself
            if one.key.startswith(_prefix(found)):
                own[one.at, one.line] = own.get((one.at, one.line), 0) + one.amount
            else:
                facts.append(one)
        return cls(group, debts, facts, own)


def _completed(found: Settlement, books: _Books, zone: ZoneInfo) -> datetime | None:
    """When the receipt was made with which the agreed sum was there, as if nothing were written off."""
    receipts = replay(books.debts, [*books.facts, *books.group.happenings()])
    have = 0
    for payment in sorted(books.group.payments, key=lambda one: (one.received_at, one.external_key)):
        if _in_time(found, payment, zone):
            lines = receipts[payment.external_key].lines
            have += sum(amount for (account, _), amount in lines.items() if account in found.account_ids)
        if have >= found.amount_minor:
            return payment.received_at
    return None


def _in_time(found: Settlement, payment: Payment, zone: ZoneInfo) -> bool:
    """Since the offer was accepted, and by its day and the days of grace. A direct payment is known by its
    day only, so that day counts whole."""
    if found.accepted_at is None:
        raise ValueError("a settlement that was not accepted is not paid")
    day = payment.received_at.astimezone(zone).date()
    if payment.kind == "direct":
        since = day >= found.accepted_at.astimezone(zone).date()
    else:
        since = payment.received_at >= found.accepted_at
    return since and day <= found.pay_by + GRACE


def _settle(session: Session, found: Settlement, at: datetime, books: _Books) -> None:
    """Close the accounts as settled in full and write off what is left."""
    found.state, found.settled_at, found.ended_at = "settled", at, found.ended_at or clock.now()
    placements.close_accounts(session, found.account_ids, "SIF")
    placements.end_holds(session, found.account_ids, "plan", by=f"settlement:{found.id}")
    left = _left(found, books, at)
    _book(session, found, {(at, line): -amount for line, amount in left.items()}, books)
    written_off = {account for account, _part in left}
    placements.name_paid(session, written_off, "SIF")
    placements.name_paid(session, set(found.account_ids) - written_off, "PIF")


def _left(found: Settlement, books: _Books, at: datetime) -> dict[Line, int]:
    """What is owed on the settled accounts after every payment up to `at`, less what went back of them."""
    facts = [one for one in books.facts if one.at <= at]
    received = [
        replace(one, at=min(one.at, at))
        for one in books.group.happenings()
        if one.step is not Step.RECEIVED or one.at <= at
    ]
    replayed = replay_until(books.debts, [*facts, *received], at)
    left: defaultdict[Line, int] = defaultdict(int)
    for fact in facts:
        if fact.line is not None:
            left[fact.line] += fact.amount
    for line, amount in replayed.accrued.items():
        left[line] += amount
    for receipt in replayed.receipts.values():
        for line, amount in receipt.lines.items():
            left[line] -= amount
    return {line: amount for line, amount in left.items() if amount > 0 and line[0] in found.account_ids}


def _reopen(session: Session, found: Settlement, books: _Books, *, lapsed: bool) -> None:
    """The sum is not there: everything is owed again; the settlement still stands unless it is too late."""
    found.state = "lapsed" if lapsed else "accepted"
    found.settled_at, found.ended_at = None, clock.now() if lapsed else None
    _book(session, found, {}, books)
    placements.set_stage(session, found.account_ids, "negotiating" if lapsed else "settling")


def _prefix(found: Settlement) -> str:
    return f"settlement:{found.id}:"


def _book(session: Session, found: Settlement, wanted: Moved, books: _Books) -> None:
    """Adjust what is owed by the difference, dated when the settlement was completed."""
    changes: defaultdict[datetime, dict[Line, int]] = defaultdict(dict)
    for place in {*wanted, *books.own}:
        change = wanted.get(place, 0) - books.own.get(place, 0)
        if change:
            changes[place[0]][place[1]] = change
    found.written_off_minor = -sum(wanted.values())
    portfolios = {one.account_id: one.portfolio_id for one in books.group.debts}
    bookings = []
    for at, identity in zip(sorted(changes), ledger.new_ids(session, len(changes)), strict=True):
        found.revision += 1
        bookings.append(
            Booking(
                identity, "adjustment", f"{_prefix(found)}{found.revision}", at,
                _entries(found.currency, changes[at], portfolios), note=f"settlement {found.id}",
            )
        )  # fmt: skip
    session.flush()
    if bookings:
        ledger.book_many(session, bookings)
        booking.settle_suspense(
            session, debtor_id=found.debtor_id, currency=found.currency,
            trigger=bookings[-1].external_key, at=clock.now(),
        )  # fmt: skip


def _entries(currency: str, changes: dict[Line, int], portfolios: dict[int, int]) -> list[Entry]:
    entries = [
        Entry(Book.RECEIVABLE, change, currency, account, part, portfolios[account])
        for (account, part), change in sorted(changes.items())
    ]
    controls: defaultdict[int, int] = defaultdict(int)
    for (account, _part), change in changes.items():
        controls[account] -= change
    return entries + [
        Entry(Book.PLACEMENT_CONTROL, change, currency, account, None, portfolios[account])
        for account, change in controls.items()
    ]
