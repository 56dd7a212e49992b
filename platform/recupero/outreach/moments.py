"""On a debtor's line of time: notes, what they told on their page, and actions that came to nothing or were
called off by what happened; the others are contacts there."""

from typing import Any

from sqlalchemy import Select

from recupero.kernel.bulk import among
from recupero.kernel.moments import About, keys
from recupero.outreach.desk_tables import Note
from recupero.outreach.page_tables import Telling
from recupero.outreach.tables import Action

FRUITLESS = ("blocked", "failed", "expired")
#: Of what was called off this says nothing: the plan chose something else.
REPLANNED = "replanned"


def moments(about: About) -> dict[str, Select[Any]]:
    """Actions on these accounts that nobody was reached by, notes, and what was told of them."""
    called_off = (Action.state == "cancelled") & (Action.reason != REPLANNED)
    fruitless = Action.state.in_(FRUITLESS) | called_off
    noted = (Note.tenant_id == about.tenant_id) & among(Note.account_id, about.account_ids)
    mine = (Action.tenant_id == about.tenant_id) & among(Action.account_id, about.account_ids)
    told = (Telling.tenant_id == about.tenant_id) & among(Telling.account_id, about.account_ids)
    return {
        "action": keys("action", Action.changed_at, Action.id, mine, fruitless),
        "note": keys("note", Note.at, Note.id, noted),
        "telling": keys("telling", Telling.told_at, Telling.id, told),
    }
