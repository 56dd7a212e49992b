"""Promises to pay: made on a page or with an agent, judged by what came in (domain page, formula 8.3)."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select, text, true, update
from sqlalchemy.orm import Session

from recupero.contacts import queries as contacts
from recupero.kernel import audit, clock, events
from recupero.kernel.bulk import among
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.payments.events import PromiseBroken, PromiseMade
from recupero.payments.offers.policy import Offerer, leave_for_promise, policy_of
from recupero.payments.tables import PromiseToPay
from recupero.placements import service as placements
from recupero.placements.debts import OpenDebt, debts_by_id
from recupero.placements.events import HoldsEnded, HoldsOpened
from recupero.tenancy import queries as tenancy

GRACE = timedelta(days=3)
TOLERANCE_PERCENT = 95
BROUGHT = timedelta(days=30)  # a promise is counted to the newest contact of these days before it
_ENDED_BY = ("hardship", "dispute")  # holds that end a promise
_WITH = {"page": "page", "agent": "agent", "api": "api", "simulation": "agent"}  # the role that is limited


def make_promise(
    session: Session,
    *,
    account_id: int,
    amount_minor: int,
    due_date: date,
    made_with: str,
    contact_id: int | None = None,
    offerer: Offerer | None = None,
    why: str | None = None,
) -> int:
    """Take the debtor's promise for an account of the tenant in scope; its id. One that is still open on the
    account is replaced. `made_with`: page, agent, voice, api, simulation. Work on the account rests
    until it is due.

    A promise beyond the creditor's limits is taken where `offerer` may override them and says `why`; both are
    kept. Publishes `PromiseMade`. Raises NotFound, or UserError on an amount or a date that cannot be
    promised.
    """
    tenant, found = scope_of(session).tenant(), debts_by_id(session, [account_id])
    if not found:
        raise NotFound("no such account")
    zone = tenancy.tenant(session).timezone
    by = offerer or Offerer(_WITH[made_with], made_with)
    open_now = _open_of(session, found[0], contact_id)
    overridden = _check(session, found[0], amount_minor, due_date, clock.today(zone), by, why, open_now)
    replaced = cancel_open(session, [account_id])
    promise = PromiseToPay(
        tenant_id=tenant, account_id=account_id, debtor_id=found[0].debtor_id, contact_id=contact_id,
        amount_minor=amount_minor, currency=found[0].currency, made_at=clock.now(), due_date=due_date,
        state="open", made_with=made_with, channel=_brought_by(session, account_id, contact_id),
        override_by=by.actor if overridden else None,
        override_why=why if overridden else None,
    )  # fmt: skip
    session.add(promise)
    session.flush()
    _rest(session, promise, zone, replaced)
    placements.set_stage(session, [account_id], "promised")
    events.publish(session, PromiseMade(account_id, promise.id))
    audit.record(
        session, "payments.promise", f"promise:{promise.id}", actor=made_with, tenant_id=tenant,
        account_id=account_id, amount_minor=amount_minor, due_date=due_date.isoformat(),
    )  # fmt: skip
    return promise.id


def make_promises(
    session: Session,
    *,
    account_ids: Sequence[int],
    amount_minor: int,
    due_date: date,
    made_with: str,
    contact_id: int | None,
    offerer: Offerer,
    why: str | None = None,
) -> list[int]:
    """One promise, made in one contact, over several accounts of a debtor and currency: the first is promised
    in full before anything of the next; the ids, in this order. Raises as `make_promise` does, and then none
    is taken."""
    owed = {debt.account_id: debt.balance_minor for debt in debts_by_id(session, account_ids)}
    if not 0 < amount_minor <= sum(owed.values()):
        raise UserError("promise an amount above zero and up to what is owed", field="amount_minor")
    left, made = amount_minor, list[int]()
    with session.begin_nested():
        for account_id in account_ids:
            part = min(left, max(owed.get(account_id, 0), 0))
            left -= part
            if part:
                made.append(make_promise(
                    session, account_id=account_id, amount_minor=part, due_date=due_date, made_with=made_with,
                    contact_id=contact_id, offerer=offerer, why=why,
                ))  # fmt: skip
    return made


def _brought_by(session: Session, account_id: int, contact_id: int | None) -> str | None:
    """Channel of the contact in which it was made, else of the newest one of the thirty days before."""
    if contact_id is not None:
        return contacts.channel_of(session, contact_id)
    now = clock.now()
    found = contacts.last_reached(session, [account_id], since=now - BROUGHT, until=now)
    return found and found[1]


def _check(
    session: Session,
    debt: OpenDebt,
    amount_minor: int,
    due_date: date,
    today: date,
    offerer: Offerer,
    why: str | None,
    open_now: int,
) -> bool:
    """Whether limits were overridden. Raises UserError where it cannot be promised."""
    if not 0 < amount_minor <= debt.balance_minor:
        raise UserError("promise an amount above zero and up to what is owed", field="amount_minor")
    policy = policy_of([debt])
    limits = policy.of(offerer)
    last = today + timedelta(days=limits.promise_days_ahead)
    if due_date < today:
        raise UserError("promise a day from today to %(last)s", field="due_date", last=last)
    leave = leave_for_promise(policy, offerer, amount_minor, due_date, today, open_now)
    if leave.approver is None:
        return False
    if "supervisor" in offerer.approves and (why or "").strip():
        return True
    raise _refusal(leave.beyond[0], last)


def _refusal(beyond: str, last: date) -> UserError:
    if beyond == "promise_days_ahead":
        return UserError("promise a day from today to %(last)s", field="due_date", last=last)
    if beyond == "promise_minimum":
        return UserError("promise an amount from the creditor's lowest promise up", field="amount_minor")
    return UserError("too many promises of this debtor are open already", field="amount_minor")


def _open_of(session: Session, debt: OpenDebt, contact_id: int | None) -> int:
    """Open promises of the debtor on other accounts; the one on this account is replaced, and what was
    promised in the same contact is one promise, whatever accounts it is about."""
    return session.execute(
        select(func.count()).where(
            PromiseToPay.tenant_id == scope_of(session).tenant(),
            PromiseToPay.debtor_id == debt.debtor_id,
            PromiseToPay.account_id != debt.account_id,
            PromiseToPay.state == "open",
            true() if contact_id is None else PromiseToPay.contact_id.is_distinct_from(contact_id),
        )
    ).scalar_one()


def cancel_open(session: Session, account_ids: Collection[int]) -> bool:
    """Cancel the open promises on these accounts, which something newer replaces; whether there were any."""
    return bool(_cancel(session, PromiseToPay.account_id.in_(account_ids)))


def on_hold(session: Session, event: HoldsOpened | HoldsEnded) -> None:
    """Whoever is in hardship or disputes the debt has not broken a promise (domain page, 8.3): it ends, and
    the work that rested for its sake goes on when the other hold ends."""
    if isinstance(event, HoldsEnded) or event.kind not in _ENDED_BY:
        return
    held = among(PromiseToPay.debtor_id, event.debtor_ids) | among(PromiseToPay.account_id, event.account_ids)
    ended = _cancel(session, held)
    placements.end_holds(session, ended, "promise", by=f"hold:{event.kind}")


def _cancel(session: Session, which: ColumnElement[bool]) -> Sequence[int]:
    """Cancel the open promises among these; the accounts that they were about."""
    cancelled = session.execute(
        update(PromiseToPay)
        .where(
            PromiseToPay.tenant_id == scope_of(session).tenant(),
            which,
            PromiseToPay.state == "open",
        )
        .values(state="cancelled", settled_at=clock.now())
        .returning(PromiseToPay.account_id)
    )
    return cancelled.scalars().all()


def _rest(session: Session, promise: PromiseToPay, zone: str, replaced: bool) -> None:
    """A running promise is a hold on the account until its grace is over; a newer one has its own."""
    end = datetime.combine(promise.due_date + GRACE + timedelta(days=1), time(), ZoneInfo(zone))
    hold = partial(
        placements.open_hold, session, debtor_id=promise.debtor_id, account_id=promise.account_id,
        kind="promise", source=f"promise:{promise.id}", until=end,
    )  # fmt: skip
    if replaced:
        placements.end_hold(session, hold(), by=f"promise:{promise.id}")
    hold()


# What came in for the promised account from the promise to its due date and the days of grace, net of
# reversals. A direct payment is known by its day only, so that day counts whole.
_RECEIPTS = text("""
SELECT p.id, coalesce(sum(a.amount_minor), 0)
FROM promises p
LEFT JOIN (allocations a JOIN payments m ON m.tenant_id = a.tenant_id AND m.id = a.payment_id)
  ON a.tenant_id = p.tenant_id AND a.account_id = p.account_id
 AND (m.received_at AT TIME ZONE :zone)::date <= p.due_date + :grace
 AND CASE WHEN m.kind = 'direct'
     THEN (m.received_at AT TIME ZONE :zone)::date >= (p.made_at AT TIME ZONE :zone)::date
     ELSE m.received_at >= p.made_at END
