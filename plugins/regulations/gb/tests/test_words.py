"""Worked cases that give the words of a message: what the pack says of the gate and of the words together."""

from pathlib import Path

from recupero_sdk.law import judge, load_pack
from recupero_sdk.law.scenario import read_scenarios

ROOT = Path(__file__).parents[1]


def test_messages_are_judged_as_the_cases_expect() -> None:
    pack = load_pack(ROOT / "recupero_regulation_gb")
    cases = list(read_scenarios(ROOT / "tests" / "words" / "own.jsonl"))
    differing = {}
    for case in cases:
        verdict = judge(pack, case.facts, case.history, case.proposal, next_lawful=False)
        if why := case.disagreement(case.judged(verdict, pack)):
            differing[case.id] = why
    assert cases
    assert not differing, f"cases that differ: {differing}"
