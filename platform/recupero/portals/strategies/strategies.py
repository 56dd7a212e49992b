"""A portfolio's strategy as a form: what is done, how often, within which limits; its versions below."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.decisions.strategies import annoyance
from recupero.decisions.strategies.assistants import KINDS
from recupero.decisions.strategies.strategy import DPD_STAGES, OFFERS, Strategy, parse
from recupero.kernel.errors import UserError
from recupero.outreach.actions.approval import values as values_of
from recupero.outreach.actions.kinds import TEMPLATES, TONES
from recupero.outreach.scripts import store
from recupero.placements import browse, strategies
from recupero.placements.lifecycle import STAGES
from recupero.placements.tables import Portfolio
from recupero.portals.frame.errors import said
from recupero.portals.frame.forms import Form
from recupero.portals.frame.pages import blueprint
from recupero.portals.money.terms import amount_text, percent_text
from recupero.portals.strategies import strategy_assistants, strategy_branches, strategy_sections
from recupero.portals.words.language import money
from recupero.portals.words.words import label
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller
from recupero.tenancy.permissions import Permission
from recupero_sdk.law import CHANNELS

#: A visit is never planned by a machine.
PLANNED = tuple(channel for channel in CHANNELS if channel != "visit")
_WHOLE = ("max_contacts_30d", "promise_reminder_days", "offer_after")
_MONEY = ("budget_minor", "minimum_value_minor", "tolerance_minor", "annoyance_minor")
#: Conditions for a yes that are chosen from a list.
_CONDITIONS = ("channel", "template", "tone", "stage")
_SPARE = 2  # empty rows below the conditions, for more
_BY_CHANNEL = ("daily", "costs_minor")
_CHOICES = {"channel": PLANNED, "template": TEMPLATES, "tone": TONES, "stage": STAGES}
#: The beginning of the fields of one row.
_ROW = re.compile(r"(?:segments|arms|assistants|needs_yes)_\d+_")
_USUAL = Strategy()
_TONE = "neutral"  # where the strategy names none


@blueprint.get("/tenants/<int:tenant_id>/portfolios/<int:portfolio_id>/strategy")
@requires(Permission.TENANCY_READ)
def portfolio_strategy(tenant_id: int, portfolio_id: int) -> ResponseReturnValue:
    """What is done for a portfolio's accounts, and what it was before; with `draft` the form holds the
    draft."""
    with tenant_transaction(tenant_id) as session:
        portfolio = browse.portfolio(session, portfolio_id)
        draft = strategies.draft(session, portfolio_id) if "draft" in request.args else None
        data = draft.strategy if draft else portfolio.strategy
        unread = _unread(data)
        form = Form(_typed(portfolio, _without(data, unread)))
        if unread is not None:
            _refuse(form, unread)
        return _page(session, portfolio, form, unread=unread)[0]


@blueprint.post("/tenants/<int:tenant_id>/portfolios/<int:portfolio_id>/strategy")
@requires(Permission.STRATEGY_MANAGE)
def portfolio_strategy_sent(tenant_id: int, portfolio_id: int) -> ResponseReturnValue:
    form, version = Form.sent(), 0
    with tenant_transaction(tenant_id) as session:
        portfolio = browse.portfolio(session, portfolio_id)
        form.values = {**form.values, **_picked(), "currency": portfolio.currency}
        read = _read(form, portfolio)
        as_draft = form.optional("do") == "draft"
        try:
            if form.errors:
                parse(read)
            elif as_draft:
                strategies.keep_draft(session, portfolio_id, read, actor=the_caller().actor)
            else:
                version = strategies.set_strategy(
                    session, portfolio_id, read, actor=the_caller().actor, instead_of=form.whole("version")
                )
        except UserError as error:
            _refuse(form, error)
    if form.errors:
        with tenant_transaction(tenant_id) as session:
            return _page(session, browse.portfolio(session, portfolio_id), form)
    if as_draft:
        return redirect(url_for("portals.strategy_draft", tenant_id=tenant_id, portfolio_id=portfolio_id))
    flash(_("Saved as version %(version)s. The next plan uses it.", version=version))
    return redirect(url_for("portals.portfolio_strategy", tenant_id=tenant_id, portfolio_id=portfolio_id))


def _unread(data: Mapping[str, Any]) -> UserError | None:
    """Why a strategy that is kept cannot be read; None where it can."""
    try:
        parse(data)
    except UserError as error:
        return error
    return None


def _without(data: Mapping[str, Any], unread: UserError | None) -> Mapping[str, Any]:
    """The strategy without the keys that cannot be read."""
    faults = (unread, *unread.others) if unread else ()
    wrong = {(one.field or "").removeprefix("strategy.").partition(".")[0] for one in faults}
    return {key: value for key, value in data.items() if key not in wrong}


def _refuse(form: Form, error: UserError) -> None:
    """Put what a strategy is refused for beside what could not be read, but for rows that could not be read:
    what these lack is told there."""
    unread = {row[0] for name in form.errors if (row := _ROW.match(name))}
    for one in (error, *error.others):
        place = _place(one.field or "", form)
        row = _ROW.match(place)
        if place not in form.errors and not (row and row[0] in unread):
            form.errors[place] = said(one)


def _place(field: str, form: Form) -> str:
    """The form's field for a key of the strategy, such as `strategy.daily.sms`."""
    key = field.removeprefix("strategy.")
    for place in (strategy_branches.place_of(key), strategy_assistants.place_of(key)):
        if place in form.values:
            return place
    name = key.replace(".", "_")
    name = {"channels": "channel_0", "offers": "offer_0"}.get(name, name)
    return name if name in form.values else ""


