"""Is this message real? What we sent lately, for whoever proved who they are, and the door to `/m`."""

from flask import render_template
from flask.typing import ResponseReturnValue

from recupero.contacts import messages as contact_messages
from recupero.payments.gateways import charges
from recupero.payments.gateways.links import Door
from recupero.portals.debtor.door import WHY, blueprint, proven, transaction_of, wear_house
from recupero.tenancy.guard import public

_SHOWN = 20


@blueprint.get("/p/<token>/messages")
@public(WHY)
@proven
def messages(token: str, door: Door) -> ResponseReturnValue:
    """Our last messages and calls to this person, by day and channel."""
    with transaction_of(door) as opened:
        agency, creditor = wear_house(opened)
        sent = contact_messages.sent_lately(opened, charges.accounts_of(opened, door.link_id), limit=_SHOWN)
    return render_template("debtor/messages.html", token=token, sent=sent, agency=agency, creditor=creditor)
