"""The list of accounts with its search, and one account whole: facts, law, what is next, one timeline."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from recupero.contacts import proving, told
from recupero.contacts.grounds import grounds
from recupero.contacts.proving import AccountWeek
from recupero.decisions import queries as decisions
from recupero.decisions.advice import promise_chances
from recupero.decisions.advice.promise_chances import Chance
from recupero.decisions.history import control
from recupero.decisions.planning import prospects
from recupero.kernel import clock
from recupero.kernel.errors import NotFound
from recupero.kernel.moments import About
from recupero.kernel.money import Money
from recupero.ledger import queries as ledger
from recupero.outreach import queries as outreach
from recupero.outreach.channels import preferences
from recupero.outreach.conversations import queries as inbound
from recupero.outreach.orders import drafts
from recupero.payments import queries as payments
from recupero.payments.books.contracts import annual_rate, missing_rate
from recupero.payments.papers import documents
from recupero.payments.tables import PromiseToPay
from recupero.placements import browse, labels
from recupero.placements.browse import AccountLine, Filter
from recupero.placements.debts import debts_by_id
from recupero.placements.label_tables import Label
from recupero.placements.lifecycle import BY_AGREEMENTS, ENDED
from recupero.portals.accounts import timeline
from recupero.portals.accounts.reaching import BestHour, best_hours, ways
from recupero.portals.frame.forms import Form, id_of
from recupero.portals.frame.identity import masked
from recupero.portals.frame.pages import blueprint
from recupero.portals.frame.tables import Column, Pick, Search, Table, answer
from recupero.portals.talks.inbox import only_of
from recupero.portals.words import lawful
from recupero.portals.words.language import language
from recupero.portals.words.words import label, options
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, tenant_transaction, the_caller, transaction
from recupero.tenancy.permissions import Permission
from recupero.tenancy.tables import Tenant


@blueprint.get("/accounts")
@requires(Permission.ACCOUNTS_READ)
def accounts() -> ResponseReturnValue:
    with transaction() as session:
        tenants = {tenant.id: tenant for tenant in tenancy.tenants(session)}
        known = labels.of_scope(session)
        borne: dict[int, list[Label]] = {}
        table = _accounts_table(tenants, browse.portfolio_names(session), known, borne)
        countries = sorted({tenant.country for tenant in tenants.values()})
        rows = browse.accounts(session, filter_of(table.chosen), countries=countries, part=table.part)
        borne.update(labels.of_accounts(session, [row.id for row in rows]) if known else {})
        table.fill(rows)
    return answer("accounts/list.html", table, borne=borne, known_labels=bool(known))


def _accounts_table(
    tenants: Mapping[int, Tenant],
    portfolios: Mapping[int, str],
    known: Sequence[Label],
    borne: Mapping[int, Sequence[Label]],
) -> Table[AccountLine]:
    today = clock.now().date()
    creditors = [(str(tenant.id), tenant.name) for tenant in tenants.values()]
    columns: list[Column[AccountLine]] = [
        Column("account", _("Account"), lambda row: row.client_account,
               link=lambda row: url_for("portals.account", account_id=row.id)),
        Column("debtor", _("Debtor"), lambda row: row.debtor, sorts=False),
        Column("creditor", _("Creditor"), lambda row: tenants[row.tenant_id].name, sorts=False,
               note=lambda row: row.portfolio),
        Column("balance", _("Balance"), lambda row: Money(row.balance_minor, row.currency)),
        # Longer overdue is due earlier: sorting by it is sorting by the day.
        Column("due", _("Due since"), lambda row: row.due_date,
               note=lambda row: ngettext("%(num)s day", "%(num)s days", max((today - row.due_date).days, 0))),
        Column("status", _("Status"), lambda row: row.status, words="status", badge=True),
        Column("stage", _("Stage"), lambda row: row.stage if row.status == "active" else None,
               words="stage", badge=True),
    ]  # fmt: skip
    if known:
        columns.append(Column("labels", _("Labels"), lambda row: ", ".join(
            one.name for one in borne.get(row.id, ())) or None, sorts=False))  # fmt: skip
    return Table(
        "accounts", _("Accounts"), columns,
        filters=(
            Search(_("Search"), _("Account number, full name, national id, phone or e-mail")),
            *([Pick("tenant", _("Creditor"), creditors)] if len(creditors) > 1 else []),
            Pick("portfolio", _("Portfolio"), [(str(id_), name) for id_, name in portfolios.items()]),
            Pick("status", _("Status"), options("status")),
            Pick("stage", _("Stage"), options("stage")),
            Pick("held", _("Hold"), [("yes", _("On hold")), ("no", _("Not on hold"))]),
            *([Pick("label", _("Label"), [(str(one.id), one.name) for one in known])] if known else []),
        ),
    )  # fmt: skip


def filter_of(chosen: Mapping[str, str]) -> Filter:
    """What the list is narrowed to, by the fields of its filters."""

    def number(name: str) -> int | None:
        return id_of(chosen.get(name, ""))

    return Filter(
        text=chosen["q"], tenant_id=number("tenant"), portfolio_id=number("portfolio"),
        status=chosen["status"] or None, stage=chosen["stage"] or None,
        held={"yes": True, "no": False}.get(chosen["held"]), label_id=number("label"),
    )  # fmt: skip


@blueprint.get("/accounts/<int:account_id>")
@requires(Permission.ACCOUNTS_READ)
def account(account_id: int) -> ResponseReturnValue:
    return render_template("accounts/account.html", **account_view(account_id))


#: Holds of which the debtor waits to hear what came of it: who ends one says so.
ANSWERED = ("complaint", "dispute")


def account_view(
    account_id: int,
    *,
    hold: Form | None = None,
    promise: Form | None = None,
    fact: Form | None = None,
    wish: Form | None = None,
    link: str | None = None,
    note: Form | None = None,
    ended: Form | None = None,
) -> dict[str, Any]:
    """Everything that the page of an account shows, with forms that were refused. Raises NotFound."""
    with transaction() as session:
        card = browse.account(session, account_id)
        balance = ledger.balances(session, [account_id]).get(account_id)
        on = grounds(session, [account_id])
        week = proving.account_week(session, account_id, clock.now(), on=on)
        states = lawful.channel_states(week, language())
        silent = outreach.why_silent(session, account_id, on)
        view = {
            "card": card,
            "ways": ways(card.points),
            "tenant": tenancy.tenant(session, card.account.tenant_id),
            "control_since": _control_since(session, card),
            "balance": balance,
            "interest": _interest(session, account_id),
            "documents": documents.documents_of(session, card.account.debtor_id),
            "states": states,
            "talked": talked(session, card.account.debtor_id),
            "week": week,
            "closed": lawful.closed_because(states),
            "line": timeline.of(session, About(card.account.tenant_id, card.debtor.id, (account_id,))),
            "decision": next(iter(decisions.decisions_of(session, account_id, 1)), None),
            "planned": outreach.next_actions(session, [account_id]).get(account_id),
            "drafts": _drafts(session, account_id),
            "silent": silent,
            "prospect": prospects.prospect(session, account_id, on, silent),
            "show": reader(),
            "today": clock.now().date(),
            "now": clock.now(),
            "hold": hold or Form(),
            "note": note or Form(),
            "ended": ended or Form(),
            "answered": ANSWERED,
            "agreed_holds": BY_AGREEMENTS,
            "promise": promise or Form(),
            "promised": _promised(session, account_id),
            "facts": told.told_of_account(session, card.account.debtor_id, account_id),
            "fact_form": fact or Form(),
            "wish": wish or _wish(session, card),
            "fact_choices": [(kind, _choices(kind, names)) for kind, names in told.NAMES.items()],
            "link": link,
            "labels": labels.choices(session, account_id),
        }
    return view | {"hours": _hours(card, week)}


def _hours(card: browse.AccountCard, week: AccountWeek) -> list[BestHour]:
    """The best lawful hours, of accounts that are worked."""
    if card.account.status in ENDED:
        return []
    with tenant_transaction(card.account.tenant_id) as session:
        return best_hours(session, card.debtor.id, week)


def _control_since(session: Session, card: browse.AccountCard) -> datetime | None:
    """Since when the person is in the creditor's control group; None: they are not."""
    creditor, debtor = tenancy.tenant(session, card.account.tenant_id), card.debtor
    return control.left_alone_since(creditor.id, creditor.settings, debtor.person_id, debtor.created_at)


