"""Public logs of actions go through the platform's models: a choice is proven or not made, caps are kept."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from recupero.decisions.cli import models
from recupero.decisions.public import trials

ROWS = 900


def _customers(folder: Path, name: str, seed: int, *, suits: float) -> Path:
    """Customers of whom women like one e-mail and men the other, by `suits`; mails help all a little."""
    rng = np.random.default_rng(seed)
    mens = rng.integers(0, 2, ROWS)
    arm = rng.integers(0, 3, ROWS)
    fits = np.where(mens == 1, arm == 1, arm == 2)
    chance = 0.1 + 0.08 * (arm > 0) + 0.03 * (arm == 1) + suits * fits * (arm > 0)
    segment = np.array(["No E-Mail", "Mens E-Mail", "Womens E-Mail"])[arm]
    frame = pl.DataFrame({
        "row_id": np.arange(ROWS), "recency": rng.integers(1, 13, ROWS), "history": rng.gamma(2, 100, ROWS),
        "mens": mens, "womens": 1 - mens, "zip_code": rng.choice(["Urban", "Rural"], ROWS),
        "newbie": rng.integers(0, 2, ROWS), "channel": rng.choice(["Web", "Phone"], ROWS),
        "segment": segment, "visit": (rng.random(ROWS) < chance).astype(int),
    })  # fmt: skip
    frame.write_csv(folder / name)
    return folder / name


def _benchmark(name: str, train: Path, test: Path, *more: str) -> dict[str, Any]:
    done = CliRunner().invoke(
        models, ["benchmark", name, "--train", str(train), "--test", str(test), *more, "--json"]
    )
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("suits", [0.4, 0.0])
def test_a_choice_by_person_is_made_where_it_is_proven_and_only_there(tmp_path: Path, suits: float) -> None:
    train, test = (_customers(tmp_path, f"{seed}.csv", seed, suits=suits) for seed in (1, 2))
    found = _benchmark("hillstrom_email", train, test, "--predictions", str(tmp_path / "out.csv"))
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert [int(row["row_id"]) for row in rows] == list(range(ROWS))
    arms = {tuple(row[f"p_{arm}"] for arm in ("none", "mens", "womens")) for row in rows}
    assert all(sorted(arm) == ["0", "0", "1"] for arm in arms)
    if suits:
        assert "each gets the action that suits best" in found["found"]["actions"]
        assert len(arms) == 2
        assert found["metrics"]["uncapped_over_best_single_low"] > 0
    else:
        assert "no proof" in found["found"]["actions"]
        assert len(arms) == 1
        assert found["metrics"]["uncapped_over_best_single"] == 0
    assert found["found"]["ranked_by"]["paid_blend"]
    assert found["metrics"]["cap_50%_over_nobody"] == pytest.approx(
        found["metrics"]["cap_50%_over_nobody_low"], abs=80
    )
    assert "cap_10%_over_nobody_low" not in found["metrics"]  # too few visits of a tenth tell nothing


def test_a_cap_is_filled_by_those_who_gain_most() -> None:
    gain = np.array([0.3, 0.1, 0.5, 0.2])
    assert trials.under_cap(gain, 2).tolist() == [0, 2]
    assert trials.under_cap(gain, 9).tolist() == [0, 1, 2, 3]


def test_another_file_is_told_by_its_columns(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("row_id,age\n1,3\n")
    for name, told in (("hillstrom_email", "recency"), ("open_bandit_small", "propensity_score")):
        done = CliRunner().invoke(
            models, ["benchmark", name, "--train", str(tmp_path / "x.csv"), "--test", str(tmp_path / "x.csv")]
        )
        assert done.exit_code != 0
        assert told in done.output


def _views(folder: Path, name: str, seed: int, *, even: bool) -> Path:
    """Views of four items in one slot; item 3 is clicked most; a policy that is not even shows it rarely."""
    rng = np.random.default_rng(seed)
    chance = np.full(4, 0.25) if even else np.array([0.5, 0.3, 0.199999, 0.000001])
    item = rng.choice(4, ROWS, p=chance / chance.sum())
    item[0] = 3
    click = (rng.random(ROWS) < np.array([0.05, 0.05, 0.05, 0.3])[item]).astype(int)
    click[0] = 1 - even
    pl.DataFrame({
        "row_id": np.arange(ROWS), "item_id": item, "position": 1, "click": click,
        "propensity_score": chance[item],
    }).write_csv(folder / name)  # fmt: skip
    return folder / name


def test_a_log_with_even_chances_tells_another_policys_value(tmp_path: Path) -> None:
    even, uneven = _views(tmp_path, "e.csv", 1, even=True), _views(tmp_path, "u.csv", 2, even=False)
    found = _benchmark("open_bandit_small", uneven, even)
    figures = found["metrics"]
    assert found["found"]["support"] == "the log supports an answer"
    for name in ("ips", "snips", "robust"):
        assert figures[f"{name}_low"] <= 0.05 <= figures[f"{name}_high"]
    assert figures["on_its_own_log"] == pytest.approx(0.05, abs=0.02)


def test_one_view_in_a_million_widens_the_interval_and_is_no_support(tmp_path: Path) -> None:
    even, uneven = _views(tmp_path, "e.csv", 1, even=True), _views(tmp_path, "u.csv", 2, even=False)
    found = _benchmark("open_bandit_small", even, uneven, "--predictions", str(tmp_path / "w.csv"))
    assert "cannot say" in found["found"]["support"]
    assert found["metrics"]["greatest_weight"] == pytest.approx(250_000, rel=1e-3)
    assert found["metrics"]["ips_high"] - found["metrics"]["ips_low"] > 0.1
    assert len((tmp_path / "w.csv").read_text().splitlines()) == ROWS + 1
