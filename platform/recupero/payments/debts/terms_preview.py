"""What new terms of a portfolio would come to, shown before they are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from recupero.contacts import queries as contacts
from recupero.kernel import clock
from recupero.kernel.money import minor_units
from recupero.ledger.accrual import Accrual, Meter
from recupero.payments.books.contracts import NOTHING, Contracts, missing_rate
from recupero.placements.dated_terms import BEFORE, in_force
from recupero.placements.debts import OpenDebt, middle_debt
from recupero.placements.tables import Portfolio
from recupero.tenancy import queries as tenancy
from recupero_sdk.law.schema import RateCapRule

DAYS = 30
_EXAMPLE = 100_000  # of the currency, where the portfolio holds nothing yet


@dataclass(frozen=True, slots=True)
class Month:
    """What accrues in `DAYS` days on an open principal, minor units: within the country's caps, and without
    them; the late fee, once. `missing`: the rate that a cap needs and that the terms do not state."""

    interest_minor: int
    uncapped_minor: int
    late_fee_minor: int
    missing: str | None


@dataclass(frozen=True, slots=True)
class Preview:
    """An example of a portfolio: the middle one of its `accounts` open accounts (None: none is open) under
    the terms that hold now and the new ones."""

    accounts: int
    client_account: str | None
    principal_minor: int
    now: Month
    then: Month


def preview(session: Session, portfolio: Portfolio, terms: Mapping[str, Any], holds_from: date) -> Preview:
    """What `terms` would let grow on the portfolio's example from a day on."""
    accounts, debt = middle_debt(session, portfolio.id)
    example = debt or _example(portfolio)
    held = {**portfolio.terms, **in_force(portfolio.terms, clock.now().date())}
    return Preview(
        accounts, debt.client_account if debt else None, example.balance_minor,
        _month(session, example, held, holds_from), _month(session, example, terms, holds_from),
    )  # fmt: skip


def _example(portfolio: Portfolio) -> OpenDebt:
    today, amount = clock.now().date(), _EXAMPLE * 10 ** minor_units(portfolio.currency)
    return OpenDebt(
        account_id=0, portfolio_id=portfolio.id, debtor_id=0, client_account="", product=portfolio.product,
        original_creditor=None, currency=portfolio.currency, due_date=today, balance_minor=amount,
        status="active", terms={}, placed_minor=amount, placement_number=1, extra=None,
        country=portfolio.country, placed_on=today, closed_at=None, close_code=None,
    )  # fmt: skip


def _month(session: Session, example: OpenDebt, terms: Mapping[str, Any], begin: date) -> Month:
    accrual = terms.get("accrual") or NOTHING
    clean = {name: value for name, value in terms.items() if name != BEFORE} | {"accrual": accrual}
    debt = replace(
        example, debtor_id=0, terms=clean, due_date=begin, placed_on=begin, closed_at=None, close_code=None
    )
    found = Contracts(session, [debt]).debt(debt).accrual
    if found is None or accrual == NOTHING:
        return Month(0, 0, 0, None)
    zone = ZoneInfo(tenancy.tenant(session).timezone)
    fee = found.late_fee.on(example.balance_minor) if found.late_fee else 0
    missing = missing_rate(debt) if accrual["rate"] else None
    grown = _grown(found, example.balance_minor, begin, zone)
    return Month(grown, _grown(replace(found, cap=None), example.balance_minor, begin, zone), fee, missing)


def _grown(accrual: Accrual, principal: int, begin: date, zone: ZoneInfo) -> int:
    meter = Meter(replace(accrual, late_fee=None), placed=principal)
    end = datetime.combine(begin + timedelta(days=DAYS), time(12), zone)
    return meter.run(end, principal, principal).get("interest", 0)


def rates_needed(country: str, on: date) -> list[str]:
    """The published or agreed yearly rates by which a country's caps on what accrues go on a day."""
    pack = contacts.packs().by_country.get(country)
    if pack is None:
        return []
    rules = [rule.parameters for rule in pack.on(on) if isinstance(rule, RateCapRule)]
    units = {rule.over or rule.cap.unit for rule in rules}
    return sorted(unit for unit in units if unit != "percent" and not (len(unit) == 3 and unit.isupper()))
