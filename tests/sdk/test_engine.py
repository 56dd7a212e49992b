"""The gate's answer as a value: what it lists, how it is stored, and which date of the pack it follows."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from recupero.outreach.texts.disclosures import STATED
from recupero_sdk.law import Facts, Proposal, RuleOutcome, Verdict, judge, load_pack
from recupero_sdk.law.reasons import LANGUAGES, REASONS, explain

FACTS = Facts("XX", timezone="America/Santiago")
EARLY = datetime(2025, 3, 11, 12, 30, tzinfo=UTC)  # 09:30 in Santiago


def test_a_refusal_says_which_rule_why_and_when_it_ends(sample: Any, tmp_path: Path) -> None:
    verdict = judge(load_pack(sample.write(tmp_path)), FACTS, [], Proposal(EARLY, "call"))
    (refusal,) = verdict.refusals
    assert (refusal.rule_id, refusal.citation) == ("XX-hours", "Ley 1, art. 2")
    assert refusal.parameters["open"][0]["opens"] == 600
    assert "10:00-18:00" in refusal.reason
    assert verdict.next_lawful_at == datetime(2025, 3, 11, 13, tzinfo=UTC)


def test_a_verdict_survives_storage(sample: Any, tmp_path: Path) -> None:
    verdict = judge(load_pack(sample.write(tmp_path)), FACTS, [], Proposal(EARLY, "call"))
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict


def test_a_rule_for_other_channels_is_listed_and_does_not_decide(sample: Any, tmp_path: Path) -> None:
    verdict = judge(load_pack(sample.write(tmp_path)), FACTS, [], Proposal(EARLY, "letter"))
    assert verdict.allowed
    assert [(one.rule_id, one.code) for one in verdict.outcomes] == [("XX-hours", "other_channel")]


def test_an_old_judgement_is_repeated_with_the_pack_of_its_date(sample: Any, tmp_path: Path) -> None:
    mistaken = sample.rules.replace("opens: 10:00", "opens: 09:00").replace(
        "recorded: 2026-01-01", "recorded: 2026-01-01\n    withdrawn: 2026-02-01"
    )
    corrected = sample.rule.replace("recorded: 2026-01-01", "recorded: 2026-02-01")
    pack = load_pack(sample.write(tmp_path, rules=mistaken + corrected))
    proposal = Proposal(EARLY, "call")
    assert judge(pack, FACTS, [], proposal, pack_date=date(2026, 1, 15)).allowed
    assert not judge(pack, FACTS, [], proposal, pack_date=date(2026, 2, 1)).allowed
    assert not judge(pack, FACTS, [], proposal).allowed


def test_a_rule_of_a_region_holds_there_and_where_the_region_is_unknown(sample: Any, tmp_path: Path) -> None:
    rules = sample.rules.replace("    scope: debtor", "    regions: [XX-B]\n    scope: debtor")
    pack = load_pack(sample.write(tmp_path, rules=rules))
    at_noon_in_a = Proposal(EARLY, "call")
    there = Facts("XX", region="XX-B", timezone="America/Punta_Arenas")
    assert judge(pack, Facts("XX", region="XX-A"), [], at_noon_in_a).allowed
    assert not judge(pack, there, [], at_noon_in_a).allowed


def test_the_literal_reading_can_be_chosen_where_it_is_marked(sample: Any, tmp_path: Path) -> None:
    marked = sample.rules.replace(
        "reading: literal",
        "reading: conservative\n    ambiguity: {es: A., en: A.}\n"
        "    literal: {text: {es: Visitas., en: Visits.}, channels: [visit]}",
    )
    pack = load_pack(sample.write(tmp_path, rules=marked))
    assert not judge(pack, FACTS, [], Proposal(EARLY, "call")).allowed
    assert judge(pack.read_literally(["XX-hours"]), FACTS, [], Proposal(EARLY, "call")).allowed
    with pytest.raises(ValueError, match="has no rule XX-other"):
        pack.read_literally(["XX-other"])


def test_before_the_pack_s_first_day_nothing_is_allowed(sample: Any, tmp_path: Path) -> None:
    manifest = sample.manifest.replace("covers_from: null", "covers_from: 2020-01-01")
    pack = load_pack(sample.write(tmp_path, manifest=manifest))
    verdict = judge(pack, FACTS, [], Proposal(datetime(2019, 12, 31, 15, tzinfo=UTC), "letter"))
    assert not verdict.allowed
    assert "1 January 2020" in verdict.refusals[0].reason


def test_a_moment_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="no UTC offset"):
        Proposal(datetime(2025, 3, 11, 12), "call")  # noqa: DTZ001 - the mistake under test


def test_every_reason_is_written_in_every_language() -> None:
    assert all(set(texts) == set(LANGUAGES) for texts in REASONS.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_message_lacks_is_told_in_words(language: str) -> None:
    told = explain("item_missing", {"items": ", ".join((*STATED, "opt_out", "amount_date"))}, language)
    assert "_" not in told
    assert "agent" not in told
    assert (
        explain("item_missing", {"items": "opt_out"}, "en") == "The message does not state: how to opt out."
    )


def test_a_reason_speaks_the_reader_s_language() -> None:
    refusal = RuleOutcome("XX-stop", "stop", "refused", "stopped", "-", {"flag": "deceased, disputed"})
    assert refusal.explain("es") == "El contacto debe cesar: fallecida, deuda disputada."
    assert refusal.explain("pt") == "O contato deve cessar: falecida, dívida contestada."
