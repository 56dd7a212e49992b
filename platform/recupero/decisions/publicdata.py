"""`recupero models benchmark`: the platform's own model kind on public data sets, scored on a test file.

A set says how its file becomes columns and a target; the model class, its folds and its calibration are those
of production. The outcome column of the test file is read for scoring only, after every prediction is made.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recupero.decisions import metrics, publictexts
from recupero.decisions.columns import Floats
from recupero.kernel.errors import UserError
from recupero_sdk.models import Columns, ScoringModel

if TYPE_CHECKING:
    import polars as pl

PROTECTED = ("SEX", "EDUCATION", "MARRIAGE", "AGE", "age", "marital", "education")


@dataclass(frozen=True, slots=True)
class PublicSet:
    """One data set. `block` None: one training; otherwise the test rows are taken in blocks in the order of
    time, each predicted by a model trained on at most `window` training rows that came before it."""

    name: str
    outcome: str
    positive: str
    left_out: tuple[str, ...]
    block: int | None = None
    window: int | None = None
    derive: Callable[[pl.DataFrame], pl.DataFrame] = lambda frame: frame


def _credit_features(frame: pl.DataFrame) -> pl.DataFrame:
    """Shares of the limit and of the statement that was paid, beside the raw amounts."""
    import polars as pl

    months = range(1, 7)
    used = [(pl.col(f"BILL_AMT{i}") / pl.col("LIMIT_BAL").clip(1)).alias(f"used_{i}") for i in months]
    paid = [
        (pl.col(f"PAY_AMT{i}") / pl.col(f"BILL_AMT{i + 1}").clip(1)).clip(0, 2).alias(f"paid_{i}")
        for i in range(1, 6)
    ]
    late = pl.sum_horizontal(
        pl.col(name).clip(0) for name in ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")
    )
    total = pl.sum_horizontal(f"PAY_AMT{i}" for i in months)
    return frame.with_columns(*used, *paid, late_months=late, paid_share=total / pl.col("LIMIT_BAL").clip(1))


SETS = {
    each.name: each
    for each in (
        PublicSet(
            "credit_default_tw", "default_next_month", "1",
            ("row_id", "SEX", "EDUCATION", "MARRIAGE", "AGE"), derive=_credit_features,
        ),
        # `duration` is known only after the call.
        PublicSet("bank_marketing", "y", "yes", ("row_id", "duration", "age", "marital", "education"), 100,
        4000),
    )
}  # fmt: skip


def benchmark(
    kind: ScoringModel, name: str, train: Path, test: Path, predictions: Path | None
) -> dict[str, Any]:
    """Train on one file, predict every row of the other, and score where its outcome is given.

    Returns `metrics` and `seconds`. Raises UserError for a set that is not supported or a file that is not
    it.
    """
    began = time.perf_counter()
    known = _set(name)
    old, new = _read(known, train), _read(known, test)
    missing = [column for column in old.columns if column not in new.columns and column != known.outcome]
    if missing:
        raise UserError(
            "%(file)s lacks the columns %(missing)s", field="--test", file=test, missing=", ".join(missing)
        )
    score = _predict(kind, known, old, new)
    if predictions is not None:
        _write(predictions, new["row_id"].to_list(), score)
    found = {} if known.outcome not in new.columns else _scored(known, new, score)
    return {
        "name": name, "rows_train": len(old), "rows_test": len(new), "metrics": found,
        "protected_left_out": [each for each in PROTECTED if each in known.left_out],
        "seconds": round(time.perf_counter() - began, 2),
    }  # fmt: skip


def _set(name: str) -> PublicSet:
    if name not in SETS:
        raise UserError(
            "the data set '%(name)s' is not supported; supported: %(known)s",
            field="NAME",
            name=name,
            known=", ".join([*SETS, *publictexts.SETS]),
        )
    return SETS[name]


def _read(known: PublicSet, file: Path) -> pl.DataFrame:
    import polars as pl

    try:
        frame = pl.read_csv(file, infer_schema_length=None)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            "%(file)s cannot be read as CSV (plain or gzip): %(why)s", field="file", file=file, why=reason
        ) from error
    if "row_id" not in frame.columns or (known.outcome not in frame.columns and not len(frame.columns) > 2):
        raise UserError(
            "%(file)s is not %(name)s: it has no row_id", field="file", file=file, name=known.name
        )
    return frame


def _target(known: PublicSet, frame: pl.DataFrame) -> Floats:
    import polars as pl

    if known.outcome not in frame.columns:
        raise UserError(
            "the training file has no outcome column %(outcome)s", field="--train", outcome=known.outcome
        )
    return (frame[known.outcome].cast(pl.String) == known.positive).to_numpy().astype(np.float64)


def _columns(
    known: PublicSet, old: pl.DataFrame, new: pl.DataFrame
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Numbers as they are, words as one column per word that the training file knows."""
    import polars as pl

    frames = [known.derive(frame.drop(known.outcome, *known.left_out, strict=False)) for frame in (old, new)]
    made: tuple[dict[str, Floats], dict[str, Floats]] = ({}, {})
    for name, kind in frames[0].schema.items():
        if kind != pl.String:
            for frame, columns in zip(frames, made, strict=True):
                columns[name] = frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
            continue
        for word in sorted(frames[0][name].drop_nulls().unique().to_list()):
            for frame, columns in zip(frames, made, strict=True):
                columns[f"{name}={word}"] = (
                    (frame[name] == word).fill_null(value=False).to_numpy().astype(np.float64)
                )
    return made


