"""The number that reaches the person is used first, a wrong one never again, and a broken model stops
nothing."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from recupero.contacts import answers
from recupero.contacts.tables import Contact, EarlierResult
from recupero.decisions.history import attempts
from recupero.decisions.history.point_features import POINT_NAMES, read_attempts, read_points
from recupero.decisions.learning import models, registry, serving, watching
from recupero.decisions.planning.reading import read_accounts
from recupero.decisions.service import plan_again, plan_tenant
from recupero.kernel import clock, crypto
from recupero.kernel.bulk import refresh_statistics
from recupero.kernel.database import Scope
from recupero.placements import reach
from recupero.placements.tables import ContactPoint
from recupero_sdk.models import Columns, Training
from tests.decisions.debts import Debt, contact, debt, portfolio
from tests.factories import World

pytestmark = pytest.mark.usefixtures("noon")

#: Debtors with two numbers each; calls to the older one reach them, those to the newer one rarely do.
_NUMBERS = """
INSERT INTO contact_points (tenant_id, debtor_id, kind, value, value_index, line_type, timezone, at_work,
status,
    source, created_at)
SELECT d.tenant_id, d.id, 'phone', :value, decode(md5(d.id || n.name), 'hex'), 'mobile', 'America/Santiago',
false,
    'untested', n.source, CAST(:at AS timestamptz) - interval '100 days'
FROM debtors d CROSS JOIN (VALUES (1, 'old', 'placement'), (2, 'new', 'made')) AS n(place, name, source)
WHERE d.tenant_id = :tenant AND NOT EXISTS (SELECT FROM contact_points k WHERE k.debtor_id = d.id)
ORDER BY d.id, n.place
"""
_CALLS = """
INSERT INTO contacts (tenant_id, debtor_id, account_id, person_id, contact_point_id, direction, channel,
recipient,
    purpose, at, state, state_at, right_party, disposition, cost_minor)
SELECT a.tenant_id, a.debtor_id, a.id, d.person_id, k.id, 'outbound', 'call', 'debtor', 'collection', x.at,
    CASE WHEN x.lot < x.chance THEN 'answered' ELSE 'no_answer' END, x.at, x.lot < x.chance,
    CASE WHEN x.lot < x.chance THEN 'PTPF' ELSE 'NOAN' END, 0
FROM accounts a JOIN debtors d ON d.tenant_id = a.tenant_id AND d.id = a.debtor_id
JOIN contact_points k ON k.tenant_id = a.tenant_id AND k.debtor_id = a.debtor_id AND k.source IN
('placement', 'made') CROSS JOIN generate_series(1, 3) i
CROSS JOIN LATERAL (SELECT CAST(:at AS timestamptz) - (i * 14) * interval '1 day' - (a.id % 24) * interval '1
hour' AS at,
    abs(hashint8(k.id * 7 + i)) % 100 AS lot, CASE k.source WHEN 'placement' THEN 55 ELSE 6 END AS chance) x
