"""What open promises may bring, by portfolio and day, for pages that show it, with the promises behind."""

from dataclasses import dataclass
from datetime import date, timedelta

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from recupero.decisions.advice import promise_chances
from recupero.decisions.advice.promise_chances import ComingPromise, Expected
from recupero.kernel.errors import NotFound
from recupero.kernel.money import Money
from recupero.placements import browse
from recupero.portals.creditor.own import reading
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Table, answer
from recupero.portals.words.language import percent
from recupero.tenancy.guard import requires, the_caller, transaction
from recupero.tenancy.permissions import Permission

#: How far ahead is looked, in days.
AHEAD = (0, 7, 30)


@dataclass(frozen=True, slots=True)
class Coming:
    """What is due to a portfolio until a day, and where its promises are."""

    portfolio: str
    until: date
    one: Expected
    url: str


def coming(session: Session, today: date) -> list[Coming]:
    """What open promises to the tenants in scope may bring until today, in a week and in a month, by
    portfolio."""
    names = browse.portfolio_names(session)
    days = [today + timedelta(days=each) for each in AHEAD]
    found = [
        Coming(names.get(one.portfolio_id, str(one.portfolio_id)), until, one, _url(one, until))
        for until in days
        for one in promise_chances.expected(session, until)
    ]
    return sorted(found, key=lambda line: (line.portfolio, line.one.currency, line.until))


def _url(one: Expected, until: date) -> str:
    page = "portals.creditor_coming" if the_caller().is_creditor else "portals.today_coming"
    return url_for(page, portfolio_id=one.portfolio_id, currency=one.currency, until=until.isoformat())


@blueprint.get("/today/promises/coming/<int:portfolio_id>")
@requires(Permission.ACCOUNTS_READ)
def today_coming(portfolio_id: int) -> ResponseReturnValue:
    with transaction() as session:
        return _page(session, portfolio_id, "portals.account", url_for("portals.today_promises"))


@blueprint.get("/portal/promises/coming/<int:portfolio_id>")
@requires(Permission.REPORTS_READ)
def creditor_coming(portfolio_id: int) -> ResponseReturnValue:
    with reading() as session:
        return _page(session, portfolio_id, "portals.creditor_account", url_for("portals.creditor_promises"))


def _page(session: Session, portfolio_id: int, account_page: str, back: str) -> ResponseReturnValue:
    """The open promises of a portfolio that are due `until` a day, and what they come to."""
    name = browse.portfolio_names(session).get(portfolio_id)
    currency, until = request.args.get("currency", ""), _until()
    if name is None:
        raise NotFound("no such portfolio")
    table = _table(account_page)
    table.fill(promise_chances.coming(session, until, portfolio_id, currency, table.part))
    whole = [one for one in promise_chances.expected(session, until)
             if (one.portfolio_id, one.currency) == (portfolio_id, currency)]  # fmt: skip
    return answer(
        "home/coming.html", table, portfolio=name, until=until, whole=whole[0] if whole else None, back=back
    )


def _until() -> date:
    try:
        return date.fromisoformat(request.args.get("until", ""))
    except ValueError:
        raise NotFound("no such day") from None


def _table(account_page: str) -> Table[ComingPromise]:
    def expected(row: ComingPromise) -> Money | None:
        return None if row.expected_minor is None else Money(row.expected_minor, row.currency)

    return Table(
        "coming", _("What open promises may bring"),
        [
            Column("number", _("Account"), lambda row: row.client_account,
                   link=lambda row: url_for(account_page, account_id=row.account_id)),
            Column("made", _("Made"), lambda row: row.made_at),
            Column("due", _("Due"), lambda row: row.due_date),
            Column("left", _("Still to come"), lambda row: Money(row.left_minor, row.currency)),
            Column("chance", _("Chance"), lambda row: None if row.chance is None else percent(row.chance),
                   numeric=True),
            Column("expected", _("Expected"), expected),
        ],
        sort="due",
    )  # fmt: skip
