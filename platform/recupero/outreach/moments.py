"""On a debtor's line of time: notes, what they told on their page, and actions that came to nothing; the
others are contacts there."""

from typing import Any

from sqlalchemy import Select

from recupero.kernel.bulk import among
from recupero.kernel.moments import About, keys
from recupero.outreach.desk_tables import Note
from recupero.outreach.page_tables import Telling
from recupero.outreach.tables import Action

FRUITLESS = ("blocked", "failed", "expired")


def moments(about: About) -> dict[str, Select[Any]]:
    """Actions on these accounts that nobody was reached by, notes, and what was told of them."""
    noted = (Note.tenant_id == about.tenant_id) & among(Note.account_id, about.account_ids)
    mine = (Action.tenant_id == about.tenant_id) & among(Action.account_id, about.account_ids)
    told = (Telling.tenant_id == about.tenant_id) & among(Telling.account_id, about.account_ids)
    return {
        "action": keys("action", Action.changed_at, Action.id, mine, Action.state.in_(FRUITLESS)),
        "note": keys("note", Note.at, Note.id, noted),
        "telling": keys("telling", Telling.told_at, Telling.id, told),
    }
