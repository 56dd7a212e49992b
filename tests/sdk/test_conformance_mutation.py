"""The mutation check: every parameter is shifted, cases notice, and what nobody tests is named."""

import re
from datetime import date
from pathlib import Path

import pytest

from recupero_sdk.conformance import mutation
from recupero_sdk.conformance.evidence import Evidence, _together, judged
from recupero_sdk.conformance.mutants import mutants
from recupero_sdk.conformance.words import examples
from recupero_sdk.law import RegulationPack, load_pack
from recupero_sdk.law.compiling import decides
from recupero_sdk.law.content import plain_pattern
from recupero_sdk.law.scenario import Scenario, read_scenarios
from recupero_sdk.scaffold import make
from tests.sdk.made import HOURS, WORKED, copied, replaced, under_test

CHILE = Path(__file__).parents[2] / "plugins/regulations/cl"


@pytest.fixture(scope="module")
def chile() -> RegulationPack:
    return load_pack(CHILE / "recupero_regulation_cl")


@pytest.fixture(scope="module")
def cases() -> list[Scenario]:
    return [
        case for file in sorted((CHILE / "tests/scenarios").glob("*.jsonl")) for case in read_scenarios(file)
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("regulation", "uy", tmp_path_factory.mktemp("packs") / "uy").root


def shifts_of(pack: RegulationPack, rule_id: str, on: date) -> set[str]:
    return {mutant.name for rule in pack.on(on) if rule.id == rule_id for mutant in mutants(rule)}


def test_hours_days_caps_dates_and_names_are_shifted_by_one(chile: RegulationPack) -> None:
    hours = shifts_of(chile, "CL-37-hours-call-visit", date(2025, 1, 1))
    assert {
        "parameters.open[0].opens: 08:00 → 07:59",
        "parameters.open[0].opens: 08:00 → 09:00",
        "parameters.open[0].closes: 20:00 → 20:01",
        "parameters.open[0].days: sat dropped",
        "in_force.from: 2021-04-20 → 2021-04-19",
        "channels: sms dropped",
    } <= hours
    weekly = shifts_of(chile, "CL-37-phone-visit-weekly", date(2025, 1, 1))
    assert {
        "parameters.limit.value: 1 → 2",
        "parameters.rolling.value: 168 → 167",
        "parameters.readings: rolling dropped",
        "parameters.counts.outcomes.call: answered dropped",
    } <= weekly
    assert "parameters.flags: suit_served dropped" in shifts_of(chile, "CL-37-stop-on-suit", date(2025, 1, 1))


def test_a_rule_judged_apart_gives_what_the_whole_pack_gives(
    chile: RegulationPack, cases: list[Scenario]
) -> None:
    evidence = Evidence(chile, cases)
    for rule in (rule for rule in chile.known() if decides(rule)):
        trial = evidence.trial(rule)
        for mutant in list(mutants(rule))[::31]:
            for case in cases[::11]:
                others = trial._others_on(case)
                assert others is not None
                apart = _together(others, judged(trial.small(mutant), case))
                whole = trial.verdict(case, mutant)
                assert apart.allowed == whole.allowed
                assert {one.rule_id for one in apart.refusals} == {one.rule_id for one in whole.refusals}


def test_the_packs_own_golden_files_notice_every_shift(made: Path) -> None:
    report = under_test(made).mutation
    assert report.untested == {}
    assert report.score == 100


def test_without_cases_every_shift_goes_unnoticed(made: Path) -> None:
    report = mutation.check(Evidence(under_test(made).pack, []))
    assert report.score == 0
    assert set(report.untested) == {"UY-EXAMPLE-hours"}


def test_what_a_case_alone_held_is_untested_without_it(made: Path, tmp_path: Path) -> None:
    root = copied(made, tmp_path / "uy")
    (root / "tests/golden/cases.jsonl").unlink()
    (root / WORKED).write_text("")
    for file in (root / "tests/golden").glob("hours-*.txt"):
        file.unlink()
        file.touch()
    assert "parameters.open[0].opens: 08:00 → 07:59" in under_test(root).mutation.untested["UY-EXAMPLE-hours"]


def test_a_case_that_fails_already_notices_nothing(made: Path, tmp_path: Path) -> None:
    root = copied(made, tmp_path / "uy")
    replaced(root, HOURS, 'opens: "08:00"', 'opens: "10:30"')
    report = under_test(root).mutation
    assert "parameters.open[0].opens: 10:30 → 10:31" in report.untested["UY-EXAMPLE-hours"]


def test_a_proposed_case_passes_and_fails_for_the_shift_it_was_made_for(chile: RegulationPack) -> None:
    wanted = {"CL-37-phone-visit-weekly", "CL-37-stop-on-suit"}
    pack = RegulationPack(chile.manifest, tuple(rule for rule in chile.rules if rule.id in wanted))
    evidence = Evidence(pack, [])
    proposals = mutation.propose(evidence)
    assert proposals.cases
    assert not [case.id for case in evidence.recorded if case.disagreement(judged(pack, case))]
    report = mutation.check(Evidence(pack, [], recorded=evidence.recorded), proposals.alike)
    assert report.untested == {}


def test_kinds_that_are_not_shifted_are_named_with_the_reason(chile: RegulationPack) -> None:
    report = mutation.check(Evidence(RegulationPack(chile.manifest, chile.rules[:8]), []))
    assert all(report.exempt.values())
    assert "statement" in report.exempt


def test_where_and_whom_a_rule_concerns_is_shifted() -> None:
    argentina, brazil, states = (
        load_pack(CHILE.parent / code / f"recupero_regulation_{code}") for code in ("ar", "br", "us")
    )
    assert "agency_regions: AR-C dropped" in shifts_of(argentina, "AR-CABA-disclosure", date(2025, 1, 1))
    assert "displaces: BR-IND-hours dropped" in shifts_of(brazil, "BR-SP-15426-hours", date(2025, 1, 1))
    workplace = shifts_of(states, "US-MA-workplace", date(2025, 1, 1))
    assert {"unless: entry 1 dropped", "unless: entry 2 dropped"} <= workplace
    location = shifts_of(states, "US-FDCPA-location", date(2025, 1, 1))
    assert {"when: Condition dropped", "when.purposes: locate dropped"} <= location


def test_wanted_and_banned_words_are_shifted(chile: RegulationPack) -> None:
    wanted = shifts_of(chile, "CL-37-disclosures", date(2025, 1, 1))
    assert {"parameters.items: entry 1 dropped", "channels: email dropped"} <= wanted
    banned = shifts_of(chile, "CL-37-no-threat-dicom", date(2025, 1, 1))
    assert "parameters.banned: entry 1 dropped" in banned
    assert any(name.startswith("parameters.banned[0].patterns: ") for name in banned)


def test_a_message_is_proposed_for_each_wanted_item_and_each_banned_word(chile: RegulationPack) -> None:
    wanted = {"CL-37-disclosures", "CL-37-no-threat-dicom"}
    pack = RegulationPack(chile.manifest, tuple(rule for rule in chile.rules if rule.id in wanted))
    bare = mutation.check(Evidence(pack, []))
    assert "parameters.items: entry 1 dropped" in bare.untested["CL-37-disclosures"]
    evidence = Evidence(pack, [])
    proposals = mutation.propose(evidence)
    held = mutation.check(Evidence(pack, [], recorded=evidence.recorded), proposals.alike)
    assert held.untested == {}
    assert not [name for name in proposals.alike if "dropped" in name and "entry" in name]


@pytest.mark.parametrize(
    "pattern",
    [
        r"\bdemanda(d[oa]s?|r|remos)?\b",
        r"orden (del|judicial)",
        r"opt[ -]?out",
        r"intent\w+ cobrar",
        "citaci[oó]n",
    ],
)
def test_a_pattern_has_examples_that_it_matches(pattern: str) -> None:
    found = list(examples(pattern))
    assert found
    assert all(re.search(plain_pattern(pattern), text) for text in found)
