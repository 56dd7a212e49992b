"""Where providers tell what came of messages and what people answer: `/channels/<connector>/<creditor>`."""

import logging
from collections.abc import Sequence
from functools import lru_cache

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from recupero.kernel import runtime
from recupero.kernel.database import Scope
from recupero.kernel.errors import NotFound, UserError
from recupero.outreach.conversations import refusals, store
from recupero.outreach.conversations.opened import open_connector
from recupero.outreach.voice import service as voice
from recupero.tenancy.guard import public
from recupero.tenancy.queries import tenant_scope
from recupero_sdk.channels import Channel
from recupero_sdk.inbound import Converses, InboundAnswer, InboundRequest, Listens, Rejected
from recupero_sdk.settings import PluginConfig

log = logging.getLogger(__name__)
blueprint = Blueprint("channels", __name__, url_prefix="/channels")
MAX_BODY = 16 * 1024 * 1024  # a mail with its files
#: The query parameter of an address for news that names our message (`opened.callback_url`).
NAMED = "message"


@blueprint.route("/<connector>/<tenant_key>", methods=["GET", "POST"])
@public("a provider has no login with us: what it tells is believed for its signature only")
def hear(connector: str, tenant_key: str) -> ResponseReturnValue:
    """Check and store what a provider tells, and answer at once in its own way. Working it is a job's.

    401 wrong signature, 400 stale or unreadable, 404 no such creditor, or the connector is not switched on
    or listens to nothing, 413 too large, 500 where the connector failed: the provider tells it again.
    `tenant_key` is the creditor's number.
    """
    if (request.content_length or 0) > MAX_BODY:
        return _said("the request is too large", 413)
    request.max_content_length = MAX_BODY  # also for a body whose length is not announced
    scope, database = _scope(tenant_key), runtime.current().database
    with database.transaction(scope) as session:
        channel, config = open_connector(session, connector)
    try:
        answer = _ask(channel, config)
    except Rejected as refused:
        return _refused(scope, connector, refused)
    except UserError:
        raise
    except Exception:
        log.exception("connector %s failed on what it heard", connector)
        return _said("this could not be taken in; tell it again", 500)
    with database.transaction(scope) as session:
        store.receive(session, connector, answer.events, named=request.args.get(NAMED))
        store.set_aside(session, connector, answer.unread)
    _note_unread(scope, connector, [one.reason for one in answer.unread])
    return Response(answer.body, answer.status, mimetype=answer.content_type)


@blueprint.post("/<connector>/<tenant_key>/call")
@public("a provider has no login with us: what it asks is believed for its signature only")
def converse(connector: str, tenant_key: str) -> ResponseReturnValue:
    """What a call does next, asked turn by turn; the answer is the connector's own language.

    401 wrong signature, 400 unreadable, 404 no such creditor, connector or call, or one that leads no calls.
    """
    request.max_content_length = MAX_BODY
    scope, database = _scope(tenant_key), runtime.current().database
    with database.transaction(scope) as session:
        channel, config = open_connector(session, connector)
    if not isinstance(channel, Converses):
        raise NotFound("this connector leads no calls")
    told = _told()
    try:
        event = channel.hear_call(told, config)
    except Rejected as refused:
        return _refused(scope, connector, refused)
    with database.transaction(scope) as session:
        turn = voice.take(session, connector, event)
    answer = channel.say(turn, told, config)
    return Response(answer.body, answer.status, mimetype=answer.content_type)


def _told() -> InboundRequest:
    """The request as the connector reads it, with the public address that its provider signed."""
    query = request.query_string.decode("latin-1")
    url = runtime.current().config.base_url + request.path + (f"?{query}" if query else "")
    return InboundRequest(
        request.method, url, {name.lower(): value for name, value in request.headers.items()},
        request.args.to_dict(), request.get_data(),
    )  # fmt: skip


def _ask(channel: Channel, config: PluginConfig) -> InboundAnswer:
    """What the connector reads in this request. Outside any transaction: it may fetch media."""
    if not isinstance(channel, Listens):
        raise NotFound("this connector listens to nothing")
    return channel.hear(_told(), config)


def _refused(scope: Scope, connector: str, refused: Rejected) -> ResponseReturnValue:
    log.warning("a request for connector %s was refused: %s", connector, refused.reason)
    refusals.note(scope.tenant(), connector, refused.reason)
    with runtime.current().database.transaction(scope) as session:
        store.set_aside(session, connector, refused.unread)
    return _said(refused.reason, refused.status)


def _note_unread(scope: Scope, connector: str, reasons: Sequence[str]) -> None:
    """What was left out of a request that was taken otherwise."""
    if reasons:
        told = "; ".join(dict.fromkeys(reasons))
        log.warning("%d entries for connector %s could not be read: %s", len(reasons), connector, told[:500])
        refusals.note(scope.tenant(), connector, told, len(reasons))


@lru_cache(maxsize=4096)
def _scope(tenant_key: str) -> Scope:
    """A tenant never moves to another agency, so this is found once per process. Raises NotFound."""
    if not tenant_key.isdecimal():
        raise NotFound("no such creditor")
    return tenant_scope(runtime.current().database, tenant_key)


@blueprint.errorhandler(UserError)
def refuse(error: UserError) -> ResponseReturnValue:
    """A short answer that a provider shows in its log of deliveries; it names no other creditor."""
    return _said("no such address" if error.status == 404 else error.message, error.status)


def _said(message: str, status: int) -> ResponseReturnValue:
    return {"message": message}, status
