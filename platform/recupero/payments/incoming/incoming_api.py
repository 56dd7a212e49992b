"""Receipts, suspense, bank statements and reconciliation, for machines."""

from typing import Any

from flask import Response
from werkzeug.datastructures import FileStorage

from recupero.kernel import jobs, rest
from recupero.payments.incoming import (
    bank_control,
    bank_items,
    incoming_schemas,
    paying_back,
    receipts,
    statements,
    suspense,
)
from recupero.payments.incoming_tables import BankLine, BankStatement, Receipt, Reconciliation, RefundTask
from recupero.tenancy.guard import page_of, requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.once import once
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("incoming", "Receipts, suspense, bank statements, reconciliation")


@blueprint.get("/receipts")
@requires(Permission.PAYMENTS_READ)
@blueprint.arguments(incoming_schemas.ReceiptQuerySchema, location="query")
@blueprint.response(200, rest.paged(incoming_schemas.ReceiptSchema))
def receipts_page(query: dict[str, Any]) -> Response:
    """Receipts entered by hand, oldest first"""
    return page_of(Receipt, incoming_schemas.ReceiptSchema, query)


@blueprint.post("/tenants/<int:tenant_id>/receipts")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(incoming_schemas.NewReceiptSchema)
@blueprint.keyed()
@blueprint.response(201, rest.MadeSchema)
def enter_receipt(data: dict[str, Any], tenant_id: int) -> dict[str, Any]:
    """Enter money that came in by hand

    Somebody else approves it; only then is it booked. Without accounts it will wait in suspense."""
    actor = the_caller().actor
    return once(tenant_id, lambda session: {"id": receipts.enter_receipt(session, **data, actor=actor)})


@blueprint.post("/tenants/<int:tenant_id>/receipts/<int:receipt_id>/approve")
@requires(Permission.PAYMENTS_BOOK)
@blueprint.keyed()
@blueprint.response(200, rest.MadeSchema)
def approve_receipt(tenant_id: int, receipt_id: int) -> dict[str, Any]:
    """Approve and book a receipt that somebody else entered; the payment's id"""
    actor = the_caller().actor
    return once(tenant_id, lambda session: {"id": receipts.approve_receipt(session, receipt_id, actor=actor)})


@blueprint.post("/tenants/<int:tenant_id>/receipts/<int:receipt_id>/reject")
@requires(Permission.PAYMENTS_BOOK)
@blueprint.arguments(incoming_schemas.ReasonSchema)
@blueprint.response(204)
def reject_receipt(data: dict[str, Any], tenant_id: int, receipt_id: int) -> None:
    """Refuse a receipt, with the reason"""
    with tenant_transaction(tenant_id) as session:
        receipts.reject_receipt(session, receipt_id, reason=data["reason"], actor=the_caller().actor)


@blueprint.get("/tenants/<int:tenant_id>/suspense")
@requires(Permission.PAYMENTS_READ)
@blueprint.response(200, incoming_schemas.SuspensePageSchema)
def waiting(tenant_id: int) -> dict[str, Any]:
    """Money that no debt takes, oldest first, by age, with whose it may be"""
    with tenant_transaction(tenant_id) as session:
        found = suspense.waiting(session)
        proposed = suspense.suggestions(session, found)
        return {
            "items": [
                {**{name: getattr(one, name) for name in incoming_schemas.WAITING},
                 "suggestions": [_proposed(each) for each in proposed[one.payment_id][:5]]}
                for one in found
            ],
            "ages": [
                {"currency": currency, "age": age, "number": number, "amount_minor": amount}
                for currency, ages in suspense.by_age(found).items()
                for age, (number, amount) in ages.items()
            ],
        }  # fmt: skip


def _proposed(one: Any) -> dict[str, Any]:
    return {
        "account_id": one.debt.account_id, "debtor_id": one.debt.debtor_id, "why": sorted(one.why),
        "score": one.score,
    }  # fmt: skip


