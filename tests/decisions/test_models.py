"""Models through the real registry: trained on later-held-out history, served, promoted by a win,
survived."""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from recupero.decisions import cli, queries
from recupero.decisions.filling import Filling, fill
from recupero.decisions.history import dataset
from recupero.decisions.history.control import draws
from recupero.decisions.history.features import read_features
from recupero.decisions.learning import asking, models, promotion, registry, run_uplift, serving, watching
from recupero.decisions.measures import differences
from recupero.decisions.planning.reading import read_hours
from recupero.decisions.queries import latest_runs
from recupero.decisions.service import plan_tenant
from recupero.decisions.tables import Decision
from recupero.kernel import audit, clock, command, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import Conflict, NotFound, UserError
from recupero.placements.tables import Account, Debtor
from recupero.tenancy import queries as tenancy
from recupero_sdk.models import Columns, Reason, Training
from tests.decisions.debts import debt, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")


def _filled(world: World, accounts: int = 500, days: int = 60, **strategy: Any) -> Scope:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, **strategy)
        fill(session, book, Filling(accounts, clock.now() - timedelta(days=days)))
    return scope


def test_the_holdout_is_later_and_of_other_accounts_where_windows_overlap(world: World) -> None:
    scope = _filled(world)
    with world.platform.database.transaction(scope) as session:
        data = dataset.build(session, clock.now())
    assert data.moment[data.holdout].min() > data.moment[data.train].max()
    assert not set(data.account_id[data.train]) & set(data.account_id[data.holdout])
    assert max(data.moment) <= (clock.now() - dataset.HORIZON).timestamp()
    assert 0 < data.target.mean() < 0.5


def test_with_enough_history_no_window_touches_the_holdout(world: World) -> None:
    scope = _filled(world, days=120)
    with world.platform.database.transaction(scope) as session:
        data = dataset.build(session, clock.now())
    assert data.moment[data.train].max() + dataset.HORIZON.total_seconds() <= data.moment[data.holdout].min()


def test_a_model_goes_through_the_registry_and_serves_the_same_scores(world: World) -> None:
    scope = _filled(world, accounts=900)
    trained = models.train(world.platform.database, scope)
    assert (trained.alias, trained.version) == ("champion", "1")
    assert trained.metrics["holdout_auc"] > 0.6
    assert trained.metrics["holdout_calibration_error"] < 0.1
    served = serving.champion(scope)
    assert served is not None
    with world.platform.database.transaction(scope) as session:
        table = read_features(session, clock.now())
        assert len(audit.verify(session)) == 0
    scores = serving.predict(served, table)
    again = served.kind.load(served.kind.dump(served.fitted))
    np.testing.assert_array_equal(scores, served.kind.predict(again, serving.columns_of(served, table)))
    listed = [version for version in registry.versions() if version.name == trained.name]
    assert [(version.version, version.aliases) for version in listed] == [("1", ("champion",))]
    assert listed[0].metrics["holdout_auc"] == pytest.approx(trained.metrics["holdout_auc"])
    assert listed[0].notes["split"] == trained.split
    assert listed[0].notes["uplift"] == "no_control"
    assert "**Uplift:** not measured" in (registry.read_text(listed[0], "card.md") or "")


