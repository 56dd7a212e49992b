"""What may be agreed with a debtor while somebody talks with them: in full, by a plan or a settlement,
computed within the creditor's policy, the limits of whoever offers and what the strategy offers at all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy.orm import Session

from recupero.decisions.advice import promise_chances
from recupero.decisions.advice.promise_chances import Typed
from recupero.decisions.strategies import offer_rules
from recupero.kernel import clock
from recupero.kernel.errors import UserError
from recupero.kernel.money import minor_units
from recupero.outreach.scripts import spoken
from recupero.payments import service as payments
from recupero.payments.agreements import plans, settlements
from recupero.payments.agreements.plan_suggestions import suggestions
from recupero.payments.gateways import gateways
from recupero.payments.offers.plan_schedule import Choice
from recupero.payments.offers.policy import Leave, Offerer, OfferPolicy, leave_for_promise, policy_of
from recupero.placements.debts import OpenDebt, debts, debts_by_id
from recupero.placements.lifecycle import ENDED
from recupero.tenancy import queries as tenancy

KINDS = ("full", "plan", "settlement")
#: How soon a whole payment is proposed.
SOON = timedelta(days=3)
#: For how many days a settlement that is agreed while talking stands at most.
STANDS = 14


@dataclass(frozen=True, slots=True)
class Whole:
    """A payment of up to everything that a call about the account is about, by a day."""

    amount_minor: int
    due: date


@dataclass(frozen=True, slots=True)
class Part:
    """A part that closes everything, at once or in monthly parts."""

    amount_minor: int
    parts: int = 1


#: What is asked for; a `Choice` is a plan.
Asked = Whole | Choice | Part


@dataclass(frozen=True, slots=True)
class Shown:
    """What an agreement would be: money by day, what it comes to, of how much, and who has to allow it."""

    kind: str
    currency: str
    owed_minor: int
    rows: Sequence[tuple[date, int]]
    leave: Leave
    mine: bool  # whether the one who offers may agree it as it is, or may let it through themselves
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
    """Within what may be negotiated: the creditor's limits and those of whoever offers, over what is owed
    together. `low` and `high` are what a settlement may be, in whole units of the currency, for a slider:
    from the creditor's floor to just less than everything; `kinds` are the offers that the strategy makes,
    in its order, or all where the one who offers may allow more."""

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

    @property
    def opening(self) -> int:
        """With what the talk about a settlement begins: a step of the slider below its upper end."""
        return max(self.low, self.low + ((self.high - self.low) // self.step - 1) * self.step)


@dataclass(frozen=True, slots=True)
class Agreed:
    """What was agreed, or asked for: its id among promises, plans or settlements. `state`: open (a promise),
    running, asked (it waits for leave) or accepted."""

    kind: str
    id: int
    state: str


def room(session: Session, account_id: int, me: Offerer) -> Room:
    """What may be negotiated about everything the debtor owes with this account."""
    owed = together(session, account_id)
    policy, unit = policy_of(owed), 10 ** minor_units(owed[0].currency)
    high = max(0, policy.balance_minor - 1) // unit
    return Room(
        policy, policy.of(me), len(owed), min(high, -(-policy.floor_minor // unit)), high,
        _kinds(session, [one.account_id for one in owed], me),
    )  # fmt: skip


def _kinds(session: Session, account_ids: Sequence[int], me: Offerer) -> tuple[str, ...]:
    """What may be offered, in the strategy's order; whoever lets exceptions through may offer all."""
    made = offer_rules.kinds(session, account_ids)
    rest = tuple(kind for kind in KINDS if kind not in made)
    return (*made, *rest) if "supervisor" in me.approves else made


def together(session: Session, account_id: int) -> list[OpenDebt]:
    """Everything that the debtor owes in the account's currency and that is worked."""
    debt = debts_by_id(session, [account_id])[0]
    owed = debts(session, debtor_id=debt.debtor_id, currency=debt.currency)
    worked = [one for one in owed if one.balance_minor > 0 and one.status not in ENDED]
    return worked if account_id in {one.account_id for one in worked} else [debt]


def shown(session: Session, account_id: int, asked: Asked, me: Offerer) -> Shown:
    """The agreement that is asked for, within the creditor's policy. Raises UserError at the field: `kind`,
    `amount_minor`, `due`, or one of a plan's choice."""
    owed, today = together(session, account_id), clock.today(tenancy.tenant(session).timezone)
    ids, policy = [one.account_id for one in owed], policy_of(owed)
    if kind_of(asked) not in _kinds(session, ids, me):
        raise UserError("The strategy makes no such offer to this debtor: a supervisor may.", field="kind")
    match asked:
        case Whole():
            (own,) = (one for one in owed if one.account_id == account_id)
            return _whole(session, own, whole_minor(session, account_id), asked, me, today)
        case Choice():
            made = plans.propose(session, ids, asked, me)
            rows = [(one.due_date, one.amount_minor) for one in made.schedule.instalments]
            return _shown("plan", policy, rows, made.leave, me)
    offer = settlements.propose(
        session, ids, asked.amount_minor, valid_until(policy, me, today), me, _monthly(asked, today)
    )
    pays = [(one.due_date, one.amount_minor) for one in offer.schedule.instalments] if offer.schedule else []
    return _shown(
        "settlement", policy, pays or [(today + settlements.PAY_DAYS, asked.amount_minor)], offer.leave, me
    )


