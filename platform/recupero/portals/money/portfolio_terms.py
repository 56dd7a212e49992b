"""What grows on the debts of a portfolio, which part money pays first, and what may be offered: typed on two
pages, shown as an example before it is kept."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.kernel import clock
from recupero.kernel.errors import UserError
from recupero.ledger.books import ALLOCATION_ORDER
from recupero.payments.debts.terms_preview import preview, rates_needed
from recupero.payments.offers.policy import DEFAULTS
from recupero.placements import browse
from recupero.placements import service as placements
from recupero.placements.accrual_terms import CONTRACT, DAY_COUNTS, STARTS
from recupero.placements.dated_terms import versions
from recupero.placements.lifecycle import HOLDS
from recupero.placements.tables import Portfolio
from recupero.placements.terms import APPROVERS, OFFER_LIMITS, check_terms
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.money.terms import SPARE_ROWS, amount_text, percent_text, without_before
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller
from recupero.tenancy.permissions import Permission

#: Limits of offers besides those that rows may tighten.
_WHOLE_ONLY = ("plan_grace_days",)
LIMITS = (*OFFER_LIMITS, *_WHOLE_ONLY)
#: For whom a row of limits is.
_WHO = ("role", "desk")
#: Per cent of interest a year that a form takes.
_MOST_A_YEAR = 1000
_FEES = {"late_fee_minor": "late_fee", "late_fee_rate": "late_fee_percent"}
#: Where the fields of terms stand in the form of interest.
_AT = {**_FEES, "from": "start"}


@blueprint.get("/tenants/<int:tenant_id>/portfolios/<int:portfolio_id>/interest")
@requires(Permission.TENANCY_READ)
def portfolio_interest(tenant_id: int, portfolio_id: int) -> ResponseReturnValue:
    """Interest, late fees and the order of payment of a portfolio."""
    with tenant_transaction(tenant_id) as session:
        portfolio = browse.portfolio(session, portfolio_id)
        values = _interest_typed(portfolio, _today(session))
        return _interest_page(session, portfolio, Form(values))


@blueprint.post("/tenants/<int:tenant_id>/portfolios/<int:portfolio_id>/interest")
@requires(Permission.TERMS_MANAGE)
def portfolio_interest_sent(tenant_id: int, portfolio_id: int) -> ResponseReturnValue:
    """Show what it would come to, or keep it."""
    form = Form({**request.form.to_dict(), **{f"stop_{one}": "yes" for one in request.form.getlist("stops")}})
    with tenant_transaction(tenant_id) as session:
        portfolio = browse.portfolio(session, portfolio_id)
        try:
            with form.together(**_AT):
                since = form.day("holds_from")
                terms = check_terms(without_before(_interest_read(form, portfolio)))
            if form.optional("do") != "save":
                return _interest_page(session, portfolio, form, preview(session, portfolio, terms, since))
            placements.set_terms(session, portfolio_id, terms, actor=the_caller().actor, holds_from=since)
        except UserError as error:
            error.field = _AT.get(error.field or "", error.field)
            form.refuse(error, "allocation_order", "stopped_by")
    if form.errors:
        with tenant_transaction(tenant_id) as session:
            return _interest_page(session, browse.portfolio(session, portfolio_id), form)
    flash(_("Saved. What accrued before that day stays as it is."))
    return redirect(url_for("portals.tenant", tenant_id=tenant_id))


def _interest_page(
    session: Session, portfolio: Portfolio, form: Form, shown: Any = None
) -> ResponseReturnValue:
    country = portfolio.country
    page = render_template(
        "tenants/interest.html", portfolio=portfolio, tenant=tenancy.tenant(session), form=form, shown=shown,
        parts=ALLOCATION_ORDER, holds=HOLDS,
        rates=_rate_names(portfolio), versions=versions(portfolio.terms),
        needed=rates_needed(country, clock.now().date()), annual=_annual,
    )  # fmt: skip
    return page, form.status


def _annual(accrual: Mapping[str, Any] | None) -> str | None:
    """The yearly rate of terms as a percentage; None: each account has its own, "": none accrues."""
    if not accrual or not accrual["rate"]:
        return ""
    return None if accrual["rate"] == CONTRACT else percent_text(accrual["rate"])


def _rate_names(portfolio: Portfolio) -> list[str]:
    stated = (portfolio.terms.get("accrual") or {}).get("rates", {})
    return sorted({*stated, *rates_needed(portfolio.country, clock.now().date())})


def _interest_typed(portfolio: Portfolio, today: date) -> dict[str, object]:
    """The terms as somebody would type them."""
    accrual, currency = portfolio.terms.get("accrual") or {"rate": 0}, portfolio.currency
    own = accrual["rate"] == CONTRACT
    values: dict[str, object] = {
        "kind": "contract" if own else "rate" if accrual["rate"] else "none",
        "rate": "" if own or not accrual["rate"] else percent_text(accrual["rate"]),
        "day_count": accrual.get("day_count", DAY_COUNTS[0]), "start": accrual.get("from", STARTS[0]),
        "late_fee": amount_text(accrual.get("late_fee_minor"), currency),
        "late_fee_percent": percent_text(accrual.get("late_fee_rate")),
        "late_fee_after_days": accrual.get("late_fee_after_days", ""), "holds_from": today.isoformat(),
        **{f"stop_{hold}": "yes" for hold in accrual.get("stopped_by", ())},
        **{f"rate_{name}": percent_text(rate) for name, rate in accrual.get("rates", {}).items()},
    }  # fmt: skip
    order = portfolio.terms.get("allocation_order") or ALLOCATION_ORDER
    return values | {f"order_{place}": str(part) for place, part in enumerate(order, 1)}


def _interest_read(form: Form, portfolio: Portfolio) -> dict[str, Any]:
    """The portfolio's terms with interest, late fee and order as typed."""
    kind, accrual = form.one_of("kind", ("none", "rate", CONTRACT)), dict[str, Any]()
    accrual["rate"] = (
        CONTRACT if kind == "contract" else form.percent("rate", _MOST_A_YEAR) if kind == "rate" else 0
    )
    accrual |= {"day_count": form.one_of("day_count", DAY_COUNTS), "from": form.one_of("start", STARTS)}
    if form.optional("late_fee"):
        accrual["late_fee_minor"] = form.money("late_fee", portfolio.currency)
    if form.optional("late_fee_percent"):
        accrual["late_fee_rate"] = form.percent("late_fee_percent")
    if form.optional("late_fee_after_days"):
        accrual["late_fee_after_days"] = form.whole("late_fee_after_days")
    if stops := [hold for hold in HOLDS if form.optional(f"stop_{hold}")]:
        accrual["stopped_by"] = stops
    names = [name for name in _rate_names(portfolio) if form.optional(f"rate_{name}")]
    if names:
        accrual["rates"] = {name: form.percent(f"rate_{name}", _MOST_A_YEAR) for name in names}
    terms = {**portfolio.terms, "allocation_order": _order(form)}
    nothing = accrual["rate"] == 0 and not (accrual.keys() & _FEES.keys())
    if nothing and "accrual" not in portfolio.terms:
        return terms
    return terms | {"accrual": {"rate": 0} if nothing else accrual}


