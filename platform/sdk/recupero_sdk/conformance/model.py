"""What a scoring model must prove. Its tests subclass `ModelConformance`:

class TestConformance(ModelConformance):
    model = Propensity()
    readme = ROOT / "README.md"

The data are made up by the kit: two columns that tell, one that does not, and some values unknown.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from recupero_sdk.models import Columns, Reason, ScoringModel, Training

ROWS = 600


def check_reasons(reasons: Sequence[Sequence[Reason]], columns: Columns, top: int) -> None:
    """Fails unless each row has at most `top` reasons that name columns, strongest first."""
    assert len(reasons) == columns.rows, "explain: a list of reasons per row"
    for row in reasons:
        strengths = [abs(reason.contribution) for reason in row]
        assert len(row) <= top, "explain: at most `top` reasons"
        assert strengths == sorted(strengths, reverse=True), "explain: strongest first"
        assert all(reason.feature in columns.values for reason in row), "explain: name a column"


class ModelConformance:
    """What every scoring model proves, one method each; a failure message says what to do."""

    model: ClassVar[ScoringModel]
    readme: ClassVar[Path]

    def table(self, rows: int = ROWS, seed: int = 1) -> tuple[Columns, list[float]]:
        """Columns with a pattern that a model of this kind can find, and the outcomes."""
        rng = random.Random(seed)  # noqa: S311 - invented data
        names = [feature.name for feature in self.model.features] or ["tells", "tells_too", "noise"]
        values = {name: [rng.gauss(0, 1) for _ in range(rows)] for name in names}
        first, second = values[names[0]], values[names[min(1, len(names) - 1)]]
        odds = [1.5 * a - b - 0.5 for a, b in zip(first, second, strict=True)]
        target = [float(rng.random() < 1 / (1 + math.exp(-odd))) for odd in odds]
        for place in range(0, rows, 17):
            first[place] = math.nan
        return Columns(values, rows), target

    def trained(self) -> Training:
        columns, target = self.table()
        return self.model.train(columns, target, seed=7)

    def test_it_is_a_model_and_its_features_are_told(self) -> None:
        assert isinstance(self.model, ScoringModel), "implement key, target, features and the five methods"
        assert self.model.key.isidentifier(), "key: a short word such as propensity"
        names = [feature.name for feature in self.model.features]
        assert len(names) == len(set(names)), "two features share a name"
        untold = [feature.name for feature in self.model.features if not (feature.meaning and feature.unit)]
        assert not untold, f"say meaning and unit of: {', '.join(untold)}"

    def test_scores_are_finite_one_per_row_and_in_order(self) -> None:
        fitted, (columns, _target) = self.trained().fitted, self.table(seed=2)
        scores = _numbers(self.model.predict(fitted, columns))
        assert len(scores) == columns.rows, "predict: one score per row"
        assert all(math.isfinite(score) for score in scores), "predict: every score is a finite number"
        backwards = Columns(
            {name: list(reversed(values)) for name, values in columns.values.items()}, columns.rows
        )
        again = _numbers(self.model.predict(fitted, backwards))
        assert again[::-1] == pytest.approx(scores), "predict: a row's score must not depend on its place"

    def test_it_finds_what_is_there_to_find(self) -> None:
        fitted, (columns, target) = self.trained().fitted, self.table(seed=2)
        scores = _numbers(self.model.predict(fitted, columns))
        paid = [score for score, outcome in zip(scores, target, strict=True) if outcome]
        others = [score for score, outcome in zip(scores, target, strict=True) if not outcome]
        assert sum(paid) / len(paid) > sum(others) / len(others), "scores must be higher where it happened"

    def test_the_same_seed_trains_the_same_model(self) -> None:
        columns, _target = self.table(seed=2)
        first, second = (_numbers(self.model.predict(self.trained().fitted, columns)) for _ in range(2))
        assert first == second, "train: the same rows and seed must give the same scores"

    def test_no_row_is_no_score(self) -> None:
        columns, _target = self.table()
        nothing = Columns({name: [] for name in columns.values}, 0)
        assert _numbers(self.model.predict(self.trained().fitted, nothing)) == []

    def test_what_is_dumped_is_loaded_without_pickle(self) -> None:
        fitted, (columns, _target) = self.trained().fitted, self.table(seed=2)
        blob = self.model.dump(fitted)
        assert not blob.startswith(b"\x80"), "dump: no pickle; whoever reads it would run what it says"
        again = _numbers(self.model.predict(self.model.load(blob), columns))
        assert again == _numbers(self.model.predict(fitted, columns)), "load(dump(x)) must score as x does"

    def test_too_few_rows_are_refused_in_words(self) -> None:
        columns, target = self.table(rows=5)
        with pytest.raises(ValueError, match=r"\d"):
            self.model.train(columns, target)

    def test_one_outcome_alone_is_refused(self) -> None:
        columns, _target = self.table()
        with pytest.raises(ValueError, match=r"\d"):
            self.model.train(columns, [0.0] * columns.rows)

    def test_a_missing_column_is_named(self) -> None:
        columns, _target = self.table()
        lost, *others = columns.values
        with pytest.raises(ValueError, match=lost):
            self.model.predict(
                self.trained().fitted, Columns({name: columns.values[name] for name in others}, ROWS)
            )

    def test_reasons_name_features_strongest_first(self) -> None:
        columns, _target = self.table(seed=2)
        reasons = self.model.explain(self.trained().fitted, columns, top=2)
        check_reasons(reasons, columns, top=2)

    def test_the_readme_says_what_it_learns(self) -> None:
        text = self.readme.read_text(encoding="utf-8").lower()
        assert self.model.key in text, "README: say what the model is for"


def _numbers(column: Any) -> list[float]:
    return [float(value) for value in column]
