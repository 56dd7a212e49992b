"""How the agency earns on a portfolio, how it settles with a creditor, and the bank accounts of both."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from recupero.kernel.errors import UserError
from recupero.kernel.money import minor_units
from recupero.ledger import bank_accounts, remittances
from recupero.placements import browse
from recupero.placements import service as placements
from recupero.placements.tables import Portfolio
from recupero.placements.terms import PARTS, check_terms
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller
from recupero.tenancy.permissions import Permission

SPARE_ROWS = 3  # empty rows below a schedule, for more
_YES_NO = ("yes", "no")
#: What a row of the schedule holds, and its field in the form.
_ROW_FIELDS = {
    "rate": "rate", "from_age_days": "from_age", "to_age_days": "to_age",
    "from_balance_minor": "from_balance", "to_balance_minor": "to_balance", "placement_number": "placement",
    "legal": "legal", "settlement": "settlement",
}  # fmt: skip


@blueprint.get("/tenants/<int:tenant_id>/portfolios/<int:portfolio_id>/terms")
@requires(Permission.TENANCY_READ)
def tenant_terms(tenant_id: int, portfolio_id: int) -> ResponseReturnValue:
    with tenant_transaction(tenant_id) as session:
        portfolio, tenant = browse.portfolio(session, portfolio_id), tenancy.tenant(session)
    form = Form(_typed(portfolio.terms, portfolio.currency))
    return _terms_page(portfolio, tenant, form, len(_rates(portfolio.terms)) + SPARE_ROWS)


@blueprint.post("/tenants/<int:tenant_id>/portfolios/<int:portfolio_id>/terms")
@requires(Permission.TENANCY_MANAGE)
def tenant_terms_sent(tenant_id: int, portfolio_id: int) -> ResponseReturnValue:
    form = Form({**request.form.to_dict(), **{f"part_{one}": "yes" for one in request.form.getlist("parts")}})
    with tenant_transaction(tenant_id) as session:
        portfolio, tenant = browse.portfolio(session, portfolio_id), tenancy.tenant(session)
        try:
            with form.together(**_places(form)):
                terms = check_terms(without_before(_read(form, portfolio)))
            placements.set_terms(session, portfolio_id, terms, actor=the_caller().actor)
        except UserError as error:
            form.refuse(error)
    if form.errors:
        return _terms_page(portfolio, tenant, form, _rows_sent(form))
    flash(_("Saved. The new terms hold for payments from now on."))
    return redirect(url_for("portals.tenant", tenant_id=tenant_id))


def _terms_page(portfolio: Portfolio, tenant: Any, form: Form, rows: int) -> ResponseReturnValue:
    page = render_template(
        "tenants/terms.html", portfolio=portfolio, tenant=tenant, form=form, rows=rows, parts=PARTS
    )
    return page, form.status


def _rates(terms: Mapping[str, Any]) -> list[dict[str, Any]]:
    rates: list[dict[str, Any]] = (terms.get("commission") or {}).get("rates", [])
    return rates


def _typed(terms: Mapping[str, Any], currency: str) -> dict[str, object]:
    """The terms as somebody would type them."""
    schedule = terms.get("commission") or {}
    values: dict[str, object] = {
        "commission_rate": percent_text(terms.get("commission_rate", 0)),
        "tax_rate": percent_text(schedule.get("tax_rate")),
        "minimum": amount_text(schedule.get("minimum_minor"), currency),
        "maximum": amount_text(schedule.get("maximum_minor"), currency),
        **{f"part_{part}": "yes" for part in schedule.get("parts") or PARTS},
    }
    for number, row in enumerate(_rates(terms)):
        values |= {
            f"rate_{number}": percent_text(row["rate"]),
            f"from_age_{number}": row.get("from_age_days", ""),
            f"to_age_{number}": row.get("to_age_days", ""),
            f"from_balance_{number}": amount_text(row.get("from_balance_minor"), currency),
            f"to_balance_{number}": amount_text(row.get("to_balance_minor"), currency),
            f"placement_{number}": row.get("placement_number", ""),
            **{f"{name}_{number}": _yes_no(row.get(name)) for name in ("legal", "settlement")},
        }  # fmt: skip
    return values


def _yes_no(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def percent_text(basis_points: int | None) -> str:
    """Basis points as the reader types a percentage."""
    return "" if basis_points is None else _decimal(Decimal(basis_points) / 100)


def amount_text(minor: int | None, currency: str) -> str:
    """Minor units as the reader types an amount."""
    return "" if minor is None else _decimal(Decimal(minor).scaleb(-minor_units(currency)))


def _decimal(value: Decimal) -> str:
    return str(format_decimal(value, "0.##", locale=get_locale()))


def without_before(terms: Mapping[str, Any]) -> dict[str, Any]:
    """The terms as they are set, without what they were before."""
    return {name: value for name, value in terms.items() if name != "before"}


def _read(form: Form, portfolio: Portfolio) -> dict[str, Any]:
    """The portfolio's terms with the commission as it was typed."""
    schedule: dict[str, Any] = {
        "rates": [_row(form, number, portfolio.currency) for number in _rows_typed(form)],
    }
    if form.optional("tax_rate"):
        schedule["tax_rate"] = form.percent("tax_rate")
    for name in ("minimum", "maximum"):
        if form.optional(name):
            schedule[f"{name}_minor"] = form.money(name, portfolio.currency)
    parts = [part for part in PARTS if form.optional(f"part_{part}")]
    if not parts:
        form.wrong(UserError("choose at least one part that earns commission", field="parts"))
    if 0 < len(parts) < len(PARTS):
        schedule["parts"] = parts
    return {**portfolio.terms, "commission_rate": form.percent("commission_rate"), "commission": schedule}


