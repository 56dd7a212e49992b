"""Which offer is put first: of those within the creditor's limits and what the debtor can pay, the one that
is expected to bring most.

Expected of an offer is what its payments come to, each by the chance that all before it came, and a little
less the later it is. The chance is that of the served model; where there is none, or with an error in the log
where it fails, that of the kind's own start (`beforehand`), which needs no history; where that fails, too,
nothing is advised. Nothing is offered that
the offerer could not agree alone, or that the strategy does not make (`offer_rules`).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from recupero.decisions.columns import Floats
from recupero.decisions.history import offer_history
from recupero.decisions.history.offer_history import MONTH, Terms
from recupero.decisions.history.promises import Talked
from recupero.decisions.learning import asking, serving
from recupero.decisions.strategies import offer_rules
from recupero.decisions.strategies.strategy import OFFERS
from recupero.kernel import clock, runtime
from recupero.kernel.database import scope_of
from recupero.kernel.errors import NotFound, UserError
from recupero.kernel.money import smallest_coin
from recupero.payments.agreements import plans, settlements
from recupero.payments.gateways import gateways
from recupero.payments.offers import affordability
from recupero.payments.offers.plan_schedule import (
    Choice,
    Limits,
    Schedule,
    WorkingDay,
    most_instalments,
    preview,
    working_days,
)
from recupero.payments.offers.policy import MODEL, PAGE, Offerer, OfferPolicy, leave_for_settlement, policy_of
from recupero.placements.debts import OpenDebt, debts_by_id
from recupero.tenancy import queries as tenancy
from recupero_sdk.models import Beforehand, Columns

log = logging.getLogger(__name__)

KIND = "offer"
PLAN, SETTLEMENT, FULL = "plan", "settlement", "full"
#: Numbers of instalments that are looked at, parts of what is owed paid at once before them, and how far down
#: a settlement may go of the way that the creditor allows.
COUNTS, DOWN, WAYS = (2, 3, 4, 6, 9, 12, 18, 24), (0, 20), (1.0, 0.5)
PARTS = (1, 3)
#: The first payment of a plan, and how soon the whole is asked for.
FIRST, SOON = timedelta(days=7), timedelta(days=3)
#: What money is worth less a month later: a mid value, ours.
A_MONTH = 0.01
#: Offers that a page shows.
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer: its payments (day, minor units), the chance that it is taken and kept, and what is to be
    expected of it. `count` is the number of instalments after the down payment, `until` the last day of a
    settlement's offer."""

    kind: str
    rows: Sequence[tuple[date, int]]
    down_minor: int
    count: int
    total_minor: int
    chance: float = 0.0
    expected_minor: int = 0
    until: date | None = None

    @property
    def payments(self) -> list[dict[str, Any]]:
        """As the API tells them."""
        return [{"due": day, "amount_minor": amount} for day, amount in self.rows]

    @property
    def first_on(self) -> date:
        return self.rows[0][0]

    @property
    def instalment_minor(self) -> int:
        """The first payment after the one at once."""
        return self.rows[1 if self.down_minor else 0][1]


@dataclass(frozen=True, slots=True)
class Advice:
    """Offers, the one to put first in front. `learned`: by a model that learned from agreements, else by the
    terms alone. `payable_minor` is what the debtor told they can pay a month; offers above it are left out
    (`too_dear` of them), None where they told nothing."""

    currency: str
    owed_minor: int
    offers: Sequence[Offer]
    learned: bool
    payable_minor: int | None
    too_dear: int


def advise(session: Session, account_ids: Collection[int], offerer: Offerer) -> Advice | None:
    """What to offer over these accounts of one debtor and currency of the tenant in scope; None where nothing
    is owed, no kind of offers is installed, or the one that is cannot say anything.

    Raises NotFound, or UserError where the accounts belong to several debtors or currencies.
    """
    return advise_many(session, [account_ids], offerer)[0]


def advise_many(session: Session, groups: Sequence[Collection[int]], offerer: Offerer) -> list[Advice | None]:
    """`advise` for many debtors at once, each with the accounts of its group: one query of each kind and one
    question to the model for all."""
    if KIND not in runtime.current().plugins.models:
        return [None] * len(groups)
    cases = _cases(session, groups, offerer)
    asked = [case for case in cases if case is not None and case.fit]
    chances, learned = _chances(session, asked, offerer) if asked else (np.empty(0), False)
    if chances is None:
        return [None] * len(groups)
    ends = np.cumsum([len(case.fit) for case in asked])[:-1]
    found = {id(case): part for case, part in zip(asked, np.split(chances, ends), strict=bool(asked))}
    none = np.empty(0)
    return [_advice(case, found.get(id(case), none), learned) if case else None for case in cases]


