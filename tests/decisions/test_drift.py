"""A world that moves is told once, with what moved most; a run keeps what is needed to see it."""

import json
from datetime import timedelta

import numpy as np
import pytest

from recupero.decisions.filling import Filling, fill
from recupero.decisions.history.feature_list import NAMES
from recupero.decisions.history.point_features import POINT_NAMES
from recupero.decisions.jobs import RETRAIN
from recupero.decisions.learning import drift, looks, models, registry, watching
from recupero.kernel import audit, clock, jobs, periodic
from recupero.kernel.database import Scope
from tests.decisions.debts import portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")


def _trained(world: World) -> tuple[Scope, models.Trained]:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        fill(session, portfolio(session), Filling(300, clock.now() - timedelta(days=60)))
    return scope, models.train(world.platform.database, scope)


def test_a_column_that_stays_is_calm_and_one_that_moves_is_not() -> None:
    rng = np.random.default_rng(1)
    before = np.where(rng.random(4000) < 0.1, np.nan, rng.normal(size=4000))
    profile = json.loads(drift.profile_of({"a": before, "weekday": before}, before))
    assert list(profile["features"]) == ["a"]
    again = np.where(rng.random(4000) < 0.1, np.nan, rng.normal(size=4000))
    assert drift.moved(profile["score"], again) < 0.02
    assert drift.moved(profile["score"], again + 1) > drift.DRIFTED
    assert drift.moved(profile["score"], np.where(rng.random(4000) < 0.6, np.nan, again)) > drift.DRIFTED
    flat = json.loads(drift.profile_of({}, np.zeros(50)))["score"]
    assert drift.moved(flat, np.zeros(9)) == pytest.approx(0)
    assert drift.moved(flat, np.ones(9)) > drift.DRIFTED


def test_a_run_keeps_its_curves_groups_picture_and_profile(world: World) -> None:
    _scope, trained = _trained(world)
    version = registry.by_alias(trained.name, "champion")
    assert version is not None
    kept = {file: registry.read_text(version, file) for file in
            ("card.md", "learning.json", "fairness.json", "figures.svg", drift.PROFILE)}  # fmt: skip
    learning = json.loads(kept["learning.json"] or "")
    assert [each["rows"] for each in learning] == sorted(each["rows"] for each in learning)
    assert learning[-1]["auc"] == pytest.approx(trained.metrics["holdout_auc"])
    groups = json.loads(kept["fairness.json"] or "")
    assert set(groups) == {"age_band", "region", "language"}
    assert all(each["rows"] >= 50 for trait in groups.values() for each in trait.values())
    assert "## By group" in (kept["card.md"] or "")
    assert "## With more data" in (kept["card.md"] or "")
    assert (kept["figures.svg"] or "").startswith("<svg")
    assert set(json.loads(kept[drift.PROFILE] or "")["features"]) == set(NAMES) - set(drift.CALENDAR)
    assert registry.read_text(version, "nothing.txt") is None


def test_a_drift_is_an_alarm_once_and_its_end_is_told(world: World, caplog: pytest.LogCaptureFixture) -> None:
    scope = world.tenant()
    moved = drift.Drift("propensity-agency-0", "1", 500, 0.4, {"balance_log": 0.5})
    steady = drift.Drift("propensity-agency-0", "1", 500, 0.01, {"balance_log": 0.02})
    with world.platform.database.transaction(scope) as session:
        for each in (steady, moved, moved, steady, steady, moved):
            drift.tell(session, each)
        told = [event.action for event in audit.page(session, holding="decisions.model_")]
    assert told == [drift.DRIFTED_EVENT, drift.STEADY_EVENT, drift.DRIFTED_EVENT]
    assert [record.levelname for record in caplog.records].count("ERROR") == 2


def test_that_a_book_grows_older_is_no_alarm_by_itself() -> None:
    older = {"days_placed": 3.0, "days_past_due": 0.9, "days_since_payment": 0.4}
    assert not drift.Drift("propensity-agency-0", "1", 500, 0.1, older).drifted
    assert drift.Drift("propensity-agency-0", "1", 500, 0.3, older).drifted
    assert drift.Drift("propensity-agency-0", "1", 500, 0.1, older | {"balance_log": 0.3}).drifted
    assert drift.Drift("propensity-agency-0", "1", 500, 0.1, {"age_at_placement": 0.3}).drifted
    assert {*older, "point_age"} < drift.AGEING < {*NAMES, *POINT_NAMES}


def test_accounts_that_are_no_longer_what_they_were_are_noticed(world: World) -> None:
    scope, trained = _trained(world)
    (found,) = watching.watch(world.platform.database, scope)
    assert (found.name, found.version, found.accounts) == (trained.name, "1", 300)
    assert list(found.features.values()) == sorted(found.features.values(), reverse=True)
    clock.advance(timedelta(days=200))
    (later,) = watching.watch(world.platform.database, scope)
    assert later.drifted
    assert later.features["days_past_due"] > drift.DRIFTED
    with world.platform.database.transaction(scope) as session:
        assert [look.version for look in looks.history(session, trained.name, looks.DRIFT)] == ["1", "1"]
        assert [look.name for look in looks.drifted(session)] == [trained.name]
    with world.platform.database.transaction(world.tenant()) as session:
        assert looks.drifted(session) == []


def test_what_has_no_champion_or_no_profile_says_nothing(world: World) -> None:
    scope = world.tenant()
    assert watching.watch(world.platform.database, scope) == []
    version = registry.Version("propensity-agency-0", "1", "", "file:///nowhere/model")
    assert drift.measure(version, {"a": np.zeros(3)}, np.zeros(3)) is None


def test_an_old_model_gets_a_challenger_by_itself_and_keeps_its_place(world: World) -> None:
    scope, trained = _trained(world)
    periodic.ask_due()
    jobs.drain()
    assert registry.by_alias(trained.name, "challenger") is None
    clock.advance(RETRAIN + timedelta(hours=1))
    periodic.ask_due()
    jobs.drain()
    challenger, champion = (registry.by_alias(trained.name, alias) for alias in ("challenger", "champion"))
    assert challenger is not None
    assert champion is not None
    assert (champion.version, challenger.version) == ("1", "2")
    with world.platform.database.transaction(scope) as session:
        seen = looks.newest(session, [trained.name])
    assert seen[trained.name, looks.SHADOW].against == "1"