WHERE a.tenant_id = :tenant
"""


def _called(world: World, debtors: int = 150) -> tuple[Scope, Debt]:
    """A creditor whose people were called at two numbers each, and one of them."""
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session, exploration=0, channels=["call", "sms"])
        owed = [debt(session, book, points=(), consents=()) for _ in range(debtors)].pop()
        told = {"tenant": scope.tenant(), "at": clock.now()}
        session.execute(text(_NUMBERS), {**told, "value": crypto.keyring().encrypt("+56221234567")})
        session.execute(text(_CALLS), told)
    return scope, owed


def _numbers(session: Session, owed: Debt) -> list[reach.Point]:
    return reach.points_of(session, [owed.debtor_id])[owed.debtor_id]


def test_the_older_number_that_reaches_people_goes_before_the_newer_one_that_does_not(world: World) -> None:
    scope, owed = _called(world)
    database = world.platform.database
    with database.transaction(scope) as session:
        new, old = [point.id for point in _numbers(session, owed)]
        assert new > old  # the order of the house: the newest first
    trained = models.train(database, scope, "right_party")
    assert (trained.alias, trained.metrics["holdout_auc"] > 0.65) == ("champion", True)
    assert trained.metrics["holdout_calibration_error"] < 0.12
    version = registry.by_alias(trained.name, "champion")
    assert version is not None
    card = registry.read_text(version, "card.md") or ""
    assert "`point_right`" in card
    assert "a week" in card
    watching.watch(database, scope, "right_party")
    result = plan_tenant(database, scope)
    assert not [note for note in result.notes if "right_party" in note]
    with database.transaction(scope) as session:
        first, second = _numbers(session, owed)
        assert (first.id, second.id) == (old, new)
        assert (first.score or 0) > 2 * (second.score or 0) > 0
        called = read_accounts(session, clock.now(), [owed.debtor_id])["call_point"].to_list()
        assert called == [old]  # the plan asks the law of the number that will be used
        kept = session.execute(select(ContactPoint).where(ContactPoint.id == old)).scalar_one()
        assert {reason[0] for reason in kept.score_reasons or ()} <= set(POINT_NAMES)
        call = contact(session, owed, clock.now(), channel="call", contact_point_id=old, state="reserved")
        answers.record_disposition(session, call, "WRNG", actor="test")
    assert plan_again(database, scope, [owed.debtor_id]) is not None
    with database.transaction(scope) as session:
        assert [point.id for point in _numbers(session, owed)] == [new]
    _broken(world, scope, owed.debtor_id)


#: Of each tenth call nothing was known for its first hour.
_EARLIER = """
INSERT INTO earlier_results (tenant_id, contact_id, debtor_id, account_id, contact_point_id, direction,
channel, at, state, right_party, state_at, until)
SELECT tenant_id, id, debtor_id, account_id, contact_point_id, direction, channel, at, 'sent', false, at,
    at + interval '1 hour'