def _today(session: Session) -> date:
    return clock.today(tenancy.tenant(session).timezone)


def _order(form: Form) -> list[str]:
    order = [form.optional(f"order_{place}") for place in range(1, len(ALLOCATION_ORDER) + 1)]
    if sorted(order) != sorted(str(part) for part in ALLOCATION_ORDER):
        form.wrong(UserError("Choose each part once.", field="allocation_order"))
    return order


@blueprint.get("/tenants/<int:tenant_id>/portfolios/<int:portfolio_id>/offers")
@requires(Permission.TENANCY_READ)
def portfolio_offers(tenant_id: int, portfolio_id: int) -> ResponseReturnValue:
    """What may be offered on a portfolio, by whom, and who lets more through."""
    with tenant_transaction(tenant_id) as session:
        portfolio = browse.portfolio(session, portfolio_id)
        rows = len(portfolio.terms.get("offer_limits", ())) + SPARE_ROWS
        return _offers_page(session, portfolio, Form(_offers_typed(portfolio)), rows)


@blueprint.post("/tenants/<int:tenant_id>/portfolios/<int:portfolio_id>/offers")
@requires(Permission.TERMS_MANAGE)
def portfolio_offers_sent(tenant_id: int, portfolio_id: int) -> ResponseReturnValue:
    form = Form.sent()
    with tenant_transaction(tenant_id) as session:
        portfolio = browse.portfolio(session, portfolio_id)
        try:
            with form.together(**_limit_places(form)):
                terms = check_terms(without_before(_offers_read(form, portfolio)))
            placements.set_terms(session, portfolio_id, terms, actor=the_caller().actor)
        except UserError as error:
            form.refuse(error, "offer_limits")
    if form.errors:
        with tenant_transaction(tenant_id) as session:
            rows = sum(name.startswith("role_") for name in form.values)
            return _offers_page(session, browse.portfolio(session, portfolio_id), form, rows)
    flash(_("Saved. It holds for offers from now on; what was agreed stays."))
    return redirect(url_for("portals.tenant", tenant_id=tenant_id))


