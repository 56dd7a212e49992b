"""Why a debtor who read a message does not pay, where they say so on their own page.

Shares and chances are ours, for a demonstration that looks like life; policies are tried on debtors who keep
their reasons to themselves (`Drive`), since nothing that is published tells how many speak.
"""

from datetime import date

from recupero.decisions.simulation.debtors import Reaction, SimulatedDebtor
from recupero.decisions.simulation.draws import uniform

#: Chance that a debtor who read a message and does nothing else about it says why.
SAYS_WHY = 0.08
#: Share of the reasons (domain page, 4.2) among those who say one and are not in hardship.
SHARES = (
    ("CASH_SHORT", 0.27), ("NO_INVOICE", 0.23), ("WAITING_INCOME", 0.17), ("FORGOT", 0.12),
    ("PRICE_OR_BILLING_ERROR", 0.08), ("PAYMENT_MEANS", 0.05), ("UNWILLING", 0.04),
    ("SERVICE_COMPLAINT", 0.04),
)  # fmt: skip
_HARDSHIP = (("JOB_LOSS", 0.5), ("OVERINDEBTED", 0.3), ("ILLNESS", 0.2))
#: What is wrong with a debt that is disputed, as the page asks.
_DISPUTED = (("already_paid", 0.4), ("wrong_amount", 0.35), ("not_mine", 0.15), ("other", 0.1))


def said(debtor: SimulatedDebtor, reaction: Reaction, today: date) -> tuple[str, str | None] | None:
    """The reason that the debtor tells upon this reaction, with the detail of a dispute; None where they tell
    none. The reason is the debtor's own and does not change from day to day."""
    draw = uniform(debtor.key, None, "reason")
    match reaction:
        case Reaction.DISPUTE:
            detail = _one_of(_DISPUTED, draw)
            return ("PRICE_OR_BILLING_ERROR" if detail == "wrong_amount" else "DISPUTE"), detail
        case Reaction.HARDSHIP:
            return _one_of(_HARDSHIP, draw), None
        case Reaction.NOTHING if uniform(debtor.key, today, "says why") >= SAYS_WHY:
            return None
        case Reaction.NOTHING | Reaction.LOOK:
            reason = _one_of(_HARDSHIP if debtor.hardship else SHARES, draw)
            return reason, "wrong_amount" if reason == "PRICE_OR_BILLING_ERROR" else None
    return None


def _one_of(shares: tuple[tuple[str, float], ...], draw: float) -> str:
    for name, share in shares:
        if draw < share:
            return name
        draw -= share
    return shares[-1][0]
