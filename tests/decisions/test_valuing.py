"""Options are worth what they add to waiting; a model of actions is trained, served, survived, replaced."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from recupero.decisions.evidence.evaluation import evaluate
from recupero.decisions.learning import action_models, promotion, registry, valuing
from recupero.decisions.planning import because
from recupero.decisions.service import plan_tenant
from recupero.decisions.tables import Decision
from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.kernel.errors import NotFound, UserError
from recupero_sdk.models import Columns, Reason, Training
from tests.decisions.debts import Debt, debt, pay, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")
NAME = "next_action"


class _Model:
    """A model of actions that answers what it is told to."""

    key, outcomes = NAME, ("paid", "harm", "reached")

    def __init__(self, answer: Callable[[Columns], Mapping[str, Any]]) -> None:
        self._answer = answer

    def train(self, columns: Columns, outcomes: Any, **_more: Any) -> Training:
        return Training(None, {})

    def predict(
        self, fitted: Any, columns: Columns, outcomes: Sequence[str] | None = None
    ) -> Mapping[str, Any]:
        return self._answer(columns)

    def explain(self, fitted: Any, columns: Columns, top: int = 3) -> list[list[Reason]]:
        return [[Reason("action_email", 1.0, 0.7)] for _ in range(columns.rows)]

    def dump(self, fitted: Any) -> bytes:
        return b"x"

    def load(self, blob: bytes) -> Any:
        return None


def _served(world: World, scope: Scope, patch: pytest.MonkeyPatch, answer: Any, **notes: str) -> None:
    name = registry.name_of(NAME, agency_id=scope.agency())
    columns = ("balance_log", "action_contact", "action_email", "action_sms")
    made = registry.register(name, registry.Finished(NAME, b"x", columns, {}, {}, notes, {}))
    registry.set_alias(name, "champion", made.version)
    patch.setitem(world.platform.plugins.actions, NAME, _Model(answer))


def _book(world: World, people: int = 3, **strategy: Any) -> Scope:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, **{"exploration": 0, **strategy})
        for _ in range(people):
            debt(session, book, balance=100_000)
    return scope


def _chances(paid: float, waiting: float, harm: float = 0.0) -> Callable[[Columns], Mapping[str, Any]]:
    def answer(columns: Columns) -> Mapping[str, Any]:
        acting = np.asarray(columns.values["action_contact"]) > 0
        return {
            "paid": np.where(acting, paid, waiting), "harm": np.where(acting, 0.01 + harm, 0.01),
            "reached": np.full(columns.rows, 0.5),
        }  # fmt: skip

    return answer


def _decisions(world: World, scope: Scope) -> list[Decision]:
    with world.platform.database.transaction(scope) as session:
        found = list(session.scalars(select(Decision).order_by(Decision.id)))
        because.tell(session, found)
        session.expunge_all()
    return found


def test_an_option_is_worth_its_uplift_less_cost_and_annoyance(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = _book(world, channels=["email"], costs_minor={"email": 50}, annoyance_minor=2_000)
    _served(world, scope, monkeypatch, _chances(0.11, 0.03, harm=0.1))
    result = plan_tenant(world.platform.database, scope)
    assert result.model == registry.name_of(NAME, agency_id=scope.agency())
    assert [note for note in result.notes if note.endswith(": valued by the model of actions")]
    with world.platform.database.transaction(scope) as session:
        rate = portfolio_rate(session)
    for decision in _decisions(world, scope):
        assert decision.expected_value_minor == pytest.approx(0.08 * 100_000 * rate - 50 - 200, abs=1)
        assert decision.model == result.model
        assert {"code": "feature", "feature": "action_email", "value": 1.0, "contribution": 0.7} in (
            decision.reasons
        )


def test_where_a_strategy_says_nothing_harm_costs_what_is_usual_in_the_currency(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = _book(world, channels=["email"])
    _served(world, scope, monkeypatch, _chances(0.11, 0.03, harm=0.004))
    plan_tenant(world.platform.database, scope)
    with world.platform.database.transaction(scope) as session:
        rate = portfolio_rate(session)
    for decision in _decisions(world, scope):
        assert decision.expected_value_minor == pytest.approx(0.08 * 100_000 * rate - 250_000 * 0.004, abs=1)


def portfolio_rate(session: Any) -> float:
    from sqlalchemy import text

    terms = session.execute(text("SELECT terms FROM portfolios")).scalar_one()
    return float(terms.get("commission_rate", 10_000)) / 10_000


def test_who_pays_anyway_and_who_would_be_annoyed_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = _book(world, channels=["email"], annoyance_minor=0)
    _served(world, scope, monkeypatch, _chances(0.40, 0.40, harm=0.0))
    assert plan_tenant(world.platform.database, scope).planned == 0
    other = _book(world, channels=["email"], annoyance_minor=1_000_000)
    _served(world, other, monkeypatch, _chances(0.5, 0.4, harm=0.5))
    assert plan_tenant(world.platform.database, other).planned == 0
    assert {row.choice for row in _decisions(world, other)} == {"wait"}


def test_without_a_model_the_plan_says_that_values_are_no_uplifts(world: World) -> None:
    scope = _book(world)
    result = plan_tenant(world.platform.database, scope)
    assert result.planned == 3
    assert any("no next_action model" in note for note in result.notes)
    assert [note for note in result.notes if note.endswith(": planned in the strategy's order")]


def _raises(columns: Columns) -> Any:
    raise RuntimeError("out of order")


@pytest.mark.parametrize(
    "answer",
    [
        _raises,
        lambda columns: {"paid": np.full(columns.rows, np.nan)},
        lambda columns: {"paid": np.full(columns.rows + 1, 0.5)},
        lambda columns: {"harm": np.full(columns.rows, 0.5)},
    ],
    ids=["raises", "nan", "wrong length", "no payment"],
)
def test_a_broken_model_leaves_its_tenant_in_the_strategys_order(
    world: World, answer: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scope, other = _book(world), _book(world)
    _served(world, scope, monkeypatch, answer)
    result = plan_tenant(world.platform.database, scope)
    assert result.planned == 3
    assert result.model == "strategy"
    assert any("next_action model failed" in note for note in result.notes)
    assert any(record.levelname == "ERROR" for record in caplog.records)
    assert plan_tenant(world.platform.database, other).planned == 3


def _lived(world: World, people: int) -> Scope:
    """People e-mailed or not at random, of whom those who were pay more often; 62 days ago."""
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0.5, channels=["email"], pace_days=0)
        owed = [debt(session, book, balance=100_000) for _ in range(people)]
    _live(world, scope, owed)
    made = _decisions(world, scope)
    assert {row.reasons[0]["code"] for row in made if not row.channel} == {"explored"}
    return scope


def _live(world: World, scope: Scope, owed: Sequence[Debt]) -> None:
    """A plan, what comes of it, and the 62 days until that is known."""
    rng, last = np.random.default_rng(3), max((row.id for row in _decisions(world, scope)), default=0)
    plan_tenant(world.platform.database, scope)
    contacted = {row.account_id for row in _decisions(world, scope) if row.channel and row.id > last}
    with world.platform.database.transaction(scope) as session:
        for each in owed:
            if rng.random() < (0.6 if each.account_id in contacted else 0.2):
                pay(session, each, 5_000, clock.now() + timedelta(days=5))
    clock.advance(timedelta(days=62))


def test_kinds_are_measured_on_held_out_people_and_the_better_one_serves(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = _lived(world, 490)
    trained = action_models.train(world.platform.database, scope)
    assert (trained.alias, trained.version) == ("champion", "1")
    assert trained.metrics["holdout_log_loss"] < 0.75
    served = valuing.champion(scope)
    assert served is not None
    assert served.kind.key in world.platform.plugins.actions
    assert plan_tenant(world.platform.database, scope).model == trained.name
    monkeypatch.setattr(action_models, "_kinds", lambda _key: [_Model(_chances(0.5, 0.3))])
    again = action_models.train(world.platform.database, scope)
    assert again.alias == "challenger"
    assert "gain_low" not in again.metrics  # nothing came of decisions that the first one did not learn from
    second = registry.with_run(again.name, again.version)
    assert second is not None
    assert promotion.evidence(second, registry.serving(scope, again.name)).missing == (
        "too_soon", "choices_unsupported"
    )  # fmt: skip


def test_a_later_version_is_measured_on_decisions_that_neither_learned_from(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0.5, channels=["email"], pace_days=0)
        owed = [debt(session, book, balance=100_000) for _ in range(600)]
    for key, answer in (("old", _chances(0.3, 0.2)), ("new", _chances(0.6, 0.2))):  # the second is true
        _live(world, scope, owed)
        kind = _Model(answer)
        kind.key = key
        monkeypatch.setitem(world.platform.plugins.actions, key, kind)
        found = action_models.train(world.platform.database, scope, key)
    assert found.metrics["gain_low"] > 0
    assert found.metrics["shadow_rows"] < found.metrics["train_rows"]
    assert promotion.promote(world.platform.database, scope, found.name, "2", actor="test").version == "2"


def test_the_served_model_is_judged_on_decisions_since_it_was_trained(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = _lived(world, 400)
    _served(world, scope, monkeypatch, _chances(0.6, 0.2))
    with world.platform.database.transaction(scope) as session:
        found = evaluate(session, NAME)
        # Whom the lot falls on depends on ids: within twice the 95% interval, so that luck fails no test.
        assert abs(found.value - 0.6 * 5_000) < found.high - found.low < 2_000
        assert found.estimator in ("snips", "doubly robust")
        wait = evaluate(session, "wait")
        assert abs(wait.value - 0.2 * 5_000) < wait.high - wait.low < 2_000


def test_a_model_that_learned_from_all_decisions_has_none_to_be_judged_by(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = _lived(world, 60)
    with world.platform.database.transaction(scope) as session:
        with pytest.raises(UserError, match="no next_action model"):
            evaluate(session, NAME)
        _served(world, scope, monkeypatch, _chances(0.6, 0.2), window_to=clock.now().date().isoformat())
        with pytest.raises(UserError, match="since the model was trained"):
            evaluate(session, NAME)


def test_too_little_history_and_an_unknown_kind_are_told(world: World) -> None:
    scope = _book(world)
    with pytest.raises(UserError, match="cannot be trained"):
        action_models.train(world.platform.database, scope)
    with pytest.raises(NotFound, match="no plug-in"):
        action_models.train(world.platform.database, scope, "magic")