def _offers_page(session: Session, portfolio: Portfolio, form: Form, rows: int) -> ResponseReturnValue:
    page = render_template(
        "tenants/offers.html", portfolio=portfolio, tenant=tenancy.tenant(session), form=form, rows=rows,
        limits=LIMITS, row_limits=OFFER_LIMITS,
        usual={name: _limit_text(name, DEFAULTS[name], portfolio.currency) for name in LIMITS},
    )  # fmt: skip
    return page, form.status


def _limit_text(name: str, value: int | None, currency: str) -> str:
    if value is None:
        return ""
    return amount_text(value, currency) if name.endswith("_minor") else str(value)


def _offers_typed(portfolio: Portfolio) -> dict[str, object]:
    terms, currency = portfolio.terms, portfolio.currency
    values: dict[str, object] = {name: _limit_text(name, terms.get(name), currency) for name in LIMITS}
    values["exception_approver"] = terms.get("exception_approver", APPROVERS[0])
    for number, row in enumerate(terms.get("offer_limits", ())):
        values |= {f"{name}_{number}": _limit_text(name, row.get(name), currency) for name in OFFER_LIMITS}
        values |= {f"role_{number}": row.get("role", ""), f"desk_{number}": row.get("desk", "")}
    return values


def _offers_read(form: Form, portfolio: Portfolio) -> dict[str, Any]:
    """The portfolio's terms with the limits of offers as typed; an empty field is the usual limit."""
    terms = {name: value for name, value in portfolio.terms.items() if name not in LIMITS}
    read = _reader(form, portfolio.currency)
    terms |= {name: read(name, name) for name in LIMITS if form.optional(name)}
    terms["exception_approver"] = form.text("exception_approver")
    rows = [_limit_row(form, number, read) for number in _limit_rows(form)]
    terms.pop("offer_limits", None)
    return terms | ({"offer_limits": rows} if rows else {})


def _limit_rows(form: Form) -> list[str]:
    """The numbers of the rows of limits in which anything is typed."""
    numbers = [name.removeprefix("role_") for name in form.values if name.startswith("role_")]
    return [one for one in numbers if any(form.optional(f"{key}_{one}") for key in (*_WHO, *OFFER_LIMITS))]


def _limit_places(form: Form) -> dict[str, str]:
    """Where the fields of the rows of limits stand in the form."""
    return {
        f"offer_limits.{place}.{key}": f"{key}_{number}"
        for place, number in enumerate(_limit_rows(form)) for key in (*_WHO, *OFFER_LIMITS)
    }  # fmt: skip


def _limit_row(form: Form, number: str, read: Callable[[str, str], int]) -> dict[str, Any]:
    limits = {name: field for name in OFFER_LIMITS if form.optional(field := f"{name}_{number}")}
    who = {key: said for key in _WHO if (said := form.optional(f"{key}_{number}"))}
    return {name: read(name, field) for name, field in limits.items()} | who


def _reader(form: Form, currency: str) -> Callable[[str, str], int]:
    def read(name: str, field: str) -> int:
        return form.money(field, currency) if name.endswith("_minor") else form.whole(field)

    return read
