"""Where everybody begins: the agency's day, the platform for its operator, the report for creditors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from recupero.contacts import figures as contacts
from recupero.contacts.queries import packs
from recupero.decisions import queries as decisions
from recupero.decisions.advice import promise_chances
from recupero.decisions.learning import looks
from recupero.decisions.learning.registry import parts_of
from recupero.kernel import job_requests, runtime
from recupero.kernel.database import Scope, scope_of
from recupero.kernel.drawing import WIDTH, Chart, Series
from recupero.kernel.money import minor_units
from recupero.ledger import alarms as book_alarms
from recupero.ledger import jobs as ledger_jobs
from recupero.ledger import queries as ledger
from recupero.ledger import sums
from recupero.outreach import figures as outreach
from recupero.outreach.channels import connectors, rests
from recupero.payments import figures as payments
from recupero.placements import cases
from recupero.portals.frame.pages import blueprint
from recupero.portals.today import today
from recupero.portals.words.language import brand, compact, day_and_month, moment, money
from recupero.portals.words.language import country as country_name
from recupero.portals.words.words import as_told, label
from recupero.reports import alarms as report_alarms
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, signed_in, the_caller, transaction
from recupero.tenancy.permissions import Permission

#: Days whose money the home page draws, and the width of one of several drawings.
DAYS, HALF = 14, 480
#: Entries of books that are proven while somebody waits; longer ones are proven by a job.
PROVEN_AT_ONCE = 15_000


@blueprint.get("/")
@signed_in
def home() -> ResponseReturnValue:
    caller = the_caller()
    if caller.may(Permission.PLATFORM_OPERATE):
        return redirect(url_for("portals.platform"))
    if caller.is_creditor:
        return redirect(url_for("portals.creditor_overview"))
    began, ends = today()
    with transaction() as session:
        figures = {
            "due": outreach.due(session, ends),
            "made": contacts.made(session, began),
            "received": payments.received(session, began),
            "promised": payments.promised(session, began.date()),
            "expected": promise_chances.in_all(promise_chances.expected(session, began.date())),
            "runs": decisions.latest_runs(session),
            "tenants": {tenant.id: tenant.name for tenant in tenancy.tenants(session)},
            "alarms": _alarms(session),
            "charts": _collected(session, began),
        }
    return render_template("home/agency.html", today=began, **figures)


def _collected(session: Session, began: datetime) -> list[Chart]:
    """What came in on each of the last days, a chart for each currency."""
    first = began.date() - timedelta(days=DAYS - 1)
    days = [first + timedelta(days=number) for number in range(DAYS)]
    start = datetime.combine(first, time.min, began.tzinfo)
    found = payments.received_by_day(session, start, brand().timezone)
    return [
        _chart_of(currency, days, amounts, width=WIDTH if len(found) == 1 else HALF)
        for currency, amounts in found.items()
    ]


def _chart_of(currency: str, days: Sequence[date], amounts: Mapping[date, int], *, width: int) -> Chart:
    unit, values = 10 ** minor_units(currency), [amounts.get(one, 0) for one in days]
    return Chart(
        _("Collected on each of the last %(number)s days, %(currency)s", number=len(days), currency=currency),
        [day_and_month(one) for one in days], [Series(_("Collected"), [value / unit for value in values])],
        width=width, write=lambda value: money(round(value * unit), currency), axis=compact,
        told=_("%(amount)s in all", amount=money(sum(values), currency)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a person should look at, and where."""

    text: str
    url: str | None = None


def _alarms(session: Session) -> list[Alarm]:
    """What somebody should look at, told to those who may look into it."""
    caller, found = the_caller(), list[Alarm]()

    def tell(needed: Permission, text: str, endpoint: str | None = None, **values: Any) -> None:
        if caller.may(needed):
            found.append(Alarm(text, url_for(endpoint, **values) if endpoint else None))

    countries = {tenant.country for tenant in tenancy.tenants(session)}
    for text in _closed_countries(countries):
        tell(Permission.LAW_READ, text, "portals.law")
    for text in _failed_plugins():
        tell(Permission.TENANCY_READ, text, "portals.plugins")
    if unknown := contacts.unknown(session):
        text = ngettext(
            "%(num)s message whose fate nobody knows", "%(num)s messages whose fate nobody knows", unknown
        )
        tell(Permission.OUTBOX_READ, text, "portals.outbox", state="unknown")
    for text in _books(session):
        tell(Permission.PAYMENTS_READ, text, "portals.books")
    if past := sum(cases.late(session).values()):
        text = ngettext(
            "%(num)s complaint, dispute or hardship case is late",
            "%(num)s complaints, disputes or hardship cases are late", past,
        )  # fmt: skip
        tell(Permission.ACCOUNTS_READ, text, "portals.cases", state="late")
    for look in looks.drifted(session):
        kind = label("model_kind", parts_of(look.name)[0])
        text = _("The accounts have moved away from what the model “%(kind)s” learned", kind=kind)
        tell(Permission.DECISIONS_READ, text, "portals.model", name=look.name)
    if caller.may(Permission.TENANCY_READ):
        found += _unread_strategies(session) + _channels_down(session)
    for text in _failed_models(session):
        tell(Permission.DECISIONS_READ, text, "portals.models")
    for text in _waiting_money(session):
        tell(Permission.PAYMENTS_READ, text, "portals.suspense_list")
    if dead := sum(letter.agency_id == caller.agency_id for letter in job_requests.dead_letters()):
        tell(
            Permission.TENANCY_READ, ngettext("%(num)s job was given up", "%(num)s jobs were given up", dead)
        )
    return found


