"""`recupero models benchmark`: the platform's own models on public data sets, scored on a test file.

A set says how its file becomes columns and targets; the model class, its folds, calibration and retraining
are those of production. The outcome columns of the test file are taken away before anything is predicted.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recupero.decisions.columns import Floats
from recupero.decisions.public.files import read_rows
from recupero.kernel.errors import UserError

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller asked for: protected columns as features (to compare with), and the dispute known."""

    with_protected: bool = False
    known_dispute: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The columns of the prediction file beside row_id, one number for each row of the test file in its
    order; what else is worth telling, and what only the scoring needs."""

    columns: Mapping[str, Floats]
    more: Mapping[str, Any] = field(default_factory=dict)
    aside: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PublicSet:
    """One data set. `predict(kind, train, test, options)` never sees the `outcomes` of the test file;
    `score(test, answer)` is asked where they are there. `kind` is the plug-in it is for, `protected` the
    columns about the person that stay out unless asked for."""

    name: str
    kind: str
    needs: tuple[str, ...]
    outcomes: tuple[str, ...]
    protected: tuple[str, ...]
    predict: Callable[[Any, pl.DataFrame, pl.DataFrame, Options], Answer]
    score: Callable[[pl.DataFrame, Answer], dict[str, Any]]


def benchmark(
    kind: Any, known: PublicSet, train: Path, test: Path, predictions: Path | None, options: Options
) -> dict[str, Any]:
    """Train on one file, predict every row of the other, and score where its outcomes are given.

    Returns `metrics` and `seconds`. Raises UserError for a file that is not of this set.
    """
    began = time.perf_counter()
    old, new = read(known, train), read(known, test)
    _need(old, train, "--train", (*known.needs, *known.outcomes))
    _need(new, test, "--test", known.needs)
    asked = new.drop(known.outcomes, strict=False)
    answer = known.predict(kind, old, asked, options)
    if predictions is not None:
        write(predictions, new["row_id"].to_list(), answer.columns)
    scored = known.score(new, answer) if set(known.outcomes) <= set(new.columns) else {}
    return {
        "name": known.name, "rows_train": len(old), "rows_test": len(new), "metrics": _rounded(scored),
        "protected_left_out": [] if options.with_protected else list(known.protected), **answer.more,
        "seconds": round(time.perf_counter() - began, 2),
    }  # fmt: skip


def read(known: PublicSet, file: Path) -> pl.DataFrame:
    """The file as it is, plain or gzip. Raises UserError naming it."""
    frame = read_rows(file, ())
    if "row_id" not in frame.columns:
        raise UserError(
            "%(file)s is not %(name)s: it has no row_id", field="file", file=file, name=known.name
        )
    if not len(frame):
        raise UserError("%(file)s has no rows", field="file", file=file)
    return frame


def _need(frame: pl.DataFrame, file: Path, option: str, wanted: tuple[str, ...]) -> None:
    missing = [column for column in wanted if column not in frame.columns]
    if missing:
        raise UserError(
            "%(file)s lacks the columns %(missing)s", field=option, file=file, missing=", ".join(missing)
        )


def numbers(frame: pl.DataFrame, words: Mapping[str, list[str]]) -> dict[str, Floats]:
    """Numbers as they are, NaN where unknown; a column of words as one column per known word."""
    import polars as pl

    made: dict[str, Floats] = {}
    for name in frame.columns:
        if name not in words:
            made[name] = (
                frame[name].cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy().astype(float)
            )
            continue
        for word in words[name]:
            made[f"{name}={word}"] = (
                (frame[name] == word).fill_null(value=False).to_numpy().astype(np.float64)
            )
    return made


def words_of(frame: pl.DataFrame) -> dict[str, list[str]]:
    """The words that each column of words of the training file knows."""
    import polars as pl

    return {
        name: sorted(frame[name].drop_nulls().unique().to_list())
        for name, kind in frame.schema.items()
        if kind == pl.String
    }


def write(file: Path, row_ids: list[int], columns: Mapping[str, Floats]) -> None:
    """The prediction file: row_id and the columns, six decimals."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["row_id", *columns])
        told = [[f"{value:.6f}" for value in column.tolist()] for column in columns.values()]
        writer.writerows(zip(row_ids, *told, strict=True))


def _rounded(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _rounded(value) for key, value in found.items()}
    if isinstance(found, list):
        return [_rounded(value) for value in found]
    return round(float(found), 6) if isinstance(found, float | np.floating) else found
