"""Draws are repeatable, depend on the person alone, and come as often as their logged probability says."""

from collections import Counter
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from recupero.decisions.planning.capacity import Capacity, resources
from recupero.decisions.planning.choosing import Choice, choose, reach_factors
from recupero.decisions.strategies.strategy import Strategy, parse
from recupero.kernel.errors import UserError

AT = datetime(2026, 3, 10, 15, tzinfo=UTC)


def _options(people: list[int]) -> pl.DataFrame:
    """Three options for each person, the second the best."""
    rows = [
        {"person": person, "account": person, "portfolio": 1, "branch": 1, "channel": channel, "moment": AT,
         "template": "follow_up", "currency": "CLP", "balance_minor": 1000, "value_minor": value,
         "cost_minor": 0, "enough": True}
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


def test_a_channel_of_many_hours_is_drawn_as_often_as_one_of_few() -> None:
    options = _options(list(range(4000)))
    more = options.filter(pl.col("channel") == "email").with_columns(value_minor=pl.lit(1.0))
    options = pl.concat([options, more, more]).sort("person", maintain_order=True)
    strategies = {1: parse({"exploration": 0.4})}
    choice = choose(options, strategies, 3, resources(options, Capacity(strategies, "UTC")))
    drawn = Counter(options["channel"].gather(choice.chosen[choice.chosen >= 0]).to_list())
    assert drawn["email"] / 4000 == pytest.approx(0.1, abs=0.015)
    assert drawn["whatsapp"] / 4000 == pytest.approx(0.1, abs=0.015)
    assert set(choice.propensity.round(4)) == {0.7, 0.1, 0.0333}


def test_some_rest_by_lot_for_a_whole_period_and_it_is_logged() -> None:
    options, strategies = _options(list(range(4000))), {1: parse({"exploration": 0.3})}
    scarce = resources(options, Capacity(strategies, "UTC"))
    first, second = (choose(options, strategies, seed, scarce, rest=9) for seed in (1, 2))
    waited = [each.chosen < 0 for each in (first, second)]
    both = (waited[0] & waited[1]).mean()
    assert both == pytest.approx(
        0.1 + 0.9 * 0.075**2, abs=0.015
    )  # a tenth rests, the others seldom wait twice
    assert waited[0].mean() == pytest.approx(first.propensity[waited[0]][0], abs=0.015)
    assert first.explored[waited[0]].all()
    other = choose(options, strategies, 1, scarce, rest=10)
    assert ((other.chosen < 0) & waited[0] & waited[1]).mean() < 0.03


def test_nobody_rests_who_is_to_be_told_of_an_agreement() -> None:
    options, strategies = _options(list(range(2000))), {1: parse({"exploration": 0.3})}
    agreed = pl.when(pl.col("person") < 1000).then(pl.lit("promise_reminder")).otherwise("template")
    options = options.with_columns(template=agreed)
    choice = choose(options, strategies, 1, resources(options, Capacity(strategies, "UTC")), rest=9)
    waited = choice.chosen < 0
    assert set(choice.propensity[:1000].round(4)) == {0.775, 0.075}  # as without rest
    assert waited[:1000].mean() == pytest.approx(0.075, abs=0.025)
    assert waited[1000:].mean() == pytest.approx(0.1675, abs=0.035)


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


def test_what_is_logged_adds_up_where_limits_leave_most_to_wait() -> None:
    people = 3_000
    options = _options(list(range(people))).with_columns(
        value_minor=pl.col("value_minor") * (1 + pl.col("person") / people)
    )
    strategies = {1: parse({"exploration": 0.1, "daily": {"email": 150, "sms": 300, "whatsapp": 150}})}
    choice = choose(options, strategies, 3, resources(options, Capacity(strategies, "UTC")))
    kind = np.where(choice.chosen >= 0, choice.chosen % 3, -1)
    for each in (-1, 0, 1, 2):
        weights = (kind == each) / choice.propensity
        assert weights.mean() == pytest.approx(1, abs=4 * weights.std() / people**0.5), each
    assert (kind == -1).mean() > 0.7


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
