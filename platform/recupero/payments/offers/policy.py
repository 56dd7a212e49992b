"""The creditor's offer policy: what any agent, page, program or model may offer, and who lets more through.

The terms of the portfolios hold for everybody (domain page, 2.9); rows of `offer_limits` are tighter for a
role or a desk. What lies inside the terms and beyond a role's own limit is a supervisor's to allow; what lies
beyond the terms needs the approver whom the creditor named.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from recupero.kernel.errors import NotFound, UserError
from recupero.payments.offers.plan_schedule import Limits, Schedule
from recupero.placements.debts import OpenDebt, debts_by_id
from recupero.tenancy.callers import Caller
from recupero.tenancy.permissions import Permission, Role

#: Where the terms say nothing.
DEFAULTS = {
    "settlement_floor_percent": 100,  # no less than everything
    "max_instalments": 12,
    "minimum_instalment_minor": 1,
    "minimum_instalment_percent": 0,
    "first_payment_days": 45,
    "plan_grace_days": 5,
    "offer_days": 30,
    "promise_minimum_minor": 1,
    "promise_minimum_percent": 0,
    "promise_days_ahead": 60,
    "promises_at_once": 20,
}
#: Limits of which the lower is the stricter; of the others it is the higher.
_LOWER = frozenset(
    {"max_instalments", "first_payment_days", "plan_grace_days", "offer_days", "promise_days_ahead",
     "promises_at_once"}
)  # fmt: skip
APPROVERS = ("supervisor", "administrator", "creditor")
#: What an offer can be beyond.
BEYOND = (
    "settlement_floor", "max_instalments", "minimum_instalment", "first_payment_days", "offer_days",
    "promise_minimum", "promise_days_ahead", "promises_at_once",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Offerer:
    """Who offers: `role` is agent, supervisor, page, api or model, `desk` a team's name, `actor` as the audit
    has it. `approves` are the approvers that this one may speak for."""

    role: str
    actor: str
    desk: str | None = None
    approves: frozenset[str] = frozenset()


PAGE = Offerer("page", "debtor")
#: What the house names to debtors by itself, in its messages.
MODEL = Offerer("model", "system")


def offerer_of(caller: Caller) -> Offerer:
    """A user or an API key as somebody who offers, and whom they may speak for."""
    speaks = {
        "supervisor": caller.may(Permission.OFFERS_APPROVE),
        "administrator": caller.role is Role.AGENCY_ADMINISTRATOR,
        "creditor": caller.may(Permission.OFFERS_GRANT),
    }
    role = "api" if caller.role is None else "supervisor" if speaks["supervisor"] else "agent"
    return Offerer(role, caller.actor, caller.desk, frozenset(one for one, may in speaks.items() if may))


@dataclass(frozen=True, slots=True)
class OfferPolicy:
    """Limits on offers over accounts of one debtor and currency, the strictest of their portfolios.

    Money in minor units of `currency`, over `balance_minor`, which is owed now.
    """

    currency: str
    balance_minor: int
    settlement_floor_percent: int
    max_instalments: int
    minimum_instalment_minor: int
    minimum_instalment_percent: int
    first_payment_days: int
    plan_grace_days: int
    offer_days: int
    promise_minimum_minor: int
    promise_minimum_percent: int
    promise_days_ahead: int
    promises_at_once: int
    exception_approver: str
    role_limits: tuple[dict[str, Any], ...] = ()

    @property
    def floor_minor(self) -> int:
        """The lowest settlement."""
        return max(1, _percent_up(self.balance_minor, self.settlement_floor_percent))

    @property
    def lowest_instalment_minor(self) -> int:
        """The higher of the sum and the share of the balance; never more than what is owed."""
        share = _percent_up(self.balance_minor, self.minimum_instalment_percent)
        return min(max(self.minimum_instalment_minor, share, 1), max(self.balance_minor, 1))

    @property
    def lowest_promise_minor(self) -> int:
        """The higher of the sum and the share of the balance; never more than what is owed."""
        share = _percent_up(self.balance_minor, self.promise_minimum_percent)
        return min(max(self.promise_minimum_minor, share, 1), max(self.balance_minor, 1))

    @property
    def settles(self) -> bool:
        """Whether less than everything may settle at all."""
        return self.floor_minor < self.balance_minor

    @property
    def plan_limits(self) -> Limits:
        return Limits(self.max_instalments, self.lowest_instalment_minor, self.first_payment_days)

    def of(self, offerer: Offerer) -> "OfferPolicy":
        """As tight as it is for this one: its role's and its desk's rows added."""
        limits = {name: getattr(self, name) for name in DEFAULTS}
        for row in self.role_limits:
            if row.get("role") in (None, offerer.role) and row.get("desk") in (None, offerer.desk):
                limits = _stricter(limits, row)
        return replace(self, **limits)


@dataclass(frozen=True, slots=True)
class Leave:
    """Whether something may be offered: `beyond` names what it exceeds, `approver` who has to agree (None:
    nobody, it lies inside)."""

    beyond: tuple[str, ...] = ()
    approver: str | None = None

    def granted_to(self, offerer: Offerer) -> bool:
        return self.approver is None or self.approver in offerer.approves


def offer_policy(session: Session, account_ids: Collection[int]) -> OfferPolicy:
    """What may be offered on these accounts of the tenants in scope, all of one debtor and currency.

    Raises NotFound where one is not in scope, UserError where they differ in debtor or currency.
    """
    found = debts_by_id(session, account_ids)
    if not found or len(found) != len(set(account_ids)):
        raise NotFound("no such account")
    return policy_of(found)


def policy_of(debts: Sequence[OpenDebt]) -> OfferPolicy:
    """The policy over these debts. Raises UserError where they differ in debtor or currency."""
    if len({(debt.debtor_id, debt.currency) for debt in debts}) != 1:
        raise UserError("choose accounts of one debtor in one currency", field="account_ids")
    limits = dict(DEFAULTS)
    seen = False
    for debt in debts:
        stated = {name: debt.terms.get(name, default) for name, default in DEFAULTS.items()}
        limits, seen = (_stricter(limits, stated) if seen else stated), True
    approvers = [debt.terms.get("exception_approver", "creditor") for debt in debts]
    return OfferPolicy(
        currency=debts[0].currency, balance_minor=sum(debt.balance_minor for debt in debts),
        exception_approver=max(approvers, key=APPROVERS.index),
        role_limits=tuple(row for debt in debts for row in debt.terms.get("offer_limits", ())), **limits,
    )  # fmt: skip


def leave_for_settlement(
    policy: OfferPolicy, offerer: Offerer, amount_minor: int, days_valid: int, schedule: Schedule | None
) -> Leave:
    """Whether `offerer` may settle for `amount_minor`, offered for `days_valid`, paid as in `schedule`."""

    def beyond(limits: OfferPolicy) -> Iterable[str]:
        if amount_minor < limits.floor_minor:
            yield "settlement_floor"
        if days_valid > limits.offer_days:
            yield "offer_days"
        yield from _beyond_plan(limits, schedule, None)

    return _leave(policy, offerer, beyond)


def leave_for_plan(policy: OfferPolicy, offerer: Offerer, schedule: Schedule, today: date) -> Leave:
    """Whether `offerer` may agree this plan."""
    return _leave(policy, offerer, lambda limits: _beyond_plan(limits, schedule, today))


def leave_for_promise(
    policy: OfferPolicy, offerer: Offerer, amount_minor: int, due: date, today: date, open_now: int
) -> Leave:
    """Whether `offerer` may take a promise of this amount while `open_now` others of the debtor are open.

    A promise gives nothing of the creditor's away: beyond a limit, a supervisor's word is enough.
    """

    def beyond(limits: OfferPolicy) -> Iterable[str]:
        if amount_minor < limits.lowest_promise_minor:
            yield "promise_minimum"
        if due > today + timedelta(days=limits.promise_days_ahead):
            yield "promise_days_ahead"
        if open_now >= limits.promises_at_once:
            yield "promises_at_once"

    leave = _leave(policy, offerer, beyond)
    return leave if leave.approver is None else replace(leave, approver="supervisor")


def _beyond_plan(limits: OfferPolicy, schedule: Schedule | None, today: date | None) -> Iterable[str]:
    if schedule is None:
        return
    if len(schedule.instalments) > limits.max_instalments:
        yield "max_instalments"
    if min(one.amount_minor for one in schedule.instalments) < limits.lowest_instalment_minor:
        yield "minimum_instalment"
    if today and schedule.first.due_date > today + timedelta(days=limits.first_payment_days):
        yield "first_payment_days"


def _leave(policy: OfferPolicy, offerer: Offerer, beyond: Any) -> Leave:
    if exceeded := tuple(beyond(policy)):
        return Leave(exceeded, policy.exception_approver)
    if exceeded := tuple(beyond(policy.of(offerer))):
        return Leave(exceeded, "supervisor")
    return Leave()


def _stricter(limits: dict[str, int], other: dict[str, Any]) -> dict[str, int]:
    return {
        name: (min if name in _LOWER else max)(value, other.get(name, value))
        for name, value in limits.items()
    }


def _percent_up(amount_minor: int, percent: int) -> int:
    """The share, rounded up: a minimum is never undercut by rounding."""
    return -(-amount_minor * percent // 100)
