"""Creditors and their portfolios, and the plug-ins switched on and configured for each of them."""

from collections.abc import Sequence

from babel.numbers import get_territory_currencies
from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.kernel import runtime
from recupero.kernel.errors import Faults, NotFound, Quoted, UserError
from recupero.outreach.channels import pacing
from recupero.outreach.conversations import refusals
from recupero.placements import browse
from recupero.placements import service as placements
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.places import COUNTRIES, countries, zones
from recupero.portals.words.language import CODES, brand
from recupero.tenancy import queries, service
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission
from recupero_sdk.settings import PluginConfig, Setting


@blueprint.get("/tenants")
@requires(Permission.TENANCY_READ)
def tenants() -> ResponseReturnValue:
    with transaction() as session:
        rows = queries.tenants(session)
        portfolios = browse.portfolios_with_totals(session)
    return render_template("tenants/list.html", tenants=rows, portfolios=portfolios)


@blueprint.route("/tenants/new", methods=["GET", "POST"])
@requires(Permission.TENANCY_MANAGE)
def tenant_new() -> ResponseReturnValue:
    house = brand()  # most creditors are where the agency is
    form = Form.sent_or({
        "locale": the_caller().locale[:2], "country": house.country or "", "timezone": house.timezone,
        "currency": next(iter(get_territory_currencies(house.country)), "") if house.country else "",
    })  # fmt: skip
    if form.is_sent:
        try:
            return _add_tenant(form)
        except UserError as error:
            form.refuse(error)
    return render_template("tenants/new.html", form=form, countries=countries(), zones=zones()), form.status


def _add_tenant(form: Form) -> ResponseReturnValue:
    with transaction() as session, form.together():
        name, slug, currency = form.text("name"), form.text("slug"), form.text("currency").upper()
        country, zone = form.one_of("country", COUNTRIES), form.one_of("timezone", dict(zones()))
        locale = form.one_of("locale", CODES)
        made = service.create_tenant(
            session, name=name, slug=slug, country=country, currency=currency, locale=locale, timezone=zone,
            actor=the_caller().actor,
        )  # fmt: skip
    flash(_("The creditor has been added."))
    return redirect(url_for("portals.tenant", tenant_id=made.id))


@blueprint.get("/tenants/<int:tenant_id>")
@requires(Permission.TENANCY_READ)
def tenant(tenant_id: int) -> ResponseReturnValue:
    return _tenant_page(tenant_id, Form())


@blueprint.post("/tenants/<int:tenant_id>")
@requires(Permission.TENANCY_MANAGE)
def tenant_portfolio(tenant_id: int) -> ResponseReturnValue:
    """Add a portfolio from the form on the creditor's page."""
    form = Form.sent()
    try:
        _add_portfolio(tenant_id, form)
    except UserError as error:
        form.refuse(error)
        return _tenant_page(tenant_id, form)
    flash(_("The portfolio has been added."))
    return redirect(url_for("portals.tenant", tenant_id=tenant_id))


def _add_portfolio(tenant_id: int, form: Form) -> None:
    with tenant_transaction(tenant_id) as session:
        found = queries.tenant(session)
        with form.together():
            name, product, number = form.text("name"), form.text("product"), form.whole("placement_number")
            terms = {"commission_rate": form.percent("commission")}
            placements.create_portfolio(
                session, name=name, country=found.country,
                currency=(form.optional("currency") or found.currency).upper(), product=product,
                placement_number=number, terms=terms, strategy={}, actor=the_caller().actor,
            )  # fmt: skip


def _tenant_page(tenant_id: int, form: Form) -> ResponseReturnValue:
    with tenant_transaction(tenant_id) as session:
        found, portfolios = queries.tenant(session), browse.portfolios_with_totals(session)
        switched = queries.plugins_set(session)
    plugins = [(*name, switched.get(name)) for name in _configurable()]
    page = render_template(
        "tenants/tenant.html", tenant=found, portfolios=portfolios, plugins=plugins, form=form
    )
    return page, form.status


