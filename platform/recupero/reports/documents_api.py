"""Debtors' papers, for machines: listed, issued, and as files."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from recupero.kernel import rest
from recupero.kernel.errors import NotFound
from recupero.payments.agreements import plans, settlement_queries
from recupero.payments.debts import accruing
from recupero.payments.papers import agreement_documents, documents
from recupero.payments.papers.document_tables import Document
from recupero.placements import reach
from recupero.placements.debts import OpenDebt, debts_by_id
from recupero.reports import letters, schemas
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("documents", "Papers for debtors")


@blueprint.get("/accounts/<int:account_id>/documents")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, schemas.DocumentsSchema)
def papers(account_id: int) -> dict[str, Any]:
    """Papers of the account's debtor, newest first"""
    with transaction() as session:
        debt = _debt(session, account_id)
        return {"items": [_shown(one) for one in documents.documents_of(session, debt.debtor_id)]}


@blueprint.post("/accounts/<int:account_id>/documents")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.NewDocumentSchema)
@blueprint.response(201, schemas.DocumentSchema)
def issue(data: dict[str, Any], account_id: int) -> dict[str, Any]:
    """Issue a paper; the one that was issued where nothing has changed since

    `balance` and `paid_in_full` are of the account; `plan` and `settlement` of the agreement `subject_id`."""
    with transaction() as session:
        found = reach.reachable(session, [account_id]).get(account_id)
    if found is None:
        raise NotFound("no such account")
    with tenant_transaction(found.tenant_id) as session:
        return _shown(_issue(session, _debt(session, account_id), data))


def _issue(session: Session, debt: OpenDebt, data: dict[str, Any]) -> Document:
    actor = the_caller().actor
    if data["kind"] == "balance":
        accruing.accrue_debtor(session, debt.debtor_id)
        return documents.balance_letter(session, debt.debtor_id, debt.currency, actor=actor)
    if data["kind"] == "paid_in_full":
        return documents.paid_letter(session, debt.account_id, actor=actor)
    if data["kind"] == "plan":
        plan = plans.find(session, data["subject_id"] or 0)
        _of(debt, plan.account_ids)
        return agreement_documents.plan_paper(session, plan, actor=actor)
    found = settlement_queries.find(session, data["subject_id"] or 0)
    _of(debt, found.account_ids)
    return agreement_documents.settlement_paper(session, found, actor=actor)


@blueprint.get("/documents/<int:document_id>")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, rest.BINARY, content_type="application/pdf")
def file(document_id: int) -> Response:
    """A paper as it was issued: a PDF, or the creditor's invoice as the creditor sent it"""
    with transaction() as session:
        found = documents.document(session, document_id)
    return rest.file(letters.render(found), found.media_type, letters.file_name(found))


def _debt(session: Session, account_id: int) -> OpenDebt:
    found = debts_by_id(session, [account_id])
    if not found:
        raise NotFound("no such account")
    return found[0]


def _of(debt: OpenDebt, account_ids: list[int]) -> None:
    if debt.account_id not in account_ids:
        raise NotFound("no such account")


def _shown(found: Document) -> dict[str, Any]:
    return {
        "id": found.id, "kind": found.kind, "number": found.printed_number, "language": found.language,
        "debtor_id": found.debtor_id, "account_ids": found.account_ids, "payment_id": found.payment_id,
        "subject_id": found.subject_id, "media_type": found.media_type, "issued_at": found.issued_at,
        "issued_by": found.issued_by,
    }  # fmt: skip
