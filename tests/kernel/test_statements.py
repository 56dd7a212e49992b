"""Statements by the driver: in the transaction, with the types of their columns, several at once."""

import signal
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, event, func, select, text
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from recupero.kernel import runtime
from recupero.kernel.bulk import NUMBERS, any_of
from recupero.kernel.database import Scope
from recupero.kernel.statements import Statement, asked_together, forget_prepared
from recupero.tenancy import queries
from recupero.tenancy.tables import Tenant
from tests.factories import World

NAMES = Statement(
    select(Tenant.id, Tenant.name, Tenant.settings)
    .where(any_of(Tenant.id, "tenants"), Tenant.status.in_(("active", "closed")))
    .order_by(Tenant.id)
)


@pytest.fixture
def scope(world: World) -> Scope:
    return world.tenant()


def test_it_sees_what_the_session_has_not_written_yet_and_only_its_scope(world: World, scope: Scope) -> None:
    other = world.tenant()
    with runtime.current().database.transaction(scope) as session:
        queries.tenant(session).name = "Renamed"
        rows = NAMES.rows(session, {"tenants": [scope.tenant(), other.tenant()]})
    assert [row[:2] for row in rows] == [(scope.tenant(), "Renamed")]
    assert isinstance(rows[0][2], dict)


def test_an_answer_that_was_asked_for_beforehand_is_not_asked_for_again(scope: Scope) -> None:
    seen = list[object]()
    engine = runtime.current().database.engine

    def note(*told: object) -> None:
        seen.append(told[2])

    with runtime.current().database.transaction(scope) as session:
        event.listen(engine, "before_cursor_execute", note)
        wanted = {"tenants": [scope.tenant()]}
        with asked_together(session, [(NAMES, wanted), (NAMES_AT, _at(2026))]):
            assert len(NAMES.rows(session, wanted)) == 1
            assert NAMES_AT.column(session, _at(2027)) == [2026], "of one moment"
            assert NAMES.rows(session, {"tenants": []}) == []
        NAMES.rows(session, wanted)
        event.remove(engine, "before_cursor_execute", note)
    assert len(seen) == 5, "whoever counts statements sees the scope, and each that was asked"


NAMES_AT = Statement(select(func.date_part("year", bindparam("at", type_=Tenant.created_at.type))))


def _at(year: int) -> dict[str, datetime]:
    return {"at": datetime(year, 3, 10, tzinfo=UTC)}


def test_a_later_statement_of_a_round_trip_sees_what_an_earlier_one_changed(scope: Scope) -> None:
    rename = Statement(text("UPDATE tenants SET name = 'Other' WHERE id = :tenant RETURNING id"))
    wanted = {"tenants": [scope.tenant()]}
    with (
        runtime.current().database.transaction(scope) as session,
        asked_together(session, [(rename, {"tenant": scope.tenant()}), (NAMES, wanted)]),
    ):
        assert [row[1] for row in NAMES.rows(session, wanted)] == ["Other"]


@pytest.mark.parametrize("times", [1, 2])
def test_an_error_is_that_of_every_other_statement_and_tells_nothing_it_was_given(
    scope: Scope, times: int
) -> None:
    wrong = Statement(
        text("SELECT 1 / CAST(:secret AS int) FROM unnest(:ids)").bindparams(bindparam("ids", type_=NUMBERS))
    )
    with (
        pytest.raises(DataError) as raised,
        runtime.current().database.transaction(scope) as session,
        asked_together(session, [(wrong, {"secret": "0", "ids": [4711]})] * times),
    ):
        pass
    assert "4711" not in str(raised.value)
    with runtime.current().database.transaction(scope) as session:
        assert NAMES.rows(session, {"tenants": [scope.tenant()]})


def test_what_is_prepared_is_known_after_a_rollback_a_savepoint_and_a_table_that_is_dropped(
    scope: Scope,
) -> None:
    """The driver has the server forget everything then, as soon as it has prepared something itself."""
    database, wanted = runtime.current().database, {"tenants": [scope.tenant()]}

    def read(session: Session) -> int:
        for _ in range(6):  # the driver prepares what it has seen five times
            session.execute(text("SELECT 1"))
        return len(NAMES.rows(session, wanted))

    with suppress(RuntimeError), database.transaction(scope) as session:
        assert read(session) == 1
        raise RuntimeError
    with database.transaction(scope) as session:
        assert read(session) == 1
        with suppress(RuntimeError), session.begin_nested():
            assert read(session) == 1
            raise RuntimeError
        assert read(session) == 1
        session.execute(text("CREATE TEMP TABLE scratch (id int)"))
        session.execute(text("DROP TABLE scratch"))
        forget_prepared(session)
        assert read(session) == 1
        session.execute(text("DROP TABLE IF EXISTS scratch"))
    with database.transaction(scope) as session:
        assert read(session) == 1


class Over(BaseException):
    """A time limit, as a worker sets one for a job."""


def test_a_time_limit_in_mid_answer_ends_that_connection_alone(scope: Scope) -> None:
    slow, database = Statement(text("SELECT CAST(pg_sleep(30) AS text)")), runtime.current().database

    def over(*_told: object) -> None:
        raise Over

    before = signal.signal(signal.SIGALRM, over)
    try:
        with pytest.raises(Over), database.transaction(scope) as session:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            slow.rows(session, {})
    finally:
        signal.signal(signal.SIGALRM, before)
    with database.transaction(scope) as session:
        assert NAMES.rows(session, {"tenants": [scope.tenant()]})
