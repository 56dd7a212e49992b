"""Where payment providers tell us about money: `POST /webhooks/<gateway>/<tenant>`."""

from functools import lru_cache

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import UserError
from recupero.payments.door import receive_event
from recupero.tenancy.guard import public
from recupero.tenancy.queries import tenant_scope

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")
MAX_BODY = 1024 * 1024


@blueprint.post("/<gateway>/<tenant_key>")
@public("a provider has no login with us: its event is believed for its signature only")
def receive(gateway: str, tenant_key: str) -> ResponseReturnValue:
    """Check and store an event, and answer at once: 200 also where it was stored before. Working it is a
    job's. 401 wrong signature, 400 too old or unreadable, 404 no such creditor or gateway, 413 too large.

    `tenant_key` is the creditor's number.
    """
    if (request.content_length or 0) > MAX_BODY:
        return {"message": "the event is too large"}, 413
    new = receive_event(
        runtime.current().database, _scope(tenant_key), gateway, request.get_data(), dict(request.headers)
    )
    return {"received": True, "new": new}


@lru_cache(maxsize=4096)
def _scope(tenant_key: str) -> Scope:
    """A tenant never moves to another agency, so this is found once per process. Raises NotFound."""
    return tenant_scope(runtime.current().database, tenant_key)


@blueprint.errorhandler(UserError)
def refuse(error: UserError) -> ResponseReturnValue:
    """A short answer that a provider shows in its log of deliveries."""
    return {"message": error.message}, error.status
