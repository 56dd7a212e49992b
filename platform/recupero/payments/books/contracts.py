"""What contracts and countries say of debts as money sees them: the order of parts, interest, late fees."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from recupero.contacts import queries as contacts
from recupero.kernel import clock
from recupero.kernel.money import Money, minor_units
from recupero.ledger.accrual import Accrual, Cap, DayCount, LateFee, Stretch
from recupero.ledger.allocation import Debt
from recupero.ledger.books import ALLOCATION_ORDER
from recupero.placements.accrual_terms import CONTRACT
from recupero.placements.dated_terms import in_force, versions
from recupero.placements.debts import HeldFor, OpenDebt, held_for
from recupero.tenancy import queries as tenancy
from recupero_sdk.law import RegulationPack
from recupero_sdk.law.money import Charge, charge_cap
from recupero_sdk.law.schema import ChargeBanRule, RateCapRule

#: Nothing accrues during these, whatever a contract says: no estate, insolvency or moratorium bears interest
#: that collection may ask for. `accrual.stopped_by` adds to them.
STOPPED_BY = frozenset({"insolvency", "deceased", "breathing_space"})
NOTHING = {"rate": 0}  # what accrues where the terms of a time say nothing
_INTEREST: tuple[Charge, ...] = ("interest", "default_interest")
_FEES: tuple[Charge, ...] = ("default_fine", "default_fee")


class Contracts:
    """The terms of some debts of the tenant in scope, with the holds on them."""

    def __init__(self, session: Session, debts: Sequence[OpenDebt]) -> None:
        accruing = {debt.debtor_id for debt in debts if "accrual" in debt.terms}
        self._zone = ZoneInfo(tenancy.tenant(session).timezone)
        self._holds: defaultdict[int, list[HeldFor]] = defaultdict(list)
        for hold in held_for(session, accruing) if accruing else ():
            self._holds[hold.debtor_id].append(hold)

    def debt(self, debt: OpenDebt) -> Debt:
        """The debt as a replay takes it."""
        *earlier, last = versions(debt.terms)
        return Debt(
            debt.account_id, debt.due_date, _order(last.terms), self._accrual(debt),
            [(self._midnight(one.until), _order(one.terms)) for one in earlier if one.until],
        )  # fmt: skip

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self._zone)

    def _accrual(self, debt: OpenDebt) -> Accrual | None:
        """What accrues under the terms in force when the debt was placed, and under those after them."""
        if "accrual" not in debt.terms:
            return None
        found: Accrual | None = None
        for version in reversed(versions(debt.terms)):
            if version.until is not None and version.until <= debt.placed_on:
                break
            terms = {**debt.terms, "accrual": version.terms.get("accrual", NOTHING)}
            then = (version.until, found) if version.until and found else None
            found = self._version(replace(debt, terms=terms), then)
        return found

    def _version(self, debt: OpenDebt, then: tuple[date, Accrual] | None) -> Accrual:
        terms, pack = debt.terms["accrual"], contacts.packs().by_country.get(debt.country)
        start = debt.due_date if terms.get("from") == "due" else debt.placed_on
        return Accrual(
            start=start,
            rate=annual_rate(debt),
            day_count=DayCount(terms.get("day_count", DayCount.ACT_365)),
            zone=self._zone,
            stops=self._stops(debt, STOPPED_BY.union(terms.get("stopped_by", ()))),
            floor_minor=int(debt.terms.get("tolerance_minor", 0)),
            cap=_interest_cap(pack, debt),
            late_fee=_late_fee(pack, debt, start),
            then=then,
        )

    def _stops(self, debt: OpenDebt, kinds: frozenset[str]) -> list[Stretch]:
        stops: list[Stretch] = [
            (self._day(hold.begin), None if hold.end is None else self._day(hold.end))
            for hold in self._holds[debt.debtor_id]
            if hold.kind in kinds and hold.account_id in (None, debt.account_id)
        ]
        # Paid in full is no end of the contract: whoever is owed again after a refund is owed interest, too.
        if debt.closed_at is not None and debt.close_code != "PIF":
            stops.append((self._day(debt.closed_at), None))
        return stops

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self._zone).date()


def order_on(terms: Mapping[str, Any], day: date) -> Sequence[str]:
    """Which part of a debt under these terms the money of a day pays first."""
    return _order(in_force(terms, day))


def _order(terms: Mapping[str, Any]) -> Sequence[str]:
    return tuple(terms.get("allocation_order") or ALLOCATION_ORDER)


def annual_rate(debt: OpenDebt) -> int:
    """Basis points a year; zero where the contract's rate was not placed or cannot be read."""
    stated = debt.terms["accrual"]["rate"]
    if stated != CONTRACT:
        return int(stated)
    text = str((debt.extra or {}).get("contract_rate") or "").strip().removesuffix("%").strip()
    try:
        percent = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return 0
    return int(percent * 100) if percent.is_finite() and 0 <= percent <= 1000 else 0