def _predict(kind: ScoringModel, known: PublicSet, old: pl.DataFrame, new: pl.DataFrame) -> Floats:
    target = _target(known, old)
    old_columns, new_columns = _columns(known, old, new)
    score = np.empty(len(new))
    for learned, asked in _turns(known, old["row_id"].to_numpy(), new["row_id"].to_numpy()):
        score[asked] = _one(kind, _some(old_columns, learned), target[learned], _some(new_columns, asked))
    return score


def _turns(
    known: PublicSet, old: np.ndarray[Any, np.dtype[np.int64]], new: np.ndarray[Any, np.dtype[np.int64]]
) -> Iterator[tuple[np.ndarray[Any, np.dtype[np.int64]], np.ndarray[Any, np.dtype[np.int64]]]]:
    """Places to learn from and places to predict, in turn."""
    if known.block is None:
        yield np.arange(len(old)), np.arange(len(new))
        return
    by_time, order = np.argsort(old, kind="stable"), np.argsort(new, kind="stable")
    for start in range(0, len(order), known.block):
        asked = order[start : start + known.block]
        before = int(np.searchsorted(old[by_time], np.min(new[asked])))
        yield by_time[max(0, before - (known.window or before)) : before], asked


def _some(columns: dict[str, Floats], places: np.ndarray[Any, np.dtype[np.int64]]) -> Columns:
    return Columns({name: column[places] for name, column in columns.items()}, len(places))


def _one(kind: ScoringModel, learned: Columns, target: Floats, asked: Columns) -> Floats:
    """The model's answer; before there is enough to learn from, the share of positives so far."""
    try:
        fitted = kind.train(learned, target).fitted
    except ValueError:
        return np.full(asked.rows, (target.sum() + 1) / (len(target) + 10))
    return np.asarray(kind.predict(fitted, asked), dtype=np.float64)


def _scored(known: PublicSet, new: pl.DataFrame, score: Floats) -> dict[str, float]:
    """Figures of all rows; where rows are in order of time, of the last 35% of it, too."""
    target = _target(known, new)
    found = metrics.summary(score, target)
    if known.block is not None:
        row_id = new["row_id"].to_numpy()
        late = row_id >= np.quantile(row_id, 0.65)
        best = np.argsort(-score[late], kind="stable")[: int(late.sum()) // 2]
        found |= {f"late_{key}": value for key, value in metrics.summary(score[late], target[late]).items()}
        found["late_best_half_holds"] = float(target[late][best].sum() / max(target[late].sum(), 1))
    return {key: round(value, 6) for key, value in found.items()}


def _write(file: Path, row_ids: list[int], score: Floats) -> None:
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["row_id", "p"])
        writer.writerows([row_id, f"{p:.6f}"] for row_id, p in zip(row_ids, score.tolist(), strict=True))
