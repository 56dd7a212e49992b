"""What a regulation pack must prove. A pack's tests subclass `RegulationConformance` and name its folders:

    class TestConformance(RegulationConformance):
        folder = ROOT / "recupero_regulation_cl"
        scenarios = ROOT / "tests" / "scenarios"
        golden = ROOT / "tests" / "golden"
        sample = Sample(year=2025, region="CL-RM", timezone="America/Santiago")

Needs nothing installed but the SDK and pytest. `RECUPERO_GOLDEN=write` writes the golden files anew, for a
lawyer to read the difference: permitted hours, where regions differ, and the recorded cases.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import ClassVar

from recupero_sdk.conformance import mutation
from recupero_sdk.conformance.evidence import Evidence, RecordedHours, judged
from recupero_sdk.conformance.hours import Sample, permitted_hours, regional_differences
from recupero_sdk.conformance.quality import FILE, read_quality
from recupero_sdk.law import Facts, Proposal, RegulationPack, judge, load_pack
from recupero_sdk.law.compiling import decides
from recupero_sdk.law.moments import DAY, instant
from recupero_sdk.law.opening import open_stretches
from recupero_sdk.law.parameters import OpenHours
from recupero_sdk.law.scenario import Scenario, read_scenarios
from recupero_sdk.law.schema import HoursRule, Rule
from recupero_sdk.law.zones import load_zone

__all__ = ["RegulationConformance", "Sample"]

FRESH = timedelta(days=365)
CASES, ALIKE = "cases.jsonl", "alike.txt"


class PackUnderTest:
    """A pack with its cases, read once."""

    def __init__(self, folder: Path, scenarios: Path, golden: Path, sample: Sample) -> None:
        self.pack = load_pack(folder)
        self.scenarios, self.golden, self.sample = scenarios, golden, sample

    @cached_property
    def written(self) -> list[Scenario]:
        """The worked cases."""
        return [case for file in sorted(self.scenarios.glob("*.jsonl")) for case in read_scenarios(file)]

    @cached_property
    def recorded(self) -> list[Scenario]:
        """The recorded cases."""
        file = self.golden / CASES
        return list(read_scenarios(file)) if file.exists() else []

    @property
    def alike(self) -> frozenset[str]:
        """Shifts recorded as changing nothing."""
        file = self.golden / ALIKE
        return frozenset(file.read_text(encoding="utf-8").splitlines() if file.exists() else ())

    def hours(self) -> list[RecordedHours]:
        """What the golden files of permitted hours say, of the sample and of the regions that differ."""
        file = self.golden / self.sample.name
        if not file.exists():
            return []
        usual = _by_date(file.read_text(encoding="utf-8").splitlines())
        found = [RecordedHours(self.sample, usual)]
        apart = self.golden / self.sample.regions_name
        if not apart.exists():
            return found
        differing = _by_place(apart.read_text(encoding="utf-8").splitlines())
        for other in self.sample.elsewhere(self.pack):
            days = differing.get(f"{other.region} {other.timezone}", {})
            found.append(RecordedHours(other, {**usual, **days}))
        return found

    def evidence(self) -> Evidence:
        """All cases together."""
        return Evidence(self.pack, self.written, self.hours(), list(self.recorded))

    @cached_property
    def mutation(self) -> mutation.Report:
        """The mutation check."""
        return mutation.check(self.evidence(), self.alike)

    def record(self) -> None:
        """Writes the golden files anew: hours first, since they are evidence for the cases."""
        self.golden.mkdir(parents=True, exist_ok=True)
        _write(self.golden / self.sample.name, permitted_hours(self.pack, self.sample))
        _write(self.golden / self.sample.regions_name, regional_differences(self.pack, self.sample))
        proposals = mutation.propose(Evidence(self.pack, self.written, self.hours()))
        _write(self.golden / CASES, (json.dumps(line, ensure_ascii=False) for line in proposals.cases))
        _write(self.golden / ALIKE, proposals.alike)
        self.__dict__.pop("recorded", None)


def _by_date(lines: Iterable[str]) -> dict[date, str]:
    return {date.fromisoformat(line[:10]): line for line in lines}


def _by_place(lines: Iterable[str]) -> dict[str, dict[date, str]]:
    found: dict[str, dict[date, str]] = {}
    places: list[str] = []
    for line in lines:
        if line.startswith("# "):
            places = line[2:].split(", ")
            found |= {place: {} for place in places}
        else:
            for place in places:
                found[place][date.fromisoformat(line[:10])] = line
    return found


def _write(file: Path, lines: Iterable[str]) -> None:
    """The lines; no file where there are none."""
    text = "".join(f"{line}\n" for line in lines)
    if text:
        file.write_text(text, encoding="utf-8")
    else:
        file.unlink(missing_ok=True)


class RegulationConformance:
    """The checks, one method each; every failure message says which rule or case and what to do."""

    folder: ClassVar[Path]
    scenarios: ClassVar[Path]
    golden: ClassVar[Path]
    sample: ClassVar[Sample]
    _read: ClassVar[PackUnderTest | None] = None

    @classmethod
    def subject(cls) -> PackUnderTest:
        """The pack with its cases; golden files written anew where RECUPERO_GOLDEN asks for it."""
        if cls._read is None:
            cls._read = PackUnderTest(cls.folder, cls.scenarios, cls.golden, cls.sample)
            if os.environ.get("RECUPERO_GOLDEN") == "write":
                cls._read.record()
        return cls._read

    def test_the_pack_loads_and_says_what_it_is(self) -> None:
        manifest = self.subject().pack.manifest
        assert manifest.zones, "pack.yaml: name the country's zones"
        assert "advice" in manifest.disclaimer.en, "pack.yaml: the disclaimer must say it is no legal advice"

    def test_every_rule_names_its_source(self) -> None:
        bare = [
            rule.id
            for rule in self.subject().pack.rules
            if not all((rule.source.law.strip(), rule.source.article.strip(), rule.source.text.strip()))
        ]
        assert not bare, f"rules without law, article or link text: {', '.join(bare)}"

    def test_rules_hold_from_their_first_to_their_last_day(self) -> None:
        pack, wrong = self.subject().pack, []
        for rule in pack.rules:
            for day, holds in boundary_days(rule):
                if (rule in pack.on(day)) is not (holds and rule.withdrawn is None):
                    wrong.append(f"{rule.id} on {day}")
        assert not wrong, f"in force when it should not be, or not when it should: {', '.join(wrong)}"

    def test_hours_open_and_close_on_their_minute(self) -> None:
        pack = self.subject().pack
        wrong = [
            line for rule in pack.known() if isinstance(rule, HoursRule) for line in _edge_errors(pack, rule)
        ]
        assert not wrong, f"hours that do not change on the minute stated: {'; '.join(wrong)}"

    def test_scenarios_agree(self) -> None:
        found = self.subject().written
        assert found, f"no scenario in {self.scenarios}/*.jsonl: write worked cases"
        differing = _differing(self.subject().pack, found)
        assert not differing, f"scenarios that differ: {differing}"

    def test_recorded_cases_agree(self) -> None:
        differing = _differing(self.subject().pack, self.subject().recorded)
        assert not differing, (
            f"the pack no longer says what {self.golden / CASES} records: {differing}. If the change is"
            " right, run once with RECUPERO_GOLDEN=write and read what changed"
        )

    def test_every_deciding_rule_refuses_in_some_scenario(
        self, record_property: Callable[[str, object], None]
    ) -> None:
        pack, refusing, permitting = self.subject().pack, set[str](), set[str]()
        for case in self.subject().written:
            for outcome in judged(pack, case).outcomes:
                refusing |= {outcome.rule_id} if outcome.decides else set()
                permitting |= {outcome.rule_id} if outcome.outcome == "allowed" else set()
        deciding = {rule.id for rule in pack.known() if decides(rule)}
        untested = sorted(deciding - refusing)
        lenient = sorted(deciding - permitting)
        record_property("scenarios", {"never_refusing": untested, "never_permitting": lenient})
        self._hold("scenarios", f"no scenario is refused by: {', '.join(untested)}" if untested else None)

    def test_permitted_hours_are_as_recorded(self) -> None:
        file = self.golden / self.sample.name
        lines = permitted_hours(self.subject().pack, self.sample)
        if not file.exists():
            self._hold("golden-hours", f"{file} is missing; run once with RECUPERO_GOLDEN=write and read it")
            return
        recorded = file.read_text(encoding="utf-8").splitlines()
        changed = [f"{old} -> {new}" for old, new in zip(recorded, lines, strict=False) if old != new]
        assert recorded == lines, f"permitted hours changed: {'; '.join(changed[:10])}"

    def test_regions_differ_as_recorded(self) -> None:
        file = self.golden / self.sample.regions_name
        lines = regional_differences(self.subject().pack, self.sample)
        recorded = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        changed = sorted({*recorded} ^ {*lines})
        differ = (
            f"{file} does not say how the hours of regions differ: {'; '.join(changed[:10])};"
            " run once with RECUPERO_GOLDEN=write and read it"
        )
        self._hold("golden-regions", None if recorded == lines else differ)

    def test_every_shift_of_a_parameter_makes_some_case_fail(
        self, record_property: Callable[[str, object], None]
    ) -> None:
        started = perf_counter()
        report = self.subject().mutation
        record_property("mutation", {**report.figures(), "seconds": round(perf_counter() - started, 2)})
        untested = "; ".join(f"{rule}: {', '.join(shifts)}" for rule, shifts in report.untested.items())
        failing = (
            f"untested rules (mutation score {report.score:.1f} %): {untested}. Write a scenario on either"
            " side of each, or run once with RECUPERO_GOLDEN=write and read the cases it records"
        )
        self._hold("mutation", failing if untested else None)

    def test_the_pack_is_fresh(self) -> None:
        today = datetime.now(UTC).date()
        stale = [rule.id for rule in self.subject().pack.known() if today - rule.verified > FRESH]
        if stale:
            warnings.warn(f"not verified within a year: {', '.join(stale)}", stacklevel=1)

    def _hold(self, rule: str, problem: str | None) -> None:
        """Fails for a problem where quality.yaml says that the rule is done, or says nothing; else warns."""
        if problem and self._claims(rule):
            raise AssertionError(problem)
        if problem:
            warnings.warn(f"{rule} (todo in {FILE}): {problem}", stacklevel=2)

    def _claims(self, rule: str) -> bool:
        root = self.folder.parent
        if not (root / FILE).exists():
            return True
        claim = read_quality(root).claims.get(rule)
        return claim is not None and claim.status == "done"


def _differing(pack: RegulationPack, cases: Iterable[Scenario]) -> dict[str, str]:
    return {case.id: why for case in cases if (why := case.disagreement(judged(pack, case)))}


def boundary_days(rule: Rule) -> Iterator[tuple[date, bool]]:
    """The day before, of and after the first and the last day of a rule, and whether it holds then."""
    first, last = rule.in_force.first, rule.in_force.last
    days = {edge + step * DAY for edge in (first, last) if edge for step in (-1, 0, 1)}
    for day in sorted(days):
        yield day, (first is None or day >= first) and (last is None or day <= last)


def _edge_errors(pack: RegulationPack, rule: HoursRule) -> Iterator[str]:
    """Both sides of each minute at which the rule opens or closes, on a day no other clock rule closes."""
    facts = _within(pack, rule)
    zone_name = facts.timezone or pack.manifest.zones[0]
    for stretch in rule.parameters.open:
        day = _open_day(pack, rule, stretch, facts)
        for minute, open_there in (
            (stretch.opens - 1, False),
            (stretch.opens, True),
            (stretch.closes - 1, True),
            (stretch.closes, False),
        ):
            at = instant(day, minute, load_zone(zone_name))
            outcomes = judge(pack, facts, (), Proposal(at, rule.channels[0]), next_lawful=False).outcomes
            refused = any(one.rule_id == rule.id and one.outcome == "refused" for one in outcomes)
            if refused is open_there:
                yield f"{rule.id} at minute {minute} of {day}"


def _within(pack: RegulationPack, rule: Rule) -> Facts:
    """Somebody in a place where the rule holds: its area, its region, or the pack's first region."""
    manifest = pack.manifest
    area = next(iter(rule.areas), None)
    regions = manifest.areas[area].regions if area else rule.regions or tuple(manifest.regions)
    region = next(iter(regions), None)
    zones = manifest.regions[region].zones if region in manifest.regions else manifest.zones
    return Facts(pack.country, timezone=zones[0], region=region, commune=area)


def _open_day(pack: RegulationPack, rule: HoursRule, stretch: OpenHours, facts: Facts) -> date:
    """A day of the stretch's first weekday, within the rule's dates, with a minute that no rule closes."""
    day = rule.in_force.first or (rule.in_force.last or date(2025, 1, 1)) - 60 * DAY
    zone = load_zone(facts.timezone or pack.manifest.zones[0])
    for _ in range(120):
        day += DAY
        opening = Proposal(instant(day, stretch.opens, zone), rule.channels[0])
        closing = instant(day, stretch.closes, zone)
        if f"{day:%a}".lower() == stretch.days[0] and open_stretches(pack, facts, opening, closing):
            return day
    raise AssertionError(f"{rule.id}: no {stretch.days[0]} within four months is open in its hours")
