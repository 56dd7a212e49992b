"""What settlements come to: once an agreed sum is in, the rest is written off; once it is not, it is owed.

The write-off is what a replay of the debtor's payments up to the completing receipt leaves owed. All that
a debtor ever agreed on is worked out anew together whenever money comes in or goes back, and only the
difference is booked: so nothing is written off twice, whatever the order in which receipts become known.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.ledger import service as ledger
from recupero.ledger.allocation import Happening, Step, replay, replay_until
from recupero.ledger.books import Book
from recupero.ledger.commission import Line
from recupero.ledger.service import Booking, Entry
from recupero.payments.agreements import plans, taking
from recupero.payments.agreements.settlement_books import JUDGED, Books, Moved, prefix
from recupero.payments.books import together
from recupero.payments.books.settlement_windows import GRACE, LastDay
from recupero.payments.events import (
    PaymentBooked,
    PaymentReversed,
    PaymentsBooked,
    PlanBroken,
    PlanMoved,
    PlanStarted,
)
from recupero.payments.offers import hardship
from recupero.payments.offers.offer_tables import Settlement
from recupero.payments.offers.plan_standing import Receipt
from recupero.payments.tables import Payment
from recupero.placements import reach
from recupero.placements import service as placements
from recupero.placements.events import HoldsEnded, HoldsOpened
from recupero.tenancy import queries as tenancy

#: The stage of accounts on which a settlement lapses, is open again or stands as an offer again.
_STAGES = {
    "lapsed": "negotiating", "expired": "negotiating", "accepted": "settling", "offered": "settling",
}  # fmt: skip


class Completed(NamedTuple):
    """When a settlement's sum was there, and what that writes off."""

    at: datetime
    moved: Moved


Settled = dict[int, Completed]


def on_money(session: Session, event: PaymentBooked | PaymentReversed | PaymentsBooked) -> None:
    """Money came in or went back: the debtors' settlements are judged again, also where no debt took any:
    of two receipts of one instant the second may find the rest written off. Offers whose sum is in are
    taken.
    """
    if isinstance(event, PaymentsBooked):
        mine = Settlement.debtor_id.in_(event.debtor_ids)
    else:
        payer = select(Payment.debtor_id).where(
            Payment.tenant_id == scope_of(session).tenant(), Payment.id == event.payment_id
        )
        mine = Settlement.debtor_id.in_(payer)
    taking.take_paid(session, mine)
    _review(session, mine)


def on_plan_broken(session: Session, event: PlanBroken) -> None:
    """A settlement whose instalments did not come is due when its plan breaks, whenever that is noticed, and
    lapses with the days of grace."""
    _follow_plan(session, event.plan_id)


def on_plan_started(session: Session, event: PlanStarted | PlanMoved) -> None:
    """Its plan runs, perhaps again, since money became known late, or a pause moved it: the settlement has
    its days."""
    _follow_plan(session, event.plan_id)


def on_hold(session: Session, event: HoldsOpened | HoldsEnded) -> None:
    """Hardship begins or ends: the last day of what is paid without a plan moves."""
    if event.kind == hardship.HOLD:
        held = among(Settlement.debtor_id, event.debtor_ids)
        held |= Settlement.account_ids.overlap(list(event.account_ids))
        _review(session, held & (Settlement.state == "accepted"))


def _follow_plan(session: Session, plan_id: int) -> None:
    """Judge the settlement that a plan pays, if it pays one."""
    plan = plans.find(session, plan_id)
    if plan.settlement_id is not None:
        session.flush()
        _judge(session, [plan.debtor_id], plan.currency)


def lapse_due(session: Session) -> int:
    """Judge the accepted settlements of the tenant in scope whose days are over; how many changed."""
    last = clock.today(tenancy.tenant(session).timezone) - GRACE
    return _review(session, (Settlement.state == "accepted") & (Settlement.pay_by < last))


def _review(session: Session, which: Any) -> int:
    """Judge all settlements of the debtors that have such ones; how many changed their state."""
    query = select(Settlement.currency, func.array_agg(Settlement.debtor_id.distinct())).where(
        Settlement.tenant_id == scope_of(session).tenant(), Settlement.state.in_(JUDGED), which
    )
    found = session.execute(query.group_by(Settlement.currency).order_by(Settlement.currency)).all()
    return sum([_judge(session, debtor_ids, currency) for currency, debtor_ids in found])


