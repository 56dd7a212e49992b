"""Labels of accounts, for machines."""

from typing import Any

from marshmallow import Schema, fields, validate

from recupero.kernel import audit, rest
from recupero.kernel.database import scope_of
from recupero.kernel.rest import Page, asked_reference, reference
from recupero.placements import browse, labels
from recupero.placements.label_tables import Label
from recupero.tenancy.guard import page_of, requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("labels", "Labels of accounts")
MOST = 1000  # accounts of one request


class LabelSchema(Schema):
    id = fields.Integer(required=True)
    tenant_id = fields.Integer(required=True)
    name = fields.String(required=True)
    colour = fields.String(required=True)


class LabelQuerySchema(Page):
    tenant_id = asked_reference()


class LabelTextSchema(Schema):
    name = fields.String(required=True, validate=validate.Length(min=1, max=labels.LONGEST))
    colour = fields.String(required=True, validate=validate.OneOf(labels.COLOURS))


class NewLabelSchema(LabelTextSchema):
    tenant_id = reference(required=True)


class LabelsSchema(Schema):
    items = fields.List(fields.Nested(LabelSchema), required=True)


class LabelIdsSchema(Schema):
    """All labels that the account is to bear."""

    label_ids = fields.List(reference(), required=True, validate=validate.Length(max=labels.MOST))


class LabelledSchema(Schema):
    """Ids of accounts; `next`: ask with `after`, null at the end."""

    account_ids = fields.List(fields.Integer(), required=True)
    next = fields.Integer(required=True, allow_none=True)


class LabellingSchema(Schema):
    """Accounts of the label's creditor that are to bear it, and that are to bear it no more."""

    give = fields.List(reference(), load_default=list, validate=validate.Length(max=MOST))
    take = fields.List(reference(), load_default=list, validate=validate.Length(max=MOST))


class LabellingDoneSchema(Schema):
    given = fields.Integer(required=True)
    taken = fields.Integer(required=True)


@blueprint.get("/labels")
@requires(Permission.ACCOUNTS_READ)
@blueprint.arguments(LabelQuerySchema, location="query")
@blueprint.response(200, rest.paged(LabelSchema))
def labels_of(query: dict[str, Any]) -> Any:
    """The labels of each creditor"""
    return page_of(Label, LabelSchema, query)


@blueprint.post("/labels")
@requires(Permission.ACCOUNTS_BULK)
@blueprint.arguments(NewLabelSchema)
@blueprint.response(201, rest.MadeSchema)
def create(data: dict[str, Any]) -> dict[str, Any]:
    """Add a label to a creditor's set"""
    with tenant_transaction(data["tenant_id"]) as session:
        return {
            "id": labels.create(session, name=data["name"], colour=data["colour"], actor=the_caller().actor)
        }


@blueprint.put("/labels/<int:label_id>")
@requires(Permission.ACCOUNTS_BULK)
@blueprint.arguments(LabelTextSchema)
@blueprint.response(204)
def change(data: dict[str, Any], label_id: int) -> None:
    """Give a label another name or colour"""
    with tenant_transaction(_tenant_of(label_id)) as session:
        labels.change(session, label_id, **data, actor=the_caller().actor)


@blueprint.delete("/labels/<int:label_id>")
@requires(Permission.ACCOUNTS_BULK)
@blueprint.response(204)
def remove(label_id: int) -> None:
    """Do away with a label; its accounts lose it"""
    with tenant_transaction(_tenant_of(label_id)) as session:
        labels.remove(session, label_id, actor=the_caller().actor)


@blueprint.get("/labels/<int:label_id>/accounts")
@requires(Permission.ACCOUNTS_READ)
@blueprint.arguments(Page, location="query")
@blueprint.response(200, LabelledSchema)
def labelled(query: dict[str, Any], label_id: int) -> dict[str, Any]:
    """The accounts that bear a label, oldest first"""
    limit = query["limit"]
    with transaction() as session:
        found = labels.accounts_of(session, label_id, after=query.get("after", 0), limit=limit + 1)
    return {"account_ids": found[:limit], "next": found[limit - 1] if len(found) > limit else None}


@blueprint.post("/labels/<int:label_id>/accounts")
@requires(Permission.ACCOUNTS_BULK)
@blueprint.arguments(LabellingSchema)
@blueprint.response(200, LabellingDoneSchema)
def label_accounts(data: dict[str, Any], label_id: int) -> dict[str, Any]:
    """Put a label on many accounts, or take it off

    Accounts of other creditors stay as they are."""
    actor = the_caller().actor
    with tenant_transaction(_tenant_of(label_id)) as session:
        given = labels.give(session, label_id, data["give"], by=actor)
        taken = labels.take(session, label_id, data["take"], by=actor)
        audit.record(
            session, "placements.labelled", f"label:{label_id}", actor=actor, given=given, taken=taken,
            tenant_id=scope_of(session).tenant(),
        )  # fmt: skip
    return {"given": given, "taken": taken}


@blueprint.get("/accounts/<int:account_id>/labels")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, LabelsSchema)
def of_account(account_id: int) -> dict[str, Any]:
    """The labels that an account bears"""
    with transaction() as session:
        browse.account(session, account_id)
        return {"items": labels.of_accounts(session, [account_id]).get(account_id, [])}


@blueprint.put("/accounts/<int:account_id>/labels")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(LabelIdsSchema)
@blueprint.response(200, LabelsSchema)
def put(data: dict[str, Any], account_id: int) -> dict[str, Any]:
    """Let an account bear these labels and no others"""
    with transaction() as session:
        tenant_id = browse.account(session, account_id).account.tenant_id
    with tenant_transaction(tenant_id) as session:
        labels.put(session, account_id, data["label_ids"], actor=the_caller().actor)
        return {"items": labels.of_accounts(session, [account_id]).get(account_id, [])}


def _tenant_of(label_id: int) -> int:
    with transaction() as session:
        return labels.find(session, label_id).tenant_id
