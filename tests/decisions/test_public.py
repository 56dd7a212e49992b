"""The benchmark never looks at outcomes or at later rows, and tells what it cannot do. Files are made up
here."""

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from recupero.decisions.learning import rolling
from recupero.decisions.measures import metrics
from recupero.decisions.measures.discontinuity import jump_at
from recupero.decisions.public.benchmark import Options, benchmark
from recupero.decisions.public.sets import SETS
from recupero.kernel.errors import UserError
from recupero.kernel.plugins import Plugins

KINDS = Plugins.load().models
_LATE = ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")


def _run(name: str, train: Path, test: Path, out: Path | None = None, **options: bool) -> dict[str, Any]:
    known = SETS[name]
    return benchmark(KINDS[known.kind], known, train, test, out, Options(**options))


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
    words = dict.fromkeys(("job", "default", "housing", "loan", "poutcome", "day_of_week"), ["x"] * rows)
    still = dict.fromkeys(
        ("pdays", "previous", "emp.var.rate", "cons.price.idx", "cons.conf.idx", "nr.employed"), [1] * rows
    )
    return pl.DataFrame(
        {
            "row_id": np.sort(rng.choice(10 * rows, rows, replace=False)), "age": rng.integers(20, 70, rows),
            "month": rng.choice(["may", "jun"], rows), "contact": rng.choice(["cellular", "telephone"], rows),
            "duration": rng.integers(0, 900, rows), "campaign": campaign, "euribor3m": rng.random(rows),
            "y": np.where(rng.random(rows) < 1 / campaign, "yes", "no"), **words, **still,
        }
    )  # fmt: skip


def _invoices(rows: int, seed: int) -> pl.DataFrame:
    """Invoices of twenty customers, each with a habit of its own; a dispute adds ten days."""
    rng = np.random.default_rng(seed)
    customer = rng.integers(0, 20, rows)
    issued = [date(2012, 1, 1) + timedelta(days=int(day)) for day in rng.integers(0, 700, rows)]
    disputed = rng.random(rows) < 0.2
    took = np.maximum(0, 20 + customer + 10 * disputed + rng.normal(0, 3, rows)).astype(int)
    told = "%m/%d/%Y"
    return pl.DataFrame(
        {
            "row_id": np.arange(rows) + 10_000 * seed, "countryCode": [391] * rows,
            "customerID": [f"C{each}" for each in customer],
            "InvoiceDate": [day.strftime(told) for day in issued],
            "DueDate": [(day + timedelta(days=30)).strftime(told) for day in issued],
            "InvoiceAmount": rng.random(rows) * 100, "Disputed": np.where(disputed, "Yes", "No"),
            "PaperlessBill": ["Paper"] * rows,
            "SettledDate": [
                (day + timedelta(days=int(n))).strftime(told) for day, n in zip(issued, took, strict=True)
            ],
            "DaysToSettle": took, "DaysLate": np.maximum(took - 30, 0),
        }
    )  # fmt: skip


def _write(frame: pl.DataFrame, file: Path) -> Path:
    frame.write_csv(file)
    return file


def _scores(file: Path, column: str = "p") -> dict[int, float]:
    with file.open() as lines:
        return {int(row["row_id"]): float(row[column]) for row in csv.DictReader(lines)}


def test_every_test_row_gets_a_probability_that_tells(tmp_path: Path) -> None:
    train, test = (
        _write(_credit(900, 1), tmp_path / "train.csv"),
        _write(_credit(300, 2), tmp_path / "test.csv"),
    )
    found = _run("credit_default_tw", train, test, tmp_path / "out.csv")
    assert found["metrics"]["auc"] > 0.7
    assert found["protected_left_out"] == ["SEX", "EDUCATION", "MARRIAGE", "AGE"]
    assert sorted(_scores(tmp_path / "out.csv")) == list(range(300))
    assert {"SEX", "age_band"} <= set(found["metrics"]["fairness"])


def test_outcomes_of_the_test_file_are_never_read_for_predicting(tmp_path: Path) -> None:
    train, frame = _write(_credit(900, 1), tmp_path / "train.csv"), _credit(300, 2)
    without = _write(frame.drop("default_next_month"), tmp_path / "without.csv")
    found = _run("credit_default_tw", train, without, tmp_path / "a.csv")
    _run("credit_default_tw", train, _write(frame, tmp_path / "with.csv"), tmp_path / "b.csv")
    assert found["metrics"] == {}
    assert _scores(tmp_path / "a.csv") == _scores(tmp_path / "b.csv")


