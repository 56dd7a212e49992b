"""What the law is told of the agency, a creditor and its portfolios, and the numbers that calls show."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.contacts import standing
from recupero.contacts.queries import packs
from recupero.kernel.errors import Faults, Forbidden, UserError
from recupero.placements import browse
from recupero.placements.tables import Portfolio
from recupero.portals.frame import places
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.words.words import label, options
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission


@blueprint.route("/law/facts", methods=["GET", "POST"])
@requires(Permission.LAW_MANAGE)
def law_facts() -> ResponseReturnValue:
    """Where the agency sits and which number its calls show in each country."""
    countries = sorted(packs().by_country)
    with transaction() as session:
        agency, tenants = tenancy.agency(session), tenancy.tenants(session)
        whole = tenancy.whole_agency(session)
        form = Form.sent_or({"region": agency.law.get("region", ""), **_number_fields(agency.law)})
        if form.is_sent:
            if not whole:
                raise Forbidden("what is said of the whole agency is for those who see all of its creditors")
            numbers = _numbers(form, countries)
            try:
                standing.state_agency(session, form.optional("region"), numbers, actor=the_caller().actor)
                flash(_("Saved."))
            except UserError as error:
                form.refuse(error)
    pack = packs().by_country.get(agency.country)
    regions = sorted((code, one.name) for code, one in pack.manifest.regions.items()) if pack else []
    page = render_template(
        "law/facts.html", form=form, agency=agency, tenants=tenants, whole=whole, countries=countries,
        named=dict(places.countries()),
        regions=[("", _("not known")), *regions],
    )  # fmt: skip
    return page, form.status


@blueprint.get("/tenants/<int:tenant_id>/facts")
@requires(Permission.LAW_MANAGE)
def tenant_facts(tenant_id: int) -> ResponseReturnValue:
    """What is so of all debts of a creditor, and of the portfolios in which it is otherwise."""
    return _tenant_page(tenant_id, None)


@blueprint.post("/tenants/<int:tenant_id>/facts")
@requires(Permission.LAW_MANAGE)
def tenant_facts_sent(tenant_id: int) -> ResponseReturnValue:
    form, actor = Form.sent(), the_caller().actor
    try:
        with tenant_transaction(tenant_id) as session:
            portfolios = browse.portfolios(session)
            countries = _countries(tenancy.tenant(session).country, portfolios)
            stated = {name: form.optional(name) for name in standing.CHOICES}
            faults = Faults()
            with faults.caught():
                standing.state_creditor(session, stated, _numbers(form, countries), actor=actor)
            for one in portfolios:
                own = {name: form.optional(f"{name}_{one.id}") for name in standing.CHOICES}
                with faults.caught(**{name: f"{name}_{one.id}" for name in own}):
                    standing.state_portfolio(session, one.id, own, actor=actor)
            faults.tell()
    except UserError as error:
        form.refuse(error)
        return _tenant_page(tenant_id, form)
    flash(_("Saved."))
    return redirect(url_for("portals.tenant_facts", tenant_id=tenant_id))


def _countries(own: str, portfolios: Sequence[Portfolio]) -> list[str]:
    return sorted({one.country for one in portfolios} | {own})


def _tenant_page(tenant_id: int, form: Form | None) -> ResponseReturnValue:
    with tenant_transaction(tenant_id) as session:
        tenant, portfolios = tenancy.tenant(session), browse.portfolios(session)
    countries = _countries(tenant.country, portfolios)
    kinds = standing.debt_kinds(pack for country, pack in packs().by_country.items() if country in countries)
    form = form or Form(_fields(tenant.settings.get("law", {}), {one.id: one.law for one in portfolios}))
    page = render_template(
        "tenants/facts.html", form=form, tenant=tenant, portfolios=portfolios, countries=countries,
        named=dict(places.countries()),
        choices={
            "creditor_sector": options("sector"), "owner_type": options("owner_type"),
            "party": options("party"), "debt_kind": [(kind, label("debt_kind", kind)) for kind in kinds],
        },
    )  # fmt: skip
    return page, form.status


def _fields(law: Mapping[str, Any], portfolios: Mapping[int, Mapping[str, Any]]) -> dict[str, object]:
    """The form's fields for what is stated; those of a portfolio end in its id."""
    values: dict[str, object] = {name: law.get(name, "") for name in standing.CHOICES}
    for portfolio_id, own in portfolios.items():
        values |= {f"{name}_{portfolio_id}": own.get(name, "") for name in standing.CHOICES}
    return values | _number_fields(law)


def _number_fields(law: Mapping[str, Any]) -> dict[str, object]:
    return {f"number_{country}": number for country, number in law.get("numbers", {}).items()}


def _numbers(form: Form, countries: list[str]) -> dict[str, str]:
    return {country: form.optional(f"number_{country}") for country in countries}
