"""Statements of remittance and the trust account, for machines."""

from typing import Any

from flask import Response

from recupero.kernel import rest
from recupero.ledger import alarms, paying, remittances, schemas, statements, trust
from recupero.ledger.tables import Remittance
from recupero.tenancy.guard import page_of, requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.once import once
from recupero.tenancy.permissions import Permission

blueprint = rest.Endpoints("ledger", "Statements of remittance, trust account")
_ONE = "/tenants/<int:tenant_id>/remittances/<int:remittance_id>"


@blueprint.get("/remittances")
@requires(Permission.REMITTANCES_READ)
@blueprint.arguments(schemas.RemittanceQuerySchema, location="query")
@blueprint.response(200, rest.paged(schemas.RemittanceSchema))
def remittances_(query: dict[str, Any]) -> Response:
    """Statements, oldest first"""
    return page_of(Remittance, schemas.RemittanceSchema, query)


@blueprint.post("/tenants/<int:tenant_id>/remittances")
@requires(Permission.REMITTANCES_PREPARE)
@blueprint.arguments(schemas.DrawSchema)
@blueprint.response(201, schemas.RemittanceSchema)
def draw(data: dict[str, Any], tenant_id: int) -> Response:
    """Draw a statement of all money up to the end of a period that stands on none yet

    One that was drawn in this currency and not issued is replaced."""
    with tenant_transaction(tenant_id) as session:
        return rest.answer(_shown(remittances.draw(session, **data, actor=the_caller().actor)), 201)


@blueprint.get(_ONE)
@requires(Permission.REMITTANCES_READ)
@blueprint.response(200, schemas.RemittanceSchema)
def remittance(tenant_id: int, remittance_id: int) -> Response:
    """One statement"""
    with tenant_transaction(tenant_id) as session:
        return rest.answer(_shown(statements.one(session, remittance_id)))


@blueprint.get(f"{_ONE}/lines")
@requires(Permission.REMITTANCES_READ)
@blueprint.arguments(rest.Page, location="query")
@blueprint.response(200, rest.paged(schemas.StatementLineSchema))
def lines(query: dict[str, Any], tenant_id: int, remittance_id: int) -> Response:
    """The lines of a statement, in the order in which things happened"""
    limit = query["limit"]
    with tenant_transaction(tenant_id) as session:
        one = statements.one(session, remittance_id)
        found = list(statements.lines(session, one, after=query.get("after", 0), limit=limit + 1))
    names = schemas.StatementLineSchema._declared_fields
    shown = [{name: getattr(line, name) for name in names} for line in found[:limit]]
    return rest.answer({"items": shown, "next": found[limit - 1].id if len(found) > limit else None})


@blueprint.post(f"{_ONE}/review")
@requires(Permission.REMITTANCES_PREPARE)
@blueprint.response(200, schemas.RemittanceSchema)
def review(tenant_id: int, remittance_id: int) -> Response:
    """Say that a drawn statement was looked through"""
    return _step(tenant_id, remittance_id, remittances.review)


@blueprint.post(f"{_ONE}/issue")
@requires(Permission.REMITTANCES_ISSUE)
@blueprint.keyed()
@blueprint.response(200, schemas.RemittanceSchema)
def issue(tenant_id: int, remittance_id: int) -> Response:
    """Number and lock a reviewed statement, and book what is due

    Refused (409) to the key that drew or reviewed it."""
    actor = the_caller().actor
    return rest.answer(
        once(tenant_id, lambda session: _shown(remittances.issue(session, remittance_id, actor=actor)))
    )


@blueprint.post(f"{_ONE}/payout")
@requires(Permission.REMITTANCES_PAY)
@blueprint.arguments(schemas.ReferenceSchema)
@blueprint.keyed()
@blueprint.response(200, schemas.RemittanceSchema)
def pay_out(data: dict[str, Any], tenant_id: int, remittance_id: int) -> Response:
    """Note that an issued statement was paid, by the bank's reference

    Refused (409) to the key that issued it, and where trust holds less."""
    told = {"reference": data["reference"], "actor": the_caller().actor}
    return rest.answer(
        once(tenant_id, lambda session: _shown(remittances.pay_out(session, remittance_id, **told)))
    )


def _step(tenant_id: int, remittance_id: int, step: remittances.Step) -> Response:
    with tenant_transaction(tenant_id) as session:
        return rest.answer(_shown(step(session, remittance_id, actor=the_caller().actor)))


def _shown(one: Remittance) -> dict[str, Any]:
    return {name: getattr(one, name) for name in schemas.RemittanceSchema._declared_fields}


@blueprint.get("/remittances/payments.<form>")
@requires(Permission.REMITTANCES_PAY)
@blueprint.arguments(schemas.CurrencyQuerySchema, location="query")
@blueprint.response(200, rest.BINARY, content_type="application/octet-stream")
def payment_file(query: dict[str, Any], form: str) -> Response:
    """All that waits to be paid out in a currency, as a file for the bank: csv, or xml (SEPA pain.001)"""
    currency = query["currency"]
    with transaction() as session:
        content = paying.payment_file(session, currency, form, actor=the_caller().actor)
    return rest.file(content, paying.FORMATS[form], f"payments-{currency}.{form}")


@blueprint.put("/tenants/<int:tenant_id>/remittance-method")
@requires(Permission.TENANCY_MANAGE)
@blueprint.arguments(schemas.MethodSchema)
@blueprint.response(204)
def set_method(data: dict[str, Any], tenant_id: int) -> None:
    """Settle with a creditor by another method from the next statement on"""
    with tenant_transaction(tenant_id) as session:
        remittances.set_method(session, data["method"], actor=the_caller().actor)


@blueprint.get("/trust")
@requires(Permission.TRUST_READ)
@blueprint.response(200, schemas.TrustSchema)
def positions() -> dict[str, Any]:
    """What lies in trust for each creditor and currency, and whose it is"""
    with transaction() as session:
        return {
            "items": trust.positions(session),
            "alarms": [alarm.problem for alarm in alarms.standing(session)],
        }


@blueprint.post("/tenants/<int:tenant_id>/trust/fees")
@requires(Permission.REMITTANCES_PAY)
@blueprint.arguments(schemas.FeesSchema)
@blueprint.keyed()
@blueprint.response(201, schemas.TakenSchema)
def take_fees(data: dict[str, Any], tenant_id: int) -> dict[str, int]:
    """Note that earned fees and their tax were moved to the agency's own account; how much"""
    actor = the_caller().actor
    return once(tenant_id, lambda session: {"amount_minor": trust.take_fees(session, **data, actor=actor)})


@blueprint.post("/tenants/<int:tenant_id>/trust/invoice-payments")
@requires(Permission.REMITTANCES_PAY)
@blueprint.arguments(schemas.InvoicePaidSchema)
@blueprint.keyed()
@blueprint.response(204)
def creditor_paid(data: dict[str, Any], tenant_id: int) -> None:
    """Note that the creditor paid (a part of) its invoices to the agency's own account

    The bank's reference makes it book once."""
    actor = the_caller().actor
    once(tenant_id, lambda session: trust.creditor_paid(session, **data, actor=actor))
