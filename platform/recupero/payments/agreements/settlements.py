"""Settlements: offered inside the creditor's policy or by its leave, accepted, withdrawn, expired.

What happens when the agreed sum has come in, or goes back, is in `write_offs`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import BigInteger, cast, func, null, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, events
from recupero.kernel.database import scope_of
from recupero.kernel.errors import Conflict, UserError
from recupero.payments.agreements import plans
from recupero.payments.agreements.settlement_queries import STANDING, find, held_on, today_of
from recupero.payments.events import SettlementAccepted
from recupero.payments.gateways import gateways
from recupero.payments.offers.offer_tables import Settlement
from recupero.payments.offers.plan_schedule import Choice, Schedule, preview, working_days
from recupero.payments.offers.policy import Leave, Offerer, OfferPolicy, leave_for_settlement, policy_of
from recupero.placements import service as placements
from recupero.placements.debts import lock_accounts, try_accounts
from recupero.placements.events import AccountsClosed
from recupero.placements.lifecycle import PAID
from recupero.tenancy import queries as tenancy

PAY_DAYS = timedelta(days=10)  # in which an accepted sum is paid where no instalments are agreed


@dataclass(frozen=True, slots=True)
class Offer:
    """A settlement before it is made: who has to agree, and the instalments it could be paid in."""

    debtor_id: int
    policy: OfferPolicy
    leave: Leave
    schedule: Schedule | None


def propose(
    session: Session,
    account_ids: Collection[int],
    amount_minor: int,
    valid_until: date,
    offerer: Offerer,
    choice: Choice | None = None,
) -> Offer:
    """What a settlement of these accounts would be. Raises NotFound, or UserError at the field."""
    owed = plans.owed(session, account_ids)
    policy, today = policy_of(owed), clock.today(tenancy.tenant(session).timezone)
    if not 0 < amount_minor < policy.balance_minor:
        raise UserError("a settlement is above zero and below what is owed", field="amount")
    unit = gateways.step(session, policy.currency)
    if amount_minor % unit:
        raise gateways.out_of_step(policy.currency, unit)
    if valid_until < today:
        raise UserError("the offer cannot end before today", field="valid_until")
    schedule = None if choice is None else preview(
        amount_minor, plans.WIDEST, choice, today=today,
        is_working=working_days(tenancy.tenant(session).country), unit_minor=unit,
    )  # fmt: skip
    leave = leave_for_settlement(policy, offerer, amount_minor, (valid_until - today).days, schedule)
    return Offer(owed[0].debtor_id, policy, leave, schedule)


def offer_settlement(
    session: Session,
    *,
    account_ids: Collection[int],
    amount_minor: int,
    valid_until: date,
    offerer: Offerer,
    choice: Choice | None = None,
    why: str | None = None,
) -> Settlement:
    """Offer to settle: it stands at once, or waits (`asked`) for whoever has to allow an exception. An offer
    that stood on one of the accounts is withdrawn. Raises as `propose` does, and where an exception has no
    reason (`why`)."""
    offer = propose(session, account_ids, amount_minor, valid_until, offerer, choice)
    granted = plans.leave_or_ask(offer.leave, offerer, why)
    now, excepted = clock.now(), bool(offer.leave.beyond)
    made = Settlement(
        tenant_id=scope_of(session).tenant(), debtor_id=offer.debtor_id, account_ids=sorted(account_ids),
        currency=offer.policy.currency, balance_minor=offer.policy.balance_minor, amount_minor=amount_minor,
        instalments=len(offer.schedule.instalments) if offer.schedule else 1,
        choice=plans.choice_json(choice) if choice else None, state="asked", valid_until=valid_until,
        pay_by=valid_until + PAY_DAYS, made_with=offerer.role, made_by=offerer.actor, made_at=now,
        beyond=list(offer.leave.beyond), approver=offer.leave.approver, why=why if excepted else None,
        decided_by=offerer.actor if granted and excepted else None,
        decided_at=now if granted and excepted else None,
    )  # fmt: skip
    session.add(made)
    session.flush()
    _record(session, "offered" if granted else "asked", made, offerer.actor)
    if granted:
        _stand(session, made)
    return made


@dataclass(frozen=True, slots=True)
class Named:
    """A settlement within the policy that is told to a debtor, in so many monthly parts; minor units."""

    debtor_id: int
    account_ids: Sequence[int]
    currency: str
    balance_minor: int
    amount_minor: int
    parts: int
    valid_until: date
    named_in: Sequence[int] | None = None  # the actions of the messages that name it; None: a call did


def offer_named(session: Session, named: Sequence[Named], offerer: Offerer) -> None:
    """Let these offers of the tenant in scope stand, which their debtors are told of in this transaction.
    Whoever calls has found them within the policy, holds the accounts, and saw no other offer on them."""
    if not named:
        return
    today, tenant_id = today_of(session), scope_of(session).tenant()
    made = [
        Settlement(
            tenant_id=tenant_id, debtor_id=one.debtor_id, account_ids=sorted(one.account_ids),
            currency=one.currency, balance_minor=one.balance_minor, amount_minor=one.amount_minor,
            instalments=one.parts,
            choice=plans.choice_json(plans.monthly(today, one.parts)) if one.parts > 1 else None,
            state="offered", valid_until=one.valid_until, pay_by=one.valid_until + PAY_DAYS,
            made_with=offerer.role, made_by=offerer.actor, made_at=clock.now(), beyond=[], approver=None,
            why=None, decided_by=None, decided_at=None,
            named_in=None if one.named_in is None else list(one.named_in),
        )
        for one in named
    ]  # fmt: skip
    session.add_all(made)
    session.flush()
    placements.set_stage(session, {account for one in made for account in one.account_ids}, "settling")
    told = [(f"settlement:{one.id}", {"amount_minor": one.amount_minor, "balance_minor": one.balance_minor,
                                      "beyond": [], "why": None}) for one in made]  # fmt: skip
    audit.record_each(
        session, "payments.settlement_offered", told, actor=offerer.actor, tenant_id=tenant_id
    )  # fmt: skip


def named_again(session: Session, settlement_id: int, action_id: int | None) -> None:
    """A message of this action, or a call (None), names an offer that stands already. What somebody was told
    by mouth stands whatever becomes of the messages."""
    names: Any = func.array_append(Settlement.named_in, action_id) if action_id is not None else null()
    session.execute(
        update(Settlement)
        .where(Settlement.tenant_id == scope_of(session).tenant(), Settlement.id == settlement_id,
               Settlement.named_in.is_not(None))
        .values(named_in=names)
    )  # fmt: skip


def unsay(session: Session, action_ids: Collection[int], *, wait: bool = False) -> list[int]:
    """The messages of these actions of the tenant in scope never arrived and never will: an offer that no
    other message or person told of is withdrawn. Returns the actions of which somebody else holds an account
    at this moment, unless it may `wait` for them."""
    tenant_id = scope_of(session).tenant()
    named = select(Settlement.id, Settlement.account_ids, Settlement.named_in).where(
        Settlement.tenant_id == tenant_id, Settlement.state == "offered",
        Settlement.named_in.overlap(cast(list(action_ids), ARRAY(BigInteger))),
    )  # fmt: skip
    gone, left = set(action_ids), set[int]()
    for settlement_id, account_ids, _names in session.execute(named.order_by(Settlement.id)).all():
        free = set(account_ids)
        if wait:
            lock_accounts(session, account_ids)
        else:
            free = try_accounts(session, account_ids)
        found = find(session, settlement_id, lock=free.issuperset(account_ids))
        if not free.issuperset(account_ids):
            left |= gone.intersection(found.named_in or ())
        elif found.state == "offered" and found.named_in is not None:
            found.named_in = [one for one in found.named_in if one not in gone]
            if not found.named_in:
                found.state, found.ended_at = "withdrawn", clock.now()
                _unsettle(session, found)
                _record(session, "withdrawn", found, "system")
    return sorted(left)


def decide(session: Session, settlement_id: int, offerer: Offerer, *, allow: bool, note: str) -> Settlement:
    """The approver allows or refuses an offer that waits. Raises as `plans.decide` does."""
    found = find(session, settlement_id, lock=True)
    plans.check_decision(found, offerer, note)
    if allow and found.valid_until < today_of(session):
        raise Conflict("the offer's last day has passed: make it anew")
    found.decided_by, found.decided_at, found.decision_note = offerer.actor, clock.now(), note.strip()
    if allow:
        _stand(session, found)
    else:
        found.state, found.ended_at = "refused", clock.now()
    _record(session, "allowed" if allow else "refused", found, offerer.actor)
    return found


def _stand(session: Session, made: Settlement) -> None:
    for other in held_on(session, made.account_ids, ("offered",)):
        other.state, other.ended_at = "withdrawn", clock.now()
    made.state = "offered"
    placements.set_stage(session, made.account_ids, "settling")
    session.flush()


def accept(
    session: Session, settlement_id: int, *, accepted_with: str, choice: Choice | None = None
) -> Settlement:
    """The debtor takes the offer: at once, or in the instalments it allows (`choice` may fit their days).

    Accepting twice is once. A settlement of one of its accounts that was accepted before is replaced.
    Publishes `SettlementAccepted`; instalments become a plan. Raises Conflict where it does not stand any
    more or an account is settled already, UserError where `choice` asks for more instalments than were
    offered.
    """
    found = find(session, settlement_id)
    if found.state in ("accepted", "settled"):
        return found
    # The debtor's accounts are held before the offer, as where money is booked: one waits for the other.
    owed = plans.owed(session, found.account_ids)
    session.refresh(found, with_for_update=True)
    if found.state in ("accepted", "settled"):
        return found
    if found.state != "offered" or found.valid_until < today_of(session):
        raise Conflict("this offer does not stand any more")
    if sum(debt.balance_minor for debt in owed) < found.amount_minor:
        raise Conflict("less is owed now than this offer asks for")
    _replace(session, found)
    found.state, found.accepted_at, found.accepted_with = "accepted", clock.now(), accepted_with
    found.pay_by = today_of(session) + PAY_DAYS
    session.flush()
    events.publish(session, SettlementAccepted(tuple(found.account_ids), found.id))
    if found.instalments > 1 and found.choice is not None:
        _plan(session, found, choice or plans.choice_from(found.choice))
    _record(session, "accepted", found, accepted_with)
    return found


def _replace(session: Session, newer: Settlement) -> None:
    """What was agreed on one of these accounts before gives way, with the plan that pays it: an account is
    settled once."""
    for other in held_on(session, newer.account_ids, ("accepted",)):
        other.state, other.ended_at = "replaced", clock.now()
        for plan in plans.running(session, other.account_ids):
            if plan.settlement_id == other.id:
                plans.end(session, plan, "replaced", by=f"settlement:{newer.id}")
        placements.set_stage(session, set(other.account_ids) - set(newer.account_ids), "negotiating")
        _record(session, "replaced", other, f"settlement:{newer.id}")


def _plan(session: Session, found: Settlement, choice: Choice) -> None:
    """The instalments were allowed with the offer: the plan needs no other leave."""
    today = today_of(session)
    if choice.first_on < today:
        choice = plans.with_first(choice, today)
    plan = plans.agree_plan(
        session, account_ids=found.account_ids, choice=choice,
        offerer=Offerer(found.made_with, found.made_by, approves=frozenset({found.approver or ""})),
        why=found.why or "settlement", total_minor=found.amount_minor, settlement_id=found.id,
        allowed=True,
    )  # fmt: skip
    schedule = plans.instalments_of(session, [plan.id])[plan.id]
    if len(schedule) > found.instalments:
        raise UserError(
            "choose from 1 to %(most)s payments in all", field="instalments", most=found.instalments
        )
    found.pay_by = schedule[-1].due_date


def withdraw(session: Session, settlement_id: int, *, actor: str) -> None:
    """Take an offer back before it is accepted. Raises Conflict where it is too late."""
    found = find(session, settlement_id, lock=True)
    if found.state not in ("asked", "offered"):
        raise Conflict("this offer was accepted or has ended")
    found.state, found.ended_at = "withdrawn", clock.now()
    _unsettle(session, found)
    _record(session, "withdrawn", found, actor)


def expire_due(session: Session) -> int:
    """Offers of the tenant in scope whose day has passed stand no more; how many."""
    return sum(_expire(session, one) for one in _late(session))


def _late(session: Session) -> Sequence[Settlement]:
    query = select(Settlement).where(
        Settlement.tenant_id == scope_of(session).tenant(),
        Settlement.state.in_(["asked", "offered"]),
        Settlement.valid_until < today_of(session),
    )
    return session.execute(query.with_for_update()).scalars().all()


def _expire(session: Session, found: Settlement) -> bool:
    found.state, found.ended_at = "expired", clock.now()
    _unsettle(session, found)
    _record(session, "expired", found, "system")
    return True


def on_closed(session: Session, event: AccountsClosed) -> None:
    """Nothing is offered on accounts whose work has ended. Where they were paid the offer rests as it is: it
    may be what was paid, or stand again should the money go back."""
    if event.code in PAID:
        return
    for found in held_on(session, event.account_ids, ("asked", "offered")):
        found.state, found.ended_at = "withdrawn", clock.now()
    session.flush()


def _unsettle(session: Session, found: Settlement) -> None:
    session.flush()
    if not held_on(session, found.account_ids, STANDING):
        placements.set_stage(session, found.account_ids, "negotiating")


def _record(session: Session, what: str, found: Settlement, actor: str, **more: Any) -> None:
    audit.record(
        session, f"payments.settlement_{what}", f"settlement:{found.id}", actor=actor,
        tenant_id=found.tenant_id, amount_minor=found.amount_minor, balance_minor=found.balance_minor,
        beyond=found.beyond, why=found.decision_note or found.why, **more,
    )  # fmt: skip
