"""A debtor whole: all that they owe one creditor, how they are reached, and one line of time over all of
it."""

from collections import defaultdict

from flask import render_template
from flask.typing import ResponseReturnValue

from recupero.kernel.moments import About
from recupero.outreach import queries as outreach
from recupero.payments.offers import hardship
from recupero.placements import browse
from recupero.placements.lifecycle import ENDED
from recupero.portals.accounts import timeline
from recupero.portals.accounts.accounts import reader, talked
from recupero.portals.accounts.reaching import ways
from recupero.portals.frame.pages import blueprint
from recupero.tenancy import queries as tenancy
from recupero.tenancy.guard import requires, transaction
from recupero.tenancy.permissions import Permission


@blueprint.get("/debtors/<int:debtor_id>")
@requires(Permission.ACCOUNTS_READ)
def account_person(debtor_id: int) -> ResponseReturnValue:
    with transaction() as session:
        card = browse.debtor(session, debtor_id)
        about = About(card.debtor.tenant_id, debtor_id, tuple(line.id for line in card.accounts))
        return render_template(
            "people/person.html", card=card, ways=ways(card.points), debtor=card.debtor, owed=_owed(card),
            tenant=tenancy.tenant(session, card.debtor.tenant_id), line=timeline.of(session, about),
            numbers={line.id: line.client_account for line in card.accounts},
            planned=outreach.next_actions(session, about.account_ids),
            accounts_by_id={line.id: line for line in card.accounts},
            case=hardship.open_of(session, debtor_id), talked=talked(session, debtor_id),
            show=reader(),
        )  # fmt: skip


def _owed(card: browse.DebtorCard) -> dict[str, int]:
    """What they owe on accounts that are worked, by currency."""
    owed: dict[str, int] = defaultdict(int)
    for line in card.accounts:
        if line.status not in ENDED:
            owed[line.currency] += line.balance_minor
    return owed
