"""The rows behind the figures of the home page: what is due today, which contacts were made, what came in,
which promises are due; and the plan of the day: what was planned, what was scarce, what was left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.contacts import figures as contacts
from recupero.decisions import queries as decisions
from recupero.decisions.advice import promise_chances
from recupero.decisions.advice.promise_chances import Chance
from recupero.decisions.queries import RunLine
from recupero.decisions.tables import SCALE
from recupero.kernel import clock
from recupero.kernel.money import Money
from recupero.outreach import figures as outreach
from recupero.payments import figures as payments
from recupero.placements import browse
from recupero.placements.browse import AccountLine
from recupero.portals.creditor import expecting
from recupero.portals.frame.forms import id_of
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Table, answer, creditor_pick
from recupero.portals.words.language import brand, iso_day, language_name, moment
from recupero.portals.words.words import label, options
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, transaction
from recupero.tenancy.permissions import Permission


def today() -> tuple[datetime, datetime]:
    """First and last instant of the day in the house's zone."""
    zone = ZoneInfo(brand().timezone)
    began = datetime.combine(clock.today(brand().timezone), time.min, zone)
    return began, began + timedelta(days=1)


@dataclass
class _Accounts:
    """The accounts that the rows of a page are about, read together."""

    lines: dict[int, AccountLine]
    creditors: dict[int, str]

    def columns(self) -> list[Column[Any]]:
        """Account, debtor and creditor of a row by its `account_id`."""
        return [
            Column("account", _("Account"), self._number, link=_account, sorts=False),
            Column("debtor", _("Debtor"), self._debtor, sorts=False),
            Column("creditor", _("Creditor"), lambda row: self.creditors.get(row.tenant_id), sorts=False),
        ]  # fmt: skip

    def _number(self, row: Any) -> str | None:
        found = self._of(row)
        return found.client_account if found else None

    def _debtor(self, row: Any) -> str | None:
        found = self._of(row)
        return found.debtor if found else None

    def _of(self, row: Any) -> AccountLine | None:
        return self.lines.get(row.account_id or 0)

    def read(self, session: Session, rows: Sequence[Any]) -> None:
        """The accounts of these rows."""
        self.creditors.update({one.id: one.name for one in tenancy.tenants(session)})
        self.lines.update(browse.lines(session, sorted({row.account_id for row in rows if row.account_id})))


def _account(row: Any) -> str | None:
    return url_for("portals.account", account_id=row.account_id) if row.account_id else None


@blueprint.get("/today/due")
@requires(Permission.ACCOUNTS_READ)
def today_due() -> ResponseReturnValue:
    with transaction() as session:
        accounts = _Accounts({}, {one.id: one.name for one in tenancy.tenants(session)})
    table: Table[Any] = Table(
        "rows", _("Due today"),
        [
            Column("due", _("When"), lambda row: row.due_at), *accounts.columns(),
            Column("channel", _("Channel"), lambda row: row.channel, words="channel"),
            Column("what", _("What"), lambda row: row.template, words="template"),
            Column("state", _("State"), lambda row: row.state, words="action", badge=True),
        ],
        filters=[*creditor_pick(accounts.creditors), Pick("channel", _("Channel"), options("channel"))],
    )  # fmt: skip
    channel, tenant = table.chosen["channel"] or None, id_of(table.chosen.get("tenant", ""))
    with transaction() as session:
        table.fill(outreach.due_lines(session, today()[1], table.part, channel, tenant))
        accounts.read(session, table.rows)
    return answer("home/rows.html", table, note=_("Actions that wait and are due by the end of today."))


@blueprint.get("/today/contacts")
@requires(Permission.ACCOUNTS_READ)
def today_contacts() -> ResponseReturnValue:
    accounts, titles = _Accounts({}, {}), (_("Sent"), _("Answered"), _("From debtors"))
    table: Table[Any] = Table(
        "rows", _("Contacts of today"),
        [
            Column("at", _("When"), lambda row: row.at), *accounts.columns(),
            Column("channel", _("Channel"), lambda row: row.channel, words="channel"),
            Column("state", _("State"), lambda row: row.state, words="contact", badge=True),
        ],
        filters=[Pick("figure", _("Show"), list(zip(contacts.COUNTED, titles, strict=True)))],
    )  # fmt: skip
    with transaction() as session:
        table.fill(contacts.made_lines(session, today()[0], table.chosen["figure"], table.part))
        accounts.read(session, table.rows)
    return answer("home/rows.html", table, note=_("Contacts since midnight."))


