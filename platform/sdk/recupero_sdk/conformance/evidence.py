"""What a pack's cases say, and whether they notice that a rule was changed.

A changed rule is judged in a small pack of its own: itself and the rules tied to it by name. What every other
rule says of a case is worked out once, with the whole pack. Where the two together do not give the whole
pack's answer for the unchanged rule, the whole pack is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from recupero_sdk.conformance.hours import CLOCK_KINDS, Sample, clock_rules, hours_between, open_by_day
from recupero_sdk.conformance.mutants import Mutant
from recupero_sdk.conformance.words import WORD_KINDS
from recupero_sdk.law import Channel, RegulationPack, RuleOutcome, Verdict, judge
from recupero_sdk.law.moments import DAY
from recupero_sdk.law.scenario import Scenario
from recupero_sdk.law.schema import Rule

_WORDS = {"title", "text", "source", "ambiguity", "literal", "verified", "recorded", "withdrawn"}


@dataclass(frozen=True, slots=True)
class RecordedHours:
    """The golden hours of one debtor and year: a line per day."""

    sample: Sample
    lines: dict[date, str]


@dataclass
class Evidence:
    """The cases of a pack. `written` are worked cases by people, `hours` the golden files of permitted hours,
    `recorded` the cases the kit proposed."""

    pack: RegulationPack
    written: Sequence[Scenario]
    hours: Sequence[RecordedHours] = ()
    recorded: list[Scenario] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._verdicts: dict[int, Verdict] = {}
        self._right: dict[tuple[Sample, date], bool] = {}

    def trial(self, rule: Rule) -> Trial:
        """The cases made ready to try changes of one rule."""
        return Trial(self, rule)

    def verdict(self, case: Scenario) -> Verdict:
        """What the whole, unchanged pack says of a case; kept."""
        if id(case) not in self._verdicts:
            self._verdicts[id(case)] = self.verdict_of(case)
        return self._verdicts[id(case)]

    def recorded_rightly(self, recorded: RecordedHours, day: date) -> bool:
        """Whether the unchanged pack has the recorded hours on that day; wrong ones notice nothing."""
        key = (recorded.sample, day)
        if key not in self._right:
            (line,) = hours_between(self.pack, recorded.sample, day, day + DAY)
            self._right[key] = recorded.lines.get(day) == line
        return self._right[key]

    def verdict_of(self, case: Scenario) -> Verdict:
        """What the whole, unchanged pack says of a passing case; not kept."""
        return judged(self.pack, case)


def judged(pack: RegulationPack, case: Scenario) -> Verdict:
    """The pack's verdict on a case, words included, without looking for the next lawful moment."""
    verdict = judge(pack, case.facts, case.history, case.proposal, next_lawful=False)
    return case.judged(verdict, pack)


