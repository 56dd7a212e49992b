"""Checks the number a call or message comes from: what must show, how it must and may not begin."""

from __future__ import annotations

import re
from datetime import date

from recupero_sdk.law.checks import Case, Refusal
from recupero_sdk.law.compiling import compiled, purpose_of
from recupero_sdk.law.conditions import Concern
from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.schema import CallerIdentityRule
from recupero_sdk.law.values import Facts, Proposal, RuleOutcome
from recupero_sdk.law.zones import load_zone


def check_caller(
    pack: RegulationPack,
    facts: Facts,
    proposal: Proposal,
    number: str | None,
    *,
    pack_date: date | None = None,
) -> list[RuleOutcome]:
    """What each rule of caller identity says of the number shown; use it only if none is `refused`.

    `number` as E.164 (+34 600 …) or national digits; None is a withheld number. A rule that holds only above
    some volume (`applies_above`) is listed and does not decide: whether it binds is for the house to know.
    So is one whose `when` or `unless` leaves this call out.
    """
    law = compiled(pack, pack_date)
    where = law.whereabouts(facts)
    zone = load_zone(where.zones[0])
    local = proposal.at.astimezone(zone)
    purpose = purpose_of(facts, proposal, local.date())
    case = Case(facts, proposal, [], proposal.at, zone, local, local.date(), where.regions, purpose)
    plan = law.plan(case.day, proposal.channel, purpose, where.places)
    outcomes = []
    for article in plan.standing:
        rule = article.rule
        if isinstance(rule, CallerIdentityRule) and proposal.channel in rule.channels:
            why = _wrong(rule, number, pack.manifest.calling_code)
            bound = rule.parameters.applies_above is None
            if not Concern(rule, pack.manifest.assume).holds(case):
                outcomes.append(article.at_rest("not_concerned"))
            elif why and bound:
                outcomes.append(article.refused(why))
            else:
                outcomes.append(article.at_rest("within" if bound else "noted"))
    return outcomes


def _wrong(rule: CallerIdentityRule, number: str | None, calling_code: str | None) -> Refusal | None:
    parameters = rule.parameters
    if number is None:
        return Refusal("number_hidden", {}) if parameters.hidden == "forbidden" else None
    digits = _national(number, calling_code)
    for prefix in parameters.forbidden_prefixes:
        if digits.startswith(_national(prefix, calling_code)):
            return Refusal("number_banned", {"prefix": prefix})
    wanted = tuple(_national(prefix, calling_code) for prefix in parameters.prefixes)
    if wanted and not digits.startswith(wanted):
        return Refusal("wrong_number", {"prefixes": ", ".join(parameters.prefixes)})
    return None


def _national(number: str, calling_code: str | None) -> str:
    """The digits of a number without the country's own code; a foreign one keeps its plus."""
    digits = re.sub(r"\D", "", number)
    if not number.strip().startswith("+"):
        return digits
    own = calling_code is not None and digits.startswith(calling_code)
    return digits[len(calling_code or "") :] if own else f"+{digits}"
