"""The training table of actions holds what was known at each decision, what came of it, and splits people."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from recupero.decisions.history import experience, feature_list
from recupero.decisions.service import plan_tenant
from recupero.decisions.tables import Decision
from recupero.kernel import clock
from recupero.kernel.database import Scope
from tests.decisions.debts import Debt, debt, pay, permit, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")
DAY = timedelta(days=1)


def _planned(world: World, people: int, **strategy: Any) -> tuple[Scope, list[Debt]]:
    """People of two debts each, planned today and in six days."""
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, pace_days=0, **strategy)
        owed = [debt(session, book) for _ in range(people)]
        for each in owed:
            debt(session, book, owner=each, balance=50_000)
    plan_tenant(world.platform.database, scope)
    clock.advance(6 * DAY)
    plan_tenant(world.platform.database, scope)
    return scope, owed


def test_a_row_is_a_person_in_a_plan_with_the_vectors_kept_and_what_came(world: World) -> None:
    scope, (payer, leaver) = _planned(world, 2, exploration=0)
    with world.platform.database.transaction(scope) as session:
        pay(session, payer, 7_000, clock.now() + 2 * DAY)
        permit(session, leaver.debtor_id, "email", "opt_out", at=clock.now() + 3 * DAY)
        with pytest.raises(ValueError, match="30 days old"):
            experience.build(session, clock.now() + 20 * DAY)
        found = experience.build(session, clock.now() + 40 * DAY)
        made = {row.id: row for row in session.execute(select(Decision)).scalars()}
    assert len(found) == len({(made[number].run_id, found.person_id[i])
                              for i, number in enumerate(found.decision_id.tolist())})  # fmt: skip
    assert set(found.values) == set(experience.NAMES)
    for place, number in enumerate(found.decision_id.tolist()):
        decision = made[number]
        assert experience.CHANNELS[found.channel[place]] == (decision.channel or "")
        assert found.propensity[place] == decision.propensity
        assert found.moment[place] == decision.at.timestamp()
        assert found.values["action_contact"][place] == (decision.channel is not None)
        assert np.isnan(found.outcomes["kept"][place])
        mine = found.person_id[place] == payer.person_id
        assert found.outcomes["paid_minor"][place] == (7_000 if mine else 0)
        assert found.outcomes["harm"][place] == (0 if mine else 1)


def test_what_happens_later_changes_no_vector(world: World) -> None:
    scope, owed = _planned(world, 2, exploration=0)
    with world.platform.database.transaction(scope) as session:
        at = clock.now() + 31 * DAY
        before = experience.build(session, at)
        for each in owed:
            pay(session, each, 9_000, clock.now() + DAY)
            pay(session, each, 9_000, at + DAY)
            permit(session, each.debtor_id, "email", "opt_out", at=at + DAY)
        after = experience.build(session, at)
    for name in experience.NAMES:
        np.testing.assert_array_equal(before.values[name], after.values[name], err_msg=name)
    assert set(after.outcomes["paid_minor"]) == {9_000}
    assert not after.outcomes["harm"].any()


def test_the_holdout_is_other_people_later(world: World) -> None:
    scope, _owed = _planned(world, 30, exploration=0.5)
    with world.platform.database.transaction(scope) as session:
        found = experience.build(session, clock.now() + 40 * DAY)
    train, holdout = found.train, found.holdout
    assert train.any()
    assert holdout.any()
    assert not set(found.person_id[train]) & set(found.person_id[holdout])
    assert found.moment[train].max() < found.moment[holdout].min()
    assert found.split == "other people, later"
    assert (np.diff(np.flatnonzero(np.diff(found.person_id, prepend=-1))) >= 1).all()
    assert len(np.unique(found.person_id)) == np.count_nonzero(np.diff(found.person_id, prepend=-1))
    assert ((found.propensity > 0) & (found.propensity <= 1)).all()
    assert set(feature_list.NAMES) < set(found.values)


def test_a_waiting_that_a_contact_ended_counts_for_its_days() -> None:
    came = {
        "own_days": np.array([7.0, 7.0] + [0.7] * 1000 + [0.7]),
        **{name: np.zeros(1003) for name in experience.OWN.values()},
    }
    came["own_paid"][-1] = 1
    contact = np.arange(1003) < 2
    counts = experience.counting(came, contact, np.arange(1003))
    assert counts[:2].all()
    assert counts[-1]
    assert counts[2:-1].mean() == pytest.approx(0.1, abs=0.03)
