"""The database, and the tenant scope without which no row is seen.

Each table says in `info["scope"]` who may see its rows:

- `tenant`: has `tenant_id`; rows of the tenants in scope (`app.tenant_ids`);
- `agency`: has `agency_id`; rows of the agency in scope (`app.agency_id`);
- `platform`: no row-level security; the reason stands in `info["why"]` and holds no personal data.

`kernel.schema` turns this into row-level security, and a test walks the catalogue.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, TypeVar, cast
from weakref import WeakSet

import orjson
import psycopg
from sqlalchemy import BigInteger, DateTime, Identity, MetaData, create_engine, event, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from recupero.kernel.statements import (
    FIRST,
    Parameters,
    Statement,
    ask,
    ask_first,
    asked_together,
    forget_prepared,
)

APP_ROLE = "recupero_app"
Result = TypeVar("Result")


class Base(DeclarativeBase):
    """All tables of the house. Instants are timestamptz; ids are bigint."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: DateTime(timezone=True), int: BigInteger}


class TenantOwned:
    """Mixin: the primary key begins with the tenant, so that the table can be spread by it."""

    tenant_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-2)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True, sort_order=-1)


class AgencyOwned:
    """Mixin: the primary key begins with the agency."""

    agency_id: Mapped[int] = mapped_column(primary_key=True, sort_order=-2)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True, sort_order=-1)


TENANT: dict[str, Any] = {"scope": "tenant"}
AGENCY: dict[str, Any] = {"scope": "agency"}


def append_only(scope: dict[str, Any]) -> dict[str, Any]:
    """Table info for rows that are added and never changed or removed."""
    return {**scope, "append_only": True}


