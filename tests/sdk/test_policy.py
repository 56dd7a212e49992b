"""A house's own rules only tighten, and the verdict shows them apart from the law."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from recupero_sdk.law import Facts, PackError, Proposal, compose, judge, load_pack, load_policy

NOON = Proposal(datetime(2025, 3, 11, 15, tzinfo=UTC), "call")
FACTS = Facts("XX", timezone="America/Santiago")
AFTERNOONS = """\
rules:
- id: POLICY-afternoons
  title: {es: Solo tardes, en: Afternoons only}
  kind: hours
  channels: [call]
  parameters:
    unit: local_time
    open: [{days: [mon, tue, wed, thu, fri], opens: 13:00, closes: 17:00}]
"""


def test_a_contact_must_pass_law_and_policy(sample: Any, tmp_path: Path) -> None:
    law = load_pack(sample.write(tmp_path))
    both = compose(law, load_policy(AFTERNOONS, name="house"))
    assert judge(law, FACTS, [], NOON).allowed
    verdict = judge(both, FACTS, [], NOON)
    assert not verdict.allowed
    assert ([one.rule_id for one in verdict.by_policy], verdict.by_law) == (["POLICY-afternoons"], ())
    assert verdict.next_lawful_at == datetime(2025, 3, 11, 16, tzinfo=UTC)
    assert both.version == "2026.1.1+house.1"


@pytest.mark.parametrize(
    "old, new, words",
    [
        (
            "  kind: hours",
            "  displaces: [XX-hours]\n  regions: [XX-A]\n  kind: hours",
            "`displaces` could loosen",
        ),
        ("  kind: hours", "  repeals: [XX-hours]\n  kind: hours", "`repeals` could loosen"),
        ("kind: hours", "kind: ours", "is not a rule kind"),
        ("rules:", "chapter: x\nrules:", "chapter is not a property here"),
        ("opens: 13:00", "opens: 18:00", "closes at or before it opens"),
    ],
)
def test_what_could_loosen_the_law_is_refused(old: str, new: str, words: str) -> None:
    with pytest.raises(PackError, match=words):
        load_policy(AFTERNOONS.replace(old, new, 1))


def test_a_policy_may_not_take_the_id_of_a_law(sample: Any, tmp_path: Path) -> None:
    law = load_pack(sample.write(tmp_path))
    policy = load_policy(AFTERNOONS.replace("POLICY-afternoons", "XX-hours"))
    with pytest.raises(PackError, match="the law has a rule of this id"):
        compose(law, policy)


def test_a_kind_that_refuses_nothing_is_no_policy() -> None:
    statement = """\
rules:
- id: POLICY-words
  title: {es: a, en: a}
  kind: statement
  parameters: {topic: conduct}
"""
    with pytest.raises(PackError, match="kind `statement` refuses nothing"):
        load_policy(statement)
