"""A draft of a strategy: in words, tried on today's accounts, put into force or dropped."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.decisions.evidence import trying
from recupero.decisions.evidence.trying import Finding
from recupero.kernel import clock
from recupero.kernel.errors import NotFound, UserError
from recupero.placements import browse, strategies
from recupero.portals.frame.errors import said
from recupero.portals.frame.pages import blueprint
from recupero.portals.strategies.strategies import told
from recupero.portals.words.language import number
from recupero.portals.words.told import rule_word
from recupero.portals.words.words import label
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller
from recupero.tenancy.permissions import Permission

_BASE = "/tenants/<int:tenant_id>/portfolios/<int:portfolio_id>/strategy/draft"


@blueprint.get(_BASE)
@requires(Permission.STRATEGY_MANAGE)
def strategy_draft(tenant_id: int, portfolio_id: int) -> ResponseReturnValue:
    """What the draft says, what is amiss with it, and what the next plan would do by it."""
    with tenant_transaction(tenant_id) as session:
        portfolio, draft = browse.portfolio(session, portfolio_id), strategies.draft(session, portfolio_id)
        if draft is None:
            raise NotFound("there is no draft")
        trial, refused = None, None
        try:
            trial = trying.try_out(session, portfolio_id, draft.strategy, clock.now())
        except UserError as error:
            refused = said(error)
        return render_template(
            "tenants/strategy_draft.html", portfolio=portfolio, tenant=tenancy.tenant(session), draft=draft,
            told=told(draft.strategy, portfolio.currency), trial=trial, refused=refused, finding=_in_words,
            rows=_rows(trial),
        )  # fmt: skip


@blueprint.post(f"{_BASE}/activate")
@requires(Permission.STRATEGY_MANAGE)
def strategy_draft_activated(tenant_id: int, portfolio_id: int) -> ResponseReturnValue:
    with tenant_transaction(tenant_id) as session:
        version = strategies.activate_draft(session, portfolio_id, actor=the_caller().actor)
    flash(_("Saved as version %(version)s. The next plan uses it.", version=version))
    return redirect(url_for("portals.portfolio_strategy", tenant_id=tenant_id, portfolio_id=portfolio_id))


@blueprint.post(f"{_BASE}/drop")
@requires(Permission.STRATEGY_MANAGE)
def strategy_draft_dropped(tenant_id: int, portfolio_id: int) -> ResponseReturnValue:
    with tenant_transaction(tenant_id) as session:
        strategies.drop_draft(session, portfolio_id, actor=the_caller().actor)
    flash(_("The draft is gone."))
    return redirect(url_for("portals.portfolio_strategy", tenant_id=tenant_id, portfolio_id=portfolio_id))


def _rows(trial: trying.Trial | None) -> list[tuple[str, list[tuple[str, int, int]]]]:
    """Groups of counts: title, and by name what is now and what would be."""
    if trial is None:
        return []
    parts: list[tuple[str, str, Any]] = [
        (_("By channel"), "channels", lambda name: label("channel", name)),
        (_("By segment"), "segments", lambda name: name or _("outside of any")),
        (_("By arm"), "arms", lambda name: name or _("outside of any")),
    ]
    found = []
    for title, attribute, named in parts:
        before, after = getattr(trial.now, attribute), getattr(trial.tried, attribute)
        names = sorted({*before, *after})
        found.append((title, [(named(one), before.get(one, 0), after.get(one, 0)) for one in names]))
    return found


def _as_read(name: str, value: Any) -> Any:
    """A value of a finding as the page says it."""
    if isinstance(value, int):
        return number(value)
    if name == "rule":
        return rule_word(value)
    return label("channel", value) if name == "channel" else value


def _in_words(found: Finding) -> str:
    what = {name: _as_read(name, value) for name, value in found.what.items()}
    match found.code:
        case "dead_segment":
            return str(_("No account is in the segment “%(segment)s”.", **what))
        case "none_a_day":
            return str(_("%(channel)s is among the channels, and none is allowed a day.", **what))
        case "budget_buys_nothing":
            return str(_("The budget of a day does not pay for one contact."))
        case "nobody_calls":
            return str(_("Calls would be planned, and nobody works for this creditor who could make them."))
        case "never_speaks":
            return str(_("%(assistant)s never speaks: others come first on all of its channels.", **what))
        case "no_machine_calls":
            return str(
                _(
                    "%(assistant)s is to lead calls, and no connector is set up that lets a machine do so.",
                    **what,
                )
            )
        case "no_such_script":
            return str(_("%(assistant)s: there is no approved script “%(script)s”.", **what))
        case "offers_no_plan":
            return str(_("Payment in parts is to be offered after contacts, and is not among the offers."))
        case "not_lawful_now":
            return str(
                _("%(channel)s: the law refuses it now for each of %(accounts)s accounts (%(rule)s).", **what)
            )
        case "starved":
            return str(_("%(accounts)s of %(of)s accounts are reached by none of these channels.", **what))
    raise ValueError(f"no words for the finding {found.code}")