def _judge(session: Session, debtor_ids: Collection[int], currency: str) -> int:
    """Let all settlements of these debtors follow their receipts; how many changed their state."""
    judged = [(books, *_settled(books.found, books)) for books in Books.load(session, debtor_ids, currency)]
    every = [one for books, _settled_, _last_days in judged for one in books.found]
    before, settled = {one.id: one.state for one in every}, Settled()
    for books, came, last_days in judged:
        settled |= came
        for one in books.found:
            _move(one, books.last_days[one.id], last_days[one.id])
            _take_state(one, books.found, came, clock.today(books.zone.key))
    _close(session, [one for one in every if one.id in settled])
    changes = [change for books, came, _last_days in judged for change in _changes(books, came)]
    bookings, last = _bookings(session, changes)
    changed = [one for one in every if one.state != before[one.id]]
    # Read before the ledger writes: what it writes lets every row be read again, one by one.
    told = [(one.id, one.state, one.written_off_minor) for one in changed]
    stages = [(stage, [one.account_ids for one in changed if one.state == state])
              for state, stage in _STAGES.items()]  # fmt: skip
    names = _paid_names(every, settled)
    session.flush()
    _write(session, bookings, last, currency)
    for code in ("SIF", "PIF"):
        placements.name_paid(session, {account for account, name in names.items() if name == code}, code)
    for stage, groups in stages:
        placements.set_stage(session, {account for group in groups for account in group}, stage)
    for settlement_id, state, written_off in told:
        audit.record(
            session, f"payments.settlement_{state}", f"settlement:{settlement_id}", actor="system",
            tenant_id=scope_of(session).tenant(), written_off_minor=written_off,
        )  # fmt: skip
    return len(changed)


def _move(found: Settlement, day: LastDay, last: date) -> None:
    """Its last day: after all pauses, or when the plan that pays it broke."""
    found.pay_by, found.moved_from = last, day.agreed if last > day.agreed else None


def _settled(found: Sequence[Settlement], books: Books) -> tuple[Settled, dict[int, date]]:
    """Those whose sum came in with what they write off, in the order in which they were paid: what one has
    written off is not there for the next. And the last day of each."""
    facts, settled, last_days = list(books.facts), Settled(), dict[int, date]()
    while True:
        came = []
        for place, one in enumerate(found):
            if one.id not in settled:
                last_days[one.id], at = _completed(one, _replaced_at(one, found), books, facts)
                if at is not None:
                    came.append((at, place))
        if not came:
            return settled, last_days
        at, place = min(came)
        left = _left(found[place], books, facts, at)
        moved = {(at, line): -amount for line, amount in left.items()}
        settled[found[place].id] = Completed(at, moved)
        facts += [
            Happening(at, Step.OWED, prefix(found[place]), -amount, line=line)
            for line, amount in left.items()
        ]


def _replaced_at(one: Settlement, found: Sequence[Settlement]) -> datetime | None:
    """When the next settlement of one of its accounts was accepted; `found` in the order of acceptance."""
    later = found[found.index(one) + 1 :]
    return next((other.accepted_at for other in later if _overlap(one, other)), None)


def _overlap(one: Settlement, other: Settlement) -> bool:
    return not set(one.account_ids).isdisjoint(other.account_ids)


def _completed(
    found: Settlement, replaced_at: datetime | None, books: Books, facts: list[Happening]
) -> tuple[date, datetime | None]:
    """By when the agreed sum was due, and when the receipt was made with which it was there, as if it wrote
    nothing off."""
    receipts = replay(books.debts, [*facts, *books.group.happenings()])
    came = []
    for payment in sorted(books.group.payments, key=lambda one: (one.received_at, one.external_key)):
        if _since_accepted(found, payment, books.zone):
            lines = receipts[payment.external_key].lines
            came.append(
                (payment, sum(sum_ for (account, _), sum_ in lines.items() if account in found.account_ids))
            )
    last_day, have = _last_day(found, books, came), 0
    for payment, amount in came:
        if _in_time(payment, replaced_at, last_day, books.zone):
            have += amount
        if have >= found.amount_minor:
            return last_day, payment.received_at
    return last_day, None


def _last_day(found: Settlement, books: Books, came: Sequence[tuple[Payment, int]]) -> date:
    """After all pauses, unless the plan that pays it broke before, whenever that is noticed."""
    day, plan = books.last_days[found.id].moved, books.plans.get(found.id)
    if plan is None:
        return day
    paid = [Receipt(one.received_at.astimezone(books.zone).date(), amount) for one, amount in came]
    return min(day, plan.broken_on(paid) or day)


def _since_accepted(found: Settlement, payment: Payment, zone: ZoneInfo) -> bool:
    """A direct payment is known by its day only, so that day counts whole."""
    if found.accepted_at is None:
        raise ValueError("a settlement that was not accepted is not paid")
    if payment.kind == "direct":
        return found.accepted_at.astimezone(zone).date() <= payment.received_at.astimezone(zone).date()
    return found.accepted_at <= payment.received_at


def _in_time(payment: Payment, replaced_at: datetime | None, last_day: date, zone: ZoneInfo) -> bool:
    """Before another settlement took its place, and by its day and the days of grace. The day of a direct
    payment counts whole, for the later of two."""
    at, until = payment.received_at, replaced_at
    day = at.astimezone(zone).date()
    if until is not None and payment.kind == "direct":
        mine = day < until.astimezone(zone).date()
    else:
        mine = until is None or at < until
    return mine and day <= last_day + GRACE


