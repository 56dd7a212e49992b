"""The mutation check: is every number, hour, date and name by which a rule decides held fast by some case?

Each deciding rule is shifted by one step at a time (`mutants`). A case that then fails has caught the shift.
Written evidence (worked cases and golden hours) is asked first, then recorded cases. A shift that nothing
catches leaves the rule untested. `propose` looks for a contact that would tell; a shift for which it finds
none changes nothing that anybody could notice, and is listed as alike.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Literal

from recupero_sdk.conformance.evidence import Evidence, Trial, judged
from recupero_sdk.conformance.meeting import Line
from recupero_sdk.conformance.mutants import Mutant, mutants
from recupero_sdk.conformance.probes import Probes
from recupero_sdk.conformance.words import WORD_KINDS, Messages, messages_for
from recupero_sdk.law import RegulationPack, Verdict
from recupero_sdk.law.compiling import decides
from recupero_sdk.law.scenario import Scenario, ScenarioError, parse_scenario
from recupero_sdk.law.schema import Rule

#: Contacts tried for one shift before it is called alike.
TRIES = 2500
_PLAIN, _SEEDS = 250, 4


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one shift, and `by` what it was caught."""

    mutant: Mutant
    outcome: Literal["written", "recorded", "survived", "alike"]
    by: str | None = None

    @property
    def name(self) -> str:
        rule = self.mutant.original
        return f"{rule.id} ({rule.in_force.first or 'always'}) {self.mutant.name}"


@dataclass
class Report:
    """The fates of all shifts, and the kinds that were not shifted with the reason."""

    fates: list[Fate] = field(default_factory=list)
    exempt: dict[str, str] = field(default_factory=dict)

    def count(self, outcome: str) -> int:
        return sum(fate.outcome == outcome for fate in self.fates)

    @property
    def shifts(self) -> int:
        """Shifts that some contact tells apart."""
        return len(self.fates) - self.count("alike")

    @property
    def score(self) -> float:
        """Percent of them that a case catches."""
        return 100 * (self.count("written") + self.count("recorded")) / (self.shifts or 1)

    @property
    def written_score(self) -> float:
        """Percent of them that worked cases and golden hours catch without the recorded cases."""
        return 100 * self.count("written") / (self.shifts or 1)

    def figures(self) -> dict[str, Any]:
        """The report in JSON types."""
        return {
            "score": round(self.score, 2),
            "written_score": round(self.written_score, 2),
            "shifts": self.shifts,
            "written": self.count("written"),
            "recorded": self.count("recorded"),
            "alike": self.count("alike"),
            "untested": self.untested,
            "exempt": self.exempt,
        }

    @property
    def untested(self) -> dict[str, list[str]]:
        """Rules with a shift that nothing catches, and these shifts."""
        found: dict[str, list[str]] = {}
        for fate in self.fates:
            if fate.outcome == "survived":
                found.setdefault(fate.mutant.original.id, []).append(fate.mutant.name)
        return found


def shifted(rule: Rule) -> bool:
    """Whether the rule is tested: it can refuse a contact, or the words of one."""
    return decides(rule) or rule.kind in WORD_KINDS


def check(evidence: Evidence, alike: Collection[str] = ()) -> Report:
    """Shifts every deciding rule of the pack and asks the evidence; `alike` names shifts known to change
    nothing."""
    report = Report()
    for rule in evidence.pack.known():
        if not shifted(rule):
            report.exempt[rule.kind] = "decides no contact"
            continue
        trial = evidence.trial(rule)
        for mutant in shifts(evidence.pack, rule):
            if by := trial.by_written(mutant):
                report.fates.append(Fate(mutant, "written", by))
            elif by := trial.by_recorded(mutant):
                report.fates.append(Fate(mutant, "recorded", by))
            else:
                fate = Fate(mutant, "survived")
                report.fates.append(replace(fate, outcome="alike") if fate.name in alike else fate)
    return report


@dataclass
class Proposals:
    """Cases for what no written evidence catches, and the shifts that no contact tells apart."""

    cases: list[Line] = field(default_factory=list)
    alike: list[str] = field(default_factory=list)


def propose(evidence: Evidence) -> Proposals:
    """A case for each shift that nothing catches; each case is of use for more than one where it can be."""
    found = Proposals()
    for rule in evidence.pack.known():
        if not shifted(rule):
            continue
        trial, search = evidence.trial(rule), _Search(evidence, rule)
        for mutant in shifts(evidence.pack, rule):
            if trial.by_written(mutant) or trial.by_recorded(mutant):
                continue
            line = search.telling(trial, mutant)
            if line is None:
                found.alike.append(Fate(mutant, "alike").name)
                continue
            line = {**line, "id": f"recorded-{len(found.cases) + 1:03d}"}
            found.cases.append(line)
            evidence.recorded.append(parse_scenario(json.dumps(line), "proposed case"))
    return found


def shifts(pack: RegulationPack, rule: Rule) -> Iterator[Mutant]:
    """The rule's shifts, without those that the loader would refuse and those of `scope` that nobody sees."""
    siblings = [one for one in pack.known() if one.id == rule.id and one is not rule]
    for mutant in mutants(rule):
        if mutant.path == "scope" and not _scope_counts(mutant):
            continue
        clash = any(
            (one.kind, one.regions) == (mutant.rule.kind, mutant.rule.regions)
            and one.in_force.meets(mutant.rule.in_force)
            for one in siblings
        )
        if not clash:
            yield mutant


