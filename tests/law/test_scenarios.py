"""The gate agrees with every worked case: those written here and, where present, the shared ones."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path

import pytest

from recupero.law.queries import check_scenarios
from tests.law import packs

SHARED = Path(os.environ.get("RECUPERO_SHARED", packs.ROOT.parent / "shared")) / "law"


def shared(name: str) -> Path:
    """A file of the shared fact sheets; where it is absent the test is left out, loudly."""
    file = SHARED / name
    if not file.exists():
        warnings.warn(f"shared law files are absent ({file}); set RECUPERO_SHARED", stacklevel=1)
        pytest.skip(f"SHARED LAW FILES ABSENT: {file} (set RECUPERO_SHARED to their folder)")
    return file


@pytest.mark.parametrize("country", ["cl", "co"])
def test_agrees_with_the_pack_s_own_cases(country: str) -> None:
    folder = packs.ROOT / "plugins" / "regulations" / country / "tests" / "scenarios"
    checked = list(check_scenarios(packs.packs(), sorted(folder.glob("*.jsonl"))))
    assert checked
    assert {one.scenario.id: one.disagreement for one in checked if one.disagreement} == {}


@pytest.mark.parametrize("country", ["cl", "co"])
def test_agrees_with_the_shared_cases(country: str) -> None:
    checked = list(check_scenarios(packs.packs(), [shared(f"scenarios/{country}.jsonl")]))
    assert len(checked) == 20
    assert {one.scenario.id: one.disagreement for one in checked if one.disagreement} == {}


@pytest.mark.parametrize("country", ["cl", "co"])
def test_the_pack_holds_every_fact_of_the_fact_sheet(country: str) -> None:
    facts = re.findall(
        rf"^\*\*({country.upper()}-[\w-]+)\*\*", shared(f"{country}.md").read_text("utf-8"), re.M
    )
    assert facts
    assert set(facts) <= {rule.id for rule in packs.pack(country.upper()).rules}