def _left(found: Settlement, books: Books, facts: list[Happening], at: datetime) -> dict[Line, int]:
    """What is owed on the settled accounts after every payment up to `at`, less what went back of them."""
    known = [one for one in facts if one.at <= at]
    received = [
        replace(one, at=min(one.at, at))
        for one in books.group.happenings()
        if one.step is not Step.RECEIVED or one.at <= at
    ]
    replayed = replay_until(books.debts, [*known, *received], at)
    left: defaultdict[Line, int] = defaultdict(int)
    for fact in known:
        if fact.line is not None:
            left[fact.line] += fact.amount
    for line, amount in replayed.accrued.items():
        left[line] += amount
    for receipt in replayed.receipts.values():
        for line, amount in receipt.lines.items():
            left[line] -= amount
    return {line: amount for line, amount in left.items() if amount > 0 and line[0] in found.account_ids}


def _take_state(one: Settlement, found: Sequence[Settlement], settled: Settled, today: date) -> None:
    """What it has come to: the sum came in, another settlement of its accounts has taken its place or settled
    them, its days are over, or it stands."""
    before, over = one.state, today > one.pay_by + GRACE
    if one.id in settled:
        one.state, one.ended_at = "settled", one.ended_at or clock.now()
        one.settled_at = settled[one.id].at
        return
    if before == "lapsed":
        return
    if one.accepted_with == taking.PAYING:
        taking.give_back(one, today)
        return
    if _replaced_at(one, found) or any(other.id in settled and _overlap(one, other) for other in found):
        one.state = "replaced"
    else:
        one.state = "lapsed" if over else "accepted"
    if one.state != before:
        one.settled_at, one.ended_at = None, None if one.state == "accepted" else clock.now()


def _close(session: Session, settled: Sequence[Settlement]) -> None:
    """The accounts of what is settled close as settled in full, and no plan holds them any more."""
    placements.close_accounts(session, [account for one in settled for account in one.account_ids], "SIF")
    by_debtor = reach.open_holds(session, {one.debtor_id for one in settled})
    planned = {hold.account_id for holds in by_debtor.values() for hold in holds if hold.kind == "plan"}
    for one in settled:
        if not planned.isdisjoint(one.account_ids):
            placements.end_holds(session, one.account_ids, "plan", by=f"settlement:{one.id}")


def _paid_names(found: Sequence[Settlement], settled: Settled) -> dict[int, str]:
    """By account of what is settled: SIF, or PIF where nothing of one was written off."""
    names: dict[int, str] = {}
    for one in found:
        if one.id in settled:
            written_off = {account for _at, (account, _part) in settled[one.id].moved}
            names |= {account: "SIF" if account in written_off else "PIF" for account in one.account_ids}
    return names


def _changes(books: Books, settled: Settled) -> list[tuple[Settlement, datetime, list[Entry]]]:
    """By how much each of a debtor's settlements changes what is owed, dated when it was completed; of all of
    them at once, since what one writes off another may have written off before."""
    portfolios = {one.account_id: one.portfolio_id for one in books.group.debts}
    found = []
    for one in books.found:
        wanted = settled[one.id].moved if one.id in settled else Moved()
        one.written_off_minor = -sum(wanted.values())
        changes: defaultdict[datetime, dict[Line, int]] = defaultdict(dict)
        for place in {*wanted, *books.booked[one.id]}:
            change = wanted.get(place, 0) - books.booked[one.id].get(place, 0)
            if change:
                changes[place[0]][place[1]] = change
        found += [(one, at, _entries(one.currency, changes[at], portfolios)) for at in sorted(changes)]
    return found


def _bookings(
    session: Session, changes: Sequence[tuple[Settlement, datetime, list[Entry]]]
) -> tuple[list[Booking], dict[int, str]]:
    """The changes as adjustments of the ledger, and the key of each debtor's last one."""
    bookings, last = [], dict[int, str]()
    for (one, at, entries), identity in zip(changes, ledger.new_ids(session, len(changes)), strict=True):
        one.revision += 1
        key = last[one.debtor_id] = f"{prefix(one)}{one.revision}"
        bookings.append(Booking(identity, "adjustment", key, at, entries, note=f"settlement {one.id}"))
    return bookings, last


def _write(session: Session, bookings: Sequence[Booking], last: Mapping[int, str], currency: str) -> None:
    """Adjust what is owed, and let what waits of these debtors follow."""
    if bookings:
        ledger.book_many(session, bookings)
        freed = together.Together(session, last, currency)
        for debtor_id, trigger in last.items():
            freed.settle_suspense(debtor_id, currency, trigger)
        freed.put_down()


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
