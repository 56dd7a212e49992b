"""What the REST endpoints of all rooms share: one shape of errors, keyset pages, schemas, fast JSON.

An endpoint lives in its room's `api.py` on a flask-smorest blueprint under `/api/v1`; its schemas in
`schemas.py`. Every error answers as `{"message": …, "field": …, "row": …}` (the last two where they apply).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar, cast

import orjson
from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from flask_smorest import Api, Blueprint
from marshmallow import Schema, fields, validate
from sqlalchemy import ARRAY, BigInteger, BindParameter, Select, bindparam, func, select, true
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter, Map

from recupero.kernel.database import Database, Scope, scope_of
from recupero.kernel.errors import UserError

_KEY_MEANS = (
    "The same on every retry of this request, another one for each new request: the same key with the same"
    " body takes effect once and gets the same answer, with another body it is a conflict (409)."
)
View = TypeVar("View", bound=Callable[..., Any])
PREFIX = "/api/v1"
PAGE = 50
MAX_PAGE = 200
MAX_ID = 2**63 - 1
KEY_HEADER = "Idempotency-Key"
BINARY = {"type": "string", "format": "binary"}  # what a download answers with


class ErrorSchema(Schema):
    """What is wrong, where, and what to do."""

    message = fields.String(required=True)
    field = fields.String()
    row = fields.Integer()


class RestApi(Api):  # type: ignore[misc]  # flask-smorest has no types
    """flask-smorest with the house's shape of errors."""

    ERROR_SCHEMA = ErrorSchema

    def handle_http_exception(self, error: HTTPException) -> ResponseReturnValue:
        """Answer aborts, unknown paths and refused input in one shape."""
        data: Mapping[str, Any] = getattr(error, "data", None) or {}
        field, problem = _first_problem(data.get("messages"))
        message = problem or data.get("message") or error.description or error.name
        body = {"message": str(message), **({"field": field} if field else {})}
        return answer(body, error.code or 500, dict(data.get("headers") or {}))


def _first_problem(messages: Any) -> tuple[str, str]:
    """Field and text of the first thing that a schema refused; `{"json": {"amount": ["…"]}}` and deeper."""
    path: list[str] = []
    while isinstance(messages, Mapping) and messages:
        name, messages = next(iter(messages.items()))
        path.append(str(name))
    if isinstance(messages, Sequence) and not isinstance(messages, str) and messages:
        messages = messages[0]
    named = [name for name in path[1:] if name != "_schema"]
    return ".".join(named), str(messages or "")


class MadeSchema(Schema):
    """What a POST made."""

    id = fields.Integer(required=True)


class Page(Schema):
    """Where a list goes on: `after` is the `next` of the page before."""

    after = fields.Integer(
        validate=validate.Range(min=0, max=MAX_ID), metadata={"description": "`next` of the page before"}
    )
    limit = fields.Integer(
        load_default=PAGE,
        validate=validate.Range(min=1, max=MAX_PAGE),
        metadata={"description": "rows of a page"},
    )


def reference(**more: Any) -> fields.Integer:
    """A field of a JSON body that holds the id of something."""
    return fields.Integer(strict=True, validate=validate.Range(min=1, max=MAX_ID), **more)


def asked_reference(**more: Any) -> fields.Integer:
    """The same in a query string or form, where numbers come as text."""
    return fields.Integer(validate=validate.Range(min=1, max=MAX_ID), **more)


def paged(items: type[Schema]) -> type[Schema]:
    """The schema of a page of `items`."""
    name = items.__name__.removesuffix("Schema") + "PageSchema"
    return type(
        name,
        (Schema,),
        {
            "items": fields.List(fields.Nested(items), required=True),
            "next": fields.Integer(
                required=True, allow_none=True, metadata={"description": "ask with `after`; null at the end"}
            ),
        },
    )


def keyset(session: Session, table: Any, items: type[Schema], query: Mapping[str, Any]) -> dict[str, Any]:
    """One page of a tenant's table in one query: the columns that the schema names, ids above `after`.

    Whatever else the query holds must equal the column of its name.
    """
    asked = _Asked.of(scope_of(session), query)
    statement = _page_statement(table, items, asked.named, asked.several)
    return asked.page([dict(row) for row in session.execute(statement, asked.values).mappings()])


