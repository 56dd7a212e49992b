"""From a figure of the reports to the rows that it counted."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from recupero.kernel.errors import NotFound
from recupero.kernel.money import Money
from recupero.portals.creditor import figures
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Table, answer
from recupero.portals.words.lawful import rule_titles
from recupero.portals.words.words import LABELS, label
from recupero.reports import drill
from recupero.reports.drill import Counted
from recupero.reports.drill_statements import Tells
from recupero.reports.figures import Metric, Unit
from recupero.reports.metrics import METRICS
from recupero.reports.periods import parse_period
from recupero.reports.words import Words
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller
from recupero.tenancy.permissions import Permission

_LONGEST_ID = 18  # digits
#: Whose words the codes of a row's result are, where it is not a contact.
_SAID = {
    ("promise",): ("promises", "promise_rate", "promises_per_hour", "kept_rate", "partly_kept_rate",
                   "broken_rate", "kept_value_rate"),
    ("payment_kind",): ("payments", "paid_rate", "collected", "collected_per_hour", "collected_agency",
                        "collected_direct", "reversed", "liquidation", "liquidation_net",
                        "liquidation_in_month", "fees", "fee_tax", "average_fee", "fee_yield", "net_back",
                        "net_back_rate"),
    ("bucket",): ("cure_rate", "self_cure_rate", "roll_rate"),
    ("hold",): ("complaint_rate", "dispute_rate", "dispute_median", "dispute_p90", "disputes_late"),
    ("instalment",): ("plan_rate", "plan_value_rate"),
    ("settlement",): ("settlement_percent",),
    ("close", "status"): ("workable", "penetration", "contactability", "coverage", "placed_accounts",
                          "placed", "placed_in_period", "pif_rate", "sif_rate", "returned_rate",
                          "returned_minor", "age_mean", "age_median", "dso", "cei", "accounts_per_agent"),
}  # fmt: skip
_KINDS = {key: kinds for kinds, keys in _SAID.items() for key in keys}
#: Figures that count accounts: of each row one reads when it was placed, and no channel.
_OF_ACCOUNTS = {
    *_SAID["close", "status"], *_SAID["bucket",], "hours_to_attempt", "hours_to_payment",
}  # fmt: skip
_STOPPED = ("blocked", "put_off")
_OWN = {"waits": lazy_gettext("still waits"), "ended": lazy_gettext("has come"),
        "opt_out": lazy_gettext("Opt-out")}  # fmt: skip


@blueprint.get("/reports/<int:tenant_id>/rows/<key>")
@requires(Permission.REPORTS_READ)
def report_rows(tenant_id: int, key: str) -> ResponseReturnValue:
    """What a figure counted; the rest of the address says where it stands, see `drill.Of`."""
    if key not in drill.METRICS:
        raise NotFound("no such figure")
    metric = METRICS[key]
    with tenant_transaction(tenant_id) as session:
        tenant = tenancy.tenant(session)
        of, words = _asked(key, tenant.currency), Words.of(figures.locale(), tenant.country)
        table = _table(of, words, ZoneInfo(tenant.timezone))
        found, (count, amount) = drill.rows_and_total(session, of, table.part)
        table.fill(found)
    return answer(
        "reports/rows.html", table, tenant=tenant, metric=metric, words=words, period=of.period, count=count,
        together=_together(of, metric, words, count, amount),
    )  # fmt: skip


def _asked(key: str, currency: str) -> drill.Of:
    """The figure that the address names. Raises UserError where its period does not hold."""
    asked = request.args
    return drill.Of(
        key, asked.get("currency", currency), parse_period(asked.get("period", "")),
        portfolio_id=_id("portfolio_id"), batch_id=_id("batch_id"), channel=asked.get("channel"),
        cohort=parse_period(asked["cohort"]).first if asked.get("cohort") else None, part=asked.get("part"),
    )  # fmt: skip


def _id(name: str) -> int | None:
    asked = request.args.get(name, "")
    return int(asked) if asked.isdecimal() and len(asked) <= _LONGEST_ID else None


def _together(of: drill.Of, metric: Metric, words: Words, count: int, amount: int) -> str:
    """What the rows come to, as the figure counts them; "" where it is one of them."""
    if of.statement.tells is Tells.AMONG:
        return ""
    if of.statement.tells is Tells.ROWS:
        return words.count(count)
    return _written(of, words, of.part or "")(amount)


def _written(of: drill.Of, words: Words, part: str) -> Callable[[int], str]:
    """How an amount of the figure's rows is written. Costs are in the currency that their `part` names; of
    several there is no sum."""
    match of.statement.amount:
        case Unit.COST:
            return lambda amount: words.micro(amount, part) if part else ""
        case Unit.DAYS:
            return lambda amount: words("%(count)s days", count=words.count(amount))
        case Unit.HOURS:
            return lambda amount: words("%(count)s h", count=words.count(amount))
    return lambda amount: words.money(amount, of.currency)


def _table(of: drill.Of, words: Words, zone: ZoneInfo) -> Table[Counted]:
    name = "creditor_account" if the_caller().is_creditor else "account"
    titles = rule_titles() if of.key in _STOPPED else {}

    def amount(row: Counted) -> str | Money | None:
        if row.amount is None:
            return None
        if of.statement.amount is Unit.MONEY:
            return Money(row.amount, row.currency)
        return _written(of, words, row.part)(row.amount)

    def what(row: Counted) -> str:
        return titles.get(row.what.removeprefix("law:")) or _said(of.key, row.what)

    accounts = of.key in _OF_ACCOUNTS
    columns: list[Column[Counted]] = [
        Column("at", _("Placed on"), lambda row: row.at.astimezone(zone).date()) if accounts
        else Column("at", _("Moment"), lambda row: row.at),
        Column("number", _("Account"), lambda row: row.client_account,
               link=lambda row: url_for(f"portals.{name}", account_id=row.account_id)),
        *([] if accounts and of.key != "coverage" else [
            Column[Counted]("channel", _("Channel"), lambda row: row.channel.strip("-") or None,
                            words="channel")]),
        Column("what", _("Result"), what, sorts=False),
    ]  # fmt: skip
    if of.statement.amount is not None:
        columns.append(Column("amount", _heading(of.statement.amount), amount, numeric=True))
    return Table("counted", _("What the figure counts"), columns, sort="-at")


def _heading(amount: Unit) -> str:
    match amount:
        case Unit.DAYS:
            return str(_("Days"))
        case Unit.HOURS:
            return str(_("Hours it took"))
        case Unit.COST:
            return str(_("Cost"))
    return str(_("Amount"))


def _said(key: str, code: str) -> str:
    """A row's result in the reader's words."""
    if code in _OWN:
        return str(_OWN[code])
    kinds = ("held",) if key in _STOPPED else _KINDS.get(key, ("disposition", "contact"))
    return next((label(kind, code) for kind in kinds if code in LABELS[kind]), code)
