"""At the door of every page and endpoint: who is calling, may they, and in which scope they read.

A view is marked `@requires(Permission.…)` or `@public("why")`; a test walks the URL map and fails on a view
that is neither. Pages are called with a session cookie, the API with `Authorization: Bearer rcp_…`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Response as FlaskResponse
from flask import g, redirect, request, session, url_for
from marshmallow import Schema
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from recupero.kernel import rest, runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import Forbidden, NotFound, UserError, Words
from recupero.tenancy import callers, keys
from recupero.tenancy.callers import Caller
from recupero.tenancy.permissions import Permission
from recupero.tenancy.tables import User

View = TypeVar("View", bound=Callable[..., Any])
API_PREFIX = "/api/"
_COOKIE = ("agency", "user", "version")


class Unauthenticated(UserError):
    """Nobody is signed in, or the key does not hold."""

    status = 401


def requires(permission: Permission) -> Callable[[View], View]:
    """Let only callers with `permission` in. Nobody: 401 on the API, the sign-in page else. Others: 403."""

    def mark(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            caller = current_caller()
            if caller is None:
                return _send_to_sign_in()
            check_may(permission)
            return view(*args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]  # read by the test of the URL map
        return guarded  # type: ignore[return-value]  # wraps() keeps the signature

    return mark


def check_may(permission: Permission) -> None:
    """Raises Forbidden where the caller lacks a permission that what was sent asks for."""
    if not the_caller().may(permission):
        raise Forbidden(
            "your role or key does not include this: ask an administrator for '%(permission)s'",
            permission=Words("permission", (permission.value,)),
        )


def signed_in(view: View) -> View:
    """Let every user in whatever their role: for pages about themselves only."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        return _send_to_sign_in() if current_caller() is None else view(*args, **kwargs)

    guarded.permission = None  # type: ignore[attr-defined]  # read by the test of the URL map
    return guarded  # type: ignore[return-value]  # wraps() keeps the signature


def public(why: str) -> Callable[[View], View]:
    """Mark a view that anybody may call, with the reason."""

    def mark(view: View) -> View:
        view.public = why  # type: ignore[attr-defined]  # read by the test of the URL map
        return view

    return mark


def _send_to_sign_in() -> Response:
    if request.path.startswith(API_PREFIX):
        raise Unauthenticated("send an API key: Authorization: Bearer rcp_…")
    return redirect(url_for("portals.sign_in", next=page_asked_for()))


def page_asked_for() -> str:
    """The local address to return to after signing in: this page, or the one whose form was sent."""
    if request.method in {"GET", "HEAD"}:
        return request.full_path.rstrip("?")
    came_from = urlsplit(request.referrer or "")
    if came_from.netloc != request.host:
        return "/"
    return came_from.path + (f"?{came_from.query}" if came_from.query else "")


def current_caller() -> Caller | None:
    """Who makes this request; found once per request."""
    if "caller" not in g:
        g.caller = _find_caller()
    caller: Caller | None = g.caller
    return caller


def the_caller() -> Caller:
    """The caller inside a guarded view."""
    caller = current_caller()
    if caller is None:
        raise RuntimeError("this view is not marked @requires(…)")
    return caller


def _find_caller() -> Caller | None:
    database, header = runtime.current().database, request.headers.get("Authorization", "")
    if header.startswith("Bearer "):
        return keys.check(database, header.removeprefix("Bearer ").strip())
    if request.path.startswith(API_PREFIX):
        return None  # a cookie never opens the API: so it needs no CSRF token
    if not all(name in session for name in _COOKIE):
        return None
    return callers.resume(database, *(session[name] for name in _COOKIE))


def remember(user: User) -> None:
    """Start the cookie session of a user who has just proven who they are."""
    session.clear()
    session.permanent = True
    session.update(agency=user.agency_id, user=user.id, version=user.session_version)


def forget() -> None:
    """End the cookie session."""
    session.clear()


@contextmanager
def transaction() -> Iterator[Session]:
    """A database transaction in the caller's scope."""
    with runtime.current().database.transaction(the_caller().scope) as opened:
        yield opened


@contextmanager
def tenant_transaction(tenant_id: int) -> Iterator[Session]:
    """A transaction in the scope of one of the caller's tenants. Raises NotFound for any other."""
    caller = the_caller()
    if tenant_id not in caller.scope.tenant_ids:
        raise NotFound("no such creditor")
    with runtime.current().database.transaction(Scope(caller.scope.agency_id, (tenant_id,))) as opened:
        yield opened


@contextmanager
def recorded_transaction(tenant_id: int) -> Iterator[Session]:
    """`tenant_transaction` also for creditors' own users, who see nothing of the agency, where what they do
    stands in its audit trail."""
    caller = the_caller()
    if tenant_id not in caller.scope.tenant_ids:
        raise NotFound("no such creditor")
    with runtime.current().database.transaction(Scope(caller.agency_id, (tenant_id,))) as opened:
        yield opened


@contextmanager
def recorded_of(tenant_of: Callable[[Session], int]) -> Iterator[Session]:
    """`recorded_transaction` of the creditor that `tenant_of` finds in what the caller may see; it raises
    NotFound for what is not there."""
    with transaction() as session:
        tenant_id = tenant_of(session)
    with recorded_transaction(tenant_id) as session:
        yield session


def page_of(table: Any, items: type[Schema], query: Mapping[str, Any]) -> FlaskResponse:
    """One page of a table in the caller's scope: see `rest.keyset`."""
    return rest.page(runtime.current().database, the_caller().scope, table, items, query)