FROM contacts WHERE id % 10 = 0
"""
#: How often these tables were looked into by an index, as this connection has counted.
_LOOKED_UP = "SELECT coalesce(sum(idx_scan), 0) FROM pg_stat_xact_user_tables WHERE relname = ANY (:tables)"


def test_points_are_read_as_a_set_where_one_creditor_has_every_contact(world: World) -> None:
    """An index that begins with the creditor tells nothing apart there, and is not to be asked for each."""
    scope, _owed = _called(world)
    tables = (Contact, EarlierResult, ContactPoint)
    with world.platform.database.transaction(scope) as session:
        session.execute(text(_EARLIER))
        refresh_statistics(session, *tables)
    with world.platform.database.transaction(scope) as session:
        asked = text(_LOOKED_UP), {"tables": [table.__tablename__ for table in tables]}
        before = session.execute(*asked).scalar_one()
        points = read_points(session, clock.now())
        assert session.execute(*asked).scalar_one() - before < 20 < len(points)
    assert points.values["point_attempts"].sum() == 900


def test_the_newest_number_is_told_by_its_date_and_not_by_its_id(world: World) -> None:
    scope = world.tenant()
    with world.platform.database.transaction(scope) as session:
        owed = debt(session, portfolio(session, channels=["call"]), points=(), consents=())
        told = {"tenant": scope.tenant(), "at": clock.now()}
        session.execute(text(_NUMBERS), {**told, "value": crypto.keyring().encrypt("+56221234567")})
        later, sooner = _numbers(session, owed)  # written together: the higher id goes first
        session.execute(
            update(ContactPoint)
            .where(ContactPoint.id == sooner.id)
            .values(created_at=ContactPoint.created_at + timedelta(seconds=1))
        )
        assert [point.id for point in _numbers(session, owed)] == [sooner.id, later.id]
        assert read_accounts(session, clock.now(), [owed.debtor_id])["call_point"].to_list() == [sooner.id]


def _broken(world: World, scope: Scope, debtor_id: int) -> None:
    """A model that answers what is no probability: the points asked about stand as the house orders them, and
    it is told."""
    scored = select(ContactPoint.debtor_id).where(ContactPoint.score.is_not(None))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(world.platform.plugins.models, "right_party", _Broken())
        serving._loaded.cache_clear()
        assert plan_again(world.platform.database, scope, [debtor_id]) is not None
        with world.platform.database.transaction(scope) as session:
            left = set(session.execute(scored).scalars())
            assert left
            assert debtor_id not in left
        result = plan_tenant(world.platform.database, scope)
    serving._loaded.cache_clear()
    assert [note for note in result.notes if "right_party model failed" in note]
    with world.platform.database.transaction(scope) as session:
        assert session.execute(scored).first() is None


class _Broken:
    key, target, features = "right_party", "right_party_7d", ()

    def train(self, columns: Columns, target: Any, *, seed: int = 0) -> Training:
        return Training(None, {})

    def predict(self, fitted: Any, columns: Columns) -> Any:
        return np.full(columns.rows, np.nan)

    def explain(self, fitted: Any, columns: Columns, top: int = 3) -> list[Any]:
        return []

    def dump(self, fitted: Any) -> bytes:
        return b""

    def load(self, blob: bytes) -> Any:
        return None


def test_what_becomes_known_later_changes_no_earlier_row(world: World) -> None:
    scope = world.tenant()
    now = clock.now()
    with world.platform.database.transaction(scope) as session:
        owed = debt(session, portfolio(session))
        phone = owed.points["phone"]
        session.execute(text("UPDATE contact_points SET created_at = :at"), {"at": now - timedelta(days=100)})
        first, second = (now - timedelta(days=days) for days in (40, 20))
        contact(
            session, owed, first, channel="call", contact_point_id=phone, state="answered", right_party=True
        )
        contact(session, owed, second, channel="call", contact_point_id=phone, state="no_answer")
        before = read_attempts(session, now - attempts.BACK, now, 10)
        contact(
            session, owed, now - timedelta(days=1), channel="call", contact_point_id=phone, state="answered"
        )
        session.execute(text("UPDATE contacts SET disposition = 'WRNG', state_at = :at WHERE at = :first"),
                        {"at": now - timedelta(days=2), "first": first})  # fmt: skip
        after = read_attempts(session, now - attempts.BACK, now - timedelta(days=2), 10)
    assert before.target.tolist() == [1, 0]
    assert before.values["point_right"].tolist() == [0, 1]
    assert after.values["point_third"].tolist() == [0, 0]
    assert after.values["point_attempts"].tolist() == before.values["point_attempts"].tolist() == [0, 1]


def test_points_are_read_with_what_came_of_them(world: World) -> None:
    scope = world.tenant()
    now = clock.now()
    with world.platform.database.transaction(scope) as session:
        book = portfolio(session)
        owed, other = debt(session, book), debt(session, book)
        session.execute(
            text("UPDATE contact_points SET value_index = 'same' WHERE kind = 'phone'")
        )  # they share a number
        for days, code, state in ((9, "TPNA", "answered"), (8, "NOAN", "no_answer"), (7, "PTPF", "answered")):
            contact(session, owed, now - timedelta(days=days), channel="call", state=state, disposition=code,
                    contact_point_id=owed.points["phone"], right_party=code == "PTPF")  # fmt: skip
        points = read_points(session, now, [owed.debtor_id])
        assert sorted(points.id.tolist()) == sorted(owed.points.values())
        at = points.id.tolist().index(owed.points["phone"])
        told = {name: float(column[at]) for name, column in points.values.items()}
        assert (told["point_attempts"], told["point_third"], told["point_right"]) == (3, 1, 1)
        assert (told["point_shared"], told["point_called"], told["point_mobile"]) == (1, 1, 1)
        assert told["point_right_since"] == pytest.approx(7)
        mail = points.id.tolist().index(owed.points["email"])
        assert points.values["point_right_elsewhere"][mail] == 1
        reach.mark_points(session, [owed.points["phone"]], "invalid")
        assert read_points(session, now, [owed.debtor_id]).id.tolist() == [owed.points["email"]]
        assert len(read_points(session, now)) == 3
        assert other.points["phone"] in read_points(session, now).id.tolist()
