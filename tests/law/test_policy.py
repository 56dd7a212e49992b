"""House rules stand above the law: they tighten in both forms of the gate, and never loosen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recupero.law import policy
from recupero.law.batch import Question, judge_many
from recupero.law.policy import HouseRules, Limits
from recupero.law.service import Packs, edition, judge_contact
from recupero_sdk.law import CHANNELS, Facts, PackError, PastContact, Proposal, judge
from tests.law import packs
from tests.law.test_batch import frames
from tests.thorough import examples

CHILEAN = Facts("CL", timezone="America/Santiago", region="CL-RM")
TUESDAY = datetime(2025, 3, 11, 14, tzinfo=UTC)  # 11:00 in Santiago
QUIET = """
rules:
  - id: CL-AGENCY-no-vulnerable
    title: {es: Personas vulnerables, en: Vulnerable people}
    text: {es: No se contacta a personas vulnerables., en: Vulnerable people are not contacted.}
    kind: stop
    parameters: {flags: [vulnerable]}
"""
MARS = QUIET.replace("kind: stop", "kind: hours").replace(
    "{flags: [vulnerable]}",
    '{unit: local_time, zone: America/Marte, open: [{days: [mon], opens: "10:00", closes: "11:00"}]}',
)


def under(**limits: Any) -> Packs:
    return policy.tightened(packs.packs(), [HouseRules("agency", Limits(**limits))])


def refusing(law: Packs, at: datetime = TUESDAY, channel: Any = "email", *past: PastContact) -> list[str]:
    verdict = judge_contact(law, CHILEAN, past, Proposal(at, channel))
    return [why.rule_id for why in verdict.refusals if why.decides]


def test_nothing_asked_leaves_the_law_as_it_is() -> None:
    law = packs.packs()
    assert policy.tightened(law, [HouseRules("agency")]) is law


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        ({"weekdays": "12:00-18:00"}, "CL-AGENCY-hours"),
        ({"weekdays": "closed"}, "CL-AGENCY-closed-days"),
        ({"unused": ("email",)}, "CL-AGENCY-no-email"),
    ],
)
def test_hours_and_channels_of_the_house_refuse_more(limits: dict[str, Any], rule: str) -> None:
    assert refusing(packs.packs()) == []
    assert refusing(under(**limits)) == [rule]


def test_a_cap_counts_what_was_tried_or_only_what_reached_somebody() -> None:
    missed = PastContact(TUESDAY - timedelta(days=5), "call", outcome="no_answer")
    assert refusing(under(per_month=1), TUESDAY, "email", missed) == ["CL-AGENCY-per-month"]
    assert refusing(under(per_month=1, counts="reached"), TUESDAY, "email", missed) == []


@pytest.mark.parametrize(("counted", "refused"), [("agency", True), ("creditor", False), ("debt", False)])
def test_a_cap_counts_per_person_across_creditors_where_it_says_so(counted: str, refused: bool) -> None:
    elsewhere = PastContact(
        TUESDAY - timedelta(days=5), "sms", outcome="delivered", same_debt=False, same_creditor=False
    )
    law = under(per_month=1, counted=counted)
    assert bool(refusing(law, TUESDAY, "email", elsewhere)) is refused


def test_agency_and_creditor_stand_above_the_law_together() -> None:
    layers = [
        HouseRules("agency", Limits(weekdays="12:00-18:00")),
        HouseRules("creditor", Limits(unused=("email",))),
    ]
    law = policy.tightened(packs.packs(), layers)
    assert refusing(law) == ["CL-AGENCY-hours", "CL-CREDITOR-no-email"]
    verdict = judge_contact(law, CHILEAN, [], Proposal(TUESDAY, "email"))
    assert (len(verdict.by_policy), verdict.by_law) == (2, ())
    assert verdict.pack_version.endswith("+agency.draft+creditor.draft")


def test_rules_of_a_file_are_judged_like_those_of_the_form() -> None:
    law = policy.tightened(packs.packs(), [HouseRules("agency", document=QUIET)])
    frail = Facts("CL", timezone="America/Santiago", region="CL-RM", flags=frozenset({"vulnerable"}))
    verdict = judge_contact(law, frail, [], Proposal(TUESDAY, "email"))
    assert "CL-AGENCY-no-vulnerable" in verdict.rules
    assert verdict.first_refusal == "CL-AGENCY-no-vulnerable"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("rules: 3", "must be a mapping with a list `rules`"),
        ("rules: [", "is not YAML"),
        ("other: 1\nrules: []", "other is not a property here"),
        (QUIET.replace("CL-AGENCY", "CL-37"), "begins with the country and -AGENCY-"),
        (QUIET.replace("CL-AGENCY", "ZZ-AGENCY"), "no law is loaded for ZZ"),
        (
            QUIET.replace("stop", "statement").replace("flags: [vulnerable]", "topic: scope"),
            "refuses nothing; use one of",
        ),
        (QUIET.replace("[vulnerable]", "[weak]"), "use one of"),
        (QUIET.replace("parameters:", "parametres: {}\n    parameters:"), "is not a property here"),
        (QUIET + "    repeals: [CL-37-hours]\n", "a policy only adds rules"),
        (QUIET + QUIET.removeprefix("\nrules:\n"), "two house rules have this id"),
        (QUIET + "    rests_on: [CL-37-nowhere]\n", "is not a rule of the pack"),
        (QUIET + "    areas: [CL-Centro]\n", "area `CL-Centro` is not in the pack"),
        (MARS, "zone `America/Marte` does not exist; use an IANA name"),
    ],
)
def test_a_file_that_is_wrong_or_loosens_is_refused_with_the_remedy(document: str, said: str) -> None:
    with pytest.raises(PackError) as refused:
        policy.check(packs.packs(), HouseRules("agency", document=document))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"per_day": 0}, "per_day: `0` must be 1 or more"),
        ({"weekdays": "18:00-09:00"}, "weekdays: `18:00-09:00` ends at or before it begins"),
        ({"saturday": "nine"}, "saturday: `nine` is no stretch of hours; write HH:MM-HH:MM, or closed"),
        ({"unused": ["fax"]}, "unused[0]: `fax` is not allowed; use one of 'call'"),
        ({"cap": 3}, "cap: is not a property here; remove it or correct its name; there may be per_day"),
    ],
)
def test_limits_that_make_no_sense_are_refused_at_their_field(limits: dict[str, Any], said: str) -> None:
    with pytest.raises(PackError) as refused:
        Limits.from_json(limits)
    assert said in str(refused.value)


def test_limits_are_kept_as_they_were_stated() -> None:
    limits = Limits(per_week=2, saturday="closed", channels=("call", "visit"), counted="creditor")
    assert Limits.from_json(limits.to_json()) == limits
    assert Limits().to_json() == {}


def test_house_rules_that_cannot_be_read_close_the_country() -> None:
    broken = HouseRules("agency", document=QUIET.replace("stop", "halt"))
    law = policy.tightened(packs.packs(), [broken])
    assert "house rules cannot be read" in (law.closed_because("CL") or "")
    assert not judge_contact(law, CHILEAN, [], Proposal(TUESDAY, "email")).allowed


_WINDOWS = st.sampled_from([None, None, "closed", "09:30-17:15", "00:00-12:00"])
_CAPS = st.sampled_from([None, None, 1, 2, 5])
LIMITS = st.builds(
    Limits,
    per_day=_CAPS,
    per_week=_CAPS,
    per_month=_CAPS,
    gap_hours=st.sampled_from([None, 4, 50]),
    counted=st.sampled_from(policy.COUNTED),
    counts=st.sampled_from(policy.COUNTS),
    channels=st.sampled_from([(), ("call",), ("email", "sms")]),
    weekdays=_WINDOWS,
    saturday=_WINDOWS,
    sunday=_WINDOWS,
    no_holidays=st.booleans(),
    unused=st.sampled_from([(), ("visit",)]),
)


@settings(max_examples=examples(120), deadline=None)
@given(data=st.data(), limits=LIMITS, country=st.sampled_from(["CL", "CO"]))
def test_house_rules_never_allow_what_the_law_refuses(
    data: st.DataObject, limits: Limits, country: str
) -> None:
    at = data.draw(packs.moments(14))
    facts, proposal = data.draw(packs.facts(country)), data.draw(packs.proposals(at))
    history = data.draw(packs.histories(at))
    layer: policy.Layer = data.draw(st.sampled_from(["agency", "creditor"]))
    law = packs.packs()
    alone = judge_contact(law, facts, history, proposal)
    both = judge_contact(policy.tightened(law, [HouseRules(layer, limits)]), facts, history, proposal)
    assert alone.allowed or not both.allowed
    by_law = [why.rule_id for why in both.by_law]
    assert by_law == [why.rule_id for why in alone.refusals]
    if alone.next_lawful_at is not None and both.next_lawful_at is not None:
        assert both.next_lawful_at >= alone.next_lawful_at


def test_every_channel_of_the_law_can_be_left_unused() -> None:
    law = under(unused=CHANNELS)
    assert all(refusing(law, channel=channel) for channel in CHANNELS)


def test_a_pack_is_judged_with_as_it_stood_or_with_its_first_edition() -> None:
    pack = packs.pack("CL")
    first = min(rule.recorded for rule in pack.rules)
    assert edition(pack, first - timedelta(days=400)) == first
    assert edition(pack, first + timedelta(days=4000)) >= first


@settings(max_examples=60, deadline=None)
@given(data=st.data(), limits=LIMITS, country=st.sampled_from(["CL", "CO"]))
def test_planning_keeps_to_house_rules_as_sending_does(
    data: st.DataObject, limits: Limits, country: str
) -> None:
    at = data.draw(packs.moments(7))
    cases = [(data.draw(packs.facts(country)), data.draw(packs.histories(at))) for _ in range(3)]
    law = policy.tightened(packs.packs(), [HouseRules("creditor", limits)])
    accounts, history = frames(cases)
    answer = judge_many(law, accounts, history, list(CHANNELS), Question(at, horizon=timedelta(days=9)))
    for row in answer.iter_rows(named=True):
        facts, past = cases[row["account"]]
        verdict = judge(law.by_country[country], facts, past, Proposal(at, row["channel"]),
                        horizon=timedelta(days=9))  # fmt: skip
        assert (row["allowed"], row["first_refusal"]) == (verdict.allowed, verdict.first_refusal)
        assert row["next_lawful_at"] == verdict.next_lawful_at
