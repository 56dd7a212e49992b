"""What a regulation pack must prove. A pack's tests subclass `RegulationConformance` and name its folders:

    class TestConformance(RegulationConformance):
        folder = ROOT / "recupero_regulation_cl"
        scenarios = ROOT / "tests" / "scenarios"
        golden = ROOT / "tests" / "golden"
        sample = Sample(year=2025, region="CL-RM", timezone="America/Santiago")

Needs nothing installed but the SDK and pytest. `RECUPERO_GOLDEN=write` writes the golden file anew, for a
lawyer to read the difference.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from recupero_sdk.law import CHANNELS, Channel, Facts, Proposal, RegulationPack, judge, load_pack
from recupero_sdk.law.engine import DECIDING_KINDS
from recupero_sdk.law.moments import DAY, instant
from recupero_sdk.law.opening import open_stretches
from recupero_sdk.law.scenario import Scenario, read_scenarios
from recupero_sdk.law.schema import HoursRule, Rule
from recupero_sdk.law.zones import load_zone

FRESH = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Sample:
    """One debtor and year for which the golden file lists the permitted hours."""

    year: int
    region: str | None
    timezone: str

    @property
    def name(self) -> str:
        return f"hours-{self.region or 'any'}-{self.year}.txt"


class RegulationConformance:
    """The checks, one method each; every failure message says which rule or case and what to do."""

    folder: ClassVar[Path]
    scenarios: ClassVar[Path]
    golden: ClassVar[Path]
    sample: ClassVar[Sample]

    def _pack(self) -> RegulationPack:
        return load_pack(self.folder)

    def test_the_pack_loads_and_says_what_it_is(self) -> None:
        manifest = self._pack().manifest
        assert manifest.zones, "pack.yaml: name the country's zones"
        assert "advice" in manifest.disclaimer.en, "pack.yaml: the disclaimer must say it is no legal advice"

    def test_every_rule_names_its_source(self) -> None:
        bare = [
            rule.id
            for rule in self._pack().rules
            if not all((rule.source.law.strip(), rule.source.article.strip(), rule.source.text.strip()))
        ]
        assert not bare, f"rules without law, article or link text: {', '.join(bare)}"

    def test_rules_hold_from_their_first_to_their_last_day(self) -> None:
        pack, wrong = self._pack(), []
        for rule in pack.rules:
            for day, holds in boundary_days(rule):
                if (rule in pack.on(day)) is not holds:
                    wrong.append(f"{rule.id} on {day}")
        assert not wrong, f"in force when it should not be, or not when it should: {', '.join(wrong)}"

    def test_hours_open_and_close_on_their_minute(self) -> None:
        pack = self._pack()
        wrong = [
            line for rule in pack.rules if isinstance(rule, HoursRule) for line in _edge_errors(pack, rule)
        ]
        assert not wrong, f"hours that do not change on the minute stated: {'; '.join(wrong)}"

    def test_scenarios_agree(self) -> None:
        pack, found = self._pack(), list(self._scenarios())
        assert found, f"no scenario in {self.scenarios}/*.jsonl: write worked cases"
        differing = {}
        for case in found:
            verdict = judge(pack, case.facts, case.history, case.proposal)
            if why := case.disagreement(verdict):
                differing[case.id] = why
        assert not differing, f"scenarios that differ: {differing}"

    def test_every_deciding_rule_refuses_in_some_scenario(self) -> None:
        pack, refusing = self._pack(), set()
        for case in self._scenarios():
            verdict = judge(pack, case.facts, case.history, case.proposal, next_lawful=False)
            refusing |= {refusal.rule_id for refusal in verdict.refusals}
        untested = {rule.id for rule in pack.rules if rule.kind in DECIDING_KINDS} - refusing
        assert not untested, f"no scenario is refused by: {', '.join(sorted(untested))}"

    def test_permitted_hours_are_as_recorded(self) -> None:
        file = self.golden / self.sample.name
        lines = permitted_hours(self._pack(), self.sample)
        if os.environ.get("RECUPERO_GOLDEN") == "write":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        assert file.exists(), f"{file} is missing; run once with RECUPERO_GOLDEN=write and read it"
        recorded = file.read_text(encoding="utf-8").splitlines()
        changed = [f"{old} -> {new}" for old, new in zip(recorded, lines, strict=False) if old != new]
        assert recorded == lines, f"permitted hours changed: {'; '.join(changed[:10])}"

    def test_the_pack_is_fresh(self) -> None:
        today = datetime.now(UTC).date()
        stale = [rule.id for rule in self._pack().rules if today - rule.verified > FRESH]
        if stale:
            warnings.warn(f"not verified within a year: {', '.join(stale)}", stacklevel=1)

    def _scenarios(self) -> Iterator[Scenario]:
        for file in sorted(self.scenarios.glob("*.jsonl")):
            yield from read_scenarios(file)


def boundary_days(rule: Rule) -> Iterator[tuple[date, bool]]:
    """The day before, of and after the first and the last day of a rule, and whether it holds then."""
    first, last = rule.in_force.first, rule.in_force.last
    days = {edge + step * DAY for edge in (first, last) if edge for step in (-1, 0, 1)}
    for day in sorted(days):
        yield day, (first is None or day >= first) and (last is None or day <= last)


def _edge_errors(pack: RegulationPack, rule: HoursRule) -> Iterator[str]:
    """Both sides of each minute at which the rule opens or closes, on a day no other clock rule closes."""
    zone_name = pack.manifest.zones[0]
    facts = Facts(pack.country, timezone=zone_name, region=next(iter(pack.manifest.regions), None))
    for stretch in rule.parameters.open:
        day = _open_day(pack, rule, stretch.days[0], facts)
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


def _open_day(pack: RegulationPack, rule: HoursRule, weekday: str, facts: Facts) -> date:
    """A day of that weekday, within the rule's dates, that is closed by nothing."""
    day = rule.in_force.first or (rule.in_force.last or date(2025, 1, 1)) - 60 * DAY
    zone = load_zone(pack.manifest.zones[0])
    for _ in range(120):
        day += DAY
        noon = Proposal(instant(day, 12 * 60, zone), rule.channels[0])
        if f"{day:%a}".lower() == weekday and open_stretches(pack, facts, noon, noon.at + DAY / 24):
            return day
    raise AssertionError(f"{rule.id}: no {weekday} within four months is open at noon")


