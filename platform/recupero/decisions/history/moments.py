"""Decisions on a debtor's line of time."""

from typing import Any

from sqlalchemy import Select

from recupero.decisions.tables import Decision
from recupero.kernel.bulk import among
from recupero.kernel.moments import About, keys


def moments(about: About) -> dict[str, Select[Any]]:
    """What was decided about these accounts."""
    mine = (Decision.tenant_id == about.tenant_id) & among(Decision.account_id, about.account_ids)
    return {"decision": keys("decision", Decision.at, Decision.id, mine)}
