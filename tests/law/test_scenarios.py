"""The gate agrees with every worked case: those written here and, where present, the shared ones."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

from recupero.law.queries import check_scenarios
from tests.law import packs

SHARED = Path(os.environ.get("RECUPERO_SHARED", packs.ROOT.parent / "shared")) / "law" / "scenarios"


@pytest.mark.parametrize("country", ["cl", "co"])
def test_agrees_with_the_pack_s_own_cases(country: str) -> None:
    folder = packs.ROOT / "plugins" / "regulations" / country / "tests" / "scenarios"
    checked = list(check_scenarios(packs.packs(), sorted(folder.glob("*.jsonl"))))
    assert checked
    assert {one.scenario.id: one.disagreement for one in checked if one.disagreement} == {}


@pytest.mark.parametrize("country", ["cl", "co"])
def test_agrees_with_the_shared_cases(country: str) -> None:
    file = SHARED / f"{country}.jsonl"
    if not file.exists():
        warnings.warn(f"shared scenarios are absent ({file}); set RECUPERO_SHARED", stacklevel=1)
        pytest.skip(f"SHARED SCENARIOS ABSENT: {file} (set RECUPERO_SHARED to their folder)")
    checked = list(check_scenarios(packs.packs(), [file]))
    assert len(checked) == 20
    assert {one.scenario.id: one.disagreement for one in checked if one.disagreement} == {}
