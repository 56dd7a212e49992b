"""Draws are repeatable, depend on the person alone, and come as often as their logged probability says."""

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from recupero.decisions.capacity import Capacity, resources
from recupero.decisions.choosing import Choice, choose, reach_factors
from recupero.decisions.strategy import Strategy, parse
from recupero.kernel.errors import UserError

AT = datetime(2026, 3, 10, 15, tzinfo=UTC)


def _options(people: list[int]) -> pl.DataFrame:
    """Three options for each person, the second the best."""
    rows = [
        {"person": person, "account": person, "portfolio": 1, "branch": 1, "channel": channel, "moment": AT,
        "currency": "CLP",
         "balance_minor": 1000, "value_minor": value, "cost_minor": 0, "enough": True}
        for person in people for channel, value in (("email", 5.0), ("sms", 9.0), ("whatsapp", 2.0))
    ]  # fmt: skip
    return pl.DataFrame(rows)


def _choice(people: list[int], seed: int, **strategy: object) -> Choice:
    options, strategies = _options(people), {1: parse({"exploration": 0.4, **strategy})}
    return choose(options, strategies, seed, resources(options, Capacity(strategies, "UTC")))


def test_the_same_seed_draws_the_same_and_another_person_changes_nothing() -> None:
    many, few = _choice(list(range(1, 200)), 7), _choice(list(range(1, 50)), 7)
    again = _choice(list(range(1, 200)), 7)
    np.testing.assert_array_equal(many.chosen, again.chosen)
    np.testing.assert_array_equal(many.chosen[:49], few.chosen)
    assert not np.array_equal(many.chosen, _choice(list(range(1, 200)), 8).chosen)


def test_options_come_as_often_as_their_logged_probability_says() -> None:
    people = 4000
    choice = _choice(list(range(people)), 3)
    drawn = Counter((int(row) - 3 * person if row >= 0 else -1) for person, row in enumerate(choice.chosen))
    logged = {
        (int(row) - 3 * person if row >= 0 else -1): chance
        for person, (row, chance) in enumerate(zip(choice.chosen, choice.propensity, strict=True))
    }
    assert logged == {
        1: pytest.approx(0.7),
        0: pytest.approx(0.1),
        2: pytest.approx(0.1),
        -1: pytest.approx(0.1),
    }
    for option, chance in logged.items():
        assert drawn[option] / people == pytest.approx(chance, abs=0.025)


def test_without_exploration_every_choice_is_the_best_and_certain() -> None:
    choice = _choice([1, 2, 3], 3, exploration=0)
    assert [int(row) % 3 for row in choice.chosen] == [1, 1, 1]
    assert choice.propensity.tolist() == [1, 1, 1]


def test_draws_keep_to_the_daily_limits() -> None:
    choice = _choice(list(range(300)), 3, daily={"email": 4, "sms": 5, "whatsapp": 6})
    used = Counter(int(row) % 3 for row in choice.chosen if row >= 0)
    assert used[0] <= 4
    assert used[1] <= 5
    assert used[2] <= 6


def test_without_history_reach_is_the_strategys_order_and_answers_change_it() -> None:
    strategy = Strategy(channels=("email", "sms"))
    assert reach_factors(strategy, {}, ("sms", "email")) == {"email": 1.0, "sms": pytest.approx(0.9)}
    answered = reach_factors(strategy, {"email": (5000, 10), "sms": (5000, 900)}, ("email", "sms"))
    assert answered["sms"] == 1.0
    assert answered["email"] < 0.1


@pytest.mark.parametrize(
    "data",
    [{"pace_day": 3}, {"channels": []}, {"channels": ["fax"]}, {"pace_days": -1}, {"exploration": 0.9},
     {"daily": {"email": -1}}, {"daily": {"fax": 1}}, {"budget_minor": 1.5}, {"tones": {"reminder": "rude"}}],
)  # fmt: skip
def test_a_wild_strategy_is_refused_by_name(data: dict[str, object]) -> None:
    with pytest.raises(UserError, match=next(iter(data))):
        parse(data)
