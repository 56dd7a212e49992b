"""Where payment providers tell us about money: `POST /webhooks/<gateway>/<tenant>`.

A provider has no login with us: its event is believed for its signature only. So this stands before the
pages and the API, as plain WSGI: what surrounds those (sessions, language, forms, limits by address) has no
part in an event, and would cost more than taking the event in.
"""

import logging
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

from recupero.kernel import runtime, telemetry
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.payments.gateways.door import receive_event
from recupero.tenancy.queries import tenant_scope

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)
MAX_BODY = 1024 * 1024
ROUTE = "/webhooks/<gateway>/<tenant_key>"
_ADDRESS = re.compile(r"/webhooks/([^/]+)/([^/]+)")

Answer = tuple[int, Mapping[str, Any]]


class Webhooks:
    """A WSGI application that answers `/webhooks/…` itself and leaves all else to `pages`. With `https_only`
    it takes nothing that came unencrypted."""

    def __init__(self, pages: "WSGIApplication", *, https_only: bool) -> None:
        self._pages = pages
        self._https_only = https_only

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith("/webhooks/"):
            return self._pages(environ, start_response)
        asked = telemetry.begin(environ["REQUEST_METHOD"], environ.get("HTTP_X_REQUEST_ID", ""))
        try:
            status, said = self._answer(environ)
        except UserError as error:
            # A provider shows this in its log of deliveries; it names no other creditor.
            status = error.status
            said = {"message": "no such address" if status == HTTPStatus.NOT_FOUND else error.message}
        except Exception:
            log.exception("an event could not be taken in")
            status, said = 500, {"message": "this could not be taken in; tell it again"}
        body = orjson.dumps(said)
        headers = [
            ("Content-Type", "application/json"), ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"), ("X-Request-Id", asked.id),
        ]  # fmt: skip
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append(("Allow", "POST"))
        asked.answered(ROUTE, status)
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]

    def _answer(self, environ: "WSGIEnvironment") -> Answer:
        """Check and store an event: 200 also where it was stored before. Working it is a job's. 401 wrong
        signature, 400 too old or unreadable, 404 no such creditor or gateway, 413 too large.

        The address names the creditor by number. Raises UserError.
        """
        address = _ADDRESS.fullmatch(environ["PATH_INFO"])
        if address is None:
            return 404, {"message": "no such address"}
        if environ["REQUEST_METHOD"] != "POST":
            return 405, {"message": "an event is sent by POST"}
        if self._https_only and not _encrypted(environ):
            return 403, {"message": "an event is sent by HTTPS"}
        body = _body(environ)
        if len(body) > MAX_BODY:
            return 413, {"message": "the event is too large"}
        gateway, tenant_key = address.groups()
        new = receive_event(runtime.current().database, _scope(tenant_key), gateway, body, _headers(environ))
        return 200, {"received": True, "new": new}


def _headers(environ: "WSGIEnvironment") -> dict[str, str]:
    """The request's headers, named as gateways ask for them: `Stripe-Signature`."""
    return {
        name[5:].replace("_", "-").title(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }


def _encrypted(environ: "WSGIEnvironment") -> bool:
    return "https" in (environ["wsgi.url_scheme"], environ.get("HTTP_X_FORWARDED_PROTO"))


def _body(environ: "WSGIEnvironment") -> bytes:
    """The body, of which no more is read than shows that it is too large."""
    announced = environ.get("CONTENT_LENGTH")
    size = int(announced) if announced else MAX_BODY + 1
    body: bytes = environ["wsgi.input"].read(min(size, MAX_BODY + 1))
    return body


@lru_cache(maxsize=4096)
def _scope(tenant_key: str) -> Scope:
    """A tenant never moves to another agency, so this is found once per process. Raises NotFound."""
    return tenant_scope(runtime.current().database, tenant_key)