def _unread_strategies(session: Session) -> list[Alarm]:
    """Portfolios for which nothing is planned, since their strategy cannot be read."""
    return [
        Alarm(
            _("The strategy of %(portfolio)s cannot be read: nothing is planned for its accounts",
              portfolio=one.name),
            url_for("portals.portfolio_strategy", tenant_id=one.tenant_id, portfolio_id=one.id),
        )
        for one in decisions.unread_strategies(session)
    ]  # fmt: skip


def _channels_down(session: Session) -> list[Alarm]:
    """Connectors by which nothing goes out: their settings do not hold, or their provider takes nothing."""
    names, may = {one.id: one.name for one in tenancy.tenants(session)}, Permission.TENANCY_MANAGE
    told = {
        (tenant_id, one.key): _("is not set up rightly: nothing goes out this way before it is mended")
        for tenant_id, one in connectors.misconfigured(session)
    }
    on = tenancy.plugins_on(session, "channel")
    for failing in rests.failing(session):
        if (failing.tenant_id, failing.connector) in on:
            since, why = moment(failing.since), as_told(failing.reason)
            text = (
                _("its provider refuses the account since %(since)s: %(why)s. What waits goes out once the"
                  " settings are mended", since=since, why=why)
                if failing.refused
                else _("its provider has taken nothing since %(since)s: %(why)s", since=since, why=why)
            )  # fmt: skip
            told.setdefault((failing.tenant_id, failing.connector), text)
    return [
        Alarm(
            f"{names[tenant_id]} · {label('plugin_name', key)}: {text}",
            url_for("portals.tenant", tenant_id=tenant_id)
            if the_caller().may(may) else None,
        )
        for (tenant_id, key), text in told.items()
    ]  # fmt: skip


def _books(session: Session) -> list[str]:
    found = []
    if wrong := len(book_alarms.standing(session)):
        found.append(
            ngettext(
                "The books do not hold: %(num)s problem", "The books do not hold: %(num)s problems", wrong
            )
        )
    if wrong := report_alarms.standing(session):
        found.append(
            ngettext(
                "Reports do not hold what was booked: %(num)s difference. Have them made anew.",
                "Reports do not hold what was booked: %(num)s differences. Have them made anew.", wrong,
            )
        )  # fmt: skip
    return found


def _waiting_money(session: Session) -> list[str]:
    suspense, refused = payments.waiting(session)
    found = []
    if suspense:
        found.append(ngettext("%(num)s payment without a debt", "%(num)s payments without a debt", suspense))
    if refused:
        found.append(
            ngettext(
                "%(num)s payment event could not be booked", "%(num)s payment events could not be booked",
                refused,
            )
        )  # fmt: skip
    return found


def _failed_models(session: Session) -> list[str]:
    """Models that failed in the newest plan of a creditor."""
    names = {tenant.id: tenant.name for tenant in tenancy.tenants(session)}
    failed = [(run.tenant_id, kind) for run in decisions.latest_runs(session) for kind in run.failed]
    return [
        _("The model “%(kind)s” failed in the plan of %(creditor)s, which was made without it",
          kind=label("model_kind", kind), creditor=names.get(tenant_id, ""))
        for tenant_id, kind in failed
    ]  # fmt: skip


def _closed_countries(worked: set[str]) -> list[str]:
    """Countries that nobody is contacted in: those whose law failed to load, and those `worked` that have
    none."""
    known = packs()
    closed = [
        (_("%(country)s is closed to contact: its law failed to load", country=country_name(country)), why)
        for country, why in known.closed.items()
    ]
    missing = sorted(country for country in worked - set(known.closed) if known.closed_because(country))
    return [f"{text}: {why}" for text, why in closed] + [
        _("%(country)s is closed to contact: no law is installed for it", country=country)
        for country in map(country_name, missing)
    ]


def _failed_plugins() -> list[str]:
    """Plug-ins of other kinds than laws that did not load."""
    return [
        _("The plug-in %(name)s failed to load", name=state.name)
        for state in runtime.current().plugins.states if state.error and state.kind != "regulation"
    ]  # fmt: skip


@blueprint.get("/books")
@requires(Permission.PAYMENTS_READ)
def books() -> ResponseReturnValue:
    """The books of the caller's creditors: proven now where they are short, else as they were proven last."""
    with transaction() as session:
        if sums.few(session, PROVEN_AT_ONCE):
            return render_template("home/books.html", problems=ledger.check(session))
        proofs = {one.tenant_id: one for one in sums.proofs(session)}
        problems = [alarm.problem for alarm in book_alarms.standing(session)]
        tenants = tenancy.tenants(session)
    return render_template("home/books.html", problems=problems, tenants=tenants, proofs=proofs)


@blueprint.post("/books")
@requires(Permission.PAYMENTS_READ)
def books_sent() -> ResponseReturnValue:
    """Have the books of the caller's creditors proven again, each in a job of its own."""
    with transaction() as session:
        scope = scope_of(session)
        for tenant_id in scope.tenant_ids:
            ledger_jobs.ask_for_check(session, Scope(scope.agency_id, (tenant_id,)))
    flash(_("The books are being proven. This page tells the result as soon as it is there."))
    return redirect(url_for("portals.books"))
