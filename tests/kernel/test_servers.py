"""Servers named by the environment: how they are written, how old they may be, what their role may do."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from recupero.kernel import servers
from recupero.kernel.errors import UserError
from tests import engines


@pytest.fixture
def humble(running: engines.TestEngines) -> Iterator[str]:
    """The URL of a role that may not create databases."""
    name = "recupero_test_humble"
    with psycopg.connect(running.owner_database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'humble'").format(sql.Identifier(name)))
        with_role = running.owner_database_url.split("://")[1].partition("@")[2]
        yield f"postgresql://{name}:humble@{with_role}"
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_way_to_write_the_address_will_do(scheme: str) -> None:
    named = {"RECUPERO_DATABASE_URL": f"{scheme}://ana:pw@db:5432/house", "RECUPERO_REDIS_URL": ""}
    assert servers.urls(named) == ("postgresql://ana:pw@db:5432/house", None)


def test_the_servers_of_the_tests_are_new_enough(running: engines.TestEngines) -> None:
    servers.check(running.owner_database_url, running.redis_url)


def test_an_old_postgresql_is_refused(running: engines.TestEngines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "OLDEST_POSTGRESQL", 99)
    with pytest.raises(UserError, match=r"PostgreSQL 99 or newer is needed; the server is version \d\d"):
        servers.check(running.owner_database_url, running.redis_url)


def test_an_old_redis_is_refused(running: engines.TestEngines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "OLDEST_REDIS", (99, 1))
    with pytest.raises(UserError, match=r"Redis 99\.1 or newer is needed; the server is version \d+\.\d+"):
        servers.check(running.owner_database_url, running.redis_url)


def test_a_role_that_may_not_create_databases_is_told_the_statement(humble: str) -> None:
    missing = engines.with_database(humble, "recupero_test_missing")
    with pytest.raises(UserError, match='CREATE DATABASE "recupero_test_missing" TEMPLATE template0'):
        servers.ensure_databases(missing, {})


def test_databases_that_are_there_ask_for_no_right(humble: str, running: engines.TestEngines) -> None:
    own = servers.database_name(running.owner_database_url)
    servers.ensure_databases(
        engines.with_database(humble, own), {"RECUPERO_MLFLOW_URL": "postgresql://elsewhere/x"}
    )