def _scope_counts(mutant: Mutant) -> bool:
    """Scope matters where contacts are counted; whose contacts the platform hands over (one debtor's, or all
    of the agency's) is not for a single judgement to see."""
    wide = {"debtor", "agency"}
    one, other = mutant.original.scope, mutant.rule.scope
    return "counts" in type(mutant.rule.parameters).model_fields and not {one, other} <= wide


class _Search:
    """Looks for a contact that tells a shifted rule from the rule as it stands."""

    def __init__(self, evidence: Evidence, rule: Rule) -> None:
        self._evidence, self._rule = evidence, rule
        self._probes = Probes(evidence.pack, rule)
        self._messages = messages_for(evidence.pack, rule)
        self._seeds: list[Line] | None = None
        self._counting = "counts" in type(rule.parameters).model_fields

    def telling(self, trial: Trial, mutant: Mutant) -> Line | None:
        """A scenario line that fails where the rule is shifted, or None if none is found."""
        for line in islice(self._candidates(trial, mutant), TRIES):
            if told := self._told(trial, mutant, line):
                return told
        return None

    def _candidates(self, trial: Trial, mutant: Mutant) -> Iterator[Line]:
        if self._messages is not None:
            yield from self._worded(self._messages, trial, mutant)
            return
        near = list(islice(self._probes.plain(mutant.values), _PLAIN))
        yield from near
        small = trial.small()
        refused = (line for line in near if self._rule.id in _refusing(judged(small, _sure(line))))
        for line in (*near[:1], *islice(refused, 1)):
            yield from islice(self._probes.around(line, mutant.values), 400)
        seeds = self._refused(trial)
        apt = sorted(seeds, key=lambda seed: seed["proposed"]["channel"] not in mutant.values)
        for seed in apt[:_SEEDS]:
            yield from islice(self._probes.around(seed, mutant.values), 800)

    def _worded(self, messages: Messages, trial: Trial, mutant: Mutant) -> Iterator[Line]:
        """Messages around the shift; then the contacts around messages that the rule refuses."""
        if mutant.path.startswith("parameters"):
            contexts = list(islice(self._probes.for_words(mutant.values), 12))
            for message in messages.around(mutant.path):
                yield from (_with_message(line, message) for line in contexts)
        for seed in self._refused(trial)[:_SEEDS]:
            yield from islice(self._probes.around(seed, mutant.values), 800)

    def _refused(self, trial: Trial) -> list[Line]:
        """Contacts that the rule refuses, to start from: by each channel, at best by this rule alone."""
        if self._seeds is None:
            small, found = trial.small(), dict[tuple[str, bool], Line]()
            for line in self._starts():
                channel = line["proposed"]["channel"]
                if (channel, True) in found:
                    continue
                case = _case(line)
                if case and self._rule.id in _refusing(judged(small, case)):
                    alone = _refusing(self._evidence.verdict_of(case)) == {self._rule.id}
                    found.setdefault((channel, alone), line)
            self._seeds = [line for _key, line in sorted(found.items(), key=lambda one: not one[0][1])]
        return self._seeds

    def _starts(self) -> Iterator[Line]:
        if self._messages is not None:
            contexts = list(islice(self._probes.for_words(()), 12))
            for message in self._messages.around(""):
                yield from (_with_message(line, message) for line in contexts)
            return
        for channel in self._rule.channels:
            plain = list(islice(self._probes.plain((channel,)), 12))
            yield from plain
            for line in plain[:1]:
                yield from islice(self._probes.around(line, ()), 150)
                if self._counting:
                    yield from islice(self._probes.with_history(line), 1500)

    def _told(self, trial: Trial, mutant: Mutant, line: Line) -> Line | None:
        case = _case(line)
        if case is None:
            return None
        before, after = judged(trial.small(), case), judged(trial.small(mutant), case)
        mine = self._rule.id
        if mutant.path == "displaces":  # shows in the rule that is displaced no longer
            mine = next(iter(mutant.values))
        refused = mine in _refusing(before)
        if refused == (mine in _refusing(after)) and (mine in before.rules) == (mine in after.rules):
            return None
        whole = self._evidence.verdict_of(case)
        consulted = [mine] if mine in whole.rules else []
        expect = {"allowed": whole.allowed, "rules": [mine] if refused else consulted}
        why = f"Recorded: tells {mutant.name} of {mine} from the rule as it stands."
        told = {**line, "expect": expect, "why": why}
        expected = _case(told)
        if expected is None or expected.disagreement(whole):
            return None
        return told if expected.disagreement(trial.verdict(expected, mutant)) else None


def _with_message(line: Line, message: Line) -> Line:
    return {**line, "proposed": {**line["proposed"], "message": message}}


def _sure(line: Line) -> Scenario:
    return parse_scenario(json.dumps(line), "probe")


def _refusing(verdict: Verdict) -> set[str]:
    return {outcome.rule_id for outcome in verdict.outcomes if outcome.decides}


def _case(line: Line) -> Scenario | None:
    """The line as a case; None where it contradicts itself."""
    try:
        return parse_scenario(json.dumps(line), "probe")
    except ScenarioError:
        return None