@dataclass(frozen=True, slots=True)
class _Case:
    """One debtor's debts, what is made to them, and the offers that fit; `debt` is the largest."""

    debt: OpenDebt
    limits: _Limits
    made: tuple[str, ...]
    fit: list[Offer]
    payable_minor: int | None
    too_dear: int


def _cases(session: Session, groups: Sequence[Collection[int]], offerer: Offerer) -> list[_Case | None]:
    """What is to be weighed of each group; None where nothing is owed."""
    debts = {debt.account_id: debt for debt in debts_by_id(session, {one for ids in groups for one in ids})}
    if any(not ids or not debts.keys() >= set(ids) for ids in groups):
        raise NotFound("no such account")
    owed = [[debts[one] for one in sorted(ids)] for ids in groups]
    policies = [policy_of(each) for each in owed]
    creditor = tenancy.tenant(session)
    today, is_working = clock.today(creditor.timezone), working_days(creditor.country)
    steps = {one: gateways.step(session, one) for one in {policy.currency for policy in policies}}
    told = affordability.told_by(session, {each[0].debtor_id for each in owed})
    cases: list[_Case | None] = []
    for each, policy, made in zip(owed, policies, offer_rules.kinds_of(session, groups), strict=True):
        if policy.balance_minor <= 0:
            cases.append(None)
            continue
        payable = told[each[0].debtor_id][-1][1] if each[0].debtor_id in told else None
        limits = _Limits.of(policy, offerer, today, is_working, steps[policy.currency])
        found = [one for one in _candidates(limits) if one.kind in made]
        fit = [one for one in found if payable is None or _monthly(one) <= payable]
        largest = max(each, key=lambda debt: (debt.balance_minor, -debt.account_id))
        cases.append(_Case(largest, limits, made, fit, payable, len(found) - len(fit)))
    return cases