def missing_rate(debt: OpenDebt) -> str | None:
    """Why nothing accrues although the terms want it: the rate that a cap of the country needs and that the
    terms do not state; None where nothing is missing."""
    pack = contacts.packs().by_country.get(debt.country)
    if pack is None:
        return "no_pack"
    for charge in _INTEREST:
        try:
            charge_cap(
                pack, clock.now().date(), charge, Decimal(1), 1, rates=_rates(debt), debt_kind=debt.product
            )
        except ValueError as error:
            return str(error)
    return None


def _rates(debt: OpenDebt) -> dict[str, Decimal]:
    stated: dict[str, Any] = debt.terms["accrual"].get("rates", {})
    return {name: Decimal(rate) / 100 for name, rate in stated.items()}


def _interest_cap(pack: RegulationPack | None, debt: OpenDebt) -> Cap | None:
    if pack is not None and not any(isinstance(rule, RateCapRule) for rule in pack.rules):
        return None
    return lambda day, principal, days: _most(pack, debt, _INTEREST, day, principal, days)


def _most(
    pack: RegulationPack | None,
    debt: OpenDebt,
    charges: Sequence[Charge],
    day: date,
    principal: int,
    days: int,
) -> Fraction | None:
    """The most that these charges may come to, minor units. Unknown means no: without a pack, or without the
    published rate that a rule goes by, it is nothing."""
    base, rates = Money(principal, debt.currency).major(), _rates(debt)
    caps = []
    for charge in charges:
        try:
            if pack is None:
                return Fraction(0)
            cap = charge_cap(pack, day, charge, base, days, rates=rates, debt_kind=debt.product)
        except ValueError:
            return Fraction(0)
        if cap is not None:
            caps.append(Fraction(cap) * 10 ** minor_units(debt.currency))
    return min(caps, default=None)


def _late_fee(pack: RegulationPack | None, debt: OpenDebt, start: date) -> LateFee | None:
    terms = debt.terms["accrual"]
    amount, rate = terms.get("late_fee_minor", 0), terms.get("late_fee_rate", 0)
    if not amount and not rate:
        return None
    day = start + timedelta(days=terms.get("late_fee_after_days", 1))
    return LateFee(day, amount, rate, _fee_cap(pack, debt, day))


def _fee_cap(pack: RegulationPack | None, debt: OpenDebt, day: date) -> Callable[[int], int | None]:
    def most(principal: int) -> int | None:
        if pack is None or _banned(pack, day):
            return 0
        cap = _most(pack, debt, _FEES, day, principal, 1)
        return None if cap is None else int(cap)

    return most


def _banned(pack: RegulationPack, day: date) -> bool:
    """Whether the country forbids late fees that a contract agrees on. The creditor's sector is not known
    here, so that a ban on some sectors is taken to hold."""
    return any(
        "default_fees" in rule.parameters.banned and "agreed" not in rule.parameters.unless
        for rule in pack.on(day)
        if isinstance(rule, ChargeBanRule)
    )
