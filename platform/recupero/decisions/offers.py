"""Which offer is put first: of those within the creditor's limits and what the debtor can pay, the one that
is expected to bring most.

Expected of an offer is what its payments come to, each by the chance that all before it came, and a little
less the later it is. The chance is that of the served model; where there is none, or with an error in the log
where it fails, that of the kind's own start (`beforehand`), which needs no history. Nothing is offered that
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

from recupero.decisions import offer_history, offer_rules, serving
from recupero.decisions.columns import Floats
from recupero.decisions.offer_history import MONTH, Terms
from recupero.decisions.strategy import OFFERS
from recupero.kernel import clock, runtime
from recupero.kernel.database import scope_of
from recupero.kernel.errors import UserError
from recupero.kernel.money import smallest_coin
from recupero.payments import affordability, gateways, plans, settlements
from recupero.payments.plan_schedule import (
    Choice,
    Schedule,
    WorkingDay,
    most_instalments,
    preview,
    working_days,
)
from recupero.payments.policy import Offerer, OfferPolicy, leave_for_settlement, offer_policy
from recupero.placements.debts import debts_by_id
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
    expected of it. `count` is the number of instalments after the down payment."""

    kind: str
    rows: Sequence[tuple[date, int]]
    down_minor: int
    count: int
    total_minor: int
    chance: float = 0.0
    expected_minor: int = 0

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
    is owed, or no kind of offers is installed.

    Raises NotFound, or UserError where the accounts belong to several debtors or currencies.
    """
    policy = offer_policy(session, account_ids)
    if policy.balance_minor <= 0 or KIND not in runtime.current().plugins.models:
        return None
    debts, creditor = debts_by_id(session, account_ids), tenancy.tenant(session)
    told = affordability.latest(session, debts[0].debtor_id)
    payable = told[1].payable_minor if told else None
    limits = _Limits(
        policy, offerer, clock.today(creditor.timezone), working_days(creditor.country),
        gateways.step(session, policy.currency),
    )  # fmt: skip
    made = offer_rules.kinds(session, account_ids)
    found = [one for one in _candidates(limits) if one.kind in made]
    fit = [one for one in found if payable is None or _monthly(one) <= payable]
    largest = max(debts, key=lambda debt: (debt.balance_minor, -debt.account_id)).account_id
    chances, learned = _chances(session, largest, fit, limits) if fit else (np.empty(0), False)
    valued = [_valued(one, chance, limits.today) for one, chance in zip(fit, chances.tolist(), strict=True)]
    valued.sort(key=lambda one: (-one.expected_minor, one.count, one.kind))
    if not learned and made != OFFERS:  # the strategy's order, until there is something better to go by
        valued.sort(key=lambda one: made.index(one.kind))
    return Advice(policy.currency, policy.balance_minor, valued, learned, payable, len(found) - len(fit))


@dataclass(frozen=True, slots=True)
class _Limits:
    """Within what, by whom and on which day an offer is made; `step` is what gateways can take of the
    currency."""

    policy: OfferPolicy
    offerer: Offerer
    today: date
    is_working: WorkingDay
    step: int

    @property
    def own(self) -> OfferPolicy:
        return self.policy.of(self.offerer)

    def schedule(self, total_minor: int, choice: Choice) -> Schedule | None:
        """The payments, as `plans.propose` makes them; None where the offerer may not agree them."""
        unit = max(self.step, smallest_coin(self.policy.currency))
        try:
            return preview(
                total_minor, self.own.plan_limits, choice, today=self.today, is_working=self.is_working,
                unit_minor=unit,
            )  # fmt: skip
        except UserError:
            return None


def _candidates(limits: _Limits) -> list[Offer]:
    """Every offer that is looked at and that the offerer may agree alone."""
    policy, own = limits.policy, limits.own
    most = most_instalments(policy.balance_minor, own.plan_limits)
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
    return Offer(SETTLEMENT, rows or [(limits.today + settlements.PAY_DAYS, amount)], 0, parts, amount)


def _monthly(offer: Offer) -> int:
    """The most that an offer asks for within four weeks."""
    return max(
        sum(amount for day, amount in offer.rows if start <= day < start + timedelta(days=28))
        for start, _amount in offer.rows
    )


def _chances(
    session: Session, account_id: int, offers: Sequence[Offer], limits: _Limits
) -> tuple[Floats, bool]:
    """The chance of each offer, and whether it was learned."""
    terms = Terms(
        [one.kind == PLAN for one in offers], [one.kind == SETTLEMENT for one in offers],
        [limits.policy.balance_minor] * len(offers), [one.total_minor for one in offers],
        [len(one.rows) for one in offers], [max(amount for _day, amount in one.rows) for one in offers],
        [one.down_minor for one in offers], [(one.first_on - limits.today).days for one in offers],
        [(one.rows[-1][0] - limits.today).days for one in offers],
    )  # fmt: skip
    firsts = [(one.rows[0][1], one.first_on) for one in offers]
    by = "page" if limits.offerer.role == "page" else "agent"
    values = offer_history.candidates(session, account_id, terms, firsts, clock.now(), by)
    try:
        served = serving.champion(scope_of(session), KIND)
        if served is not None:
            return serving.chances(served, values, len(offers)), True
    except Exception:
        log.exception("model %s failed; offers are ranked by their terms alone", KIND)
    kind = runtime.current().plugins.models[KIND]
    if not isinstance(kind, Beforehand):
        raise TypeError(f"the kind {KIND} says nothing before it has learned")
    return np.asarray(kind.beforehand(Columns(values, len(offers))), dtype=np.float64), False


def _valued(offer: Offer, chance: float, today: date) -> Offer:
    """With its chance, and what is expected: the i-th of n payments comes with chance ** (i / n), as if each
    were as likely to be missed, and is worth less the later it is."""
    count = len(offer.rows)
    expected = sum(
        amount * chance ** ((place + 1) / count) / (1 + A_MONTH) ** ((day - today).days / MONTH)
        for place, (day, amount) in enumerate(offer.rows)
    )
    return replace(offer, chance=chance, expected_minor=round(expected))
