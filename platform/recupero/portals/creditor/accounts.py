"""The creditor's accounts: a list to narrow and to choose from, and one account with what came of it."""

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from recupero.contacts import queries as contacts
from recupero.kernel.money import Money
from recupero.payments import queries as payments
from recupero.payments.agreements import plans, settlement_queries
from recupero.payments.papers import invoice_requests
from recupero.placements import browse, orders
from recupero.placements.orders import OwnAccount, OwnFilter
from recupero.portals.creditor.own import reading
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Search, Table, answer
from recupero.portals.words.words import options
from recupero.tenancy.guard import requires
from recupero.tenancy.permissions import Permission


@blueprint.get("/portal/accounts")
@requires(Permission.PLACEMENTS_READ)
def creditor_accounts() -> ResponseReturnValue:
    with reading() as session:
        names = browse.portfolio_names(session)
        table = _table(names)
        chosen = table.chosen
        wanted = OwnFilter(
            number=chosen["q"], portfolio_id=int(chosen["portfolio"]) if chosen["portfolio"] else None,
            status=chosen["status"] or None, stage=chosen["stage"] or None,
            held=None if not chosen["held"] else chosen["held"] == "yes",
        )  # fmt: skip
        table.fill(orders.accounts(session, wanted, table.part))
    return answer("creditor/accounts.html", table)


def _table(portfolios: dict[int, str]) -> Table[OwnAccount]:
    def url(row: OwnAccount) -> str:
        return url_for("portals.creditor_account", account_id=row.id)

    return Table(
        "accounts", _("Accounts"),
        [
            Column("number", _("Account"), lambda row: row.client_account, link=url,
                   note=lambda row: row.reference),
            Column("portfolio", _("Portfolio"), lambda row: row.portfolio),
            Column("placed_on", _("Placed on"), lambda row: row.placed_on),
            Column("placed", _("Placed"), lambda row: Money(row.placed_minor, row.currency)),
            Column("balance", _("Balance"), lambda row: Money(row.balance_minor, row.currency)),
            Column("due", _("Due"), lambda row: row.due_date),
            Column("status", _("State"), lambda row: row.status, words="status", badge=True),
            Column("stage", _("Stage"), lambda row: None if row.ended else row.stage, words="stage"),
            Column("held", _("Rests"), lambda row: row.held, sorts=False),
        ],
        filters=[
            Search(_("Account number or reference")),
            Pick("portfolio", _("Portfolio"), [(str(one), name) for one, name in portfolios.items()]),
            Pick("status", _("State"), options("status")),
            Pick("stage", _("Stage"), options("stage")),
            Pick("held", _("Rests"), [("yes", _("yes")), ("no", _("no"))]),
        ],
        per_page=25,
    )  # fmt: skip


@blueprint.get("/portal/accounts/<int:account_id>")
@requires(Permission.PLACEMENTS_READ)
def creditor_account(account_id: int) -> ResponseReturnValue:
    """What is owed, what stops the work, what was done and what came of it. Nobody's name or number."""
    with reading() as session:
        card = browse.account(session, account_id)
        view = {
            "account": orders.account(session, account_id), "holds": card.holds, "portfolio": card.portfolio,
            "contacts": contacts.timeline(session, account_id, 50),
            "payments": payments.payments_of(session, account_id),
            "promises": payments.promises_of(session, [account_id]),
            "plans": plans.plans_of(session, [account_id]),
            "settlements": settlement_queries.settlements_of(session, [account_id]),
            "asked": invoice_requests.of_account(session, account_id),
        }  # fmt: skip
    return render_template("creditor/account.html", **view)