class Trial:
    """Tries changed versions of one rule against the cases."""

    def __init__(self, evidence: Evidence, rule: Rule) -> None:
        self._evidence, self._rule = evidence, rule
        self._tied = tied(evidence.pack, rule)
        self._small = replace(evidence.pack, rules=self._tied)
        self._others: dict[int, tuple[RuleOutcome, ...] | None] = {}
        self._open: dict[tuple[Sample, Channel, date], dict[date, str]] = {}
        self._telling: set[str] = set()

    def by_written(self, mutant: Mutant) -> str | None:
        """The worked case, or the day of the golden hours, that notices the change."""
        return self._by_cases(mutant, self._evidence.written) or self._by_hours(mutant)

    def by_recorded(self, mutant: Mutant) -> str | None:
        """The recorded case that notices the change."""
        return self._by_cases(mutant, self._evidence.recorded)

    def small(self, mutant: Mutant | None = None) -> RegulationPack:
        """The rule, changed or not, with the rules tied to it."""
        return self._small if mutant is None else self._with(self._small, mutant)

    def verdict(self, case: Scenario, mutant: Mutant) -> Verdict:
        """What the pack with the changed rule says of a case."""
        return judged(self._with(self._evidence.pack, mutant), case)

    def _by_cases(self, mutant: Mutant, cases: Iterable[Scenario]) -> str | None:
        changed = self.small(mutant)
        for case in sorted(cases, key=self._rank):
            if case.disagreement(self._evidence.verdict(case)):
                continue  # a case that fails already notices nothing
            others = self._others_on(case)
            if others is None:
                verdict = judged(self._with(self._evidence.pack, mutant), case)
            else:
                verdict = _together(others, judged(changed, case))
            if case.disagreement(verdict):
                self._telling.add(case.id)
                return case.id
        return None

    def _rank(self, case: Scenario) -> tuple[bool, bool]:
        """Cases that noticed another change of the rule come first, then those written about it."""
        return case.id not in self._telling, self._rule.id not in case.expect_rules

    def _others_on(self, case: Scenario) -> tuple[RuleOutcome, ...] | None:
        """What the rules not tied to this one say; None where that cannot be told apart."""
        if id(case) not in self._others:
            self._others[id(case)] = self._apart(case)
        return self._others[id(case)]

    def _apart(self, case: Scenario) -> tuple[RuleOutcome, ...] | None:
        whole, ids = self._evidence.verdict(case), {rule.id for rule in self._tied}
        others = tuple(
            outcome
            for outcome in whole.outcomes
            if outcome.rule_id not in ids
            or (outcome.code == "applied" and outcome.details.get("rule") not in ids)
        )
        again = _together(others, judged(self._small, case))
        same = (
            again.allowed == whole.allowed
            and set(again.rules) == set(whole.rules)
            and {one.rule_id for one in again.refusals} == {one.rule_id for one in whole.refusals}
        )
        return others if same else None

    def _with(self, pack: RegulationPack, mutant: Mutant) -> RegulationPack:
        rules = tuple(mutant.rule if rule is mutant.original else rule for rule in pack.rules)
        return replace(pack, rules=rules)

    def _by_hours(self, mutant: Mutant) -> str | None:
        if self._rule.kind not in CLOCK_KINDS:
            return None
        clock = {id(rule) for rule in (*clock_rules(self._evidence.pack), *self._tied)}
        rules = tuple(rule for rule in self._evidence.pack.rules if id(rule) in clock)
        changed = self._with(replace(self._evidence.pack, rules=rules), mutant)
        for recorded in self._evidence.hours:
            if not self._could_move(mutant, recorded.sample):
                continue
            for day in self._days_moved(mutant, recorded.sample):
                (line,) = hours_between(changed, recorded.sample, day, day + DAY)
                if recorded.lines.get(day) != line and self._evidence.recorded_rightly(recorded, day):
                    return f"permitted hours of {recorded.sample.region or 'the country'} on {day}"
        return None

    def _could_move(self, mutant: Mutant, sample: Sample) -> bool:
        """Whether the shift may show in the sample: not where it only moves dates of other years, and not in
        a region that neither rule nor shift names, where the first sample shows the same."""
        dates = [value for value in mutant.values if type(value) is date]
        if (
            dates
            and mutant.path.rpartition(".")[2] in ("from", "to", "on")
            and sample.year not in {day.year for day in dates}
        ):
            return False
        first = sample is self._evidence.hours[0].sample
        named = {*self._rule.regions, *(value for value in mutant.values if isinstance(value, str))}
        return (first and not self._rule.regions) or sample.region in named or "regional" in named

    def _days_moved(self, mutant: Mutant, sample: Sample) -> Iterator[date]:
        """Days of the sample's year on which the rule, taken alone, opens otherwise than before."""
        channels = {*mutant.original.channels} ^ {*mutant.rule.channels} or {mutant.rule.channels[0]}
        first, end = date(sample.year, 1, 1), date(sample.year + 1, 1, 1)
        changed = self.small(mutant)
        while first < end:
            until = min(first + timedelta(days=61), end)
            for channel in sorted(channels):
                before = self._before(sample, channel, first, until)
                after = open_by_day(changed, sample, channel, first, until)
                moved = (day for day in {*before, *after} if before.get(day) != after.get(day))
                yield from sorted(moved)
            first = until

    def _before(self, sample: Sample, channel: Channel, first: date, until: date) -> dict[date, str]:
        key = (sample, channel, first)
        if key not in self._open:
            self._open[key] = open_by_day(self._small, sample, channel, first, until)
        return self._open[key]


def _together(others: tuple[RuleOutcome, ...], small: Verdict) -> Verdict:
    """One verdict of what the other rules and the small pack say."""
    allowed = small.allowed and all(outcome.outcome != "refused" for outcome in others)
    return Verdict(allowed, others + small.outcomes, small.pack_id, small.pack_version)


def tied(pack: RegulationPack, rule: Rule) -> tuple[Rule, ...]:
    """The rule with all its versions, the rules that name it, and those they and it name; in pack order."""
    ids = {one.id for one in pack.rules}
    names = {one.id: set[str]() for one in pack.rules}
    for one in pack.rules:
        names[one.id] |= ids & set(_strings(one.model_dump(exclude=_WORDS)))
    close = {rule.id} | {one for one, named in names.items() if rule.id in named}
    close |= {named for one in close for named in names[one]}
    if rule.kind in WORD_KINDS:  # some words are wanted or banned only where the debt is time-barred
        close |= {one.id for one in pack.rules if one.kind == "limitation"}
    return tuple(one for one in pack.rules if one.id in close)


def _strings(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for entry in data.values():
            yield from _strings(entry)
    elif isinstance(data, list | tuple):
        for entry in data:
            yield from _strings(entry)
