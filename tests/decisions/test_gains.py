"""What choosing by other chances would have brought is measured on decisions made, or said to be unknown."""

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select

from recupero.decisions.columns import Floats
from recupero.decisions.learning import gains, registry
from recupero.decisions.learning.gains import Scorer
from recupero.decisions.learning.serving import PRIOR
from recupero.decisions.service import plan_tenant
from recupero.decisions.tables import Decision
from recupero.kernel import clock
from recupero.kernel.database import Scope
from tests.decisions.debts import debt, pay, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")


def _chance(of: float) -> Scorer:
    def score(_values: Mapping[str, Floats], rows: int) -> Floats:
        return np.full(rows, of)

    return score


def _lived(world: World, people: int, exploration: float) -> Scope:
    """People e-mailed or not by lot, of whom those who were pay more often; 62 days ago."""
    scope, rng = world.tenant(), np.random.default_rng(3)
    with world.platform.database.transaction(scope) as session:
        book = portfolio(
            session, channels=["email"], pace_days=0, costs_minor={"email": 100}, exploration=exploration
        )
        owed = [debt(session, book, balance=100_000) for _ in range(people)]
    plan_tenant(world.platform.database, scope)
    with world.platform.database.transaction(scope) as session:
        mailed = set(session.scalars(select(Decision.account_id).where(Decision.channel.is_not(None))))
        for each in owed:
            if rng.random() < (0.6 if each.account_id in mailed else 0.2):
                pay(session, each, 5_000, clock.now() + timedelta(days=5))
    clock.advance(timedelta(days=62))
    return scope


def _found(world: World, scope: Scope, new: float, days: int = 70) -> gains.Told:
    """Asked about the decisions of the last so many days."""
    border = (clock.now() - timedelta(days=days)).timestamp()
    with world.platform.database.transaction(scope) as session:
        return gains.over_champion(session, clock.now(), "propensity", border, _chance(new), _chance(PRIOR))


def test_chances_that_would_leave_people_alone_bring_less_and_the_same_chances_nothing(world: World) -> None:
    scope = _lived(world, 1300, 0.5)
    worse, how = _found(world, scope, PRIOR / 100)
    assert how == registry.MEASURED
    assert worse["choices_gain"] == pytest.approx(-0.4, abs=0.3)  # five standard errors
    assert worse["choices_gain_low"] < worse["choices_gain"] < worse["choices_gain_high"] < 0
    assert worse["choices_ess"] > 30
    same, _how = _found(world, scope, PRIOR)
    assert (same["choices_gain"], same["choices_gain_low"], same["choices_gain_high"]) == (0, 0, 0)


def test_without_decisions_that_it_never_saw_nothing_is_said(world: World) -> None:
    scope = _lived(world, 60, 0.0)
    assert _found(world, scope, PRIOR / 100) == ({}, registry.UNSUPPORTED)
    assert _found(world, scope, PRIOR, days=30) == ({}, registry.NO_CHOICES)
    assert _found(world, world.tenant(), PRIOR) == ({}, registry.NO_CHOICES)


def test_where_a_model_of_actions_serves_chances_choose_nothing(world: World) -> None:
    scope = _lived(world, 60, 0.0)
    name = registry.name_of("next_action", agency_id=scope.agency())
    made = registry.register(name, registry.Finished("next_action", b"", ("balance_log",), {}, {}, {}, {}))
    registry.set_alias(name, registry.CHAMPION, made.version)
    assert _found(world, scope, PRIOR / 100) == ({}, registry.NO_CHOICES)
