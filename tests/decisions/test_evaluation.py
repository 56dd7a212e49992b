"""Off-policy values agree with the truth of a made-up log, and are refused where the log says nothing."""

from datetime import timedelta

import numpy as np
import pytest

from recupero.decisions.evidence.evaluation import Estimate, evaluate
from recupero.decisions.tables import Decision
from recupero.kernel import clock
from recupero.kernel.errors import UserError
from tests.decisions.debts import Debt, debt, pay, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")

#: What an e-mail and waiting bring on average in the made-up log, per decision.
EMAIL, NOTHING = 400.0, 100.0


def _decision(owed: Debt, *, email: bool, propensity: float) -> Decision:
    at = clock.now() - timedelta(days=40)
    options = [
        {"channel": "email", "at": at.isoformat(), "value_minor": 10},
        {"channel": None, "at": None, "value_minor": 0},
    ]
    return Decision(
        tenant_id=owed.tenant_id, run_id=1, account_id=owed.account_id, at=at,
        choice="follow_up" if email else "wait", channel="email" if email else None,
        scheduled_at=at if email else None, model="m", model_version="1", score=0.1, propensity=propensity,
        expected_value_minor=0, cost_minor=0, alternatives=options, reasons=[], blocked={},
    )  # fmt: skip


def _log(world: World, count: int, share: float) -> Estimate:
    """E-mails with probability `share`, who pays 1,000 as the constants say, and the champion's value by
    it."""
    scope, rng = world.tenant(), np.random.default_rng(4)
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        for _ in range(count):
            owed, email = debt(session, book, points=(), consents=()), bool(rng.random() < share)
            session.add(_decision(owed, email=email, propensity=share if email else 1 - share))
            if rng.random() < (EMAIL if email else NOTHING) / 1000:
                pay(session, owed, 1000, clock.now() - timedelta(days=20))
        session.flush()
        return evaluate(session)


def test_the_interval_holds_the_truth(world: World) -> None:
    found = _log(world, 250, 0.5)
    assert found.low < EMAIL < found.high
    assert found.low <= found.value <= found.high
    assert (found.n, found.currency) == (250, "CLP")
    assert 100 < found.ess < 250


def test_a_debtor_with_two_accounts_is_one_choice(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        for place in range(160):
            first = debt(session, book, points=(), consents=())
            both = [first, debt(session, book, owner=first)]
            rows = [_decision(each, email=place % 4 == nth, propensity=0.25) for nth, each in enumerate(both)]
            if place % 4 > 1:
                rows[0].propensity = rows[1].propensity = 0.5
            else:
                rows[1 - place % 4].reasons = [{"code": "better_elsewhere"}]
            session.add_all(rows)
            pay(session, first, 1_000 if place % 4 == 0 else 200, clock.now() - timedelta(days=20))
        session.flush()
        found = evaluate(session, "email")
    assert (found.n, found.weight) == (160, pytest.approx(1))
    assert found.snips == pytest.approx(1_000)


def test_a_log_without_exploration_cannot_speak_of_another_policy(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        for _ in range(40):
            session.add(_decision(debt(session, book), email=True, propensity=1.0))
        session.flush()
        assert evaluate(session, "champion").n == 40
        with pytest.raises(UserError, match="cannot say"):
            evaluate(session, "wait")


def test_an_unknown_policy_and_an_empty_log_are_told(world: World) -> None:
    with world.platform.database.transaction(world.tenant()) as session:
        with pytest.raises(UserError, match="unknown policy"):
            evaluate(session, "magic")
        with pytest.raises(UserError, match="30 days"):
            evaluate(session)
