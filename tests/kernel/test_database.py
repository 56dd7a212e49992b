"""No scope, no rows: row-level security on every table, for a role that cannot go round it."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from recupero.kernel import migrate, runtime, schema
from recupero.kernel.config import Config
from recupero.kernel.database import APP_ROLE, PLATFORM, Scope
from recupero.kernel.statements import Statement
from tests.factories import World


def test_the_live_database_keeps_every_rule_of_the_house(platform: runtime.Runtime, config: Config) -> None:
    assert migrate.check(config.owner_database_url) == []


def test_the_check_finds_a_table_whose_security_was_switched_off(config: Config) -> None:
    engine = create_engine(config.owner_database_url)
    with engine.connect() as connection:
        connection.execute(text("ALTER TABLE accounts DISABLE ROW LEVEL SECURITY"))
        connection.execute(text("CREATE TABLE forgotten (id bigint)"))
        problems = schema.check(connection, migrate.metadata())
        connection.rollback()
    engine.dispose()
    assert problems == [
        "table forgotten is in the database but no room declares it",
        "row-level security is not enabled and forced on accounts",
    ]


def test_the_check_finds_a_role_that_bypasses_security(config: Config) -> None:
    engine = create_engine(config.owner_database_url)
    with engine.connect() as connection:
        if connection.execute(text("SHOW is_superuser")).scalar_one() != "on":
            pytest.skip("on this server the tests' role may not give BYPASSRLS away")
        connection.execute(text(f"ALTER ROLE {APP_ROLE} BYPASSRLS"))
        problems = schema.check(connection, migrate.metadata())
        connection.rollback()
    engine.dispose()
    assert problems == [f"the role {APP_ROLE} can bypass row-level security"]


def test_every_table_states_its_scope_and_keys_begin_with_the_owner() -> None:
    for table in migrate.metadata().sorted_tables:
        scope = table.info["scope"]
        assert scope in {*schema.POLICIES, "platform"}, table.name
        if scope == "platform":
            assert table.info["why"], table.name
        elif scope in {"tenant", "agency"}:
            assert next(iter(table.primary_key.columns)).name == f"{scope}_id", table.name


def test_a_transaction_without_scope_sees_no_tenant(world: World) -> None:
    tenant = world.tenant()
    with world.platform.database.transaction(Scope()) as session:
        assert session.execute(text("SELECT count(*) FROM tenants")).scalar_one() == 0
    with world.platform.database.transaction(tenant) as session:
        assert session.execute(text("SELECT id FROM tenants")).scalar_one() == tenant.tenant()


def test_a_scope_ends_with_its_transaction(world: World) -> None:
    tenant = world.tenant()
    database = world.platform.database
    with database.transaction(tenant) as session:
        assert session.execute(text("SELECT id FROM tenants")).scalar_one() == tenant.tenant()
    with database.engine.connect() as connection:  # the pooled connection that was just used
        assert connection.execute(text("SELECT count(*) FROM users")).scalar_one() == 0


def test_the_scope_stands_before_whatever_comes_first(world: World) -> None:
    """It goes with the first statements of the driver, or before a plain query, in whatever transaction."""
    scope = world.tenant()
    database, told = runtime.current().database, str(scope.tenant())
    own = "SELECT current_setting('app.tenant_ids', true)"
    with database.transaction(scope) as session:
        assert Statement(text(own)).rows(session, {}) == [(told,)]
    with database.transaction(scope) as session:
        assert session.execute(text(own)).scalar_one() == told
    with database.transaction(scope, snapshot=True) as session:
        assert session.execute(text("SHOW transaction_isolation")).scalar_one() == "repeatable read"
        assert session.execute(text(own)).scalar_one() == told
    with database.transaction(scope) as session, session.begin_nested():
        assert session.execute(text(own)).scalar_one() == told


def test_a_row_cannot_be_written_for_another_tenant(world: World) -> None:
    mine, other = world.tenant(), world.tenant()
    insert = text(
        "INSERT INTO plugin_settings (tenant_id, kind, key, enabled, settings, updated_at)"
        " VALUES (:tenant, 'channel', 'email', true, '{}', now())"
    )
    database = world.platform.database
    with pytest.raises(ProgrammingError, match="row-level security"), database.transaction(mine) as session:
        session.execute(insert, {"tenant": other.tenant()})


def test_the_application_cannot_become_the_owner_by_resetting_its_role(platform: runtime.Runtime) -> None:
    with platform.database.transaction(PLATFORM) as session:
        session.execute(text("RESET ROLE"))
        assert session.execute(text("SELECT current_user")).scalar_one() == APP_ROLE


def test_append_only_rows_cannot_be_changed_even_by_the_owner(world: World, config: Config) -> None:
    world.agency()
    engine = create_engine(config.owner_database_url)
    with engine.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text("UPDATE audit_events SET actor = 'nobody'"))
    engine.dispose()


def test_a_question_in_one_round_trip_is_asked_in_its_scope_and_leaves_none(
    platform: runtime.Runtime,
) -> None:
    """Also once the driver has prepared the statement."""
    told, database = "SELECT current_setting('app.tenant_ids', true), %(n)s::int", platform.database
    for number in range(12):
        scope = Scope(1, (number, number + 1))
        assert database.read_at_once(scope, told, {"n": number}) == [(f"{number},{number + 1}", number)]
        assert database.at_once(told, {"n": 1})[0] in (None, "")