def test_plans_are_made_by_the_champion_and_say_which(world: World) -> None:
    scope = _filled(world, exploration=0)
    trained = models.train(world.platform.database, scope)
    result = plan_tenant(world.platform.database, scope)
    assert (result.model, result.model_version) == (trained.name, "1")
    assert result.notes == ["no next_action model is registered yet: values are not uplifts"]
    with world.platform.database.transaction(scope) as session:
        account_id = session.execute(
            select(func.min(Decision.account_id)).where(Decision.choice != "wait")
        ).scalar_one()
        decision = queries.decisions_of(session, account_id, 1)[0]
        table = read_features(session, clock.now())
        # What is counted over all contacts is kept for plans of single debtors.
        run = queries.latest_run(session)
        assert run is not None
        assert run.hours is not None
        assert {(by, day, hour): (asked, heard) for by, day, hour, asked, heard in run.hours} == (
            read_hours(session, clock.now())
        )
    rule, *told = decision.reasons
    assert 0 < decision.score < 1
    assert rule["code"] == decision.choice
    served = serving.champion(scope)
    assert served is not None
    own = serving.explain(served, table.take(table.account_id == account_id))[0]
    assert [(each["code"], each["feature"]) for each in told] == [("feature", one.feature) for one in own]
    assert [each["contribution"] for each in told] == pytest.approx([x.contribution for x in own], abs=1e-4)

    # By the version that decided, also once another serves, or none.
    registry.drop_alias(trained.name, registry.CHAMPION)
    assert _reasons(world, scope, account_id) == decision.reasons
    folder = Path(unquote(urlsplit(registry.numbered(trained.name, "1").source).path))
    shutil.rmtree(folder)
    serving._loaded.cache_clear()  # another process
    assert _reasons(world, scope, account_id) == [rule, {"code": "model_gone"}]


def _reasons(world: World, scope: Scope, account_id: int) -> list[dict[str, Any]]:
    with world.platform.database.transaction(scope) as session:
        return queries.decisions_of(session, account_id, 1)[0].reasons


