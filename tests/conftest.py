"""Fixtures: real PostgreSQL and Redis, migrated once per test process, emptied before each test."""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import Engine, create_engine

from recupero.app import create_app
from recupero.kernel import clock, migrate, runtime
from recupero.kernel.config import Config
from recupero.tenancy import passwords
from recupero.wiring import wire
from tests import engines
from tests.e2e.browser import LEFT_OUT, chromium
from tests.factories import World
from tests.payments import stripe_server

if sys.dont_write_bytecode:  # else each process that tests start would compile all it imports, for seconds
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode")

NOON = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)  # a working Tuesday: noon in Santiago, ten in Bogotá
SMALL = 64 * 1024  # bytes; above it a table's file is dropped, with the rows that were deleted before


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first, so that no process is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud, at the end, when no browser or not all of Stripe's shapes were there to test with."""
    if chromium() is None:
        terminalreporter.write_sep("!", LEFT_OUT, red=True, bold=True)
    if not stripe_server.PUBLISHED.exists():
        terminalreporter.write_sep("!", stripe_server.LEFT_OUT, red=True, bold=True)


@pytest.fixture(scope="session")
def running(worker_id: str) -> Iterator[engines.TestEngines]:
    with engines.running(worker_id) as found:
        yield found


@pytest.fixture(scope="session")
def data_dir(running: engines.TestEngines) -> Path:
    return running.data_dir


@pytest.fixture(scope="session")
def config(running: engines.TestEngines) -> Config:
    config = Config.build(
        running.data_dir,
        owner_database_url=running.owner_database_url,
        redis_url=running.redis_url,
        environment=running.environment,
        testing=True,
    )
    migrate.upgrade(config.owner_database_url)
    return config


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Passwords are hashed for real, but at the least price: the usual one is dear on purpose."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def _runtime(config: Config) -> Iterator[runtime.Runtime]:
    started = runtime.start(config)
    wire()
    yield started
    runtime.stop()


@pytest.fixture
def platform(_runtime: runtime.Runtime, _owner: Engine, _tables: dict[str, bool]) -> runtime.Runtime:
    """The started platform over empty tables and an empty Redis."""
    _empty(_owner, _tables)
    _runtime.redis.flushdb()
    return _runtime


@pytest.fixture(scope="session")
def _app(_runtime: runtime.Runtime) -> Flask:
    return create_app(_runtime)


@pytest.fixture
def app(platform: runtime.Runtime, _app: Flask) -> Flask:
    """The application over the test platform; one for the whole process, as a web server has it."""
    return _app


@pytest.fixture(scope="session")
def _owner(config: Config) -> Iterator[Engine]:
    """The tables' owner at a connection that is kept: each new one would read the whole catalogue again."""
    engine = create_engine(config.owner_database_url, pool_size=1, pool_pre_ping=True)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def _tables() -> dict[str, bool]:
    """The house's tables by name, and whether a trigger keeps their rows."""
    return {table.name: bool(table.info.get("append_only")) for table in migrate.metadata().sorted_tables}


def _empty(owner: Engine, tables: dict[str, bool]) -> None:
    """Empty the tables that hold rows, or did: to look for these is far quicker than to empty them all. Their
    files tell; rows do not, since an owner that is no superuser sees none of them.

    A superuser deletes the rows of small tables, past every trigger. To truncate them would cost twenty times
    as much here, and half as much again in the test, whose connections read about each new file.
    """
    with owner.begin() as connection:
        known = connection.exec_driver_sql(
            "SELECT relname, pg_relation_size(oid), current_setting('is_superuser') = 'on' FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0"
        ).all()
        mine = sorted((name, superuser and size <= SMALL, superuser)
                      for name, size, superuser in known if name in tables)  # fmt: skip
        small = [name for name, deleted, _ in mine if deleted]
        large = [name for name, deleted, _ in mine if not deleted]
        guarded = [name for name, deleted, superuser in mine if tables[name] and not superuser]
        statements = [
            *(["SET LOCAL session_replication_role = replica"] if any(row[2] for row in mine) else []),
            *(f"ALTER TABLE {name} DISABLE TRIGGER append_only" for name in guarded),
            *(f"DELETE FROM {name}" for name in small),
            *([f"TRUNCATE {', '.join(large)} CASCADE"] if large else []),
            *(f"ALTER TABLE {name} ENABLE TRIGGER append_only" for name in guarded),
        ]
        if statements:
            connection.exec_driver_sql("; ".join(statements))


@pytest.fixture
def noon() -> Iterator[datetime]:
    """The clock frozen at `NOON`; tests move it with `clock.advance`."""
    with clock.simulated(NOON):
        yield NOON


@pytest.fixture
def world(platform: runtime.Runtime) -> World:
    """A maker of agencies, tenants, portfolios, debtors and accounts."""
    return World(platform)
