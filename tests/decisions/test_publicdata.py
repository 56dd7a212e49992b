"""The benchmark never looks at outcomes or at later rows, and tells what it cannot do. Files are made up
here."""

import csv
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recupero.decisions.publicdata import benchmark
from recupero.kernel.errors import UserError
from recupero.kernel.plugins import Plugins

KIND = Plugins.load().models["propensity"]
_LATE = ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")


def _credit(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    late = rng.integers(-2, 4, rows)
    numbers = {name: rng.integers(0, 90_000, rows) for name in
               (*(f"BILL_AMT{i}" for i in range(1, 7)), *(f"PAY_AMT{i}" for i in range(1, 7)))}  # fmt: skip
    return pl.DataFrame(
        {
            "row_id": np.arange(rows), "LIMIT_BAL": rng.integers(10_000, 500_000, rows), "SEX": ["F"] * rows,
            "EDUCATION": ["x"] * rows, "MARRIAGE": ["y"] * rows, "AGE": rng.integers(20, 70, rows),
            **dict.fromkeys(_LATE, late), **numbers,
            "default_next_month": (rng.random(rows) < 1 / (1 + np.exp(1 - late))).astype(int),
        }
    )  # fmt: skip


def _bank(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    campaign = rng.integers(1, 8, rows)
    return pl.DataFrame(
        {
            "row_id": np.sort(rng.choice(10 * rows, rows, replace=False)), "age": rng.integers(20, 70, rows),
            "month": rng.choice(["may", "jun"], rows), "duration": rng.integers(0, 900, rows),
            "campaign": campaign,
            "y": np.where(rng.random(rows) < 1 / campaign, "yes", "no"),
        }
    )  # fmt: skip


def _write(frame: pl.DataFrame, file: Path) -> Path:
    frame.write_csv(file)
    return file


def _scores(file: Path) -> dict[int, float]:
    with file.open() as lines:
        return {int(row["row_id"]): float(row["p"]) for row in csv.DictReader(lines)}


def test_every_test_row_gets_a_probability_that_tells(tmp_path: Path) -> None:
    train, test = (
        _write(_credit(900, 1), tmp_path / "train.csv"),
        _write(_credit(300, 2), tmp_path / "test.csv"),
    )
    found = benchmark(KIND, "credit_default_tw", train, test, tmp_path / "out.csv")
    assert found["metrics"]["auc"] > 0.7
    assert found["protected_left_out"] == ["SEX", "EDUCATION", "MARRIAGE", "AGE"]
    assert sorted(_scores(tmp_path / "out.csv")) == list(range(300))


def test_outcomes_of_the_test_file_are_never_read_for_predicting(tmp_path: Path) -> None:
    train, frame = _write(_credit(900, 1), tmp_path / "train.csv"), _credit(300, 2)
    without = _write(frame.drop("default_next_month"), tmp_path / "without.csv")
    found = benchmark(KIND, "credit_default_tw", train, without, tmp_path / "a.csv")
    benchmark(KIND, "credit_default_tw", train, _write(frame, tmp_path / "with.csv"), tmp_path / "b.csv")
    assert found["metrics"] == {}
    assert _scores(tmp_path / "a.csv") == _scores(tmp_path / "b.csv")


def test_rows_in_order_of_time_are_predicted_from_earlier_rows_only(tmp_path: Path) -> None:
    old, new = _bank(1200, 1), _bank(120, 2)
    test = _write(new, tmp_path / "test.csv")
    middle = int(np.sort(new["row_id"].to_numpy())[99])  # the end of the first block of a hundred
    turned = old.with_columns(
        y=pl.when(pl.col("row_id") >= middle).then(pl.lit("no")).otherwise(pl.col("y")),
    )
    benchmark(KIND, "bank_marketing", _write(old, tmp_path / "a_train.csv"), test, tmp_path / "a.csv")
    benchmark(KIND, "bank_marketing", _write(turned, tmp_path / "b_train.csv"), test, tmp_path / "b.csv")
    first, second = _scores(tmp_path / "a.csv"), _scores(tmp_path / "b.csv")
    assert [first[row] for row in first if row <= middle] == [second[row] for row in second if row <= middle]


def test_what_cannot_be_measured_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="supported: credit_default_tw, bank_marketing"):
        benchmark(KIND, "hillstrom_email", tmp_path, tmp_path, None)
    train = _write(_credit(400, 1), tmp_path / "train.csv")
    short = _write(_credit(50, 2).drop("PAY_0"), tmp_path / "short.csv")
    with pytest.raises(UserError, match="PAY_0"):
        benchmark(KIND, "credit_default_tw", train, short, None)
    with pytest.raises(UserError, match="cannot be read"):
        benchmark(KIND, "credit_default_tw", train, tmp_path / "missing.csv", None)
    other = tmp_path / "other.csv"
    other.write_text("a;b\n1;2\n")
    with pytest.raises(UserError, match="is not credit_default_tw"):
        benchmark(KIND, "credit_default_tw", train, other, None)
