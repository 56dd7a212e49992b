"""Policies are compared at equal contacts and at equal recovery, with intervals over seeds."""

from contextlib import nullcontext

import pytest

from recupero.demo.compare import PEACE, SUM, compare, judged, over_seeds, parse_seeds
from recupero.demo.simulate import Trial
from recupero.kernel.errors import UserError


def _run(contacts: int, money: int, complaints: int = 0, expected: int = 0) -> dict[str, int]:
    return {
        "contacts": contacts, "recovered_minor": money, "complaints": complaints, "illegal_contacts": 0,
        "expected_minor": expected,
    }  # fmt: skip


def test_champion_is_read_at_the_ladders_contacts_and_at_its_recovery() -> None:
    row = judged({
        "wait": _run(0, 100), "cadence": _run(1000, 200, 10, 60), "peace": _run(600, 220, 2, 80),
        "champion": _run(1100, 270, 7, 130), "oracle": _run(1000, 300, 1), "propensity": _run(1000, 190),
    })  # fmt: skip
    assert row["recovery_gain"] == pytest.approx(0.3)  # 260 of champion's line at 1,000 contacts
    assert row["expected_gain"] == pytest.approx(220 / 160 - 1)  # 120 by the line, and 100 unasked
    assert row["contacts_saved"] == pytest.approx(0.5)  # 200 are there at 500
    assert row["complaints"] == pytest.approx(6)
    assert row["complaints_at_recovery"] == pytest.approx(2 * 500 / 600)
    assert row["oracle_share"] == pytest.approx(0.8)
    assert row["oracle_share_over_cadence"] == pytest.approx(0.6)
    assert row["propensity_gain"] == pytest.approx(-0.05)


def test_what_is_never_reached_is_not_made_up() -> None:
    row = judged({
        "wait": _run(0, 100), "cadence": _run(1000, 400), "peace": _run(600, 220),
        "champion": _run(1000, 260), "oracle": _run(1000, 100), "propensity": _run(1000, 300),
    })  # fmt: skip
    assert row["contacts_saved"] is None
    assert row["complaints_at_recovery"] is None
    assert row["oracle_share"] is None
    assert over_seeds([row["contacts_saved"], 0.2]) == {"mean": 0.2, "low": None, "high": None, "missing": 1}


def _taught(trial: Trial) -> int:
    return trial.learn_days if trial.taught_days is None else trial.taught_days


def test_seeds_go_with_intervals_and_no_day_has_more_contacts_than_the_ladder() -> None:
    ladder = (400, 500, 905)
    asked: list[Trial] = []

    def runner(trial: Trial) -> dict[str, int]:
        asked.append(trial)
        base = 100 + trial.seed
        return {
            "wait": _run(0, base), "cadence": _run(905, 2 * base, 10) | {"contacts_by_day": list(ladder)},
            "oracle": _run(905, 4 * base),
            "propensity": _run(905, base),
            "champion": _run(
                contacts := (trial.pace or (0,))[-1] * SUM // trial.annoyance,
                base + (20 + _taught(trial)) * contacts // 9, 5,
            ),
        }[trial.policy]  # fmt: skip

    said: list[str] = []
    trial = Trial("champion", 9, 50, 0, learn_days=30)
    result = compare(trial, [1, 2, 3], lambda: nullcontext(runner), said.append)
    limits = {(trial.policy, trial.pace, _taught(trial), trial.annoyance) for trial in asked}
    assert limits == {
        ("cadence", None, 0, SUM), ("wait", None, 0, SUM), ("champion", ladder, 30, SUM),
        ("champion", ladder, 30, PEACE), ("champion", ladder, 0, SUM), ("champion", ladder, 15, SUM),
        ("oracle", ladder, 0, SUM), ("propensity", ladder, 30, SUM),
    }  # fmt: skip
    assert {trial.learn_days for trial in asked} == {0, 30}, "half of it is learned from the same period"
    gain = result["recovery_gain"]
    assert gain["low"] < gain["mean"] < gain["high"]
    assert result["fewer_complaints"]["mean"] == pytest.approx(0.5)
    assert result["fewer_complaints"]["low"] < 0.5 < result["fewer_complaints"]["high"]
    by_recovery = result["fewer_complaints_by_recovery"]
    money = [sum(row[name] for row in result["by_seed"]) for name in ("recovered_cadence", "recovered")]
    assert by_recovery["mean"] == pytest.approx(1 - 0.5 * money[0] / money[1], abs=1e-3)
    assert by_recovery["low"] < by_recovery["mean"] < by_recovery["high"]
    curve = [result["learning_curve"][days]["mean"] for days in ("0", "15", "30")]
    assert curve == sorted(set(curve))
    assert result["illegal_contacts"] == 0
    assert len(result["by_seed"]) == 3
    assert compare(trial, [1, 2, 3], lambda: nullcontext(runner), said.append, at_once=3) == result


def test_seeds_are_a_range_or_a_list() -> None:
    assert parse_seeds("0..3") == [0, 1, 2, 3]
    assert parse_seeds("1,4") == [1, 4]
    for bad in ("", "3..1", "a"):
        with pytest.raises(UserError, match="write seeds like"):
            parse_seeds(bad)
