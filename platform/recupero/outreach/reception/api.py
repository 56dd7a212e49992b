"""Conversations and what nobody could place, for machines. A key sees all conversations of its creditors."""

from typing import Any

from flask import Response

from recupero.kernel import rest
from recupero.kernel.errors import UserError
from recupero.outreach.conversations import collecting, queries, replies, schemas
from recupero.outreach.reception import working
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("inbound", "Inbox")
LARGEST_FILE = 20 * 1024 * 1024


@blueprint.get("/conversations")
@requires(Permission.INBOX_READ)
@blueprint.arguments(schemas.TalkQuerySchema, location="query")
@blueprint.response(200, schemas.TalksSchema)
def conversations(query: dict[str, Any]) -> dict[str, Any]:
    """Conversations, those that wait for an answer first, then those that a person has"""
    with transaction() as session:
        return {"items": queries.conversations(session, **query)}


@blueprint.get("/conversations/<int:debtor_id>")
@requires(Permission.INBOX_READ)
@blueprint.response(200, schemas.TalkLinesSchema)
def conversation(debtor_id: int) -> dict[str, Any]:
    """Everything said with a debtor, over all channels, in order"""
    with transaction() as session:
        talk = queries.conversation(session, debtor_id)
        shown = {name: getattr(talk, name) for name in schemas.TalkSchema._declared_fields}
        return {**shown, "lines": queries.lines(session, debtor_id)}


@blueprint.post("/conversations/<int:debtor_id>/replies")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.NewReplySchema)
@blueprint.response(201, schemas.ReplyMadeSchema)
def reply(body: dict[str, Any], debtor_id: int) -> dict[str, Any]:
    """Answer by the channel of their last message; it goes out at once where the law allows it"""
    with transaction() as session:
        tenant_id = queries.conversation(session, debtor_id).tenant_id
    with tenant_transaction(tenant_id) as session:
        action_id = replies.reply(
            session, debtor_id, body["text"], subject=body["subject"], actor=the_caller().actor
        )
    return {"action_id": action_id}


@blueprint.get("/conversations/files/<int:file_id>")
@requires(Permission.INBOX_READ)
@blueprint.response(200, rest.BINARY, content_type="application/octet-stream")
def conversation_file(file_id: int) -> Response:
    """A file that came with a message"""
    with transaction() as session:
        name, media_type, content, _contact = queries.file(session, file_id)
    return rest.file(content, media_type, name)


@blueprint.get("/conversations/unplaced")
@requires(Permission.INBOX_READ)
@blueprint.arguments(rest.Page, location="query")
@blueprint.response(200, schemas.UnplacedListSchema)
def unplaced(query: dict[str, Any]) -> dict[str, Any]:
    """Messages and news that nobody could place, the oldest first"""
    with transaction() as session:
        return {"items": queries.unplaced(session, after=query.get("after", 0), limit=query["limit"])}


@blueprint.post("/conversations/unplaced/<int:event_id>")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.PlaceSchema)
@blueprint.response(200, schemas.PlacedSchema)
def place(body: dict[str, Any], event_id: int) -> dict[str, Any]:
    """Give a message to an account, or say that it is about nobody here"""
    actor, account_id = the_caller().actor, body["account_id"]
    with transaction() as session:
        tenant_id = queries.unplaced_tenant(session, event_id)
    with tenant_transaction(tenant_id) as session:
        if account_id is None:
            working.dismiss(session, event_id, actor=actor)
            return {"contact_id": None}
        return {"contact_id": working.assign(session, event_id, account_id, actor=actor)}


@blueprint.post("/tenants/<int:tenant_id>/channels/<connector>/files")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.ChannelFileSchema, location="files")
@blueprint.response(200, schemas.FileTakenSchema)
def channel_file(files: dict[str, Any], tenant_id: int, connector: str) -> dict[str, Any]:
    """Read a connector's file, such as the post's list of returned mail"""
    content = files["file"].stream.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise UserError("The file is too large.", field="file")
    with tenant_transaction(tenant_id) as session:
        taken = collecting.take_file(session, connector, content, actor=the_caller().actor)
    problems = [{"line": line, "problem": problem} for line, problem in taken.problems]
    return {"events": taken.events, "new": taken.new, "problems": problems}