def _rows_sent(form: Form) -> int:
    return sum(name.startswith("rate_") for name in form.values)


def _rows_typed(form: Form) -> list[int]:
    """The rows of the form that have a percentage; the others are dropped."""
    return [number for number in range(_rows_sent(form)) if form.optional(f"rate_{number}")]


def _places(form: Form) -> dict[str, str]:
    """Where the fields of the schedule stand in the form."""
    rows = {
        f"rates.{place}.{key}": f"{name}_{number}"
        for place, number in enumerate(_rows_typed(form)) for key, name in _ROW_FIELDS.items()
    }  # fmt: skip
    return rows | {"minimum_minor": "minimum", "maximum_minor": "maximum", "commission": "maximum"}


def _row(form: Form, number: int, currency: str) -> dict[str, Any]:
    row: dict[str, Any] = {"rate": form.percent(f"rate_{number}")}
    for key in ("from_age_days", "to_age_days", "placement_number"):
        if form.optional(field := f"{_ROW_FIELDS[key]}_{number}"):
            row[key] = form.whole(field)
    for key in ("from_balance_minor", "to_balance_minor"):
        if form.optional(field := f"{_ROW_FIELDS[key]}_{number}"):
            row[key] = form.money(field, currency)
    for key in ("legal", "settlement"):
        if form.optional(field := f"{key}_{number}"):
            row[key] = form.one_of(field, _YES_NO) == "yes"
    return row


@blueprint.get("/tenants/<int:tenant_id>/remitting")
@requires(Permission.TENANCY_MANAGE)
def tenant_remitting(tenant_id: int) -> ResponseReturnValue:
    """How a creditor is paid: the method, and from and to which bank accounts."""
    currency = request.args.get("currency", "")
    with tenant_transaction(tenant_id) as session:
        tenant = tenancy.tenant(session)
        wanted = currency.upper() or tenant.currency
        kept = bank_accounts.of_tenants(session)
        values: dict[str, object] = {"method": remittances.method_of(session).value, "currency": wanted}
    for purpose in bank_accounts.PURPOSES:
        account = kept.get((tenant_id, purpose, wanted))
        if account is not None:
            values |= {f"{purpose}_holder": account.holder, f"{purpose}_bank": account.bank or "",
                       f"{purpose}_number": account.number}  # fmt: skip
    return _remitting_page(tenant_id, Form(values))


@blueprint.post("/tenants/<int:tenant_id>/remitting")
@requires(Permission.TENANCY_MANAGE)
def tenant_remitting_sent(tenant_id: int) -> ResponseReturnValue:
    form, actor = Form.sent(), the_caller().actor
    try:
        with tenant_transaction(tenant_id) as session, form.together() as faults:
            with faults.caught():
                remittances.set_method(session, form.optional("method"), actor=actor)
            currency = form.text("currency").upper()
            for purpose in bank_accounts.PURPOSES:
                given = {name: form.optional(f"{purpose}_{name}") for name in ("holder", "number", "bank")}
                with faults.caught(**{name: f"{purpose}_{name}" for name in given}):
                    bank_accounts.save(session, purpose=purpose, currency=currency, **given, actor=actor)
    except UserError as error:
        form.refuse(error)
        return _remitting_page(tenant_id, form)
    flash(_("Saved."))
    return redirect(url_for("portals.tenant", tenant_id=tenant_id))


def _remitting_page(tenant_id: int, form: Form) -> ResponseReturnValue:
    with tenant_transaction(tenant_id) as session:
        tenant = tenancy.tenant(session)
    return render_template("tenants/remitting.html", tenant=tenant, form=form), form.status