def _advice(case: _Case, chances: Floats, learned: bool) -> Advice:
    """The offers of a case in their order."""
    policy, today = case.limits.policy, case.limits.today
    valued = [_valued(one, chance, today) for one, chance in zip(case.fit, chances.tolist(), strict=True)]
    valued.sort(key=lambda one: (-one.expected_minor, one.count, one.kind))
    if not learned and case.made != OFFERS:  # the strategy's order, until there is something better to go by
        valued.sort(key=lambda one: case.made.index(one.kind))
    return Advice(
        policy.currency, policy.balance_minor, valued, learned, case.payable_minor, case.too_dear
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Limits:
    """Within what, by whom and on which day an offer is made: the creditor's policy, what is left of it to
    the offerer (`own`), and of that the `plans`. `step` is what gateways can take of the currency."""

    policy: OfferPolicy
    own: OfferPolicy
    plans: Limits
    offerer: Offerer
    today: date
    is_working: WorkingDay
    step: int

    @classmethod
    def of(
        cls, policy: OfferPolicy, offerer: Offerer, today: date, is_working: WorkingDay, step: int
    ) -> _Limits:
        """What the house names by itself is taken on the page: it keeps to the limits of both."""
        both = policy.of(PAGE) if offerer.role == MODEL.role else policy
        own = both.of(offerer)
        return cls(both, own, own.plan_limits, offerer, today, is_working, step)

    def schedule(self, total_minor: int, choice: Choice) -> Schedule | None:
        """The payments, as `plans.propose` makes them; None where the offerer may not agree them."""
        unit = max(self.step, smallest_coin(self.policy.currency))
        try:
            return preview(
                total_minor, self.plans, choice, today=self.today, is_working=self.is_working,
                unit_minor=unit,
            )  # fmt: skip
        except UserError:
            return None


def _candidates(limits: _Limits) -> list[Offer]:
    """Every offer that is looked at and that the offerer may agree alone."""
    policy, own = limits.policy, limits.own
    most = most_instalments(policy.balance_minor, limits.plans)
    counts = [one for one in sorted({*(one for one in COUNTS if one < most), most}) if one > 1]
    gap = policy.balance_minor - own.floor_minor
    asked = {-(-round(policy.balance_minor - gap * way) // limits.step) * limits.step for way in WAYS}
    amounts = sorted(one for one in asked if one < policy.balance_minor)
    found = [_plan(limits, count, down) for count in counts for down in DOWN]
    found += [_settlement(limits, amount, parts) for amount in amounts for parts in PARTS]
    whole = Offer(FULL, [(limits.today + SOON, policy.balance_minor)], 0, 1, policy.balance_minor)
    return [whole, *(one for one in found if one is not None)]


def _plan(limits: _Limits, count: int, down: int) -> Offer | None:
    """A monthly plan of so many instalments after so many percent at once."""
    total = limits.policy.balance_minor // limits.step * limits.step
    coin = max(limits.step, smallest_coin(limits.policy.currency))
    at_once = total * down // 100 // coin * coin
    first = limits.today + min(FIRST, timedelta(days=limits.own.first_payment_days))
    made = limits.schedule(total, Choice(first, instalments=count, down_payment_minor=at_once))
    if made is None:
        return None
    rows = [(one.due_date, one.amount_minor) for one in made.instalments]
    return Offer(PLAN, rows, at_once, count, total)


def _settlement(limits: _Limits, amount: int, parts: int) -> Offer | None:
    """A settlement at once or in monthly parts."""
    schedule = limits.schedule(amount, plans.monthly(limits.today, parts)) if parts > 1 else None
    valid = min(14, limits.own.offer_days)
    leave = leave_for_settlement(limits.policy, limits.offerer, amount, valid, schedule)
    if leave.approver is not None or (parts > 1 and schedule is None):
        return None
    rows = [(one.due_date, one.amount_minor) for one in schedule.instalments] if schedule else []
    rows = rows or [(limits.today + settlements.PAY_DAYS, amount)]
    return Offer(SETTLEMENT, rows, 0, parts, amount, until=limits.today + timedelta(days=valid))


def _monthly(offer: Offer) -> int:
    """The most that an offer asks for within four weeks."""
    return max(
        sum(amount for day, amount in offer.rows if start <= day < start + timedelta(days=28))
        for start, _amount in offer.rows
    )


def _chances(session: Session, cases: Sequence[_Case], offerer: Offerer) -> tuple[Floats | None, bool]:
    """The chance of each offer, case after case, and whether it was learned; None where nobody can say."""
    rows = [(case, one) for case in cases for one in case.fit]
    terms = Terms(
        [one.kind == PLAN for _case, one in rows], [one.kind == SETTLEMENT for _case, one in rows],
        [case.limits.policy.balance_minor for case, _one in rows], [one.total_minor for _case, one in rows],
        [len(one.rows) for _case, one in rows],
        [max(amount for _day, amount in one.rows) for _case, one in rows],
        [one.down_minor for _case, one in rows],
        [(one.first_on - case.limits.today).days for case, one in rows],
        [(one.rows[-1][0] - case.limits.today).days for case, one in rows],
    )  # fmt: skip
    firsts = [Talked(case.debt.account_id, one.rows[0][1], one.first_on) for case, one in rows]
    by = "page" if offerer.role in ("page", "model") else "agent"
    values = offer_history.candidates(session, terms, firsts, clock.now(), by)
    try:
        served = serving.champion(scope_of(session), KIND)
        if served is not None:
            return serving.chances(served, values, len(rows)), True
    except Exception:
        log.exception("model %s failed; offers are ranked by their terms alone", KIND)
    return _beforehand(Columns(values, len(rows)))


def _beforehand(columns: Columns) -> tuple[Floats | None, bool]:
    """As the kind says before it has learned; None where it fails, with an error in the log."""
    kind = runtime.current().plugins.models[KIND]
    try:
        if not isinstance(kind, Beforehand):
            raise TypeError(f"the kind {KIND} says nothing before it has learned")
        said = asking.asked(f"{KIND} beforehand", kind.beforehand, columns)
        return asking.probabilities(said, columns.rows), False
    except Exception:
        log.exception("the kind %s failed before it has learned; no offer is advised", KIND)
        return None, False


def _valued(offer: Offer, chance: float, today: date) -> Offer:
    """With its chance, and what is expected: the i-th of n payments comes with chance ** (i / n), as if each
    were as likely to be missed, and is worth less the later it is."""
    count = len(offer.rows)
    expected = sum(
        amount * chance ** ((place + 1) / count) / (1 + A_MONTH) ** ((day - today).days / MONTH)
        for place, (day, amount) in enumerate(offer.rows)
    )
    return replace(offer, chance=chance, expected_minor=round(expected))
