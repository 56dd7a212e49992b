"""What a model of actions must prove. Its tests subclass `ActionConformance`:

class TestConformance(ActionConformance):
    model = NextAction()
    readme = ROOT / "README.md"

The data are made up by the kit: acting helps some debtors and puts others off, and late it harms more.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from recupero_sdk.conformance.model import check_reasons
from recupero_sdk.models import ActionModel, Columns, Training

ROWS = 1500
DEBTOR = ("tells", "tells_too")
OPTION = ("assistant_human", "action_contact", "action_late")


class ActionConformance:
    """What every model of actions proves, one method each; a failure message says what to do."""

    model: ClassVar[ActionModel]
    readme: ClassVar[Path]
    _known: ClassVar[dict[type, Training]] = {}

    def table(self, rows: int = ROWS, seed: int = 1) -> tuple[Columns, dict[str, list[float]], list[float]]:
        """Options drawn at random, what came of them, and the probability of each draw."""
        rng = random.Random(seed)  # noqa: S311 - invented data
        values: dict[str, list[float]] = {name: [] for name in (*DEBTOR, *OPTION)}
        happened: dict[str, list[float]] = {name: [] for name in self.model.outcomes}
        for row in range(rows):
            tells, too = rng.gauss(0, 1), rng.gauss(0, 1)
            contact = float(rng.random() < 0.5)
            late, human = contact * float(rng.random() < 0.5), contact * float(rng.random() < 0.5)
            known = math.nan if row % 17 == 0 else too
            for name, value in zip(values, (tells, known, human, contact, late), strict=True):
                values[name].append(value)
            odds = [0.5 * too - 1 + contact * (2 * tells), -2 + 1.5 * late, -1 + 2 * contact]
            for place, chances in enumerate(happened.values()):
                chances.append(float(rng.random() < 1 / (1 + math.exp(-odds[place % 3]))))
        propensity = [0.5 if not done else 0.125 for done in values["action_contact"]]
        return Columns(values, rows), happened, propensity

    def trained(self) -> Training:
        """The model fitted once on the kit's table."""
        if type(self) not in self._known:
            self._known[type(self)] = self._train()
        return self._known[type(self)]

    def _train(self) -> Training:
        columns, outcomes, propensity = self.table()
        return self.model.train(columns, outcomes, propensity=propensity, groups=range(ROWS), seed=7)

    def _scores(self, columns: Columns) -> dict[str, list[float]]:
        return _numbers(self.model.predict(self.trained().fitted, columns))

    def test_it_is_a_model_and_its_features_are_told(self) -> None:
        assert isinstance(self.model, ActionModel), "implement key, outcomes and the five methods"
        assert self.model.key.isidentifier(), "key: a short word such as next_action"
        assert self.model.outcomes, "outcomes: say which it learns, the one that matters first"
        assert len(set(self.model.outcomes)) == len(self.model.outcomes), "two outcomes share a name"

    def test_scores_are_finite_one_per_row_and_in_order(self) -> None:
        columns, _outcomes, _propensity = self.table(seed=2)
        scores = self._scores(columns)
        assert set(scores) == set(self.model.outcomes), "predict: every outcome that it was trained on"
        backwards = Columns({name: list(values)[::-1] for name, values in columns.values.items()}, ROWS)
        again = self._scores(backwards)
        for name, column in scores.items():
            assert len(column) == columns.rows, f"predict: one score of {name} per row"
            assert all(0 <= score <= 1 for score in column), f"predict: {name} is a probability"
            assert again[name][::-1] == pytest.approx(column), "predict: its place must not change a score"

    def test_only_what_is_asked_for_is_answered_and_the_same(self) -> None:
        columns, _outcomes, _propensity = self.table(seed=2)
        first = self.model.outcomes[0]
        some = _numbers(self.model.predict(self.trained().fitted, columns, [first, "unheard_of"]))
        assert some == {first: self._scores(columns)[first]}, (
            "predict: the outcomes asked for, of those known"
        )

    def test_it_finds_what_is_there_to_find(self) -> None:
        columns, _outcomes, _propensity = self.table(seed=2)
        first = self.model.outcomes[0]
        acting, waiting = (self._scores(_all_do(columns, done))[first] for done in (1.0, 0.0))
        gains = [after - before for after, before in zip(acting, waiting, strict=True)]
        helped = [gain for gain, tells in zip(gains, columns.values["tells"], strict=True) if tells > 0.5]
        put_off = [gain for gain, tells in zip(gains, columns.values["tells"], strict=True) if tells < -0.5]
        assert sum(helped) / len(helped) > 0.1 > -0.02 > sum(put_off) / len(put_off), (
            "predict: acting must be worth more for those it helps; learn how action and debtor work together"
        )

    def test_the_same_seed_trains_the_same_model(self) -> None:
        columns, _outcomes, _propensity = self.table(seed=2)
        again = _numbers(self.model.predict(self._train().fitted, columns))
        assert again == self._scores(columns), "train: the same rows and seed must give the same scores"

    def test_no_row_is_no_score(self) -> None:
        nothing = Columns({name: [] for name in (*DEBTOR, *OPTION)}, 0)
        assert all(column == [] for column in self._scores(nothing).values())

    def test_what_is_dumped_is_loaded_without_pickle(self) -> None:
        columns, _outcomes, _propensity = self.table(seed=2)
        blob = self.model.dump(self.trained().fitted)
        assert not blob.startswith(b"\x80"), "dump: no pickle; whoever reads it would run what it says"
        again = _numbers(self.model.predict(self.model.load(blob), columns))
        assert again == self._scores(columns), "load(dump(x)) must score as x does"

    def test_too_few_rows_are_refused_in_words(self) -> None:
        columns, outcomes, propensity = self.table(rows=5)
        with pytest.raises(ValueError, match=r"\d"):
            self.model.train(columns, outcomes, propensity=propensity)

    def test_one_outcome_alone_is_refused(self) -> None:
        columns, outcomes, propensity = self.table()
        outcomes[self.model.outcomes[0]] = [0.0] * ROWS
        with pytest.raises(ValueError, match=r"\d"):
            self.model.train(columns, outcomes, propensity=propensity)

    def test_a_rare_outcome_stops_nothing(self) -> None:
        if len(self.model.outcomes) < 2:
            return
        columns, outcomes, propensity = self.table()
        rare = self.model.outcomes[1]
        outcomes[rare] = [0.0] * ROWS
        fitted = self.model.train(columns, outcomes, propensity=propensity, seed=7).fitted
        scores = _numbers(self.model.predict(fitted, columns))[rare]
        assert max(scores) < 0.05, "train: what hardly ever happened is its share for all, and no error"

    def test_a_missing_column_is_named(self) -> None:
        columns, _outcomes, _propensity = self.table()
        lost, *others = columns.values
        with pytest.raises(ValueError, match=lost):
            self._scores(Columns({name: columns.values[name] for name in others}, ROWS))

    def test_reasons_name_features_strongest_first(self) -> None:
        columns, _outcomes, _propensity = self.table(rows=50, seed=2)
        reasons = self.model.explain(self.trained().fitted, columns, top=2)
        check_reasons(reasons, columns, top=2)

    def test_the_readme_says_what_it_learns(self) -> None:
        text = self.readme.read_text(encoding="utf-8").lower()
        assert self.model.key in text, "README: say what the model is for"


def _all_do(columns: Columns, done: float) -> Columns:
    """The same debtors, all contacted by day by a machine, or none."""
    changed = {name: [0.0] * columns.rows for name in OPTION} | {"action_contact": [done] * columns.rows}
    return Columns({**columns.values, **changed}, columns.rows)


def _numbers(scores: Mapping[str, Any]) -> dict[str, list[float]]:
    return {name: [float(value) for value in column] for name, column in scores.items()}
