"""Whether a rule concerns a contact: its `when` and `unless`, judged so that the unknown frees nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from recupero_sdk.law.checks import Case
from recupero_sdk.law.rule import BaseRule
from recupero_sdk.law.terms import Assumed, Condition, place_of

#: One question about a case: True, False, or None where the answer is not known.
_Question = Callable[[Case], bool | None]


class Concern:
    """The compiled `when` and `unless` of one rule."""

    def __init__(self, rule: BaseRule, assumed: Assumed) -> None:
        self._when = _questions(rule.when, assumed) if rule.when else []
        self._unless = [_questions(condition, assumed) for condition in rule.unless]

    @property
    def always(self) -> bool:
        """Whether the rule concerns every contact."""
        return not self._when and not self._unless

    def holds(self, case: Case) -> bool:
        """Whether the rule concerns this contact."""
        for question in self._when:
            if question(case) is False:
                return False
        for questions in self._unless:
            for question in questions:
                if not question(case):
                    break
            else:
                return False
        return True


def met(condition: Condition, assumed: Assumed, case: Case) -> bool:
    """Whether a condition is met, or may be."""
    return not any(question(case) is False for question in _questions(condition, assumed))


def _questions(condition: Condition, assumed: Assumed) -> list[_Question]:
    """One question per property that the condition states."""
    found = [
        _one_of(name, frozenset(allowed), getattr(assumed, name))
        for names, name in _SINGULAR.items()
        if (allowed := getattr(condition, names))
    ]
    if recipients := condition.recipients:
        found.append(lambda case: case.proposal.recipient in recipients)
    if purposes := condition.purposes:
        found.append(lambda case: case.purpose in purposes)
    if places := condition.places:
        found.append(lambda case: place_of(case.facts, case.proposal) in places)
    if condition.flags:
        found.append(_any_of("flags", condition.flags))
    if condition.permissions:
        found.append(_any_of("permissions", condition.permissions))
    return found + _of_consent(condition, assumed) + _of_amount(condition)


_SINGULAR = {
    "creditor_sectors": "creditor_sector",
    "owner_types": "owner_type",
    "parties": "party",
    "debt_kinds": "debt_kind",
    "line_types": "line_type",
}


def _one_of(name: str, allowed: frozenset[Any], assumed: Any) -> _Question:
    def question(case: Case) -> bool | None:
        value = getattr(case.facts, name)
        value = assumed if value is None else value
        return None if value is None else value in allowed

    return question


def _any_of(name: str, values: Iterable[str]) -> _Question:
    named = frozenset(values)
    return lambda case: not named.isdisjoint(getattr(case.facts, name))


def _of_consent(condition: Condition, assumed: Assumed) -> list[_Question]:
    """Questions about consent to the channel, and about how this contact came about."""
    found: list[_Question] = []
    if (consented := condition.consented) is not None:
        found.append(lambda case: _consented(case) is consented)
    if (written := condition.written_consent) is not None:
        found.append(lambda case: (case.proposal.channel in case.facts.written_consents) is written)
    if (asked := condition.asked) is not None:
        found.append(lambda case: (case.proposal.asked or case.purpose == "reply") is asked)
    if (fresh := condition.with_consent) is not None:
        found.append(lambda case: case.proposal.with_consent is fresh)
    if (automated := condition.automated) is not None:

        def by_machine(case: Case) -> bool | None:
            value = case.proposal.automated
            value = assumed.automated if value is None else value
            return None if value is None else value is automated

        found.append(by_machine)
    return found


def _consented(case: Case) -> bool:
    channel, facts = case.proposal.channel, case.facts
    return channel in (facts.consented_channels or ()) or channel in facts.written_consents


def _of_amount(condition: Condition) -> list[_Question]:
    least, below = condition.amount_from, condition.amount_below

    def within(case: Case) -> bool | None:
        amount = case.facts.amount
        if amount is None:
            return None
        return (least is None or amount >= least) and (below is None or amount < below)

    return [within] if least is not None or below is not None else []