def options(session: Session, account_id: int, me: Offerer) -> list[Shown]:
    """A few agreements that may be offered now and that need nobody's leave, in the strategy's order: all of
    it soon, plans, and the lowest settlement; nothing of what cannot be."""
    here = room(session, account_id, me)
    if here.policy.balance_minor <= 0:
        return []
    today, owed = clock.today(tenancy.tenant(session).timezone), together(session, account_id)
    ids = [one.account_id for one in owed]
    unit = gateways.step(session, here.policy.currency)
    lowest = -(-here.own.floor_minor // unit) * unit
    found: dict[str, list[Asked]] = {
        "full": [Whole(whole_minor(session, account_id), today + SOON)],
        "plan": [
            Choice(made.first.due_date, instalments=count)
            for count, made in suggestions(session, ids, here.policy, me, today)
        ],
        "settlement": [Part(lowest)] if lowest < here.policy.balance_minor else [],
    }
    seen = [shown(session, account_id, asked, me) for kind in here.kinds for asked in found[kind]]
    return [one for one in seen if one.leave.approver is None]


def whole_minor(session: Session, account_id: int) -> int:
    """What all that a call about the account is about comes to."""
    return sum(one.balance_minor for one in spoken.gathers(session, account_id))


def _whole(
    session: Session, own: OpenDebt, whole_minor: int, asked: Whole, me: Offerer, today: date
) -> Shown:
    if not 0 < asked.amount_minor <= whole_minor:
        raise UserError("promise an amount above zero and up to what is owed", field="amount_minor")
    if asked.due < today:
        raise UserError("This day has passed.", field="due")
    policy, first = policy_of([own]), min(asked.amount_minor, own.balance_minor)
    leave = leave_for_promise(policy, me, first, asked.due, today, 0)
    held = promise_chances.typed(
        session, own.account_id, first, asked.due, today=today,
        least_minor=policy.of(me).lowest_promise_minor,
    )  # fmt: skip
    found = _shown("full", policy, [(asked.due, asked.amount_minor)], leave, me)
    return replace(found, owed_minor=whole_minor, held=held)


def _shown(
    kind: str, policy: OfferPolicy, rows: Sequence[tuple[date, int]], leave: Leave, me: Offerer
) -> Shown:
    return Shown(kind, policy.currency, policy.balance_minor, rows, leave, leave.granted_to(me))


def agree(
    session: Session,
    account_id: int,
    asked: Asked,
    me: Offerer,
    *,
    why: str | None = None,
    contact_id: int | None = None,
) -> Agreed:
    """Agree it; what lies beyond the limits is asked for with the reason (`why`), and waits. Raises as
    `shown`, and where an exception has no reason."""
    found, today = shown(session, account_id, asked, me), clock.today(tenancy.tenant(session).timezone)
    owed = together(session, account_id)
    ids = [one.account_id for one in owed]
    match asked:
        case Whole():
            named = [one.account_id for one in spoken.gathers(session, account_id)]
            made_ids = payments.make_promises(
                session, account_ids=named, amount_minor=asked.amount_minor, due_date=asked.due,
                made_with="agent", contact_id=contact_id, offerer=me, why=why,
            )  # fmt: skip
            promise_chances.weigh_open(session)
            return Agreed(found.kind, made_ids[0], "open")
        case Choice():
            plan = plans.agree_plan(session, account_ids=ids, choice=asked, offerer=me, why=why)
            return Agreed(found.kind, plan.id, plan.state)
    made = settlements.offer_settlement(
        session, account_ids=ids, amount_minor=asked.amount_minor,
        valid_until=valid_until(policy_of(owed), me, today), choice=_monthly(asked, today), offerer=me,
        why=why,
    )  # fmt: skip
    if made.state == "offered":
        made = settlements.accept(session, made.id, accepted_with="agent")
    return Agreed(found.kind, made.id, made.state)


def kind_of(asked: Asked) -> str:
    """One of `KINDS`."""
    return "full" if isinstance(asked, Whole) else "plan" if isinstance(asked, Choice) else "settlement"


def valid_until(policy: OfferPolicy, me: Offerer, today: date) -> date:
    """The last day of a settlement that is offered now."""
    return today + timedelta(days=min(STANDS, policy.of(me).offer_days))


def _monthly(asked: Part, today: date) -> Choice | None:
    return plans.monthly(today, asked.parts) if asked.parts > 1 else None
