"""A decision is explained by the version that made it, from what it rested on, when somebody reads it."""

from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from recupero.decisions.learning import registry
from recupero.decisions.planning import because
from recupero.decisions.planning.because import FEATURE, GONE
from recupero.decisions.service import plan_tenant
from recupero.decisions.tables import Decision
from recupero.kernel.database import Scope
from recupero_sdk.models import Columns, Reason
from tests.decisions.test_valuing import NAME, _book, _chances, _Model, _served
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")


class _Telling(_Model):
    """Gives the balance on which it decided as its reason; raises where it is told to fall silent."""

    silent = False

    def explain(self, fitted: Any, columns: Columns, top: int = 3) -> list[list[Reason]]:
        if self.silent:
            raise RuntimeError("out of words")
        return [[Reason("balance_log", float(one), 0.5)] for one in columns.values["balance_log"]]


@pytest.fixture
def decided(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[World, Scope, _Telling]:
    """Three decisions of one version of a model that tells."""
    scope, model = _book(world, channels=["email"]), _Telling(_chances(0.2, 0.1))
    _served(world, scope, monkeypatch, _chances(0.2, 0.1))
    monkeypatch.setitem(world.platform.plugins.actions, NAME, model)
    assert plan_tenant(world.platform.database, scope).planned == 3
    return world, scope, model


def _told(world: World, scope: Scope, times: int = 1) -> list[list[dict[str, Any]]]:
    with world.platform.database.transaction(scope) as session:
        found = list(session.scalars(select(Decision).order_by(Decision.id)))
        for _ in range(times):
            because.tell(session, found)
        return [list(each.reasons) for each in found]


def test_reasons_come_after_the_rule_from_the_vector_that_was_kept(
    decided: tuple[World, Scope, _Telling],
) -> None:
    world, scope, _model = decided
    for rule, own in _told(world, scope):
        assert rule["code"] not in (FEATURE, GONE)
        assert own["feature"] == "balance_log"
        assert own["value"] == pytest.approx(np.log(100_001), abs=1e-4)
    assert _told(world, scope, times=2) == _told(world, scope)
    with world.platform.database.transaction(scope) as session:
        assert {len(each.reasons) for each in session.scalars(select(Decision))} == {1}  # nothing is kept


def test_the_version_that_decided_speaks_whichever_serves_now(
    decided: tuple[World, Scope, _Telling],
) -> None:
    world, scope, _model = decided
    name = registry.name_of(NAME, agency_id=scope.agency())
    before = _told(world, scope)
    newer = registry.register(name, registry.Finished(NAME, b"y", ("action_email",), {}, {}, {}, {}))
    registry.set_alias(name, "champion", newer.version)
    assert _told(world, scope) == before


def test_of_a_version_that_cannot_speak_or_is_gone_the_decision_says_so(
    decided: tuple[World, Scope, _Telling], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, scope, model = decided
    model.silent = True
    for rule, *rest in _told(world, scope):
        assert rule["code"] != GONE
        assert rest == [{"code": GONE}]
    with world.platform.database.transaction(scope) as session:
        found = list(session.scalars(select(Decision)))
        for each in found:
            each.model_version = "999"
        session.expunge_all()
        because.tell(session, found)
    assert [each.reasons[-1] for each in found] == [{"code": GONE}] * 3


def test_the_strategys_own_order_needs_no_model(world: World) -> None:
    scope = _book(world)
    plan_tenant(world.platform.database, scope)
    assert {len(reasons) for reasons in _told(world, scope)} == {1}