def platform_table(why: str) -> dict[str, Any]:
    """Table info for a table without row-level security, and why that is right."""
    return {"scope": "platform", "why": why}


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows a transaction sees. `platform` opens only the directory of agencies and tenants."""

    agency_id: int | None = None
    tenant_ids: tuple[int, ...] = ()
    platform: bool = False

    def tenant(self) -> int:
        """The single tenant of this scope. Raises ValueError where there are several or none."""
        if len(self.tenant_ids) != 1:
            raise ValueError(f"this needs exactly one tenant in scope, not {len(self.tenant_ids)}")
        return self.tenant_ids[0]

    def agency(self) -> int:
        """The agency of this scope. Raises ValueError where there is none."""
        if self.agency_id is None:
            raise ValueError("this needs an agency in scope")
        return self.agency_id


PLATFORM = Scope(platform=True)

_STATE_SCOPE = (
    "SELECT set_config('app.agency_id', {agency}, true), set_config('app.tenant_ids', {tenants}, true),"
    " set_config('app.platform', {platform}, true)"
)
_NAMED = _STATE_SCOPE.format(agency=":agency", tenants=":tenants", platform=":platform")
_SET_SCOPE = Statement(text(_NAMED))
# The plan of each statement is made once on a connection, for whatever it is given.
_SET_SCOPE_BY_KEY = Statement(text(_NAMED + ", set_config('plan_cache_mode', 'force_generic_plan', true)"))
_PLAIN_SET_SCOPE = _STATE_SCOPE.format(agency="%(agency)s", tenants="%(tenants)s", platform="%(platform)s")


#: Seconds after which a resting connection is asked whether it still stands, before it is used.
_RESTED = 5.0


def _note_return(connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["returned"] = monotonic()


def _still_there(connection: Any, record: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
    """Ask a connection that has rested whether its server still answers; where it does not, the pool opens
    another. One that was in use a moment ago is not asked: that would be a round trip per transaction."""
    if monotonic() - record.info.get("returned", monotonic()) < _RESTED:
        return
    try:
        connection.execute("SELECT 1")
        connection.commit()  # going back would have the server forget what is prepared
    except psycopg.OperationalError as error:
        raise DisconnectionError from error


class _Scoped(Session):
    """A session whose transaction states its scope before anything else."""


@event.listens_for(_Scoped, "after_begin")
def _state_scope(session: Session, transaction: object, connection: Connection) -> None:
    ask_first(session, connection)


@event.listens_for(_Scoped, "after_soft_rollback")
def _after_rollback(session: Session, transaction: object) -> None:
    forget_prepared(session)


def _to_json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


class Database:
    """The application's connections, always under the role that cannot bypass row-level security.

    Without `waits_for_disk` a transaction is not on the disk yet when its block ends, though it is there
    before any later one: for data that is made anew where the machine dies meanwhile.
    """

    def __init__(self, url: str, *, pool_size: int = 5, waits_for_disk: bool = True) -> None:
        waits = "" if waits_for_disk else " -c synchronous_commit=off"
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=10,
            pool_use_lifo=True,  # the one used last has prepared most of what is asked next
            json_serializer=_to_json,
            json_deserializer=orjson.loads,
            hide_parameters=True,  # personal data must not reach logs through an error
            connect_args={
                "options": f"-c role={APP_ROLE} -c timezone=UTC{waits}",
                "application_name": "recupero",
            },
        )
        self._own = threading.local()
        self._kept: WeakSet[psycopg.Connection[Any]] = WeakSet()
        event.listen(self.engine, "checkout", _still_there)
        event.listen(self.engine, "checkin", _note_return)

    @contextmanager
    def transaction(
        self,
        scope: Scope,
        *,
        snapshot: bool = False,
        by_key: bool = False,
        asking: Sequence[tuple[Statement, Parameters]] = (),
    ) -> Iterator[Session]:
        """A transaction in `scope`: committed at the end of the block, rolled back when it raises.

        `session.info["scope"]` is the scope; domain events and jobs of the block ride on the session. In a
        `snapshot` all statements see the same moment; it fails where it changes what others changed since.
        `by_key`: it asks for a few rows by their keys, so that to plan a statement takes longer than to carry
        it out. The scope is stated in the same round trip as what is asked first (`statements.ask`), or just
        before another statement; with `asking` that is now, see `asked_together`.
        """
        stated = (_SET_SCOPE_BY_KEY if by_key else _SET_SCOPE, _stated(scope))
        info = {"scope": scope, FIRST: stated}
        with _Scoped(self.engine, info=info, expire_on_commit=False) as session, session.begin():
            if snapshot:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            with asked_together(session, asking):
                yield session

    def at_once(self, statement: str, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        """The one row of a statement that is a transaction by itself, in no scope: one round trip, on a
        connection that the thread keeps. `statement` names its parameters `%(name)s`.

        It must bear being run twice: it is run again where the connection has died meanwhile.
        """

        def run(connection: psycopg.Connection[Any]) -> tuple[Any, ...]:
            row: tuple[Any, ...] | None = connection.execute(statement, parameters).fetchone()
            if row is None:
                raise LookupError("the statement brought no row")
            return row

        return self._on_kept(run)

    def read_at_once(
        self, scope: Scope, statement: str, parameters: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        """The rows of a statement in `scope`, with no more than one round trip for scope, rows and commit. As
        `at_once` else: for a question that is asked often and alone."""

        def run(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
            with connection.pipeline():  # up to its end it is one transaction, and so is the scope
                connection.execute(_PLAIN_SET_SCOPE, _stated(scope))
                cursor = connection.execute(statement, parameters)
            return cursor.fetchall()

        return self._on_kept(run)

    def _on_kept(self, run: Callable[[psycopg.Connection[Any]], Result]) -> Result:
        """`run` on the thread's own connection, once more on another where it has died."""
        connection = self._kept_connection()
        try:
            return run(connection)
        except psycopg.OperationalError:
            if not connection.broken:
                raise
            return run(self._kept_connection())

    def _kept_connection(self) -> psycopg.Connection[Any]:
        connection: psycopg.Connection[Any] | None = getattr(self._own, "connection", None)
        if connection is None or connection.closed:
            pooled = self.engine.raw_connection()
            connection = self._own.connection = cast("psycopg.Connection[Any]", pooled.driver_connection)
            pooled.detach()
            connection.autocommit = True
            self._kept.add(connection)
        return connection

    def forked(self) -> None:
        """To be called in a process that was forked: its parent's connections stay its parent's."""
        self.engine.dispose(close=False)
        self._own = threading.local()

    def dispose(self) -> None:
        for connection in list(self._kept):
            connection.close()
        self.engine.dispose()


def set_scope(session: Session, scope: Scope) -> None:
    """State the scope of the running transaction; it ends with the transaction."""
    session.info["scope"] = scope
    ask(session, [(_SET_SCOPE, _stated(scope))])


def _stated(scope: Scope) -> dict[str, str]:
    return {
        "agency": "" if scope.agency_id is None else str(scope.agency_id),
        "tenants": ",".join(map(str, scope.tenant_ids)),
        "platform": "on" if scope.platform else "",
    }


def scope_of(session: Session) -> Scope:
    """The scope that `session` runs in."""
    scope: Scope = session.info["scope"]
    return scope
