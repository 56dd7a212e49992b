"""Original invoices that debtors ask for, for machines: a creditor's system gives them."""

from typing import Any

from werkzeug.datastructures import FileStorage

from recupero.kernel import rest
from recupero.payments.papers import invoice_requests, invoices_schemas
from recupero.payments.papers.invoice_requests import MOST_BYTES
from recupero.tenancy.guard import recorded_transaction, requires, the_caller, transaction
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("invoices", "Invoices that debtors ask for")


@blueprint.get("/invoice-requests")
@requires(Permission.PLACEMENTS_READ)
@blueprint.response(200, invoices_schemas.InvoiceRequestsSchema)
def waiting() -> dict[str, Any]:
    """What debtors have asked for and nobody has answered, oldest first"""
    with transaction() as session:
        return {"items": invoice_requests.waiting(session)}


@blueprint.post("/invoice-requests/<int:request_id>/file")
@requires(Permission.PLACEMENTS_IMPORT)
@blueprint.arguments(invoices_schemas.InvoiceFileSchema, location="files")
@blueprint.response(201, rest.MadeSchema)
def give(files: dict[str, FileStorage], request_id: int) -> dict[str, Any]:
    """Give the invoice as PDF, PNG or JPEG, at most 5 MiB; the debtor finds it on their page"""
    content = files["file"].stream.read(MOST_BYTES + 1)
    with recorded_transaction(_tenant(request_id)) as session:
        return {"id": invoice_requests.answer(session, request_id, content, actor=the_caller().actor).id}


@blueprint.post("/invoice-requests/<int:request_id>/refuse")
@requires(Permission.PLACEMENTS_IMPORT)
@blueprint.arguments(invoices_schemas.RefusedSchema)
@blueprint.response(204)
def refuse(data: dict[str, Any], request_id: int) -> None:
    """Say that there is none, and why; a person at the agency tells the debtor"""
    with recorded_transaction(_tenant(request_id)) as session:
        invoice_requests.refuse(session, request_id, why=data["why"], actor=the_caller().actor)


def _tenant(request_id: int) -> int:
    with transaction() as session:
        return invoice_requests.request(session, request_id).tenant_id