def test_rows_in_order_of_time_are_predicted_from_earlier_rows_only(tmp_path: Path) -> None:
    old, new = _bank(1500, 1), _bank(200, 2).with_columns(row_id=pl.col("row_id") * 7)
    test = _write(new, tmp_path / "test.csv")
    middle = 8_000
    turned = old.with_columns(
        y=pl.when(pl.col("row_id") >= middle).then(pl.lit("no")).otherwise(pl.col("y")),
    )
    _run("bank_marketing", _write(old, tmp_path / "a_train.csv"), test, tmp_path / "a.csv")
    found = _run("bank_marketing", _write(turned, tmp_path / "b_train.csv"), test, tmp_path / "b.csv")
    first, second = _scores(tmp_path / "a.csv"), _scores(tmp_path / "b.csv")
    assert [first[row] for row in first if row <= middle] == [second[row] for row in second if row <= middle]
    assert first != second
    assert found["protected_left_out"] == ["age", "marital", "education"]


def test_the_order_of_the_file_does_not_matter(tmp_path: Path) -> None:
    train, new = _write(_bank(600, 1), tmp_path / "train.csv"), _bank(80, 2)
    _run("bank_marketing", train, _write(new, tmp_path / "a_test.csv"), tmp_path / "a.csv")
    backwards = _write(new.reverse(), tmp_path / "b_test.csv")
    _run("bank_marketing", train, backwards, tmp_path / "b.csv")
    assert _scores(tmp_path / "a.csv") == _scores(tmp_path / "b.csv")


def test_where_the_world_turns_the_retrained_model_takes_over_by_itself() -> None:
    rng = np.random.default_rng(3)
    a = rng.normal(size=4000)
    way = np.where(np.arange(4000) < 1500, 2.0, -2.0)
    target = (rng.random(4000) < 1 / (1 + np.exp(1 - way * a))).astype(float)
    pace = rolling.Pace(memory=2000, straight=600, review=500)
    rolled = rolling.roll(KINDS["propensity"], {"a": a}, target, pace)
    taken = rolled.taken_over_at()
    assert taken is not None
    assert 1500 < taken < 3200
    late = slice(3200, None)
    assert metrics.auc(rolled.score[late], target[late]) > 0.75
    assert metrics.auc(rolled.frozen[late], target[late]) < 0.3
    assert abs(rolled.score[late].mean() - target[late].mean()) < 0.03


def test_recent_rates_see_only_what_stands_before() -> None:
    target = np.array([1.0, 0.0, np.nan, 1.0, 0.0])
    turned = np.array([1.0, 0.0, np.nan, 0.0, 1.0])
    of_all = [rolling.recent_rates(each, (10,))["recent_10"] for each in (target, turned)]
    by_group = [rolling.recent_rates_by(each, list("abaab")) for each in (target, turned)]
    for first, second in (of_all, by_group):
        np.testing.assert_array_equal(first[:4], second[:4])
    assert rolling.recent_rates(target, (10,))["recent_10"][1] > np.log(0.1 / 0.9)


def test_whom_and_how_many_a_list_went_through_is_known_from_rows_before_alone() -> None:
    column = np.array([1.0, 0.0, np.nan, 1.0, 0.0])
    days = ["mon", "mon", "tue", "tue", "tue"]
    for place in range(5):
        turned, others = column.copy(), [*days]
        turned[place:] += 7
        others[place + 1 :] = ["wed"] * (4 - place)
        first, second = (rolling.recent_mix({"a": each}, 2)["mix_a"] for each in (column, turned))
        np.testing.assert_array_equal(first[: place + 1], second[: place + 1])
        for name, told in rolling.pace(days).items():
            np.testing.assert_array_equal(told[: place + 1], rolling.pace(others)[name][: place + 1])
    mixed = rolling.recent_mix({"a": column}, 1)["mix_a"]
    assert np.isnan(mixed[0])
    np.testing.assert_allclose(mixed[1:], [1, 1 / 3, 1 / 3, 9 / 11])
    done = {name: np.expm1(each) for name, each in rolling.pace([*days, "mon"]).items()}
    np.testing.assert_allclose(done["pace_today"], [0, 1, 0, 1, 2, 0])
    np.testing.assert_allclose(done["pace_1"], [0, 0, 2, 2, 2, 3])
    np.testing.assert_allclose(done["pace_5"], [0, 0, 2, 2, 2, 2.5])