@blueprint.post("/tenants/<int:tenant_id>/suspense/<int:payment_id>/assign")
@requires(Permission.PAYMENTS_BOOK)
@blueprint.arguments(incoming_schemas.AccountsSchema)
@blueprint.keyed()
@blueprint.response(204)
def assign(data: dict[str, Any], tenant_id: int, payment_id: int) -> None:
    """Say which accounts of one debtor waiting money is for"""
    actor = the_caller().actor
    once(
        tenant_id,
        lambda session: suspense.assign(session, payment_id, data["account_ids"], actor=actor),
    )


@blueprint.post("/tenants/<int:tenant_id>/suspense/<int:payment_id>/refund")
@requires(Permission.PAYMENTS_BOOK)
@blueprint.keyed()
@blueprint.response(201, rest.MadeSchema)
def ask_refund(tenant_id: int, payment_id: int) -> dict[str, Any]:
    """Open a task to pay waiting money back; one that is open stays"""
    actor = the_caller().actor
    return once(tenant_id, lambda session: {"id": paying_back.ask_refund(session, payment_id, actor=actor)})


@blueprint.get("/refund-tasks")
@requires(Permission.PAYMENTS_READ)
@blueprint.arguments(incoming_schemas.TaskQuerySchema, location="query")
@blueprint.response(200, rest.paged(incoming_schemas.RefundTaskSchema))
def refund_tasks(query: dict[str, Any]) -> Response:
    """Money to pay back, oldest first"""
    return page_of(RefundTask, incoming_schemas.RefundTaskSchema, query)


@blueprint.post("/tenants/<int:tenant_id>/refund-tasks/<int:task_id>/paid-back")
@requires(Permission.PAYMENTS_BOOK)
@blueprint.arguments(incoming_schemas.PaidBackSchema)
@blueprint.keyed()
@blueprint.response(204)
def paid_back(data: dict[str, Any], tenant_id: int, task_id: int) -> None:
    """Book that the money was paid back"""
    actor = the_caller().actor
    once(tenant_id, lambda session: paying_back.paid_back(session, task_id, **data, actor=actor))


@blueprint.post("/tenants/<int:tenant_id>/refund-tasks/<int:task_id>/dismiss")
@requires(Permission.PAYMENTS_BOOK)
@blueprint.arguments(incoming_schemas.ReasonSchema)
@blueprint.response(204)
def dismiss_task(data: dict[str, Any], tenant_id: int, task_id: int) -> None:
    """Say why the money is not paid back; it stays where it is"""
    with tenant_transaction(tenant_id) as session:
        paying_back.dismiss(session, task_id, reason=data["reason"], actor=the_caller().actor)


@blueprint.get("/bank-statements")
@requires(Permission.PAYMENTS_READ)
@blueprint.arguments(incoming_schemas.TenantPageSchema, location="query")
@blueprint.response(200, rest.paged(incoming_schemas.StatementSchema))
def bank_statements(query: dict[str, Any]) -> Response:
    """Bank statements, oldest first"""
    return page_of(BankStatement, incoming_schemas.StatementSchema, query)


@blueprint.post("/tenants/<int:tenant_id>/bank-statements")
@requires(Permission.PAYMENTS_BOOK)
@blueprint.arguments(incoming_schemas.StatementFormSchema, location="form")
@blueprint.arguments(incoming_schemas.StatementFileSchema, location="files")
@blueprint.response(200, incoming_schemas.StatementTakenSchema)
def take_statement(data: dict[str, Any], files: dict[str, FileStorage], tenant_id: int) -> dict[str, Any]:
    """Take a bank statement in

    camt.053 or CSV as multipart form data. Lines are matched where it is sure. The same file adds nothing."""
    with tenant_transaction(tenant_id) as session:
        file = files["file"]
        taken = statements.take_file(
            session, file.read(), file_name=file.filename or "file", actor=the_caller().actor, **data
        )
    return {name: getattr(taken, name) for name in incoming_schemas.StatementTakenSchema._declared_fields}


