"""What collection may cost a debtor, and since when a debt is time-barred, computed from a pack's rules."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.schema import FeeLadderRule, LimitationRule


def collection_fee_cap(
    pack: RegulationPack,
    on: date,
    overdue: Decimal,
    unit_value: Decimal,
    days_late: int,
    *,
    useful_contact: bool = True,
) -> Decimal | None:
    """The most that collection may cost the debtor, in the currency of `overdue`; None where no rule caps it.

    `overdue` is the base the rule names (see its `base`), `unit_value` the value of the indexed unit of its
    bands (such as the UF) on that day, in the same currency. Progressive: each band's percent applies to the
    part of the base inside it. Zero during the free days. `useful_contact` False: the free contact that the
    law asks for was not made in time, which lowers the cap where the rule says so.
    """
    rules = [rule for rule in pack.on(on) if isinstance(rule, FeeLadderRule)]
    if not rules:
        return None
    parameters = rules[0].parameters
    if days_late <= parameters.free.value:
        return Decimal(0)
    fee = below = Decimal(0)
    for band in parameters.bands:
        top = overdue if band.up_to is None else min(overdue, band.up_to.value * unit_value)
        fee += max(top - below, Decimal(0)) * band.percent / 100
        below = max(below, top)
    if not useful_contact and parameters.without_useful_contact is not None:
        fee += parameters.without_useful_contact.value * unit_value
    return max(fee, Decimal(0))


def time_barred_from(pack: RegulationPack, on: date, debt_kind: str | None, due: date) -> date | None:
    """First day on which the debt is time-barred if nothing interrupted the period; None where no rule says.

    Kinds of debt the pack does not name run the default period. `then` years, as an ordinary claim, add up.
    """
    rules = [rule for rule in pack.on(on) if isinstance(rule, LimitationRule)]
    if not rules:
        return None
    periods = rules[0].parameters.periods
    named = next((period for period in periods if debt_kind in period.debt_kinds), None)
    period = named or next(period for period in periods if "default" in period.debt_kinds)
    years = period.period.value + (period.then.value if period.then else 0)
    return date(due.year + years, due.month, 1) + (due - due.replace(day=1))