def _configurable() -> list[tuple[str, str]]:
    """Kind and key of what each creditor switches on; laws and models serve the whole house."""
    plugins = runtime.current().plugins
    return [("channel", key) for key in plugins.channels] + [("gateway", key) for key in plugins.gateways]


@blueprint.get("/tenants/<int:tenant_id>/plugins/<kind>/<key>")
@requires(Permission.TENANCY_MANAGE)
def tenant_plugin(tenant_id: int, kind: str, key: str) -> ResponseReturnValue:
    enabled, config = _stored(tenant_id, kind, key)
    form = Form({**config.settings, "enabled": "yes" if enabled else ""})
    return _plugin_page(tenant_id, kind, key, form, config)


@blueprint.post("/tenants/<int:tenant_id>/plugins/<kind>/<key>")
@requires(Permission.TENANCY_MANAGE)
def tenant_plugin_sent(tenant_id: int, kind: str, key: str) -> ResponseReturnValue:
    form, (_enabled, stored) = Form.sent(), _stored(tenant_id, kind, key)
    settings = _settings(kind, key)
    typed = {one.name: form.optional(one.name) for one in settings}
    secrets = {
        one.name: typed[one.name] or stored.secrets.get(one.name, "") for one in settings if one.secret
    }
    plain = {one.name: typed[one.name] for one in settings if not one.secret}
    config = PluginConfig(plain, {name: value for name, value in secrets.items() if value})
    try:
        if form.optional("enabled"):
            _check(kind, key, settings, config)
        with tenant_transaction(tenant_id) as session:
            service.configure_plugin(
                session, kind=kind, key=key, enabled=bool(form.optional("enabled")), settings=plain,
                secret_values=dict(config.secrets), actor=the_caller().actor,
            )  # fmt: skip
    except UserError as error:
        form.refuse(error)
        return _plugin_page(tenant_id, kind, key, form, stored)
    flash(_("Saved."))
    return redirect(url_for("portals.tenant", tenant_id=tenant_id))


def _check(kind: str, key: str, settings: Sequence[Setting], config: PluginConfig) -> None:
    """Raises UserError where a required field is empty or the connector says that it cannot work so."""
    faults = Faults()
    for one in settings:
        if one.required and not config.get(one.name):
            faults.note(UserError("Please fill this in.", field=one.name))
    faults.tell()
    if kind == "channel":
        problem = runtime.current().plugins.channels[key].check(config)
        if problem:
            about = next((one.name for one in settings if one.name == problem.partition(" ")[0]), None)
            raise UserError("the plug-in cannot work so: %(problem)s", problem=Quoted(problem), field=about)


def _stored(tenant_id: int, kind: str, key: str) -> tuple[bool, PluginConfig]:
    if (kind, key) not in _configurable():
        raise NotFound("There is no such plug-in.")
    with tenant_transaction(tenant_id) as session:
        return queries.plugin_config(session, kind, key) or (False, PluginConfig())


def _settings(kind: str, key: str) -> Sequence[Setting]:
    plugins = runtime.current().plugins
    return plugins.channels[key].settings if kind == "channel" else plugins.gateways[key].settings


def _plugin_page(
    tenant_id: int, kind: str, key: str, form: Form, stored: PluginConfig
) -> ResponseReturnValue:
    with tenant_transaction(tenant_id) as session:
        found = queries.tenant(session)
    channel = runtime.current().plugins.channels[key] if kind == "channel" else None
    page = render_template(
        "tenants/plugin.html", tenant=found, kind=kind, key=key, settings=_settings(kind, key), form=form,
        has_secret={name for name, value in stored.secrets.items() if value},
        refused=refusals.of(tenant_id, key) if channel else None,
        use=pacing.use(channel, stored, tenant_id) if channel and channel.check(stored) is None else None,
    )  # fmt: skip
    return page, form.status