@blueprint.get("/bank-lines")
@requires(Permission.PAYMENTS_READ)
@blueprint.arguments(incoming_schemas.LineQuerySchema, location="query")
@blueprint.response(200, rest.paged(incoming_schemas.LineSchema))
def bank_lines(query: dict[str, Any]) -> Response:
    """Lines of bank statements, oldest first; what is not explained has the state `open`"""
    return page_of(BankLine, incoming_schemas.LineSchema, query)


@blueprint.post("/tenants/<int:tenant_id>/bank-lines/<int:line_id>/book")
@requires(Permission.PAYMENTS_BOOK)
@blueprint.arguments(incoming_schemas.MaybeAccountsSchema)
@blueprint.keyed()
@blueprint.response(204)
def book_line(data: dict[str, Any], tenant_id: int, line_id: int) -> None:
    """Book money that came in for accounts of one debtor, or into suspense where none are named"""
    actor = the_caller().actor
    once(
        tenant_id,
        lambda session: statements.book_line(session, line_id, data["account_ids"], actor=actor),
    )


@blueprint.post("/tenants/<int:tenant_id>/bank-lines/<int:line_id>/match")
@requires(Permission.PAYMENTS_BOOK)
@blueprint.arguments(incoming_schemas.SubjectSchema)
@blueprint.response(204)
def match_line(data: dict[str, Any], tenant_id: int, line_id: int) -> None:
    """Say what in the books a line clears"""
    with tenant_transaction(tenant_id) as session:
        statements.match_line(session, line_id, **data, actor=the_caller().actor)


@blueprint.post("/tenants/<int:tenant_id>/bank-lines/<int:line_id>/aside")
@requires(Permission.PAYMENTS_BOOK)
@blueprint.arguments(incoming_schemas.ReasonSchema)
@blueprint.response(204)
def set_aside(data: dict[str, Any], tenant_id: int, line_id: int) -> None:
    """A line that is none of the books' business, with the reason"""
    with tenant_transaction(tenant_id) as session:
        statements.set_aside(session, line_id, reason=data["reason"], actor=the_caller().actor)


@blueprint.post("/tenants/<int:tenant_id>/bank-lines/<int:line_id>/reopen")
@requires(Permission.PAYMENTS_BOOK)
@blueprint.response(204)
def reopen_line(tenant_id: int, line_id: int) -> None:
    """Undo a match or an aside"""
    with tenant_transaction(tenant_id) as session:
        statements.reopen(session, line_id, actor=the_caller().actor)


@blueprint.get("/bank-positions")
@requires(Permission.PAYMENTS_READ)
@blueprint.response(200, incoming_schemas.PositionsSchema)
def positions() -> dict[str, Any]:
    """Bank against books by creditor and currency, and what in the books the bank has not shown"""
    with transaction() as session:
        return {"items": bank_control.bank_positions(session), "uncleared": bank_items.uncleared(session)}


@blueprint.get("/reconciliations")
@requires(Permission.PAYMENTS_READ)
@blueprint.arguments(incoming_schemas.TenantPageSchema, location="query")
@blueprint.response(200, rest.paged(incoming_schemas.ReconciliationSchema))
def reconciliations(query: dict[str, Any]) -> Response:
    """Comparisons with the record of gateways, oldest first"""
    return page_of(Reconciliation, incoming_schemas.ReconciliationSchema, query)


@blueprint.post("/tenants/<int:tenant_id>/reconciliations")
@requires(Permission.PAYMENTS_BOOK)
@blueprint.response(202)
def ask_reconciliation(tenant_id: int) -> None:
    """Ask a worker to compare the creditor's payments with its gateway's record now"""
    with tenant_transaction(tenant_id) as session:
        jobs.enqueue(session, "payments.reconcile_tenant", unique_key=f"reconcile:{tenant_id}")
