"""What may be agreed with the debtor: in full, by a plan or a settlement, computed within policy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy.orm import Session

from recupero.decisions import offer_rules, promise_chances
from recupero.decisions.promise_chances import Typed
from recupero.kernel import clock
from recupero.kernel.errors import UserError
from recupero.kernel.money import minor_units
from recupero.payments import plans, settlements
from recupero.payments.policy import Leave, Offerer, OfferPolicy, leave_for_promise, offerer_of, policy_of
from recupero.placements.debts import OpenDebt, debts, debts_by_id
from recupero.placements.lifecycle import ENDED
from recupero.portals import plan_forms
from recupero.portals.forms import Form
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import the_caller

KINDS = ("full", "plan", "settlement")
#: How soon a whole payment is proposed.
SOON = timedelta(days=3)
ASKED = ("amount", "due", "parts", *plan_forms.FIELDS)


@dataclass(frozen=True, slots=True)
class Shown:
    """What an agreement would be: money by day, what it comes to, of how much, and who has to allow it."""

    kind: str
    currency: str
    owed_minor: int
    rows: Sequence[tuple[date, int]]
    leave: Leave
    mine: bool  # whether the agent may agree it as it is, or may let it through themselves
    held: Typed | None = None  # how likely a promise like this is kept, where a model serves

    @property
    def total_minor(self) -> int:
        return sum(amount for _day, amount in self.rows)

    @property
    def saved_minor(self) -> int:
        """What a settlement leaves out."""
        return self.owed_minor - self.total_minor if self.kind == "settlement" else 0


@dataclass(frozen=True, slots=True)
class Room:
    """Within what may be negotiated: the creditor's limits and the agent's own, over what is owed together.
    `low` and `high` are whole units of the currency, for a slider; `kinds` are the offers that the strategy
    makes, in its order, or all where the user may allow more."""

    policy: OfferPolicy
    own: OfferPolicy
    accounts: int
    low: int
    high: int
    kinds: tuple[str, ...] = KINDS

    @property
    def step(self) -> int:
        """Some forty steps from one end to the other."""
        return max(1, (self.high - self.low) // 40)


def room(session: Session, account_id: int) -> Room:
    """What may be negotiated about everything the debtor owes with this account."""
    owed = together(session, account_id)
    policy, unit = policy_of(owed), 10 ** minor_units(owed[0].currency)
    return Room(
        policy, policy.of(offerer()), len(owed), -(-policy.floor_minor // unit),
        policy.balance_minor // unit, _kinds(session, [one.account_id for one in owed]),
    )  # fmt: skip


def _kinds(session: Session, account_ids: Sequence[int]) -> tuple[str, ...]:
    """What may be offered, in the strategy's order; whoever lets exceptions through may offer all."""
    made = offer_rules.kinds(session, account_ids)
    rest = tuple(kind for kind in KINDS if kind not in made)
    return (*made, *rest) if "supervisor" in offerer().approves else made


def together(session: Session, account_id: int) -> list[OpenDebt]:
    """Everything that the debtor owes in the account's currency and that is worked."""
    debt = debts_by_id(session, [account_id])[0]
    owed = debts(session, debtor_id=debt.debtor_id, currency=debt.currency)
    worked = [one for one in owed if one.balance_minor > 0 and one.status not in ENDED]
    return worked if account_id in {one.account_id for one in worked} else [debt]


def shown(session: Session, account_id: int, kind: str, form: Form) -> Shown:
    """The agreement that the form asks for, within the creditor's policy. Raises UserError at the field."""
    me, owed, today = offerer(), together(session, account_id), clock.today(tenancy.tenant(session).timezone)
    ids, policy = [one.account_id for one in owed], policy_of(owed)
    if kind in KINDS and kind not in _kinds(session, ids):
        raise UserError("The strategy makes no such offer to this debtor: a supervisor may.", field="kind")
    if kind == "full":
        amount, due = form.money("amount", policy.currency), form.day("due")
        own = next(one for one in owed if one.account_id == account_id)
        if not 0 < amount <= own.balance_minor:
            raise UserError("promise an amount above zero and up to what is owed", field="amount")
        if due < today:
            raise UserError("This day has passed.", field="due")
        mine = policy_of([own])
        leave = leave_for_promise(mine, me, amount, due, today, 0)
        least = mine.of(me).lowest_promise_minor
        held = promise_chances.typed(session, account_id, amount, due, today=today, least_minor=least)
        return replace(_shown(kind, policy, own.balance_minor, [(due, amount)], leave, me), held=held)
    if kind == "plan":
        made = plans.propose(session, ids, plan_forms.choice_of(form, policy.currency, today), me)
        rows = [(one.due_date, one.amount_minor) for one in made.schedule.instalments]
        return _shown(kind, policy, policy.balance_minor, rows, made.leave, me)
    if kind != "settlement":
        raise UserError("Please choose one.", field="kind")
    amount, parts = form.money("amount", policy.currency), parts_of(form)
    choice = plans.monthly(today, parts) if parts > 1 else None
    offer = settlements.propose(session, ids, amount, valid_until(policy, me, today), me, choice)
    pays = [(one.due_date, one.amount_minor) for one in offer.schedule.instalments] if offer.schedule else []
    rows = pays or [(today + settlements.PAY_DAYS, amount)]
    return _shown(kind, policy, policy.balance_minor, rows, offer.leave, me)


def _shown(
    kind: str, policy: OfferPolicy, owed: int, rows: Sequence[tuple[date, int]], leave: Leave, me: Offerer
) -> Shown:
    return Shown(kind, policy.currency, owed, rows, leave, leave.granted_to(me))


def valid_until(policy: OfferPolicy, me: Offerer, today: date) -> date:
    """The last day of a settlement that is offered now."""
    return today + timedelta(days=min(14, policy.of(me).offer_days))


def parts_of(form: Form) -> int:
    """In how many monthly parts a settlement is paid."""
    return form.whole("parts") if form.optional("parts") else 1


def offerer() -> Offerer:
    """The user as somebody who offers."""
    return offerer_of(the_caller())
