"""People are planned for the time of the day at which they are reached; a broken model leaves the creditor's
curve."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import select, text

from recupero.contacts.tables import LinkVisit
from recupero.decisions.history import attempts
from recupero.decisions.history.when_features import (
    CHANNELS,
    WHEN_NAMES,
    Moments,
    read_attempts,
    read_people,
    read_season,
)
from recupero.decisions.learning import models, serving, watching
from recupero.decisions.planning import best_time
from recupero.decisions.planning.timing import Timing
from recupero.decisions.service import plan_tenant
from recupero.kernel import clock
from recupero.kernel.database import Scope
from recupero.outreach.tables import Action
from recupero_sdk.models import Columns, Training
from tests.decisions.debts import contact, debt, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")
SANTIAGO = ZoneInfo("America/Santiago")

#: Five calls at each: debtors with an even number are reached at four in the afternoon, the others at nine.
#: Drawn by the account's place among the creditor's, so that what else is in the database changes nothing.
_CALLS = """
INSERT INTO contacts (tenant_id, debtor_id, account_id, person_id, contact_point_id, direction, channel,
recipient,
    purpose, at, state, state_at, right_party, cost_minor)
SELECT a.tenant_id, a.debtor_id, a.id, d.person_id, k.id, 'outbound', 'call', 'debtor', 'collection', x.at,
    CASE WHEN x.reached THEN 'answered' ELSE 'no_answer' END, x.at, x.reached, 0
FROM accounts a JOIN debtors d ON d.tenant_id = a.tenant_id AND d.id = a.debtor_id
JOIN contact_points k ON k.tenant_id = a.tenant_id AND k.debtor_id = a.debtor_id
CROSS JOIN LATERAL (SELECT a.id - min(o.id) AS n FROM accounts o WHERE o.tenant_id = a.tenant_id) o
CROSS JOIN generate_series(1, 10) i
CROSS JOIN LATERAL (SELECT i % 2 = 0 AS late) l
CROSS JOIN LATERAL (SELECT
    (date_trunc('day', CAST(:at AS timestamptz)) - (i * 8 + n % 5) * interval '1 day')
        + CASE WHEN l.late THEN interval '19 hours' ELSE interval '12 hours' END AS at,
    abs(hashint8(n * 7 + i)) % 100 < CASE WHEN l.late = (a.debtor_id % 2 = 0) THEN 85 ELSE 3 END AS
    reached) x
