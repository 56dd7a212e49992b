"""The engines that the tests run on: real PostgreSQL and Redis, one pair for each test process.

Embedded by default, in a throw-away folder. Where `RECUPERO_DATABASE_URL` and `RECUPERO_REDIS_URL` are set,
these servers are used, in databases named `recupero_test_…` (made anew) and Redis databases from 15
downwards (emptied), so that nothing of a running platform is touched.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

from recupero.kernel import engines, servers


@dataclass(frozen=True)
class TestEngines:
    """The running engines, and the environment in which a process of the tests finds them."""

    __test__ = False

    data_dir: Path
    owner_database_url: str
    redis_url: str
    environment: dict[str, str]


@contextmanager
def running(worker: str = "master") -> Iterator[TestEngines]:
    """Engines for the xdist worker `worker`, gone with all their data after the block."""
    environment = _environment(worker)
    with (
        engines.throwaway_folder() as folder,
        engines.start(folder, environment=environment, durable=False) as started,
    ):
        yield TestEngines(folder, started.owner_database_url, started.redis_url, environment)


def clone(owner_database_url: str, template: str, name: str) -> str:
    """A new database `name`, copied from the migrated database `template` in about a tenth of a second.

    Nobody may be connected to the template meanwhile. Returns the owner's URL of the copy.
    """
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
    with psycopg.connect(with_database(owner_database_url, "postgres"), autocommit=True) as connection:
        connection.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
    return with_database(owner_database_url, name)


def drop(owner_database_url: str, name: str) -> None:
    """Remove the database `name` together with its connections; nothing happens where it is missing."""
    with psycopg.connect(with_database(owner_database_url, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def with_database(url: str, name: str) -> str:
    """The same server's URL with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _environment(worker: str) -> dict[str, str]:
    """The process's environment, with test databases in place of the ones it names."""
    environment = dict(os.environ)
    database, broker = servers.urls(environment)
    if database is not None:
        own, mlflow = f"recupero_test_{worker}", f"recupero_test_{worker}_mlflow"
        environment["RECUPERO_DATABASE_URL"] = _fresh(database, own)
        environment["RECUPERO_MLFLOW_URL"] = _fresh(database, mlflow)
    if broker is not None:
        number = str(15 - int(worker.removeprefix("gw") if worker != "master" else 0))
        environment["RECUPERO_REDIS_URL"] = _redis_database(broker, number)
        redis.Redis.from_url(environment["RECUPERO_REDIS_URL"]).flushdb()
    return environment


def _fresh(url: str, name: str) -> str:
    drop(url, name)
    return clone(url, "template0", name)


def _redis_database(url: str, number: str) -> str:
    if url.startswith("unix:"):
        return urlunsplit(urlsplit(url)._replace(query=f"db={number}"))
    return with_database(url, number)