@blueprint.get("/today/payments")
@requires(Permission.ACCOUNTS_READ)
def today_payments() -> ResponseReturnValue:
    accounts = _Accounts({}, {})
    table: Table[Any] = Table(
        "rows", _("Collected today"),
        [
            Column("at", _("When"), lambda row: row.at), *accounts.columns(),
            Column("kind", _("Kind"), lambda row: row.kind, words="payment_kind"),
            Column("amount", _("Amount"), lambda row: Money(row.amount_minor, row.currency)),
            Column("state", _("State"), lambda row: row.state, words="payment", badge=True),
        ],
    )  # fmt: skip
    with transaction() as session:
        table.fill(payments.received_lines(session, today()[0], table.part))
        accounts.read(session, table.rows)
    return answer("home/rows.html", table, note=_("Money that came in since midnight, less what went back."))


@blueprint.get("/today/promises")
@requires(Permission.ACCOUNTS_READ)
def today_promises() -> ResponseReturnValue:
    accounts = _Accounts({}, {})
    said: dict[int, Chance] = {}
    table: Table[Any] = Table(
        "rows", _("Promises due"),
        [
            Column("due", _("Due"), lambda row: row.due_date), *accounts.columns(),
            Column("amount", _("Promised"), lambda row: Money(row.amount_minor, row.currency)),
            Column("paid", _("Paid"), lambda row: Money(row.paid_minor, row.currency), sorts=False),
            Column("made", _("Made"), lambda row: row.made_at),
            Column("outlook", _("Outlook"), lambda row: said[row.id].word if row.id in said else None,
                   words="outlook", badge=True, sorts=False),
        ],
    )  # fmt: skip
    with transaction() as session:
        table.fill(payments.promised_lines(session, today()[0].date(), table.part))
        accounts.read(session, table.rows)
        said |= promise_chances.of_promises(session, [row.id for row in table.rows])
        coming = expecting.coming(session, today()[0].date())
    note = _("Open promises whose day is today or was before.")
    return answer("home/promises.html", table, note=note, coming=coming)


@dataclass(frozen=True, slots=True)
class Scarce:
    """One thing that a plan may not use without end on a day: how much of it the plan left, and whether more
    of it would have been worth something."""

    what: str
    when: str
    left: float
    short: bool

    @property
    def said(self) -> str:
        """When, as the reader writes it: an hour of the house, or a day."""
        if "T" in self.when:
            return moment(datetime.fromisoformat(self.when))
        return iso_day(self.when)


@blueprint.get("/today/plan")
@requires(Permission.DECISIONS_READ)
def today_plan() -> ResponseReturnValue:
    """The newest plan of each creditor: what is due, what was scarce, what was left out and why."""
    ends = today()[1]
    with transaction() as session:
        runs = decisions.latest_runs(session)
        due = outreach.by_channel(session, ends)
        creditors = {one.id: one.name for one in tenancy.tenants(session)}
        portfolios = browse.portfolio_names(session)
    scarce = {run.tenant_id: _scarce(run, portfolios) for run in runs}
    return render_template(
        "home/plan.html", runs=runs, due=due, creditors=creditors, scarce=scarce,
    )  # fmt: skip


def _scarce(run: RunLine, portfolios: dict[int, str]) -> list[Scarce]:
    """What of the plan's resources was short or nearly used up, the shortest first."""
    found = [
        Scarce(*_named(name, portfolios), left=left, short=price > 0)
        for name, (price, left) in run.prices.items()
        if not name.startswith(SCALE)
    ]
    return sorted(found, key=lambda one: (not one.short, one.when, one.what))[:40]


def _named(resource: str, portfolios: dict[int, str]) -> tuple[str, str]:
    """A resource of the plan (`decisions/planning/capacity.py`) in words: what, and of which day or hour."""
    kind, _colon, rest = resource.partition(":")
    if kind == "minutes":
        who, _colon, when = rest.rpartition(":20")
        skill, _colon, one = who.partition(":")
        if skill == "people":
            return _("People's minutes"), f"20{when}"
        told = language_name(one) if skill == "language" else label("skill", one)
        return f"{label('capacity', skill)}: {told}", f"20{when}"
    key, _colon, when = rest.rpartition(":")
    number, _colon, channel = key.partition(":")
    name = portfolios.get(int(number), number) if number.isdecimal() else number
    what = f"{label('capacity', kind)}: {name}"
    return (f"{what} · {label('channel', channel)}" if channel else what), when