WHERE a.tenant_id = :tenant
"""


def _called(world: World, debtors: int = 80) -> Scope:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0, channels=["call"], pace_days=6)
        for _ in range(debtors):
            debt(session, book, points=("phone",), consents=())
        session.execute(text(_CALLS), {"tenant": scope.tenant(), "at": clock.now()})
    return scope


def _at(hour: int) -> Moments:
    return Moments(np.array([CHANNELS.index("call")]), np.array([hour]), np.array([3]))


def test_each_person_is_planned_for_the_time_of_the_day_at_which_they_are_reached(world: World) -> None:
    scope, database = _called(world), world.platform.database
    trained = models.train(database, scope, "best_time")
    assert trained.alias == "champion"
    assert trained.metrics["holdout_auc"] > 0.75
    watching.watch(database, scope, "best_time")
    with database.transaction(scope) as session:
        times = best_time.read(session, clock.now())
        assert times is not None
        early, late = (int(one) for one in times.people.debtors[:2] if one)
        early, late = (late, early) if early % 2 == 0 else (early, late)
        assert times.chance(np.array([late]), _at(16))[0] > 2 * times.chance(np.array([late]), _at(9))[0]
        assert times.chance(np.array([early]), _at(9))[0] > 2 * times.chance(np.array([early]), _at(16))[0]
        assert times.factors(np.array([late, -5]), Moments(*(np.repeat(x, 2) for x in (0, 16, 3))))[0] > 1
        tomorrow = (clock.now() + timedelta(days=1)).astimezone(SANTIAGO).replace(minute=0)
        post = Moments(np.array([CHANNELS.index("letter")]), np.array([16]), np.array([3]))
        assert times.factors(np.array([late]), post).tolist() == [1.0], "no hour is better for a letter"
        asked = [(by, tomorrow.replace(hour=hour)) for hour in (9, 12, 16) for by in ("call", "letter")]
        (best,) = best_time.best_of(session, late, SANTIAGO, asked, clock.now())
        assert (best.at.hour, best.chance > best.usual) == (16, True)
        assert {reason.feature for reason in best.reasons} <= set(WHEN_NAMES)
    result = plan_tenant(database, scope)
    assert not [note for note in result.notes if "best_time" in note]
    with database.transaction(scope) as session:
        due = session.execute(
            select(Action.debtor_id, Action.due_at).where(Action.state == "scheduled")
        ).all()
    when: dict[int, list[int]] = {0: [], 1: []}
    for debtor, moment in due:
        when[debtor % 2].append(moment.astimezone(SANTIAGO).hour)
    assert np.mean([hour == 16 for hour in when[0]]) > 0.6  # a few were never reached then
    assert np.mean([hour < 11 for hour in when[1]]) > 0.6
    _broken(world, scope)


def _broken(world: World, scope: Scope) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(world.platform.plugins.models, "best_time", _Broken())
        serving._loaded.cache_clear()
        result = plan_tenant(world.platform.database, scope)
        with world.platform.database.transaction(scope) as session:
            assert best_time.best_of(session, 1, SANTIAGO, [("call", clock.now())], clock.now()) == []
    serving._loaded.cache_clear()
    assert [note for note in result.notes if "best_time model failed" in note]


class _Broken:
    key, target, features = "best_time", "reached_7d", ()

    def train(self, columns: Columns, target: Any, *, seed: int = 0) -> Training:
        return Training(None, {})

    def predict(self, fitted: Any, columns: Columns) -> Any:
        raise RuntimeError("no hours")

    def explain(self, fitted: Any, columns: Columns, top: int = 3) -> list[Any]:
        return []

    def dump(self, fitted: Any) -> bytes:
        return b""

    def load(self, blob: bytes) -> Any:
        return None


def test_what_is_asked_of_a_moment_to_come_is_what_is_learned_of_an_attempt_then(world: World) -> None:
    scope, now = world.tenant(), clock.now()
    with world.platform.database.transaction(scope) as session:
        owed = debt(session, portfolio(session))
        phone = owed.points["phone"]
        for days, reached in ((80, False), (60, True), (30, True), (3, False)):
            contact(session, owed, now - timedelta(days=days), channel="call", contact_point_id=phone,
                    state="answered" if reached else "no_answer", right_party=reached)  # fmt: skip
        contact(session, owed, now - timedelta(days=5), direction="inbound", state="received")
        session.add(
            LinkVisit(tenant_id=scope.tenant(), debtor_id=owed.debtor_id, at=now - timedelta(hours=6))
        )
        session.flush()
        people, season = read_people(session, now), read_season(session, now)
        assert (season.counts.sum(), read_season(session, now, 1).counts.sum()) == (
            5,
            2,
        )  # reached ones twice
        local = now.astimezone(SANTIAGO)
        moments = Moments(np.array([0]), np.array([local.hour]), np.array([local.isoweekday()]))
        times = best_time.Times(serving.Served(models.kind_of("best_time"), None, (), "", ""), season, people)
        asked = times.columns(np.array([owed.debtor_id]), moments)
        contact(session, owed, now, channel="call", contact_point_id=phone, state="no_answer")
        before = read_attempts(session, now - attempts.BACK, now, 10)
        contact(
            session, owed, now + timedelta(hours=1), channel="call", contact_point_id=phone, state="answered"
        )
        session.execute(text("UPDATE contacts SET right_party = true, state_at = :at WHERE at = :then"),
                        {"at": now + timedelta(days=1), "then": now - timedelta(days=3)})  # fmt: skip
        session.execute(text("UPDATE contacts SET state = 'failed', state_at = :at WHERE at = :then"),
                        {"at": now + timedelta(days=1), "then": now - timedelta(days=80)})  # fmt: skip
        after = read_attempts(session, now - attempts.BACK, now, 10)
    learned = {name: column[-1] for name, column in before.values.items()}
    assert {name: column[0] for name, column in asked.items()} == pytest.approx(learned)
    assert {name: column[-1] for name, column in after.values.items()} == pytest.approx(learned)
    assert (learned["own_attempts"], learned["own_acts"], learned["own_acts_then"]) == (4, 2, 1)
    assert learned["own_rate"] > learned["creditor_rate"]


def test_who_did_nothing_is_asked_about_without_a_history(world: World) -> None:
    scope, now = world.tenant(), clock.now()
    with world.platform.database.transaction(scope) as session:
        people = read_people(session, now, [1, 2])
    assert people.known(np.array([1, 2])).tolist() == [False, False]
    own = people.of(np.array([1, 2]), Moments(*(np.array([0, 3]) for _ in range(3))))
    assert own.attempts.tolist() == own.acts_then.tolist() == [0, 0]


def test_whole_hours_of_a_stretch_are_offered_and_none_that_has_passed() -> None:
    day = datetime(2026, 3, 10, tzinfo=UTC)
    stretch = [(day.replace(hour=6), day.replace(hour=12, minute=30))]
    found = best_time.hours_of(stretch, ZoneInfo("UTC"), day.replace(hour=9, minute=20))
    assert [at.hour for at in found] == [10, 11]
    assert best_time.hours_of(stretch, ZoneInfo("UTC"), day.replace(hour=14)) == []


def test_without_a_model_the_curve_stands(world: World) -> None:
    cold = Timing({("call", 9): 2.0})
    with world.platform.database.transaction(world.tenant()) as session:
        found = best_time.planned(session, clock.now(), cold)
        assert (found.ahead, found.times, found.note) == (cold, None, None)
        assert best_time.best_of(session, 1, SANTIAGO, [("call", clock.now())], clock.now()) == []
