"""Policies rank what is lawful, see platform data only, and change nothing but the ranking."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from recupero.decisions.history.features import FeatureTable
from recupero.decisions.planning import policies
from recupero.decisions.planning.policies import BUILT_IN, Capped, Context, Ranked
from recupero.decisions.service import plan_tenant
from recupero.kernel import clock
from recupero.kernel.errors import UserError
from tests.decisions.debts import contact, debt, portfolio
from tests.factories import World

AT = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)


def _context(**features: list[float]) -> Context:
    ids = np.arange(1, 1 + len(next(iter(features.values()))), dtype=np.int64)
    values = {name: np.array(column, dtype=np.float64) for name, column in features.items()}
    return Context(1, AT, FeatureTable(AT, ids, ids, ids, values))


def _options(
    rows: list[tuple[int, str]], p: float | list[float] = 0.1, template: str = "follow_up"
) -> pl.DataFrame:
    count = len(rows)
    return pl.DataFrame(
        {
            "account": [account for account, _ in rows], "person": [account for account, _ in rows],
            "channel": [channel for _, channel in rows], "moment": [AT] * count,
            "template": [template] * count, "p": p if isinstance(p, list) else [p] * count,
            "value_minor": [5.0] * count, "enough": [True] * count,
        }
    )  # fmt: skip


def test_the_ladder_goes_by_days_alone() -> None:
    rows = [(account, channel) for account in (1, 2, 3, 4) for channel in ("email", "sms")]
    context = _context(days_placed=[0, 8, 8, 20], days_since_attempt=[np.nan, 8, 0.5, 6])
    values = BUILT_IN["cadence"].values(_options(rows), context).reshape(4, 2)
    assert values[0, 0] > values[0, 1] > 0  # the day of placement: e-mail
    assert values[1, 1] > values[1, 0] > 0  # a week later: text message
    assert not values[2].any()  # this step was made
    assert not values[3].any()  # day 14's was made, day 21's has not come


def test_the_likeliest_come_first() -> None:
    rows = [(1, "email"), (2, "email"), (2, "call")]
    values = BUILT_IN["propensity"].values(_options(rows, [0.2, 0.3, 0.3]), _context(days_placed=[1, 1]))
    assert values[1] > values[2] > values[0] > 0


def test_a_cap_leaves_the_best_and_what_agreements_ask_for() -> None:
    options = pl.concat([
        _options([(1, "email"), (1, "sms"), (2, "email"), (3, "email")], [0.1, 0.2, 0.3, 0.05]),
        _options([(4, "email")], 0.01, "promise_reminder"),
    ])  # fmt: skip
    values = Capped(BUILT_IN["propensity"], lambda: 2).values(options, _context(days_placed=[1, 1, 1, 1]))
    assert (values > 0).tolist() == [False, False, True, False, True]


def test_a_plan_by_another_policy_is_lawful_paced_and_recorded_as_any(world: World, noon: None) -> None:
    scope, database = world.tenant(), world.platform.database
    with database.transaction(scope) as session:
        book = portfolio(session, exploration=0)
        owed = [debt(session, book, placed_ago=0) for _ in range(3)]
        contact(session, owed[0], clock.now() - timedelta(days=1))
    with policies.use(BUILT_IN["wait"]):
        assert plan_tenant(database, scope).planned == 0
    with policies.use(Capped(BUILT_IN["cadence"], lambda: 1)):
        result = plan_tenant(database, scope)
    assert result.planned == 1
    assert result.blocked["pace"] == 1
    assert policies.current() is policies.CHAMPION
    mad = Ranked("mad", lambda options, context: np.full(len(options), np.nan))
    with policies.use(mad), pytest.raises(ValueError, match="mad answered no value"):
        plan_tenant(database, scope)


def test_a_policy_sees_platform_data_only(world: World, noon: None) -> None:
    scope, database = world.tenant(), world.platform.database
    seen: dict[str, set[str]] = {}

    def look(options: pl.DataFrame, context: Context) -> np.ndarray:
        seen.update(columns=set(options.columns), features=set(context.table.values))
        return np.zeros(len(options))

    with database.transaction(scope) as session:
        debt(session, portfolio(session, exploration=0))
    with policies.use(Ranked("look", look)):
        plan_tenant(database, scope)
    hidden = {"willing", "interest", "means", "pay_day", "favourite", "reliability", "annoyance", "habits"}
    assert seen["columns"]
    assert not hidden & (seen["columns"] | seen["features"])


def test_a_policy_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="unknown policy 'dice'"):
        policies.named("dice")