def permitted_hours(pack: RegulationPack, sample: Sample) -> list[str]:
    """One line per day of the year: the local hours each channel is open in, channels alike put together."""
    zone = load_zone(sample.timezone)
    facts = Facts(pack.country, region=sample.region, timezone=sample.timezone)
    start, end = (instant(date(year, 1, 1), 0, zone) for year in (sample.year, sample.year + 1))
    by_channel = {channel: open_stretches(pack, facts, Proposal(start, channel), end) for channel in CHANNELS}
    lines, day = [], date(sample.year, 1, 1)
    while day.year == sample.year:
        begins, ends = instant(day, 0, zone), instant(day + DAY, 0, zone)
        alike: dict[str, list[Channel]] = {}
        for channel, stretches in by_channel.items():
            inside = [(max(a, begins), min(b, ends)) for a, b in stretches if a < ends and b > begins]
            hours = " ".join(
                f"{a.astimezone(zone):%H:%M}-{'24:00' if b == ends else b.astimezone(zone).strftime('%H:%M')}"
                for a, b in inside
            )
            alike.setdefault(hours or "closed", []).append(channel)
        shown = "; ".join(f"{' '.join(channels)} {hours}" for hours, channels in alike.items())
        lines.append(f"{day.isoformat()} {day:%a} {shown}")
        day += DAY
    return lines
