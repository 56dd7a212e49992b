"""What collection may cost a debtor, and since when a debt is time-barred: computed from a pack's rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Literal

from recupero_sdk.law.compiling import compiled
from recupero_sdk.law.limitation import barred_from
from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.schema import FeeLadderRule, LimitationRule, RateCapRule
from recupero_sdk.law.values import Event, Facts

Charge = Literal["interest", "default_interest", "default_fine", "default_fee", "all_charges"]


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


def charge_cap(
    pack: RegulationPack,
    on: date,
    charge: Charge,
    base: Decimal,
    days: int = 0,
    *,
    rates: Mapping[str, Decimal] | None = None,
    debt_kind: str | None = None,
) -> Decimal | None:
    """The most that a charge may come to on a base over some days, in the currency of the base; None: no cap.

    `rates` are the published or agreed yearly rates in percent that the rules name (their unit, or `over`).
    Where several rules cap the charge the lowest holds; `all_charges` binds every charge. Raises
    `ValueError` where a rate that a rule needs is not given.
    """
    caps = [
        _capped(rule, base, days, rates or {})
        for rule in pack.on(on)
        if isinstance(rule, RateCapRule) and rule.parameters.charge in (charge, "all_charges")
        if rule.when is None or not rule.when.debt_kinds or debt_kind in (None, *rule.when.debt_kinds)
    ]
    return min(caps, default=None)


def _capped(rule: RateCapRule, base: Decimal, days: int, rates: Mapping[str, Decimal]) -> Decimal:
    parameters = rule.parameters
    cap, per = parameters.cap, parameters.per
    lasting = {
        "once": Decimal(1),
        "day": Decimal(days),
        "month": Decimal(days) / 30,
        "year": Decimal(days) / 365,
    }
    if re.fullmatch(r"[A-Z]{3}", cap.unit):
        most = cap.value * lasting[per]
    elif cap.unit == "percent":
        most = base * cap.value / 100 * lasting[per]
    else:
        name = parameters.over or cap.unit
        if name not in rates:
            raise ValueError(f"{rule.id} needs the rate `{name}`; give it in percent a year")
        percent = rates[name] + cap.value if parameters.over else rates[name] * cap.value
        most = base * percent / 100 * lasting["year"]
    if total := parameters.total:
        most = min(most, base * total.value / 100 if total.unit == "percent" else total.value)
    return max(most, Decimal(0))


def time_barred_from(
    pack: RegulationPack,
    on: date,
    debt_kind: str | None,
    due: date,
    region: str | None = None,
    events: Iterable[Event] = (),
) -> date | None:
    """First day on which the debt is time-barred, given what happened to it; None where no rule says.

    Kinds of debt the pack does not name run the default period. Of several rules that hold in the region (or
    anywhere, where it is not known) the earliest day counts.
    """
    law = compiled(pack)
    where = law.whereabouts(Facts(pack.country, region=region))
    found = list(events)
    barred = [
        barred_from(article.rule.parameters, debt_kind, due, found)
        for article in law.plan(on, "letter", "collection", where.places).standing
        if isinstance(article.rule, LimitationRule)
    ]
    return min(barred, default=None)
