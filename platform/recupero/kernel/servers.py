"""What Recupero asks of a PostgreSQL and a Redis server, embedded or not: version, databases, being there."""

import re
from collections.abc import Mapping

import psycopg
import redis
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from recupero.kernel.errors import UserError

OLDEST_POSTGRESQL = 15
OLDEST_REDIS = (6, 2)
_MAINTENANCE = ("postgres", "template1")


def urls(environment: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The servers that the environment names: (database, Redis), None where it names none.

    The database URL comes back as libpq writes it, without an SQLAlchemy driver.
    """
    database = environment.get("RECUPERO_DATABASE_URL") or None
    if database is not None:
        database = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", database)
    return database, environment.get("RECUPERO_REDIS_URL") or None


def check(database_url: str, redis_url: str) -> None:
    """Raise UserError unless both servers answer and are new enough."""
    with _connect(database_url) as connection:
        found = connection.info.server_version // 10000
    if found < OLDEST_POSTGRESQL:
        raise UserError(
            "PostgreSQL %(oldest)s or newer is needed; the server is version %(found)s.",
            oldest=OLDEST_POSTGRESQL,
            found=found,
        )
    _check_redis(redis_url)


def ensure_databases(database_url: str, environment: Mapping[str, str]) -> None:
    """Create the platform's database, and MLflow's beside it, where they are missing.

    MLflow's is left alone when `RECUPERO_MLFLOW_URL` names another. Raises UserError with the SQL to run
    where the role may not create databases.
    """
    own = database_name(database_url)
    wanted = [own] if environment.get("RECUPERO_MLFLOW_URL") else [own, "mlflow"]
    with _connect(database_url) as connection:
        connection.autocommit = True
        rows = connection.execute("SELECT datname FROM pg_database").fetchall()
        for name in wanted:
            if (name,) not in rows:
                _create(connection, name)


def database_name(database_url: str) -> str:
    """The database that the URL names; libpq's rule is the user's name where it names none."""
    try:
        parts = conninfo_to_dict(database_url)
    except psycopg.ProgrammingError as error:
        raise UserError(
            "RECUPERO_DATABASE_URL is not an address (%(why)s): write it like"
            " postgresql://user:password@host/database",
            why=str(error).strip(),
        ) from error
    return str(parts.get("dbname") or parts.get("user") or "postgres")


def _create(connection: "psycopg.Connection[tuple[object, ...]]", name: str) -> None:
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
    try:
        connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege as error:
        raise UserError(
            "The database role may not create databases. Have an administrator run: %(statement)s;"
            " and make the role its owner.",
            statement=statement.as_string(connection),
        ) from error


def _connect(database_url: str) -> "psycopg.Connection[tuple[object, ...]]":
    """A connection to the named database, or to a maintenance database while the named one is missing."""
    errors = []
    for name in (database_name(database_url), *_MAINTENANCE):
        try:
            return psycopg.connect(database_url, connect_timeout=10, dbname=name)
        except psycopg.OperationalError as error:
            errors.append(error)
            if "does not exist" not in str(error):
                break
    raise UserError(
        "PostgreSQL cannot be reached: %(why)s Start it, or correct RECUPERO_DATABASE_URL.",
        why=" ".join(str(errors[0]).split()),
    ) from errors[0]


def _check_redis(redis_url: str) -> None:
    try:
        client = redis.Redis.from_url(redis_url, socket_connect_timeout=10)
    except ValueError as error:
        raise UserError(
            "RECUPERO_REDIS_URL is not an address (%(why)s): write it like redis://host:6379/0", why=error
        ) from error
    try:
        version = str(client.info("server")["redis_version"])
    except redis.RedisError as error:
        raise UserError(
            "Redis cannot be reached: %(why)s Start it, or correct RECUPERO_REDIS_URL.", why=error
        ) from error
    finally:
        client.close()
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        oldest = ".".join(map(str, OLDEST_REDIS))
        raise UserError(
            "Redis %(oldest)s or newer is needed; the server is version %(version)s.",
            oldest=oldest,
            version=version,
        )