def page(
    database: Database, scope: Scope, table: Any, items: type[Schema], query: Mapping[str, Any]
) -> Response:
    """The answer of `keyset` where a list is all that is asked for, in one round trip."""
    asked = _Asked.of(scope, query)
    statement, names, opened = _page_text(table, items, asked.named, asked.several)
    rows = [
        dict(zip(names, row, strict=True)) for row in database.read_at_once(scope, statement, asked.values)
    ]
    for name, open_ in opened.items():
        for row in rows:
            row[name] = open_(row[name])
    return answer(asked.page(rows))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A page that was asked for: by which columns, of how many creditors, and the values."""

    named: tuple[str, ...]
    several: bool
    limit: int
    values: Mapping[str, Any]

    @classmethod
    def of(cls, scope: Scope, query: Mapping[str, Any]) -> "_Asked":
        wanted = {name: value for name, value in query.items() if name not in ("after", "limit")}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        tenants = [one for one in scope.tenant_ids if one == wanted.get("tenant_id", one)]
        limit = query["limit"]
        values = {f"is_{name}": value for name, value in wanted.items()}
        values |= {"after": query.get("after", 0), "rows": limit + 1}
        if len(tenants) == 1:
            return cls(tuple(wanted), False, limit, {**values, "tenant": tenants[0]})
        return cls(tuple(wanted), True, limit, {**values, "tenants": tenants})

    def page(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        shown = rows[: self.limit]
        return {"items": shown, "next": shown[-1]["id"] if len(rows) > self.limit else None}


@lru_cache(maxsize=1024)
def _page_statement(table: Any, items: type[Schema], named: tuple[str, ...], several: bool) -> Select[Any]:
    """The query of a page. Each creditor's rows lie in the order of their ids and those of several do not: so
    each gives a page of its own, and the first of these are the page."""
    columns = [getattr(table, name) for name in items._declared_fields]
    rows: BindParameter[int] = bindparam("rows")
    same = [getattr(table, name) == bindparam(f"is_{name}") for name in named]
    found = select(*columns).where(table.id > bindparam("after"), *same).order_by(table.id).limit(rows)
    if not several:
        return found.where(table.tenant_id == bindparam("tenant"))
    tenants = func.unnest(bindparam("tenants", type_=ARRAY(BigInteger))).table_valued("one").render_derived()
    each = found.where(table.tenant_id == tenants.c.one).correlate(tenants).lateral("each")
    return select(each).select_from(tenants).join(each, true()).order_by(each.c.id).limit(rows)


@lru_cache(maxsize=1024)
def _page_text(
    table: Any, items: type[Schema], named: tuple[str, ...], several: bool
) -> tuple[str, tuple[str, ...], dict[str, Callable[[Any], Any]]]:
    """The same as the driver takes it, the columns' names, and how those are opened that are stored
    closed."""
    dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
    statement = _page_statement(table, items, named, several)
    names = tuple(items._declared_fields)
    found = {name: getattr(table, name).type.result_processor(dialect, None) for name in names}
    opened = {name: one for name, one in found.items() if one is not None}
    return str(statement.compile(dialect=dialect)), names, opened


def answer(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON as it is, without a pass through a schema: for what is selected column by column already."""
    return Response(orjson.dumps(data), status, headers, mimetype="application/json")


def file(content: bytes | Iterable[bytes], media_type: str, name: str) -> Response:
    """A file to keep: whatever it holds, no browser shows it in a page of ours or runs anything of it."""
    response = Response(content, content_type=media_type)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


class Endpoints(Blueprint):  # type: ignore[misc]  # flask-smorest has no types; these are its doors, typed
    """A room's endpoints under `/api/v1`."""

    def __init__(self, name: str, description: str) -> None:
        super().__init__(name, __name__, url_prefix=PREFIX, description=description)

    def get(self, rule: str, **options: Any) -> Callable[[View], View]:
        return cast(Callable[[View], View], super().get(rule, **options))

    def post(self, rule: str, **options: Any) -> Callable[[View], View]:
        return cast(Callable[[View], View], super().post(rule, **options))

    def put(self, rule: str, **options: Any) -> Callable[[View], View]:
        return cast(Callable[[View], View], super().put(rule, **options))

    def patch(self, rule: str, **options: Any) -> Callable[[View], View]:
        return cast(Callable[[View], View], super().patch(rule, **options))

    def delete(self, rule: str, **options: Any) -> Callable[[View], View]:
        return cast(Callable[[View], View], super().delete(rule, **options))

    def arguments(self, schema: type[Schema] | Schema, **options: Any) -> Callable[[View], View]:
        made = schema() if isinstance(schema, type) else schema  # once, rather than for every request
        return cast(Callable[[View], View], super().arguments(made, **options))

    def response(
        self, status: int, schema: type[Schema] | Mapping[str, Any] | None = None, **options: Any
    ) -> Callable[[View], View]:
        return cast(Callable[[View], View], super().response(status, schema, **options))

    def alt_response(self, status: int, **options: Any) -> Callable[[View], View]:
        return cast(Callable[[View], View], super().alt_response(status, **options))

    def keyed(self, *, required: bool = False) -> Callable[[View], View]:
        """Describe the `Idempotency-Key` of a request that moves money (see `tenancy.once`)."""
        header = {
            "in": "header", "name": KEY_HEADER, "required": required, "description": _KEY_MEANS,
            "schema": {"type": "string", "minLength": 8, "maxLength": 200},
        }  # fmt: skip
        return cast(Callable[[View], View], super().doc(parameters=[header]))


def idempotency_key() -> str:
    """The caller's `Idempotency-Key`, without which nothing that moves money is done. Raises UserError."""
    key = request.headers.get(KEY_HEADER, "").strip()
    if not 8 <= len(key) <= 200 or not key.isprintable():
        raise UserError(
            "send an Idempotency-Key header of 8 to 200 characters, the same on every retry of this request",
            field=KEY_HEADER,
        )
    return key


class IdConverter(IntegerConverter):
    """`<int:…>` in an address: an id that the database can hold; anything beyond is found nowhere (404)."""

    def __init__(self, map: Map, *args: Any, **kwargs: Any) -> None:
        super().__init__(map, *args, **{"max": MAX_ID, **kwargs})


def install(app: Flask) -> RestApi:
    """The API of an application; the portals show its description at `/api/openapi.json` and `/api/docs`."""
    app.config.update(
        API_TITLE="Recupero",
        API_VERSION="v1",
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX=None,
        API_SPEC_OPTIONS={
            "info": {"description": "Everything that the portals do, for machines. See docs/api.md."},
            "security": [{"key": []}],
            "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        },
    )
    app.url_map.converters["int"] = IdConverter
    api = RestApi(app)
    app.extensions["recupero-api"] = api
    return api