def _promised(session: Session, account_id: int) -> tuple[PromiseToPay, Chance | None] | None:
    """The promise that is open on the account, and what was held of it when it was made."""
    found = next((one for one in payments.promises_of(session, [account_id]) if one.state == "open"), None)
    if found is None:
        return None
    return found, promise_chances.of_promises(session, [found.id]).get(found.id)


def _wish(session: Session, card: browse.AccountCard) -> Form:
    """How the debtor wants to be reached, as the form has it."""
    asked = preferences.of_debtor(session, card.debtor.id, card.debtor.language)
    begins, ends = [at.isoformat("minutes") for at in asked.hours] if asked.hours else ("", "")
    return Form({
        "channel": asked.channel or "", "begins": begins, "ends": ends, "language": asked.language,
    })  # fmt: skip


def talked(session: Session, debtor_id: int) -> bool:
    """Whether there is a conversation that the caller may read."""
    if not the_caller().may(Permission.INBOX_READ):
        return False
    try:
        inbound.conversation(session, debtor_id, of_user=only_of())
    except NotFound:
        return False
    return True


def _drafts(session: Session, account_id: int) -> list[drafts.Line]:
    """What people wrote to the debtor, for those who work the account."""
    may = the_caller().may(Permission.ACCOUNTS_WORK)
    return drafts.lines(session, account_id=account_id, limit=10) if may else []


def _choices(kind: str, names: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, label(f"stated_{kind}", name)) for name in names]


def _interest(session: Session, account_id: int) -> tuple[int, str, str | None] | None:
    """Basis points a year, how days count, and what is missing for any to accrue; None: none is agreed."""
    debt = debts_by_id(session, [account_id])[0]
    if "accrual" not in debt.terms:
        return None
    return annual_rate(debt), debt.terms["accrual"].get("day_count", "act/365"), missing_rate(debt)


def reader() -> Callable[[str | None], str]:
    """How personal data is shown to the caller."""
    return _plain if the_caller().may(Permission.ACCOUNTS_WORK) else masked


def _plain(value: str | None) -> str:
    return value or "–"
