"""Payments, promises and payment links, for machines."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from recupero.kernel import audit, clock, rest
from recupero.kernel.errors import NotFound, UserError
from recupero.payments import queries, schemas, service
from recupero.payments.tables import Payment, PaymentLink
from recupero.placements import browse
from recupero.placements.debts import OpenDebt, debts_by_id
from recupero.tenancy.guard import page_of, requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.once import once
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("payments", "Payments, promises, links")


@blueprint.get("/payments")
@requires(Permission.PAYMENTS_READ)
@blueprint.arguments(schemas.PaymentQuerySchema, location="query")
@blueprint.response(200, rest.paged(schemas.PaymentSchema))
def payments(query: dict[str, Any]) -> Response:
    """Payments, oldest first"""
    return page_of(Payment, schemas.PaymentSchema, query)


@blueprint.post("/payments")
@requires(Permission.PAYMENTS_BOOK)
@blueprint.arguments(schemas.NewPaymentSchema)
@blueprint.keyed(required=True)
@blueprint.response(201, schemas.PaymentSchema)
def book_payment(data: dict[str, Any]) -> dict[str, Any]:
    """Book a payment that came in by other means

    Needs an `Idempotency-Key` header: the same key books once and answers with the same payment; with another
    body it is a conflict. Keys are the caller's own: two callers may use the same."""
    key = f"api:{the_caller().actor}:{rest.idempotency_key()}"
    debt, now = _debt(data["account_id"]), clock.now()
    if data["received_at"] is not None and data["received_at"] > now:
        raise UserError(
            "a payment cannot have come in the future: send the moment when it came", field="received_at"
        )
    if data["currency"] != debt.currency:
        raise UserError(
            "the account is kept in %(currency)s: send the amount in that currency",
            field="currency",
            currency=debt.currency,
        )
    kind = "direct" if data["paid_to"] == "creditor" else "manual"
    received = service.Received(
        key, kind, data["amount_minor"], data["currency"], data["received_at"] or now, debt.debtor_id,
        [debt.account_id],
    )  # fmt: skip
    tenant_id = _tenant_of(data["account_id"])
    once(tenant_id, lambda session: _book(session, received, tenant_id))
    with tenant_transaction(tenant_id) as session:
        booked = {"external_key": key, "limit": 1}
        payment: dict[str, Any] = rest.keyset(session, Payment, schemas.PaymentSchema, booked)["items"][0]
    return payment


def _book(session: Session, received: service.Received, tenant_id: int) -> int | None:
    made = service.book_payment(session, received)
    _note(session, "payments.book", f"payment:{made}", tenant_id)
    return made


def _note(session: Any, action: str, subject: str, tenant_id: int) -> None:
    audit.record(session, action, subject, actor=the_caller().actor, tenant_id=tenant_id)


def _tenant_of(account_id: int) -> int:
    with transaction() as session:
        return browse.account(session, account_id).account.tenant_id


def _debt(account_id: int) -> OpenDebt:
    with transaction() as session:
        found = debts_by_id(session, [account_id])
    if not found:
        raise NotFound("no such account", field="account_id")
    return found[0]


@blueprint.get("/accounts/<int:account_id>/payments")
@requires(Permission.PAYMENTS_READ)
@blueprint.response(200, schemas.AccountPaymentsSchema)
def payments_of(account_id: int) -> dict[str, Any]:
    """What payments did to an account, newest first"""
    _debt(account_id)
    with transaction() as session:
        return {"items": queries.payments_of(session, account_id)}


@blueprint.get("/accounts/<int:account_id>/promises")
@requires(Permission.ACCOUNTS_READ)
@blueprint.response(200, schemas.PromisesSchema)
def promises(account_id: int) -> dict[str, Any]:
    """Promises on an account, newest first"""
    _debt(account_id)
    with transaction() as session:
        return {"items": queries.promises_of(session, [account_id])}


@blueprint.post("/accounts/<int:account_id>/promises")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.NewPromiseSchema)
@blueprint.response(201, rest.MadeSchema)
def make_promise(data: dict[str, Any], account_id: int) -> dict[str, Any]:
    """Take a debtor's promise; one that is open on the account is replaced"""
    tenant_id = _tenant_of(account_id)
    with tenant_transaction(tenant_id) as session:
        made = service.make_promise(session, account_id=account_id, made_with="api", **data)
        _note(session, "payments.make_promise", f"promise:{made}", tenant_id)
    return {"id": made}


@blueprint.get("/payment-links")
@requires(Permission.PAYMENTS_READ)
@blueprint.arguments(schemas.LinkQuerySchema, location="query")
@blueprint.response(200, rest.paged(schemas.LinkLineSchema))
def links(query: dict[str, Any]) -> Response:
    """Payment links, oldest first, without their addresses"""
    return page_of(PaymentLink, schemas.LinkLineSchema, query)


@blueprint.post("/payment-links")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.arguments(schemas.NewLinkSchema)
@blueprint.response(201, schemas.LinkSchema)
def make_link(data: dict[str, Any]) -> dict[str, Any]:
    """The address where a debtor pays these accounts; asking again gives the same"""
    wanted = sorted(set(data["account_ids"]))
    with transaction() as session:
        found = debts_by_id(session, wanted)
    if len(found) != len(wanted):
        raise NotFound(
            "no such accounts: %(ids)s",
            field="account_ids",
            ids=", ".join(map(str, sorted(set(wanted) - {debt.account_id for debt in found}))),
        )
    if len({(debt.debtor_id, debt.currency) for debt in found}) != 1:
        raise UserError("a link takes accounts of one debtor in one currency", field="account_ids")
    tenant_id, debtor_id = _tenant_of(wanted[0]), found[0].debtor_id
    with tenant_transaction(tenant_id) as session:
        url = service.ensure_links(session, {debtor_id: wanted})[debtor_id]
        _note(session, "payments.make_link", f"debtor:{debtor_id}", tenant_id)
    return {"url": url}


@blueprint.delete("/tenants/<int:tenant_id>/payment-links/<int:link_id>")
@requires(Permission.ACCOUNTS_WORK)
@blueprint.response(204)
def revoke_link(tenant_id: int, link_id: int) -> None:
    """End a payment link at once"""
    with tenant_transaction(tenant_id) as session:
        service.revoke_link(session, link_id, actor=the_caller().actor)
