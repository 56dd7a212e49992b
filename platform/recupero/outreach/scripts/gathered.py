"""What a call speaks of besides its account, as messages do (`texts.beyond`): all that the debtor owes the
creditor in its currency, so that one call is enough, and the offer that is recommended, so that it carries a
solution."""

from sqlalchemy.orm import Session

from recupero.contacts.queries import Dossiers
from recupero.kernel import clock
from recupero.outreach.texts import beyond
from recupero.outreach.texts.beyond import About, Told
from recupero.payments.agreements import settlements
from recupero.payments.offers.policy import MODEL
from recupero.placements.reach import Reachable


def about(session: Session, account: Reachable, known: Dossiers, *, offers: bool) -> About | None:
    """What a call about the account is about; None where that is the account alone and nothing is offered.
    `offers`: an offer is asked for, which takes longer than all the rest.

    A call before the due date names what falls due, too, and nothing that is overdue; an account on which
    something rests is offered nothing.
    """
    early = account.due_date >= clock.now().date()
    made = offers and not known.holds_on(account)
    template = "reminder" if early else beyond.OFFERING if made else "follow_up"
    asked = [(account.account_id, template, account)]
    return beyond.scopes(session, asked, lambda other: bool(known.holds_on(other))).get(account.account_id)


def told(session: Session, scope: About | None, *, preview: bool = False) -> Told | None:
    """What the call may say of it. A settlement that nobody was told of yet is named in a `preview` alone:
    what is named must stand (`let_stand`)."""
    if scope is None:
        return None
    found = beyond.told(session, {0: scope}, lock=False)[0]
    return found if preview or found.made is None else found.without_offer()


def let_stand(session: Session, scope: About | None) -> None:
    """Before the offer is said: a settlement that is recommended stands from now on, as one that a message
    names. Nothing where none is, or where somebody else holds the accounts at this moment."""
    if scope is None:
        return
    found = beyond.told(session, {0: scope})[0]
    if found.stands is not None:
        settlements.named_again(session, found.stands, None)
    settlements.offer_named(session, [found.made] if found.made is not None else [], MODEL)
