"""When what a law wants done is due, and when a respite ends: computed from a pack's rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from recupero_sdk.law.calendars import ClosedDays
from recupero_sdk.law.compiling import compiled
from recupero_sdk.law.pack import RegulationPack
from recupero_sdk.law.schema import ClockRule, ClosedDaysRule, MoratoriumRule
from recupero_sdk.law.spans import DAY, ClosedDay, day_after, weekend
from recupero_sdk.law.values import Facts


class Deadline(NamedTuple):
    """A duty and the last local day on which it is done in time."""

    rule_id: str
    duty: str
    last_day: date


class Respite(NamedTuple):
    """A moratorium: its last day (None: until the event the rule names) and the days of its reviews."""

    rule_id: str
    last_day: date | None
    reviews: tuple[date, ...]


def deadlines(pack: RegulationPack, facts: Facts, event: str, on: date) -> list[Deadline]:
    """What is due after an event of a local day, by the clocks that start at it."""
    return [
        Deadline(rule.id, rule.parameters.duty, _last_day(pack, facts, rule, on))
        for rule in _clocks(pack, facts, on)
        if rule.parameters.starts_at == event
    ]


def _clocks(pack: RegulationPack, facts: Facts, on: date) -> Iterator[ClockRule]:
    law = compiled(pack)
    plan = law.plan(on, "letter", "collection", law.whereabouts(facts).places)
    yield from (article.rule for article in plan.standing if isinstance(article.rule, ClockRule))


def _last_day(pack: RegulationPack, facts: Facts, rule: ClockRule, on: date) -> date:
    parameters, closed = rule.parameters, business_days(pack, facts, rule.parameters.closed_by, on)
    start = day_after(on, parameters.assumed_after, closed) if parameters.assumed_after else on
    last = day_after(start, parameters.within, closed)
    return last - DAY if parameters.day_one == "event" else last


def business_days(pack: RegulationPack, facts: Facts, closed_by: str | None, on: date) -> ClosedDay:
    """Which days are no business days: those that the rule `closed_by` closes, else Saturday and Sunday."""
    rules = [rule for rule in pack.on(on) if isinstance(rule, ClosedDaysRule) and rule.id == closed_by]
    if not rules:
        return weekend
    closed, regions = ClosedDays(rules[0].parameters), compiled(pack).whereabouts(facts).regions
    return lambda day: closed.name(day, regions, facts.commune) is not None


def respites(pack: RegulationPack, facts: Facts, event: str, on: date) -> list[Respite]:
    """The moratoria that start with an event, on a local day which is their first, with their reviews."""
    law = compiled(pack)
    plan = law.plan(on, "letter", "collection", law.whereabouts(facts).places)
    found = []
    for article in plan.standing:
        if isinstance(article.rule, MoratoriumRule) and article.rule.parameters.starts_at == event:
            parameters = article.rule.parameters
            last = day_after(on, parameters.lasts) - DAY if parameters.lasts else None
            reviews = tuple(day_after(on, review) - DAY for review in parameters.reviews)
            found.append(Respite(article.rule.id, last, reviews))
    return found
