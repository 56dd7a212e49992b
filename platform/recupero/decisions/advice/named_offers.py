"""The offer that a message of the house names: the recommended one, within what the page may agree."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from recupero.outreach.texts.naming import Named
from recupero.payments.offers.policy import MODEL

if TYPE_CHECKING:
    from recupero.decisions.advice.offers import Advice


def named(session: Session, groups: Sequence[Collection[int]]) -> list[Named | None]:
    """The best plan or settlement over each group of accounts of one debtor and currency of the tenant in
    scope; None where neither can be offered. The whole by a day is what every other message asks for."""
    from recupero.decisions.advice import offers  # numpy is loaded where an offer is made, not with the rooms

    return [_best(each) for each in offers.advise_many(session, groups, MODEL)]


def _best(advice: Advice | None) -> Named | None:
    from recupero.decisions.advice import offers

    best = next((one for one in advice.offers if one.kind != offers.FULL), None) if advice else None
    if best is None:
        return None
    if best.kind == offers.SETTLEMENT:
        return Named(best.count, best.first_on, total_minor=best.total_minor, until=best.until)
    return Named(
        best.count, best.first_on, each_minor=best.instalment_minor, last_minor=best.rows[-1][1],
        down_minor=best.down_minor, total_minor=best.total_minor,
    )  # fmt: skip