WHERE p.tenant_id = :tenant AND p.id = ANY(:ids)
GROUP BY p.id
""")


def review(session: Session, account_ids: Collection[int]) -> None:
    """Judge the promises on these accounts again, after money came in or went back."""
    _judge(session, PromiseToPay.account_id.in_(account_ids) & (PromiseToPay.state != "cancelled"))


def settle_due(session: Session) -> int:
    """Judge the open promises of the tenant in scope whose days of grace are over; how many ended."""
    today = clock.today(tenancy.tenant(session).timezone)
    return _judge(session, (PromiseToPay.state == "open") & (PromiseToPay.due_date < today - GRACE))


def _judge(session: Session, which: ColumnElement[bool]) -> int:
    tenant, zone = scope_of(session).tenant(), tenancy.tenant(session).timezone
    found = session.execute(
        select(PromiseToPay).where(PromiseToPay.tenant_id == tenant, which).order_by(PromiseToPay.id)
    ).scalars().all()  # fmt: skip
    if not found:
        return 0
    receipts: dict[int, int] = dict(
        session.execute(
            _RECEIPTS,
            {"zone": zone, "grace": GRACE.days, "tenant": tenant, "ids": [promise.id for promise in found]},
        ).all()
    )
    changed = [one for one in found if _settle(one, int(receipts[one.id]), clock.today(zone))]
    session.flush()
    _tell(session, changed)
    return len(changed)


def _settle(promise: PromiseToPay, paid: int, today: date) -> bool:
    """Set what the promise has come to; whether its state changed."""
    before = promise.state
    promise.paid_minor = max(paid, 0)
    promise.state = _verdict(promise, today)
    changed = promise.state != before
    if promise.state == "open":
        promise.settled_at = None
    elif changed or promise.settled_at is None:  # what is held of it now was not known before
        promise.settled_at = clock.now()
    return changed


def _verdict(promise: PromiseToPay, today: date) -> str:
    if promise.paid_minor * 100 >= promise.amount_minor * TOLERANCE_PERCENT:
        return "kept"
    if today <= promise.due_date + GRACE:
        return "open"
    return "partly_kept" if promise.paid_minor else "broken"


def _tell(session: Session, changed: Sequence[PromiseToPay]) -> None:
    over = [promise.account_id for promise in changed if promise.state in {"partly_kept", "broken"}]
    placements.set_stage(session, over, "negotiating")
    broken = [(one.account_id, one.id) for one in changed if one.state == "broken"]
    for account_id, promise_id in broken:
        events.publish(session, PromiseBroken(account_id, promise_id))