def test_days_late_follow_the_customer_and_the_dispute_once_it_is_known(tmp_path: Path) -> None:
    train, test = (
        _write(_invoices(900, 1), tmp_path / "train.csv"), _write(_invoices(300, 2), tmp_path / "test.csv")
    )  # fmt: skip
    at_issue = _run("accounts_receivable", train, test, tmp_path / "out.csv")["metrics"]
    known = _run("accounts_receivable", train, test, known_dispute=True)["metrics"]
    assert at_issue["auc"] > 0.8
    assert known["auc"] > at_issue["auc"]
    assert known["mean_absolute_error_days"] < at_issue["mean_absolute_error_days"] < 4
    assert min(_scores(tmp_path / "out.csv", "days_late").values()) >= 0


def test_an_invoice_knows_only_those_settled_before_it_was_issued(tmp_path: Path) -> None:
    train, new = _invoices(900, 1), _invoices(200, 2)
    test = _write(new.drop("Disputed", "SettledDate", "DaysToSettle", "DaysLate"), tmp_path / "test.csv")
    with pytest.raises(UserError, match="Disputed"):
        _run("accounts_receivable", _write(train, tmp_path / "train.csv"), test)
    from recupero.decisions.public import accounts_receivable as invoices

    past = invoices._History(train, invoices._Disputes(train))
    for customer, day in (("C3", int(past.settled[5])), ("C7", int(past.issued.min()))):
        mine = past.before(customer, day)
        assert (past.settled[mine] < day).all()
        assert (past.customer[mine] == customer).all()
    day = int(np.median(past.disputes.due))
    due = pl.Series(invoices._days(train["DueDate"]) < day)
    said = pl.when(due).then("Disputed").otherwise(pl.lit("Yes"))
    before, later = train.filter(due), train.with_columns(Disputed=said)
    told = [invoices._Disputes(each).before("C3", day).tolist() for each in (train, before, later)]
    assert len(told[0]) > 5
    assert told[0] == told[1] == told[2]


def test_intervals_of_a_jump_hold_it_as_often_as_they_say() -> None:
    rng, held, calm = np.random.default_rng(4), 0, 0
    for _draw in range(100):
        running = rng.uniform(0, 2000, 800)
        outcome = 0.5 * running + 200 * (running >= 1000) + rng.normal(0, 60, 800)
        found, none = (jump_at(running, outcome, threshold, 300) for threshold in (1000, 500))
        assert found is not None
        assert none is not None
        held += found.low < 200 < found.high
        calm += none.low < 0 < none.high
    assert 90 <= held <= 99
    assert 90 <= calm <= 99
    assert jump_at(running, outcome, 5000, 300) is None


def test_steps_of_effort_are_told_with_their_cost(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    estimate = rng.uniform(200, 9000, 900).round()
    frame = pl.DataFrame(
        {
            "row_id": np.arange(900), "expected_recovery_amount": estimate, "age": rng.integers(20, 60, 900),
            "actual_recovery_amount": estimate + 400.0 * (estimate >= 1000), "sex": ["Male", "Female"] * 450,
        }
    )  # fmt: skip
    file = _write(frame, tmp_path / "all.csv")
    found = _run("bank_recovery_rd", file, file, tmp_path / "out.csv")
    assert [step["threshold"] for step in found["steps"]] == [1000, 2000, 3000, 5000]
    assert found["steps"][0]["pays"] == "yes"
    assert found["metrics"]["mean_absolute_error"] < 400
    assert len(_scores(tmp_path / "out.csv", "amount")) == 900


def test_what_cannot_be_measured_is_told_in_words(tmp_path: Path) -> None:
    train = _write(_credit(400, 1), tmp_path / "train.csv")
    short = _write(_credit(50, 2).drop("PAY_0"), tmp_path / "short.csv")
    with pytest.raises(UserError, match="PAY_0"):
        _run("credit_default_tw", train, short)
    with pytest.raises(UserError, match="cannot be read"):
        _run("credit_default_tw", train, tmp_path / "missing.csv")
    other = tmp_path / "other.csv"
    other.write_text("a;b\n1;2\n")
    with pytest.raises(UserError, match="is not credit_default_tw"):
        _run("credit_default_tw", train, other)