def _page(
    session: Session, portfolio: Portfolio, form: Form, unread: UserError | None = None
) -> tuple[str, int]:
    versions = strategies.versions(session, portfolio.id)
    page = render_template(
        "tenants/strategy.html", unread=unread and said(unread), portfolio=portfolio,
        tenant=tenancy.tenant(session), form=form,
        versions=versions, had_arms=any(one.strategy.get("arms") for one in versions), channels=PLANNED,
        templates=TEMPLATES,
        channel_choices=[("", "–"), *((one, label("channel", one)) for one in PLANNED)],
        tones=[("", label("tone", _TONE)), *((one, label("tone", one)) for one in TONES if one != _TONE)],
        rows=_rows_sent(form), conditions={
            name: [(one, label(name, one)) for one in known] for name, known in _CHOICES.items()
        },
        usual=_usual(portfolio.currency), told=lambda data: told(data, portfolio.currency),
        draft=strategies.draft(session, portfolio.id), stages=DPD_STAGES,
        branches={kind: strategy_branches.rows(form, kind) for kind in strategy_branches.KINDS},
        offer_choices=[("", "–"), *((one, label("strategy_offer", one)) for one in OFFERS)],
        assistants=strategy_assistants.rows(form), assistant_kinds=[
            (one, label("assistant", one)) for one in KINDS
        ],
        scripts=[("", _("the usual one")), *((one, one) for one in _scripts(session))],
        sections=_sections(form, portfolio), speakers=strategy_assistants.names(form),
        branch_tones=strategy_branches.tone_choices(lambda tone: label("tone", tone)),
    )  # fmt: skip
    return page, form.status


def _sections(form: Form, portfolio: Portfolio) -> dict[str, strategy_sections.Section]:
    """What the form's parts hold, as typed but for what is wrong."""
    typed = Form({**form.values, "currency": portfolio.currency})
    held = _read(typed, portfolio)
    return strategy_sections.sections(
        held, form.errors, lambda key, value: _said(key, value, portfolio.currency)
    )


def _scripts(session: Session) -> list[str]:
    """Names of the scripts that may lead calls."""
    return sorted({one.name for one in store.all_versions(session) if one.state == "approved"})