def test_too_little_history_registers_nothing(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        debt(session, portfolio(session), placed_ago=50)
    with pytest.raises(UserError, match="too few"):
        models.train(world.platform.database, scope)
    assert serving.champion(scope) is None


def test_promotion_needs_a_measured_win_and_is_reversible(world: World) -> None:
    scope = _filled(world)
    first = models.train(world.platform.database, scope)
    second = models.train(world.platform.database, scope, seed=1)
    assert second.alias == "challenger"
    with pytest.raises(UserError, match="not promoted"):
        promotion.promote(world.platform.database, scope, first.name, "2", actor="test")
    client = registry.client()
    version = registry.with_run(first.name, "2")
    assert version is not None
    for name, value in (("gain", 0.02), ("gain_low", 0.01), ("gain_high", 0.03)):
        client.log_metric(version.run_id, name, value)
    promotion.promote(world.platform.database, scope, first.name, "2", actor="test")
    assert _champion(first.name) == "2"
    promotion.promote(world.platform.database, scope, first.name, "1", actor="test")
    assert _champion(first.name) == "1"
    with pytest.raises(Conflict):
        promotion.promote(world.platform.database, scope, first.name, "1", actor="test")
    with pytest.raises(NotFound):
        promotion.promote(world.platform.database, world.agency(), first.name, "2", actor="test")
    with world.platform.database.transaction(scope) as session:
        assert audit.count(session) >= 4
        assert audit.verify(session) == []


def _champion(name: str) -> str | None:
    found = registry.by_alias(name, registry.CHAMPION)
    return found.version if found else None


def test_a_shadow_compares_and_decides_nothing(world: World) -> None:
    scope = _filled(world)
    with pytest.raises(NotFound, match="no champion"):
        watching.shadow(
            world.platform.database, scope, models.name_for(world.platform.database, scope, "propensity")
        )
    models.train(world.platform.database, scope)
    trained = models.train(world.platform.database, scope, seed=1)
    found = watching.shadow(world.platform.database, scope, trained.name)
    assert found.accounts == 500
    assert found.correlation > 0.5
    assert found.psi >= 0
    assert 0 <= found.same_top_tenth <= 1


class _Broken:
    """A kind of model that trains and then answers what it should not."""

    key, target, features = "propensity", "paid_30d", ()

    def __init__(self, answer: Any, told: Any = None) -> None:
        self.answer, self.told = answer, told

    def train(self, columns: Columns, target: Any, *, seed: int = 0) -> Training:
        return Training(None, {})

    def predict(self, fitted: Any, columns: Columns) -> Any:
        return self.answer(columns.rows)

    def explain(self, fitted: Any, columns: Columns, top: int = 3) -> list[Any]:
        if self.told is None:
            raise RuntimeError("no words")
        return self.told(columns.rows)  # type: ignore[no-any-return]

    def dump(self, fitted: Any) -> bytes:
        return b""

    def load(self, blob: bytes) -> Any:
        return None


def _raises(rows: int) -> Any:
    raise RuntimeError("the model is broken")


def _leaves(rows: int) -> Any:
    raise SystemExit(0)


def _serving(world: World, scope: Scope, model: _Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the kind serve the scope as propensity."""
    name = registry.name_of("propensity", agency_id=scope.agency())
    made = registry.register(name, registry.Finished("propensity", b"", ("balance_log",), {}, {}, {}, {}))
    registry.set_alias(name, "champion", made.version)
    monkeypatch.setitem(world.platform.plugins.models, "propensity", model)


@pytest.mark.parametrize(
    "answer",
    [
        _raises,
        _leaves,
        lambda rows: np.full(rows, np.nan),
        lambda rows: np.full(rows, np.inf),
        lambda rows: np.full(rows + 1, 0.5),
        lambda rows: np.full((rows, 2), 0.5),
        lambda rows: np.full(rows, 7),
        lambda rows: np.full(rows, -0.1),
        lambda rows: np.full(rows, "likely"),
        lambda rows: np.full(rows, 0.5 + 0j),
        lambda rows: None,
    ],
    ids=["raises", "leaves", "nan", "inf", "wrong length", "a table", "no probability", "negative", "words",
         "complex", "nothing"],
)  # fmt: skip
def test_a_broken_model_falls_back_to_the_strategy_and_says_so(
    world: World, answer: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    scope = _filled(world, accounts=40, exploration=0)
    _serving(world, scope, _Broken(answer), monkeypatch)
    result = plan_tenant(world.platform.database, scope)
    assert result.model == "strategy"
    assert result.planned > 0
    assert "failed" in result.notes[0]
    assert result.failed == ["propensity"]
    assert any(record.levelname == "ERROR" for record in caplog.records)


def test_a_failing_model_is_an_alarm_until_it_works_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope, answers = _filled(world, accounts=40), iter((_raises, _raises, lambda rows: np.full(rows, 0.5)))
    _serving(world, scope, _Broken(lambda rows: next(answers)(rows)), monkeypatch)
    seen = []
    for _ in range(3):
        plan_tenant(world.platform.database, scope)
        with world.platform.database.transaction(scope) as session:
            seen.append([run.failed for run in latest_runs(session)])
    assert seen == [[["propensity"]], [["propensity"]], [[]]]
    with world.platform.database.transaction(scope) as session:
        told = [event.action for event in audit.page(session) if event.action.startswith("decisions.model_")]
    assert told == ["decisions.model_works_again", "decisions.model_failed"]


@pytest.mark.parametrize(
    "told",
    [
        lambda rows: None,
        lambda rows: [None] * rows,
        lambda rows: [["because"]] * rows,
        lambda rows: [[Reason("balance_log", 1.0, float("nan"))]] * rows,
        lambda rows: [[]] * (rows + 1),
    ],
    ids=["nothing", "no lists", "words", "nan", "wrong length"],
)
def test_reasons_that_are_none_cost_a_plan_its_reasons_and_nothing_else(
    world: World, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = _filled(world, accounts=40, exploration=0)
    _serving(world, scope, _Broken(lambda rows: np.full(rows, 0.5), told), monkeypatch)
    result = plan_tenant(world.platform.database, scope)
    assert result.model.startswith("propensity")
    assert result.planned > 0


def test_a_model_that_never_answers_is_left_behind_and_not_asked_again_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope, back, asked = _filled(world, accounts=40), threading.Event(), []

    def hangs(rows: int) -> Any:
        asked.append(rows)
        back.wait()
        return np.full(rows, 0.5)

    monkeypatch.setitem(world.platform.config.environment, asking.SECONDS_SETTING, "1")
    _serving(world, scope, _Broken(hangs), monkeypatch)
    plans = [plan_tenant(world.platform.database, scope) for _ in range(2)]
    back.set()
    assert [plan.failed for plan in plans] == [["propensity"]] * 2
    assert "did not answer within 1 seconds" in plans[0].notes[0]
    assert "has not come back" in plans[1].notes[0]
    assert len(asked) == 1


def test_a_model_whose_file_is_gone_falls_back_and_other_tenants_go_on(world: World) -> None:
    scope, other = _filled(world, accounts=40), _filled(world, accounts=40)
    name = registry.name_of("propensity", agency_id=scope.agency())
    made = registry.register(name, registry.Finished("propensity", b"", ("balance_log",), {}, {}, {}, {}))
    registry.set_alias(name, "champion", made.version)
    for file in world.platform.config.artifacts_dir.glob(f"{made.run_id}/artifacts/model/*"):
        file.unlink()
    result = plan_tenant(world.platform.database, scope)
    assert "MissingModel" in result.notes[0]
    assert result.planned > 0
    assert "registered yet" in plan_tenant(world.platform.database, other).notes[0]


def test_a_kind_that_learns_what_the_platform_keeps_no_history_of_is_refused_in_words(world: World) -> None:
    scope = _filled(world, accounts=10)
    with pytest.raises(UserError, match="days_past_due_at_payment") as refused:
        models.train(world.platform.database, scope, "time_to_pay")
    assert refused.value.field == "kind"


def test_a_run_tells_what_the_work_brings_beside_the_control_group(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = world.tenant(control=0.2)
    with world.platform.database.transaction(scope) as session:
        fill(session, portfolio(session), Filling(60, clock.now() - timedelta(days=40)))
        table = read_features(session, clock.now())
        persons = dict(session.execute(select(Account.id, Debtor.person_id).join(
            Debtor, (Debtor.tenant_id == Account.tenant_id) & (Debtor.id == Account.debtor_id)
        ).where(Account.tenant_id == scope.tenant())).all())  # fmt: skip
        inside = draws(scope.tenant(), np.array([persons[one] for one in table.account_id])) < 0.2
        moment, score = np.full(len(table), clock.now().timestamp()), np.arange(len(table)) / len(table)
        target = np.where(inside, 0.0, 1.0)
        target[np.flatnonzero(inside)[:1]] = 1.0
        told = run_uplift.of_rows(session, table.account_id, moment, score, target)
        assert told == ({}, run_uplift.TOO_FEW)
        monkeypatch.setattr(differences, "LEAST_PEOPLE", 1)
        monkeypatch.setattr(differences, "LEAST_SEEN", 1)
        found, note = run_uplift.of_rows(session, table.account_id, moment, score, target)
        early = run_uplift.of_rows(session, table.account_id[~inside], moment[~inside], score[~inside],
                                   target[~inside])  # fmt: skip
    assert note == run_uplift.MEASURED
    assert found["uplift"] == pytest.approx(1 - 1 / inside.sum())
    assert found["uplift_low"] < found["uplift"] < found["uplift_high"]
    assert early == ({}, run_uplift.NO_CONTROL)


def test_a_tenant_that_cannot_be_planned_stops_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = world.tenant(), world.tenant()
    for scope in (first, second):
        with world.platform.database.transaction(scope) as session:
            debt(session, portfolio(session))
    with world.platform.database.transaction(first) as session:
        tenancy.tenant(session).timezone = "Nowhere/At_all"

    @contextmanager
    def opened(_data_dir: Path | None) -> Iterator[runtime.Runtime]:
        yield world.platform

    monkeypatch.setattr(command, "opened", opened)
    done = CliRunner().invoke(cli.plan, ["--all", "--json"])
    told = json.loads(done.stdout.splitlines()[-1])
    assert done.exit_code == 1
    assert [each["tenant_id"] for each in told["not_planned"]] == [first.tenant()]
    assert [each["tenant_id"] for each in told["tenants"]] == [second.tenant()]
    assert told["planned"] == 1
