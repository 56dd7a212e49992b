"""Messages that people write to one debtor, for machines."""

from typing import Any

from recupero.kernel import clock, rest
from recupero.outreach import schemas
from recupero.outreach.actions.kinds import PURPOSES
from recupero.outreach.channels import preferences
from recupero.outreach.orders import drafts
from recupero.outreach.orders.drafts import Given
from recupero.outreach.texts import previews
from recupero.placements import browse
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("drafts", "Drafts of messages")


@blueprint.get("/accounts/<int:account_id>/drafts")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(200, schemas.DraftsSchema)
def drafts_of(account_id: int) -> dict[str, Any]:
    """The newest hundred messages that people wrote to an account's debtor"""
    with transaction() as session:
        browse.account(session, account_id)
        rows = drafts.lines(session, account_id=account_id)
        return {"items": [_line(row) for row in rows]}


@blueprint.post("/accounts/<int:account_id>/drafts")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.NewDraftSchema)
@blueprint.response(201, rest.MadeSchema)
def write(data: dict[str, Any], account_id: int) -> dict[str, Any]:
    """Keep a draft; nothing goes out until it is submitted"""
    with transaction() as session:
        tenant_id = browse.account(session, account_id).account.tenant_id
    with tenant_transaction(tenant_id) as session:
        return {"id": drafts.write(session, account_id, Given(**data), actor=the_caller().actor)}


@blueprint.put("/drafts/<int:draft_id>")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.NewDraftSchema)
@blueprint.response(200, rest.MadeSchema)
def change(data: dict[str, Any], draft_id: int) -> dict[str, Any]:
    """Put other words in their place; for the author of a draft"""
    with tenant_transaction(_tenant(draft_id)) as session:
        drafts.change(session, draft_id, Given(**data), actor=the_caller().actor)
        return {"id": draft_id}


@blueprint.delete("/drafts/<int:draft_id>")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(204)
def discard(draft_id: int) -> None:
    """Give a draft up"""
    with tenant_transaction(_tenant(draft_id)) as session:
        drafts.discard(session, draft_id, actor=the_caller().actor)


@blueprint.get("/drafts/<int:draft_id>/message")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(200, schemas.DraftedMessageSchema)
def message(draft_id: int) -> dict[str, Any]:
    """The message as its debtor would read it, and the first lawful moment from now on"""
    with tenant_transaction(_tenant(draft_id)) as session:
        draft = drafts.one(session, draft_id)
        shown = drafts.read_through(session, draft.account_id, drafts.given_of(draft))
        asked = (draft.account_id, draft.channel, PURPOSES[draft.template], clock.now())
        (found,) = preferences.first_moments(session, [asked])
        return {
            "message": previews.to_json(shown), "next_lawful_at": found.at, "against": found.reason,
        }  # fmt: skip


@blueprint.post("/drafts/<int:draft_id>/submit")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.SubmitQuerySchema, location="query")
@blueprint.response(200, schemas.SubmittedSchema)
def submit(query: dict[str, Any], draft_id: int) -> dict[str, Any]:
    """Schedule a draft for the next lawful moment, or propose it where the strategy wants a yes"""
    with tenant_transaction(_tenant(draft_id)) as session:
        action = drafts.submit(session, draft_id, actor=the_caller().actor, knowing=query["knowing"])
        return {"action_id": action.id, "state": action.state, "due_at": action.due_at}


def _tenant(draft_id: int) -> int:
    with transaction() as session:
        return drafts.one(session, draft_id).tenant_id


def _line(row: drafts.Line) -> dict[str, Any]:
    names = ("id", "account_id", "channel", "template", "tone", "subject", "body", "not_before", "state",
             "made_by", "made_at", "changed_at")  # fmt: skip
    shown = {name: getattr(row.draft, name) for name in names}
    return {**shown, "action_state": row.action_state, "action_reason": row.action_reason}