def _usual(currency: str) -> dict[str, str]:
    """The numbers that hold where a field is left empty, amounts with their currency; "" for no limit."""
    amounts = {name: getattr(_USUAL, name) for name in _MONEY}
    amounts["annoyance_minor"] = annoyance.usual(currency)
    return {
        "pace_days": f"{_USUAL.pace_days:g}",
        "exploration": percent_text(round(_USUAL.exploration * 10_000)),
        **{name: str(getattr(_USUAL, name)) for name in _WHOLE if getattr(_USUAL, name) is not None},
        **{name: "" if minor is None else money(minor, currency) for name, minor in amounts.items()},
    }


def _typed(portfolio: Portfolio, data: Mapping[str, Any]) -> dict[str, object]:
    """The strategy as somebody would type it. What cannot be read is left out, so that it can be put
    right."""
    currency = portfolio.currency
    values = {
        "version": portfolio.strategy_version,
        "human_only": "yes" if data.get("human_only") else "",
        **_conditions_typed(data, currency),
        **strategy_assistants.typed(data, PLANNED),
        **strategy_branches.typed(data, currency),
    }
    for place, channel in enumerate(data.get("channels", _USUAL.channels)):
        values[f"channel_{place}"] = channel
    values |= {f"offer_{place}": kind for place, kind in enumerate(data.get("offers", ()))}
    values |= {name: data.get(name, "") for name in ("pace_days", *_WHOLE)}
    values |= {name: amount_text(data.get(name), currency) for name in _MONEY}
    if "exploration" in data:
        values["exploration"] = percent_text(round(data["exploration"] * 10_000))
    for name in _BY_CHANNEL:
        text = _amounts(currency) if name.endswith("_minor") else str
        values |= {f"{name}_{channel}": text(number) for channel, number in data.get(name, {}).items()}
    return values | {f"tones_{template}": tone for template, tone in data.get("tones", {}).items()}


def _amounts(currency: str) -> Callable[[Any], str]:
    return lambda minor: amount_text(minor, currency)


def _read(form: Form, portfolio: Portfolio) -> dict[str, Any]:
    """The strategy as typed, without what is left empty; errors stand at their fields afterwards."""
    currency = portfolio.currency
    places = (form.optional(f"channel_{place}") for place in range(len(PLANNED)))
    read: dict[str, Any] = {"channels": list(dict.fromkeys(filter(None, places)))}

    def take(into: dict[str, Any], name: str, field: str, reader: Callable[[str], Any]) -> None:
        if form.optional(field):
            try:
                into[name] = reader(field)
            except UserError as error:
                form.refuse(error)

    take(read, "pace_days", "pace_days", lambda field: strategy_branches.days(form.hundredths(field)))
    take(read, "exploration", "exploration", lambda field: form.hundredths(field) / 10_000)
    for name in _WHOLE:
        take(read, name, name, form.whole)
    for name in _MONEY:
        take(read, name, name, lambda field: form.money(field, currency))
    for name in _BY_CHANNEL:
        by_channel: dict[str, Any] = {}
        for channel in PLANNED:
            reader = (lambda field: form.money(field, currency)) if name.endswith("_minor") else form.whole
            take(by_channel, channel, f"{name}_{channel}", reader)
        read |= {name: by_channel} if by_channel else {}
    read |= strategy_branches.offers(form, "offer_")
    take(read, "human_only", "human_only", lambda _field: True)
    read |= _conditions_read(form, take) | strategy_branches.read(form, take)
    read |= strategy_assistants.read(form, PLANNED)
    tones = {one: form.optional(f"tones_{one}") for one in TEMPLATES if form.optional(f"tones_{one}")}
    return read | ({"tones": tones} if tones else {})


def _conditions_read(form: Form, take: Callable[..., None]) -> dict[str, Any]:
    """What needs a yes, as typed; a row without conditions is dropped."""
    currency, rows = form.optional("currency"), list[dict[str, Any]]()
    for place in range(_rows_sent(form)):
        row: dict[str, Any] = {}
        for name in _CONDITIONS:
            chosen = form.values.get(f"needs_yes_{place}_{name}")
            if isinstance(chosen, list) and chosen:
                row[name] = chosen if len(chosen) > 1 else chosen[0]
        amount = f"needs_yes_{place}_from_balance_minor"
        take(row, "from_balance_minor", amount, lambda field: form.money(field, currency))
        for name in ("vulnerable", "everything"):
            take(row, name, f"needs_yes_{place}_{name}", lambda _field: True)
        rows += [row] if row else []
    return {"needs_yes": rows} if rows else {}


def _picked() -> dict[str, list[str]]:
    """What is ticked in fields that take several values, by field: conditions, and who speaks in a branch."""
    names = {
        name for name in request.form
        if (name.startswith("needs_yes_") and name.split("_", 3)[-1] in _CONDITIONS)
        or name.endswith(strategy_branches.SPEAKERS)
    }  # fmt: skip
    return {name: [one for one in request.form.getlist(name) if one] for name in names}


def _rows_sent(form: Form) -> int:
    places = [name.split("_")[2] for name in form.values if name.startswith("needs_yes_")]
    return 1 + max((int(place) for place in places if place.isdecimal()), default=_SPARE - 1)


def _conditions_typed(data: Mapping[str, Any], currency: str) -> dict[str, object]:
    values: dict[str, object] = {}
    for place in range(len(data.get("needs_yes", ())) + _SPARE):
        row = data["needs_yes"][place] if place < len(data.get("needs_yes", ())) else {}
        values |= {
            f"needs_yes_{place}_{name}": list(values_of(row[name])) if name in row else []
            for name in _CONDITIONS
        }
        values[f"needs_yes_{place}_from_balance_minor"] = amount_text(row.get("from_balance_minor"), currency)
        for name in ("vulnerable", "everything"):
            values[f"needs_yes_{place}_{name}"] = "yes" if name in row else ""
    return values


def told(data: Mapping[str, Any], currency: str) -> list[tuple[str, str]]:
    """A version in words: each key with what it says."""
    return [(label("strategy", name), _said(name, value, currency)) for name, value in sorted(data.items())]


def _said(name: str, value: Any, currency: str) -> str:
    if value is True:
        return str(_("yes"))
    if name in strategy_branches.KINDS:
        return "; ".join(_branch_said(row, currency) for row in value)
    if name == "stages":
        return ", ".join(label("dpd_stage", one) for one in value)
    if name == "assistants":
        return "; ".join(one if isinstance(one, str) else strategy_assistants.told(one) for one in value)
    if name in ("regions", "languages"):
        return ", ".join(value)
    if name == "offers":
        return ", ".join(label("strategy_offer", one) for one in value)
    if name == "channels":
        return ", ".join(label("channel", one) for one in value)
    if name == "needs_yes":
        return "; ".join(_condition_said(row, currency) for row in value)
    if isinstance(value, Mapping):
        kind = "template" if name == "tones" else "channel"
        return ", ".join(f"{label(kind, key)}: {_said(name, one, currency)}" for key, one in value.items())
    if name == "tones":
        return label("tone", value)
    if name == "exploration":
        return f"{percent_text(round(value * 10_000))} %"
    return f"{amount_text(value, currency)} {currency}" if name.endswith("_minor") else f"{value}"


def _branch_said(row: Mapping[str, Any], currency: str) -> str:
    """A segment or an arm in words: its name, for whom it is, and what holds instead."""
    asked = row.get("when", {})
    share = f"{percent_text(round(row['share'] * 10_000))} %" if "share" in row else ""
    parts = [
        ", ".join(f"{label('strategy', key)}: {_said(key, value, currency)}" for key, value in side.items())
        for side in (asked, row.get("then", {}))
    ]
    return f"{row['name']} ({share or parts[0]}) → {parts[1]}"


def _condition_said(row: Mapping[str, Any], currency: str) -> str:
    """One condition in words: all of its parts must hold."""
    either = _(" or ")
    parts = [
        label("yes", name) if value is True
        else f"{label('yes', name)} {amount_text(value, currency)} {currency}" if name == "from_balance_minor"
        else f"{label('yes', name)}: {either.join(label(name, one) for one in values_of(value))}"
        for name, value in row.items()
    ]  # fmt: skip
    return " + ".join(parts)
